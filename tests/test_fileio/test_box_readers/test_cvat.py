# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest

from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.box_readers.cvat import read_cvat

HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <name>street</name><size>3</size><mode>interpolation</mode>
      <original_size><width>640</width><height>480</height></original_size>
    </task>
  </meta>
"""
BOX = (
    '<box frame="{}" keyframe="{}" outside="{}" occluded="0" xtl="{}" ytl="{}" '
    'xbr="{}" ybr="{}" z_order="0"><attribute name="colour">red</attribute></box>'
)


def track(number, label, *boxes):
    content = ''.join(boxes)
    return f'<track id="{number}" label="{label}" source="manual">{content}</track>'


@pytest.fixture
def read(tmp_path):
    def run(*tracks, head=HEAD, tail='</annotations>'):
        path = tmp_path / 'annotations.xml'
        path.write_text(head + ''.join(tracks) + tail)
        return read_cvat(path).boxes

    return run


def test_fields(read):
    boxes = read(
        track(
            *(0, 'Car'),
            BOX.format(0, 1, 0, 36.54, 5, 50, 60.5),
            BOX.format(1, 0, 0, 37.54, 5, 51, 60.5),  # interpolated by CVAT
            BOX.format(2, 1, 1, 38.54, 5, 52, 60.5),  # gone
            BOX.format(2, 1, 1, 38.54, 5, 52, 60.5),  # again, where segments meet
        ),
        '<!-- a comment -->',
        track(12, 'person', BOX.format(1, 1, 0, -3, 1, 2, 9)),
    )
    assert boxes == [
        TrackedBox(0, 0, 'Car', (36.54, 5, 50, 60.5), False, 'track "0", frame 0'),
        TrackedBox(1, 0, 'Car', (37.54, 5, 51, 60.5), False, 'track "0", frame 1'),
        TrackedBox(1, 12, 'person', (-3, 1, 2, 9), False, 'track "12", frame 1'),
    ]
    assert read() == []


GOOD = BOX.format(1, 1, 0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (track('x', 'car', GOOD), 'track "x": id is no number: \'x\''),
        (track(-1, 'car', GOOD), 'track "-1": -1 is no identity'),
        (track(1, '', GOOD), 'track "1": label is missing'),
        (track(1, 'car', GOOD.replace(' frame="1"', '')), '<box>: frame is missing'),
        (
            track(1, 'car', GOOD.replace(' frame="1"', ' frame="-1"')),
            'frame -1: .* no such',
        ),
        (track(1, 'car', GOOD.replace('ytl="2"', '')), 'frame 1: ytl is missing'),
        (track(1, 'car', GOOD.replace('ytl="2"', 'ytl="nan"')), 'frame 1: ytl is nan'),
        (track(1, 'car', GOOD.replace(' outside="0"', '')), 'outside must be 0 or 1'),
        (track(1, 'car', GOOD, GOOD), 'duplicate id 1 in frame 1'),
        (track(1, 'car', GOOD) + track(1, 'car', GOOD), 'a second track of this id'),
        (track(1, ' ', GOOD), 'label is missing'),
        ('<track id="1"', 'no XML: not well-formed'),
    ],
)
def test_bad_element_is_named(read, content, message):
    with pytest.raises(ValueError, match=rf'annotations\.xml(, |: ).*{message}'):
        read(content)


def test_other_xml(read):
    with pytest.raises(ValueError, match=r'annotations\.xml, <html>: expected <anno'):
        read(head='<html>', tail='</html>')
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + ''.join(
        f'<!ENTITY {new} "{10 * f"&{old};"}">'
        for old, new in zip('abcdefgh', 'bcdefghi')
    )
    with pytest.raises(ValueError, match=r'annotations\.xml: no XML'):
        read(head=f'{bomb}]><annotations>', tail='&i;</annotations>')
