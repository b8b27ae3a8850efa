# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What CVAT's exports have beside upright boxes in tracks of one task."""

import math

import pytest

from mmwsmots.fileio.box_readers.cvat import read_cvat, read_xml

TASK = (
    '<{kind}><id>{id}</id><name>{name}</name><size>{size}</size><mode>{mode}</mode>'
    '<start_frame>{start}</start_frame><stop_frame>{stop}</stop_frame>'
    '<frame_filter>{filter}</frame_filter><source>{name}.mp4</source>{more}</{kind}>'
)
BOX = '<box frame="{}" outside="0" xtl="{}" ytl="2" xbr="9" ybr="8" {}/>'


def task(number=1, name='clip', start=0, stop=5, size=6, **fields):
    fields = dict(kind='task', mode='interpolation', filter='', more='') | fields
    return TASK.format(
        id=number, name=name, start=start, stop=stop, size=size, **fields
    )


@pytest.fixture
def read(tmp_path):
    def run(meta, *content, **options):
        path = tmp_path / 'annotations.xml'
        text = f'<annotations><meta>{meta}</meta>{"".join(content)}</annotations>'
        path.write_text(text, encoding='utf-8')
        return read_cvat(path, **options)

    return run


def track(*shapes, number=0, label='car', more=''):
    return f'<track id="{number}" label="{label}" {more}>{"".join(shapes)}</track>'


@pytest.mark.parametrize('kind', ['task', 'job'])
@pytest.mark.parametrize(
    ('fields', 'declared'),
    [
        (dict(), range(6)),
        (dict(start=100, stop=105), range(100, 106)),
        (dict(start=10, stop=40, size=7, filter='step=5'), range(10, 41, 5)),
        (dict(start=10, stop=44, size=7, filter='step = 5'), range(10, 41, 5)),
    ],
)
def test_frames_of_a_task(read, kind, fields, declared):
    assert read(task(kind=kind, **fields)).numbering.declared == declared


def test_a_file_of_another_video_is_told(read):
    assert read(task(), video_name='clip').notices == []
    (notice,) = read(task(), video_name='other').notices
    assert notice == 'it was made for clip.mp4, this is other'


def test_size_of_the_frames(read):
    size = '<original_size><width>854</width><height>480</height></original_size>'
    assert read(task(more=size)).size == (480, 854)
    assert read(task()).size is None


def project(*tasks):
    return f'<project><id>1</id><tasks>{"".join(tasks)}</tasks></project>'


def test_the_task_of_the_video(read):
    """Frames are numbered on: a task's follow start + step * size of those before."""
    meta = project(
        task(11, 'a', start=2, stop=8, size=4, filter='step=2'),
        task(12, 'b', subset=''),
        task(13, 'c', start=3, stop=4, size=2),
    )
    first, second, third = 0, 2 + 2 * 4, 2 + 2 * 4 + 6
    content = [
        track(BOX.format(first + 2, 1, ''), number=0, more='task_id="11"'),
        track(BOX.format(second + 5, 2, ''), number=1, more='task_id="12"'),
        track(BOX.format(third + 3, 3, ''), number=2, more='task_id="13"'),
    ]
    for name, left, frame_id, declared in (
        ('a', 1, 2, range(2, 9, 2)),
        ('B', 2, 15, range(10, 16)),
        ('c', 3, 19, range(19, 21)),
    ):
        file = read(meta, *content, video_name=name)
        assert [(b.bbox[0], b.frame_id) for b in file.boxes] == [(left, frame_id)]
        assert file.numbering.declared == declared
    with pytest.raises(ValueError, match=r'none of its 3 tasks have the name d; .* a'):
        read(meta, *content, video_name='d')
    with pytest.raises(ValueError, match='track "0": of several tasks, but without'):
        read(meta, track(BOX.format(0, 1, '')), video_name='a')
    with pytest.raises(ValueError, match='frame 9: the frames of task b are 10 to 15'):
        read(meta, track(BOX.format(9, 1, ''), more='task_id="12"'), video_name='b')


