# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import (
    MOTSObject,
    read_mots_txt,
    read_seqmap,
    write_mots_txt,
)
from mmwsmots.fileio.rle import mask_to_rle, rles_to_runs

HEIGHT, WIDTH = 4, 6


def box_rle(x1, y1, x2, y2, height=HEIGHT, width=WIDTH):
    mask = np.zeros((height, width), dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask_to_rle(mask)


def line(frame=0, track=1001, cls=1, height=HEIGHT, width=WIDTH, rle=None):
    rle = box_rle(0, 0, 2, 2) if rle is None else rle
    return f'{frame} {track} {cls} {height} {width} {rle}\n'


def test_round_trip(tmp_path):
    objects = [
        MOTSObject(0, 1001, 1, HEIGHT, WIDTH, box_rle(0, 0, 2, 2)),
        MOTSObject(0, 2007, 2, HEIGHT, WIDTH, box_rle(2, 0, 6, 4)),
        MOTSObject(3, 10000, 10, HEIGHT, WIDTH, box_rle(0, 0, 6, 4)),
    ]
    path = tmp_path / 'new' / '0000.txt'
    write_mots_txt(path, objects)
    assert path.read_text().splitlines()[0] == '0 1001 1 4 6 0220`0'
    assert read_mots_txt(path) == objects
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[:, 2:] = True
    np.testing.assert_array_equal(objects[1].mask, expected)


def test_empty_file_is_a_sequence_without_objects(tmp_path):
    path = tmp_path / '0000.txt'
    write_mots_txt(path, [])
    assert read_mots_txt(path) == []


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / '0000.txt'
    path.write_text(line())

    def objects():
        yield MOTSObject(0, 1, 1, HEIGHT, WIDTH, box_rle(0, 0, 2, 2))
        raise RuntimeError('interrupted')

    with pytest.raises(RuntimeError, match='interrupted'):
        write_mots_txt(path, objects())
    assert path.read_text() == line()
    assert list(tmp_path.iterdir()) == [path]


BAD_LINES = {
    'field missing': ('0 1001 1 4 6\n', 'expected 6 fields .* got 5'),
    'field too many': (line().strip() + ' 1\n', 'expected 6 fields .* got 7'),
    'frame is no integer': (line(frame='1.5'), 'frame_id must be .* "1.5"'),
    'id is negative': (line(track='-1'), 'track_id must be .* "-1"'),
    'id is enormous': (line(track='1' * 10), 'track_id must be .* at most 9 digits'),
    'class is a word': (line(cls='car'), 'class_id must be .* "car"'),
    'unknown class': (line(track=3001, cls=3), 'unknown class 3'),
    'id of another class': (line(track=2001), 'id 2001 does not belong to class 1'),
    'no size': (line(height=0), 'the mask has the size 0 x 6'),
    'other size': (
        line(frame=1, height=5, rle=box_rle(0, 0, 1, 1, height=5)),
        'the mask has the size 5 x 6, the first mask of the file 4 x 6',
    ),
    'duplicate id': (
        line(rle=box_rle(3, 0, 4, 4)),
        r'duplicate id 1001 in frame 0 \(first on line 1\)',
    ),
    'overlap': (
        line(track=1002, rle=box_rle(1, 1, 3, 3)),
        'the mask overlaps the mask of line 1 in frame 0',
    ),
    'overlap with an ignore region': (
        line(track=10000, cls=10, rle=box_rle(0, 1, 6, 3)),
        'the mask overlaps the mask of line 1 in frame 0',
    ),
    'RLE of another size': (
        line(frame=1, rle=box_rle(0, 0, 1, 1, height=5)),
        'add up to 30, not to 4 x 6 = 24 pixels',
    ),
    'RLE cut off': (line(frame=1, rle='0220`'), 'ends within a number'),
    'RLE cut between numbers': (line(frame=1, rle='0220'), 'add up to 6, not'),
    'RLE with a foreign character': (
        line(frame=1, rle='0~20`0'),
        'character outside "0".."o"',
    ),
    'RLE not ASCII': (line(frame=1, rle='02ß20`0'), 'character outside "0".."o"'),
    'RLE with a negative run': (line(frame=1, rle='O5'), 'negative run length'),
    'RLE with a huge number': (
        line(frame=1, rle='oooooooo0'),
        'number beyond 32 bits',
    ),
}


@pytest.mark.parametrize('case', BAD_LINES)
def test_bad_line_is_named(tmp_path, case):
    bad, message = BAD_LINES[case]
    path = tmp_path / '0013.txt'
    path.write_text(line() + bad, encoding='utf-8')
    with pytest.raises(ValueError, match=rf'0013\.txt, line 2: .*{message}'):
        read_mots_txt(path)


def test_checks_that_results_do_without(tmp_path):
    path = tmp_path / '0013.txt'
    path.write_text(line(track=7) + line(track=8, rle=box_rle(1, 1, 3, 3)))
    objects = read_mots_txt(path, check_disjoint=False, check_ids=False)
    assert [obj.track_id for obj in objects] == [7, 8]


def test_real_annotations_are_valid_and_decode_alike(shared_data):
    for name in ('0000', '0012', '0018'):
        objects = read_mots_txt(
            shared_data / 'kitti_mots' / 'instances_txt' / f'{name}.txt'
        )
        for obj in objects[::40]:
            mask = mask_utils.decode(obj.coco_rle)
            runs, _ = rles_to_runs([obj.rle], obj.height, obj.width)
            ours = np.repeat(np.arange(len(runs)) % 2, runs)
            np.testing.assert_array_equal(ours.reshape(obj.width, obj.height).T, mask)
            assert mask_to_rle(mask) == obj.rle


def test_seqmap(tmp_path, shared_data):
    lengths = read_seqmap(shared_data / 'kitti_mots' / 'seqmaps' / 'val.seqmap')
    assert list(lengths)[:2] == ['0002', '0006']
    assert lengths['0002'] == 233
    assert sum(lengths.values()) == 2981


@pytest.mark.parametrize(
    'text, message',
    [
        ('0000 empty 000000 000153\n0001 empty 000000\n', 'line 2: expected'),
        ('0000 empty 000000 many\n', 'line 1: expected'),
        ('0000 empty 000003 000153\n', 'line 1: expected'),
        ('0000 empty 000000 000153\n' * 2, 'line 2: duplicate sequence 0000'),
        ('', 'names no sequence'),
    ],
)
def test_bad_seqmap_is_named(tmp_path, text, message):
    path = tmp_path / 'val.seqmap'
    path.write_text(text)
    with pytest.raises(ValueError, match=f'val.seqmap.*{message}'):
        read_seqmap(path)


def test_seqmaps_of_mot_challenge(tmp_path):
    path = tmp_path / 'val.seqmap'
    path.write_text('\ufeffMOTS20-02 empty 000001 000600\r\n\r\n')
    assert read_seqmap(path, first_frame=1) == {'MOTS20-02': 600}
    with pytest.raises(ValueError, match='"sequence empty 000000 last_frame"'):
        read_seqmap(path)
    path.write_text('name\nMOTS20-02\nMOTS20-05\n')
    assert read_seqmap(path) == {'MOTS20-02': None, 'MOTS20-05': None}
    path.write_text('name\nMOTS20-02 empty 000001 000600\n')
    with pytest.raises(ValueError, match=r'line 2: expected "sequence"'):
        read_seqmap(path)


RLE = mask_to_rle(np.eye(4, dtype=bool))


def test_blank_lines_and_marks_are_no_errors(tmp_path):
    path = tmp_path / '0000.txt'
    path.write_text(f'\ufeff0 1 1 4 4 {RLE}\r\n\r\n1 1 1 4 4 {RLE}\n\n \n')
    objects = read_mots_txt(path, check_ids=False)
    assert [obj.frame_id for obj in objects] == [0, 1]
    path.write_text(f'0 1 1 4 4 {RLE}\n\n0 2 1 4 4 {RLE}\n')
    with pytest.raises(ValueError, match=r'line 3: .* overlaps the mask of line 1'):
        read_mots_txt(path, check_ids=False)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (f'0 2 1 4 4 {RLE} 0.9', 'got 7; results have no score'),
        ('0 1 Car 0 0 -1 1 2 3 4 1 1 1 0 0 9 0', 'got 17; these are boxes of KITTI'),
        ('0 1 1 31623 31623 PmZg]o0', 'the mask has the size 31623 x 31623'),
        (f'3 1 1 4 4 {RLE}', 'frame 3 lies beyond the 3 frames .* count from 0'),
    ],
)
def test_lines_of_others_are_named(tmp_path, line, message):
    path = tmp_path / '0000.txt'
    path.write_text(f'0 1 1 4 4 {RLE}\n{line}\n')
    with pytest.raises(ValueError, match=rf'0000\.txt, line 2: .*{message}'):
        read_mots_txt(path, check_ids=False, num_frames=3)
