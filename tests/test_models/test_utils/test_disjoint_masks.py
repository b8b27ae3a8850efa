# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch

from mmwsmots.models.utils.disjoint_masks import disjoint_masks, nonempty_masks


def disjoint_by_loop(masks, scores):
    out = torch.zeros_like(masks)
    for y in range(masks.shape[1]):
        for x in range(masks.shape[2]):
            owner = None
            for n in range(len(masks)):
                better = owner is None or scores[n] > scores[owner]
                if masks[n, y, x] and better:
                    owner = n
            if owner is not None:
                out[owner, y, x] = True
    return out


@pytest.mark.parametrize('num', [1, 2, 7, 20])
def test_by_loop_over_pixels(num):
    generator = torch.Generator().manual_seed(num)
    masks = torch.rand(num, 6, 9, generator=generator) < 0.4
    # Few levels, so that many scores tie.
    scores = torch.randint(0, 4, (num,), generator=generator) / 4
    before = masks.clone()
    out = disjoint_masks(masks, scores)
    assert torch.equal(out, disjoint_by_loop(masks, scores))
    assert out.sum(0).max() <= 1
    assert torch.equal(out.any(0), masks.any(0))  # no pixel is lost
    assert torch.equal(masks, before)
    expected = [bool(mask.numpy().any()) for mask in out]
    assert nonempty_masks(out).tolist() == expected


def test_covered_mask_is_empty_and_order_is_kept():
    masks = torch.ones(3, 2, 2, dtype=torch.bool)
    out = disjoint_masks(masks, torch.tensor([0.5, 0.9, 0.9]))
    assert out.flatten(1).any(1).tolist() == [False, True, False]


def test_no_masks():
    masks = torch.zeros(0, 4, 5, dtype=torch.bool)
    assert disjoint_masks(masks, torch.zeros(0)).shape == (0, 4, 5)
    assert nonempty_masks(masks).shape == (0,)


def test_names_bad_input():
    with pytest.raises(ValueError, match=r'boolean .* torch\.float32'):
        disjoint_masks(torch.zeros(1, 4, 5), torch.zeros(1))
    with pytest.raises(ValueError, match=r'2 masks need as many scores.*\(1,\)'):
        disjoint_masks(torch.zeros(2, 4, 5, dtype=torch.bool), torch.zeros(1))
