# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch

from mmwsmots.models.utils.track_pairs import track_pairs


def loop_pairs(ids, frame_ids, max_gap):
    flat = [(i, value) for i, values in enumerate(ids) for value in values.tolist()]
    pairs = set()
    for a, (i, value) in enumerate(flat):
        rank = flat[:a].count((i, value))
        for b, (j, other) in enumerate(flat):
            near = j == i + 1 and 0 < frame_ids[j] - frame_ids[i] <= max_gap
            if near and other == value and flat[:b].count((j, other)) == rank:
                pairs.add((a, b))
    return pairs


def test_equals_a_loop():
    torch.manual_seed(0)
    for max_gap in (1, 2):
        # Two clips of one video, the second with a repeated frame, then another gap.
        frame_ids = [4, 5, 20, 20, 22, 23]
        ids = [torch.randint(0, 4, (n,)) for n in (6, 5, 0, 4, 7, 6)]
        pairs = track_pairs(ids, frame_ids, max_gap)
        expected = loop_pairs(ids, frame_ids, max_gap)
        assert len(expected) > 4
        assert {tuple(pair) for pair in pairs.T.tolist()} == expected
        assert pairs.shape[1] == len(expected)


def test_no_pair():
    one = [torch.tensor([1, 1])]
    assert track_pairs(one, [3]).shape == (2, 0)
    assert track_pairs(one * 2, [3, 3]).shape == (2, 0)
    assert track_pairs([one[0], one[0] + 1], [3, 4]).shape == (2, 0)
