# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
from pathlib import Path

import numpy as np
import pytest

from mmwsmots.fileio.box_readers import BoxFile, TrackedBox
from tests.load_script import load_script

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
track_boxes = load_script(TOOLS / 'track_boxes.py').track_boxes


def box(frame, x, y=10, name='car', score=0.9, is_ignored=False):
    bbox = (float(x), float(y), x + 20.0, y + 10.0)
    return TrackedBox(frame, -1, name, bbox, is_ignored, f'{frame} {x}', score)


def test_two_objects_that_pass_each_other():
    """Of two classes, in any order in the file, with a frame without one of them."""
    boxes = []
    for i in range(9):
        boxes += [box(i, 4 * i), box(i, 40 - 4 * i, name='bus')][:: 1 - 2 * (i % 2)]
    boxes = [b for b in boxes if not (b.frame_id == 4 and b.class_name == 'bus')]
    boxes.append(box(3, 90, score=0.1))
    boxes.append(box(2, 90, is_ignored=True))
    file = BoxFile(Path('det.txt'), boxes)
    assert not file.has_identities
    tracked = track_boxes(file, 0.3)
    assert tracked.has_identities
    ids = {}
    for item in tracked.boxes:
        if not item.is_ignored:
            ids.setdefault(item.class_name, set()).add(item.track_id)
    assert sorted(map(sorted, ids.values())) == [[1], [2]]
    assert [b.where for b in tracked.boxes if b.is_ignored] == ['2 90']
    kept = {(b.frame_id, b.bbox) for b in tracked.boxes}
    assert kept == {(b.frame_id, b.bbox) for b in boxes if b.score > 0.3}
    (notice,) = tracked.notices
    assert '2 tracks; 1 boxes of a score below 0.3' in notice
    assert all(np.isfinite(b.bbox).all() for b in tracked.boxes)


def test_a_threshold_is_a_number():
    with pytest.raises(ValueError, match=r'det\.txt: the threshold of scores is nan'):
        track_boxes(BoxFile(Path('det.txt'), [box(0, 5)]), math.nan)


def test_nothing_to_track():
    file = BoxFile(Path('det.txt'), [box(0, 5, score=0.1)])
    assert track_boxes(file, 0.5).boxes == []
