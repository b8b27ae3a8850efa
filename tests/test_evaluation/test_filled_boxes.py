# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest

from mmwsmots.evaluation import filled_boxes
from mmwsmots.fileio.rle import mask_to_rle


def filled_by_loop(size, boxes, in_front):
    """Masks by asking each pixel for the frontmost box that covers it."""
    masks = np.zeros((len(boxes), *size), dtype=bool)
    for y in range(size[0]):
        for x in range(size[1]):
            for i in in_front:
                x1, y1, x2, y2 = boxes[i]
                if round(x1) <= x < round(x2) and round(y1) <= y < round(y2):
                    masks[i, y, x] = True
                    break
    return masks


def test_scores_against_a_loop_over_pixels(make_object):
    rng = np.random.default_rng(0)
    for _ in range(20):
        corners = rng.uniform(-4, 22, (6, 2, 2)).round(1)
        corners[corners % 1 == 0.5] += 0.1
        boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1)
        scores = rng.permutation(6) / 10
        objects = [make_object(i % 2, 1001 + i, (0, 0, 1, 1)) for i in range(6)]
        filled = filled_boxes(objects, boxes, scores)
        for frame in (0, 1):
            members = np.arange(frame, 6, 2)
            in_front = sorted(range(3), key=lambda i: -scores[members[i]])
            expected = filled_by_loop((10, 20), boxes[members], in_front)
            for i, mask in zip(members, expected):
                assert filled[i][:5] == objects[i][:5]
                np.testing.assert_array_equal(filled[i].mask, mask)


def test_tight_boxes_with_the_lower_bottom_edge_in_front(make_object):
    far = make_object(0, 1001, (0, 0, 8, 5))
    near = make_object(0, 2001, (6, 2, 9, 8))
    mask = far.mask
    mask[0, 0] = mask[3, 2] = False  # the box stays the same
    far = far._replace(rle=mask_to_rle(mask))
    boxes = np.array([[0, 0, 8, 5], [6, 2, 9, 8]])
    expected = filled_by_loop((10, 20), boxes, in_front=[1, 0])
    for objects, masks in (([far, near], expected), ([near, far], expected[::-1])):
        for obj, filled, mask in zip(objects, filled_boxes(objects), masks):
            assert filled.track_id == obj.track_id
            np.testing.assert_array_equal(filled.mask, mask)


def test_ties(make_object):
    objects = [make_object(0, 1001 + i, (0, 0, 4, 4)) for i in range(2)]
    boxes = [[0, 0, 4, 4]] * 2
    by_score = filled_boxes(objects, boxes, [0.5, 0.5])
    assert [obj.mask.sum() for obj in by_score] == [16, 0]
    by_bottom = filled_boxes(objects, boxes)
    assert [obj.mask.sum() for obj in by_bottom] == [0, 16]


def test_empty_sequence_and_empty_mask(make_object):
    assert filled_boxes([]) == []
    empty = make_object(0, 1001, (0, 0, 0, 0))
    assert filled_boxes([empty])[0].mask.sum() == 0


def test_bad_input(make_object):
    objects = [make_object(0, 1001, (0, 0, 4, 4))]
    with pytest.raises(ValueError, match='1 objects need as many boxes and scores'):
        filled_boxes(objects, np.zeros((2, 4)))
    with pytest.raises(ValueError, match='1 objects need as many boxes and scores'):
        filled_boxes(objects, np.zeros((1, 4)), [0.5, 0.6])
    with pytest.raises(ValueError, match='an ignore region has no box'):
        filled_boxes([make_object(0, 10000, (0, 0, 4, 4))])
