# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch

from mmwsmots.models.maskers.crop_sampler import MIN_VISIBLE, Crops, paste_occluders
from mmwsmots.models.utils.roi_grid import soft_boxes_on_rois

SIZE = 32


def crops_of(num):
    """Objects that fill the middle half of their crops, each of one colour."""
    rois = torch.tensor([[0.0, 0, 0, 64, 64]]).repeat(num, 1)
    rois[:, 0] = torch.arange(num)
    boxes = torch.tensor([[16.0, 16, 48, 48]]).repeat(num, 1)
    masks = torch.zeros(num, SIZE, SIZE)
    masks[:, 8:24, 8:24] = 1
    prompts = torch.cat([soft_boxes_on_rois(boxes[:1], rois[:1, 1:], SIZE)] * num)
    rgb = torch.arange(1.0, num + 1)[:, None, None, None] * 10 * masks[:, None]
    known = torch.zeros_like(masks, dtype=torch.bool)
    return rgb.expand(num, 3, -1, -1).clone(), Crops(
        rgb, rois, boxes, prompts, masks, known, torch.ones(num)
    )


def test_masks_end_where_occluders_lie():
    torch.manual_seed(0)
    rgb, crops = crops_of(16)
    before = [x.clone() for x in (rgb, crops.masks, crops.prompts, crops.known)]
    new_rgb, new = paste_occluders(rgb, crops, prob=1.0)
    changed = (new.masks < crops.masks).flatten(1).any(dim=1)
    assert 2 < changed.sum() < 14  # others lie behind, too hidden ones stay
    own = torch.arange(1.0, 17)[:, None, None] * 10
    colors = new_rgb[:, 0]
    foreign = ((colors / 10 - (colors / 10).round()).abs() < 1e-4) & (colors > 9.9)
    foreign &= (colors - own).abs() > 9.9
    # Where another object's colour shows, the mask ends; elsewhere nothing changes.
    assert foreign.sum() > 100
    assert not (new.masks[foreign] > 0.01).any()
    same = (new_rgb == rgb).all(dim=1)
    assert torch.equal(new.masks[same], crops.masks[same])
    shares = new.masks.sum((1, 2)) / crops.masks.sum((1, 2))
    assert shares.min() >= MIN_VISIBLE
    # The occluder's box joins the prompt, the object's own stays.
    assert torch.equal(new.prompts[:, 0], crops.prompts[:, 0])
    assert (new.prompts[changed, 1].amax((1, 2)) > 0.5).all()
    # What was pasted is known.
    assert new.known[foreign].all()
    assert not new.known[same & (new.masks == crops.masks)].any()
    for old, kept in zip(before, (rgb, crops.masks, crops.prompts, crops.known)):
        assert torch.equal(old, kept)


def test_what_lies_behind_shows_beside_the_object():
    torch.manual_seed(0)
    rgb, crops = crops_of(32)
    new_rgb, new = paste_occluders(rgb, crops, prob=1.0)
    behind = (new_rgb != rgb).flatten(1).any(dim=1)
    behind &= (new.masks == crops.masks).flatten(1).all(dim=1)
    assert 4 < behind.sum() < 28
    own = crops.masks[behind] > 0
    assert torch.equal(
        new_rgb[behind].movedim(1, -1)[own], rgb[behind].movedim(1, -1)[own]
    )
    assert (new.prompts[behind, 1].amax((1, 2)) > 0.5).all()
    tens = new_rgb[behind, 0] / 10
    pasted = ((tens - tens.round()).abs() < 1e-4) & (tens > 0.99) & ~own
    assert pasted.flatten(1).any(dim=1).all()
    assert new.known[behind][pasted].all()


def test_probability_0_changes_nothing():
    rgb, crops = crops_of(4)
    new_rgb, new = paste_occluders(rgb, crops, prob=0.0)
    assert torch.equal(new_rgb, rgb)
    assert torch.equal(new.masks, crops.masks)
