# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from rendered_mots.label_resize import resize_masks

from mmwsmots.fileio.mots_txt import read_mots_txt


def test_masks_take_the_nearest_pixel_and_stay_disjoint():
    rng = np.random.default_rng(0)
    owner = rng.integers(-1, 4, (40, 60))
    masks = [owner == index for index in range(4)]
    resized, coverage = resize_masks(masks, (30, 20))
    for row in range(20):
        for col in range(30):
            for index in range(4):
                square = masks[index][2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
                assert resized[index, row, col] == square[0, 0]
                share = max(square.mean(), 0.5 * square[0, 0])
                assert abs(coverage[index, row, col] - share) < 0.003
    assert resized.sum(0).max() == 1


def test_an_object_too_small_for_a_pixel_is_kept():
    big, dot = np.zeros((2, 64, 64), bool)
    big[8:40, 8:40] = True
    big[21, 23] = False
    dot[21, 23] = True
    resized, coverage = resize_masks([big, dot], (8, 8))
    assert resized.any((1, 2)).all()
    assert resized.sum(0).max() == 1
    assert resized[1].sum() == 1 and resized[1, 2, 2]
    assert coverage[1, 2, 2] >= 0.5


def test_small_neighbours_do_not_erase_each_other():
    masks = np.zeros((4, 64, 64), bool)
    for index in range(4):
        masks[index, 9 + index // 2, 9 + index % 2] = True
    resized, _ = resize_masks(list(masks), (8, 8))
    assert (resized.sum((1, 2)) == 1).all()
    assert resized.sum(0).max() == 1


def test_the_same_size_changes_nothing():
    masks = np.zeros((2, 20, 30), bool)
    masks[0, 3:9, 4:11] = True
    masks[1, 12:15, 4:25] = True
    resized, coverage = resize_masks(list(masks), (30, 20))
    assert (resized == masks).all()
    assert (coverage == masks).all()


def test_filled_boxes_fill_as_before_on_real_masks(shared_data):
    path = shared_data / 'kitti_mots' / 'instances_txt' / '0014.txt'
    fills = {1.0: [], 0.5: []}
    for obj in read_mots_txt(path)[::5]:
        if obj.class_id == 10 or obj.mask.sum() < 400:
            continue
        size = (obj.width // 2, obj.height // 2)
        for scale, mask in (
            (1.0, obj.mask),
            (0.5, resize_masks([obj.mask], size)[0][0]),
        ):
            rows, cols = np.nonzero(mask)
            box = (np.ptp(rows) + 1) * (np.ptp(cols) + 1)
            fills[scale].append(len(rows) / box)
    assert len(fills[1.0]) > 50
    assert abs(np.mean(fills[0.5]) - np.mean(fills[1.0])) < 0.015
