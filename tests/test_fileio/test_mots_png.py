# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
from mots_sequence import FrameFiles, read_pngs

from mmwsmots.fileio.mots_png import write_mots_png
from mmwsmots.fileio.mots_txt import MOTSObject, read_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

SIZE = (20, 30)


def objects():
    painted = np.random.default_rng(0).choice([0, 1000, 1999, 2007, 10000], SIZE)
    return painted, [
        MOTSObject(
            0, track_id, track_id // 1000, *SIZE, mask_to_rle(painted == track_id)
        )
        for track_id in (1000, 1999, 2007, 10000)
    ]


def test_pixels_are_ids(tmp_path):
    painted, objs = objects()
    path = tmp_path / 'new/000000.png'
    write_mots_png(path, objs, SIZE)
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16
    assert (image == painted).all()
    write_mots_png(path, [], SIZE)
    assert not cv2.imread(str(path), cv2.IMREAD_UNCHANGED).any()


def test_real_sequence_there_and_back(shared_data, tmp_path):
    objs = read_mots_txt(shared_data / 'kitti_mots/instances_txt/0016.txt')
    objs = [obj for obj in objs if obj.frame_id < 12]
    for frame_id in range(12):
        frame = [obj for obj in objs if obj.frame_id == frame_id]
        write_mots_png(tmp_path / f'{frame_id:06d}.png', frame, objs[0][3:5])
    assert {obj.class_id for obj in objs} == {1, 2, 10}
    assert sorted(read_pngs(FrameFiles(tmp_path)).objects) == sorted(objs)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(track_id=1007), 'id 1007 does not belong to class 2'),
        (dict(height=30, width=20), 'id 2007 has the size 30 x 20, the frame 20 x 30'),
        (dict(rle=mask_to_rle(np.ones(SIZE))), 'id 2007 overlaps another'),
    ],
)
def test_bad_objects(tmp_path, change, message):
    _, objs = objects()
    objs[2] = objs[2]._replace(**change)
    with pytest.raises(ValueError, match=rf'000000\.png: .*{message}'):
        write_mots_png(tmp_path / '000000.png', objs, SIZE)
    assert list(tmp_path.iterdir()) == []