def test_other_shapes_are_counted(read):
    file = read(
        task(),
        track(BOX.format(0, 1, '')),
        track(
            '<polyline frame="0" outside="0" points="1,2;3,4"/>', number=1, label='lane'
        ),
        track(
            '<mask frame="0" outside="0" rle="1"/>',
            '<tag frame="0" outside="0"/>',
            number=2,
        ),
        track('<points frame="1" outside="1" points="1,2"/>', number=3, label='lane'),
    )
    assert len(file.boxes) == 1
    assert file.left_out == {'lane (polyline)': 1, 'car (mask)': 1, 'car (tag)': 1}


def test_a_rotated_box_becomes_its_upright_hull(read):
    file = read(
        task(), track(BOX.format(0, 1, 'rotation="359.5"'), BOX.format(1, 1, ''))
    )
    x1, y1, x2, y2 = file.boxes[0].bbox
    angle, (w, h) = math.radians(0.5), (8, 6)
    corners = [
        (
            5 + x * math.cos(angle) - y * math.sin(angle),
            5 + x * math.sin(angle) + y * math.cos(angle),
        )
        for x in (-w / 2, w / 2)
        for y in (-h / 2, h / 2)
    ]
    xs, ys = zip(*corners)
    assert (x1, y1, x2, y2) == pytest.approx((min(xs), min(ys), max(xs), max(ys)))
    assert file.boxes[1].bbox == (1, 2, 9, 8)
    (notice,) = [n for n in file.notices if 'rotated' in n]
    assert notice.startswith('1 boxes are rotated, by 0.5 degrees at most (track "0"')


IMAGE = '<image id="{}" name="{}" width="64" height="48">{}</image>'
SHAPE = '<box label="car" xtl="{}" ytl="2" xbr="9" ybr="8">{}</box>'


def attribute(value, name='track_id'):
    return f'<attribute name="{name}">{value}</attribute>'


def test_images_with_identities(read):
    content = [
        IMAGE.format(1, 'b.jpg', SHAPE.format(1, attribute(0))),
        IMAGE.format(0, 'a.jpg', SHAPE.format(2, attribute('7.0', 'Instance ID'))),
        IMAGE.format(2, 'c.jpg', '<polygon label="lane" points="1,2;3,4;5,6"/>'),
    ]
    file = read(task(), *content)
    boxes = [(b.frame_id, b.track_id, b.bbox[0]) for b in file.boxes]
    assert boxes == [(1, 0, 1), (0, 7, 2)]
    assert [(n, p.name, p.size) for n, p in file.pictures.items()] == [
        (0, 'a.jpg', (48, 64)),
        (1, 'b.jpg', (48, 64)),
        (2, 'c.jpg', (48, 64)),
    ]
    assert file.has_identities and file.left_out == {'lane (polygon)': 1}


def test_images_without_identities(read):
    content = IMAGE.format(0, 'a.jpg', SHAPE.format(1, '') + SHAPE.format(2, ''))
    assert not read(task(), content).has_identities
    content = IMAGE.format(
        0, 'a.jpg', SHAPE.format(1, attribute(3)) + SHAPE.format(2, '')
    )
    with pytest.raises(
        ValueError, match=r'image "a\.jpg", <box> 2: it has no identity'
    ):
        read(task(), content)
    content = IMAGE.format(0, 'a.jpg', SHAPE.format(1, attribute('left')))
    assert [box.track_id for box in read(task(), content).boxes] == [1]
    with pytest.raises(ValueError, match='a second image of the id 0'):
        read(task(), content.replace(attribute('left'), '') * 2)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'declares a document type'),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'declares a document type'),
        ('<a>' * 60 + '</a>' * 60, 'nested too deeply'),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', 'unknown encoding'),
        ('<a>', 'no element found'),
        ('', 'no element found'),
    ],
)
def test_hostile_xml(tmp_path, text, message):
    path = tmp_path / 'a.xml'
    path.write_text(text)
    with pytest.raises(ValueError, match=rf'a\.xml: no XML: .*{message}'):
        read_xml(path)
