# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmwsmots.fileio.rle import (
    find_overlap,
    mask_to_rle,
    masks_to_rles,
    rles_to_runs,
    split_components,
)


@st.composite
def random_masks(draw):
    height, width = draw(st.integers(1, 10)), draw(st.integers(1, 10))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.random((height, width)) < draw(st.floats(0, 1))


def runs_by_loop(mask):
    """Run lengths of a mask, pixel by pixel down the columns."""
    runs, value = [0], False
    for x in range(mask.shape[1]):
        for y in range(mask.shape[0]):
            if mask[y, x] != value:
                runs.append(0)
                value = not value
            runs[-1] += 1
    return runs


@pytest.mark.parametrize(
    'mask',
    [
        np.zeros((3, 5), dtype=bool),
        np.ones((3, 5), dtype=bool),
        np.eye(7, dtype=bool),
        np.indices((40, 50)).sum(0) % 2 == 0,
        np.pad(np.ones((200, 300), dtype=bool), 100),
    ],
)
def test_runs_against_a_loop_over_pixels(mask):
    runs, _ = rles_to_runs([mask_to_rle(mask)], *mask.shape)
    assert runs.tolist() == runs_by_loop(mask)


@settings(max_examples=100, deadline=None)
@given(st.lists(random_masks(), max_size=4))
def test_masks_are_encoded_as_one_by_one(masks):
    masks = [np.pad(mask, ((0, 12), (0, 12)))[:11, :12] for mask in masks]
    masks = np.array(masks, dtype=bool).reshape(-1, 11, 12)
    rles = masks_to_rles(masks)
    assert rles == [mask_to_rle(mask) for mask in masks]
    runs, _ = rles_to_runs(rles, 11, 12)
    assert runs.tolist() == [run for mask in masks for run in runs_by_loop(mask)]


def test_worked_example():
    # 2 x 3, right column set: runs 4, 2 -> characters 48 + 4, 48 + 2.
    assert mask_to_rle(np.array([[0, 0, 1], [0, 0, 1]])) == '42'
    assert rles_to_runs(['42'], 2, 3)[0].tolist() == [4, 2]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_rle_is_refused_or_decodes_as_in_pycocotools(data):
    mask = data.draw(random_masks())
    height, width = mask.shape
    rle = mask_to_rle(mask)
    where = data.draw(st.integers(0, len(rle) - 1))
    new = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    rle = rle[:where] + new + rle[where + 1 :]
    try:
        runs, _ = rles_to_runs([rle], height, width)
    except ValueError:
        return
    mask = mask_utils.decode({'size': [height, width], 'counts': rle.encode()})
    ours = np.repeat(np.arange(len(runs)) % 2, runs).reshape(width, height).T
    np.testing.assert_array_equal(ours, mask)


@settings(max_examples=300, deadline=None)
@given(random_masks())
def test_components_against_pixel_labelling(mask):
    num_labels, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    expected = {mask_to_rle(labels == i) for i in range(1, num_labels)}
    components = split_components(mask_to_rle(mask), *mask.shape)
    assert len(components) == len(expected)
    assert set(components) == expected
    first = [rles_to_runs([rle], *mask.shape)[0][0] for rle in components]
    assert first == sorted(first)


def test_no_component_wraps_around_a_column_end():
    mask = np.zeros((3, 4), dtype=bool)
    mask[2, 0] = mask[0, 1] = True  # neighbours in memory, not in the picture
    assert len(split_components(mask_to_rle(mask), 3, 4)) == 2
    mask[1, 1] = True
    assert split_components(mask_to_rle(mask), 3, 4) == [mask_to_rle(mask)]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_overlap_against_pixels(data):
    extra = data.draw(random_masks())
    height, width = extra.shape
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    painted = rng.integers(0, 4, (height, width))
    masks = [painted == i for i in range(4)]  # disjoint
    rles = [mask_to_rle(mask) for mask in (*masks, extra)]
    rles = [dict(size=[height, width], counts=rle.encode()) for rle in rles]
    frames = rng.permutation(5)
    assert find_overlap(rles, frames) is None
    frames[:4] = frames[0]  # four disjoint masks, the other in a frame of its own
    assert find_overlap(rles, frames) is None
    overlap = find_overlap(rles, [7] * 5)
    assert (overlap is not None) == extra.any()
    if overlap is not None:
        first, second = overlap
        assert second == 4
        assert (masks[first] & extra).any()


@settings(max_examples=200, deadline=None)
@given(st.lists(random_masks(), max_size=6), st.data())
def test_many_masks_as_one_by_one(masks, data):
    masks = [np.resize(mask, (5, 7)) for mask in masks]
    rles = [mask_to_rle(mask) for mask in masks]
    runs, num_runs = rles_to_runs(rles, 5, 7)
    assert num_runs.tolist() == [len(runs_by_loop(mask)) for mask in masks]
    assert runs.tolist() == [run for mask in masks for run in runs_by_loop(mask)]
    # One broken string breaks all of them, whatever stands around it.
    where = data.draw(st.integers(0, len(rles)))
    for bad in ('', '0`', 'T1', '~', '\ufffd'):
        with pytest.raises(ValueError, match='the RLE'):
            rles_to_runs([*rles[:where], bad, *rles[where:]], 5, 7)
