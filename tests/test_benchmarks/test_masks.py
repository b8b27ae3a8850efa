# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest

from benchmarks.masks import boundary_iou, fill_box, grabcut

SIZE = (40, 60)


def square(y1, x1, y2, x2):
    mask = np.zeros(SIZE, dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def loop_band(mask, width):
    """Cells of the mask with a cell outside it within the width, frame included."""
    band = np.zeros_like(mask)
    for y, x in zip(*np.nonzero(mask)):
        for v in range(y - width, y + width + 1):
            for u in range(x - width, x + width + 1):
                beyond = not (0 <= v < mask.shape[0] and 0 <= u < mask.shape[1])
                if beyond or not mask[v, u]:
                    band[y, x] = True
    return band


@pytest.mark.parametrize('width', [1, 3])
def test_boundary_iou_equals_a_loop(width):
    rng = np.random.default_rng(0)
    first = square(0, 5, 20, 30) & (rng.random(SIZE) < 0.98)  # touches the frame
    second = square(3, 8, 22, 33)
    bands = loop_band(first, width), loop_band(second, width)
    expected = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
    assert boundary_iou(first, second, width) == pytest.approx(expected)
    assert boundary_iou(first, first, width) == 1
    assert boundary_iou(first & False, first & False, width) == 0


def test_filled_box_ends_at_the_frame():
    filled = fill_box(np.array([-5.0, 3.6, 4.4, 99]), SIZE)
    assert np.array_equal(filled, square(4, 0, 40, 4))
    assert not fill_box(np.array([70.0, 0, 80, 10]), SIZE).any()


def test_grabcut_finds_what_has_another_colour():
    mask = square(10, 20, 30, 40)
    mask[10:14, 20:24] = False
    box = np.array([20.0, 10, 40, 30])
    frame = np.full((*SIZE, 3), 60, np.uint8)
    frame[mask] = 200
    noise = np.random.default_rng(0).integers(-6, 7, frame.shape)
    frame = (frame + noise).clip(0, 255).astype(np.uint8)
    found = grabcut(frame, box)
    assert (found & mask).sum() / (found | mask).sum() > 0.95
    large = cv2.resize(frame, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    shrunk = grabcut(large, 4 * box, max_side=80)
    expected = np.kron(mask, np.ones((4, 4), bool))
    assert (shrunk & expected).sum() / (shrunk | expected).sum() > 0.9
    # No background to learn from: the box, also one outside the frame.
    assert grabcut(frame, np.array([0.0, 0, 60, 40])).all()
    assert not grabcut(frame, np.array([70.0, 0, 80, 10])).any()
