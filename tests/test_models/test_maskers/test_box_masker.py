# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmwsmots.models.maskers.crop_sampler import Crops
from mmwsmots.models.utils.roi_grid import sample_window

REPO = Path(__file__).resolve().parents[3]
SIZE = (100, 160)
BOXES = [[10.0, 20, 60, 80], [50, 30, 120, 95], [140, 5, 160, 40]]


def masker(stage, **options):
    """The model of a config, with random weights."""
    cfg = Config.fromfile(REPO / f'configs/masker/box-masker_mnv2_coco-{stage}.py')
    cfg.model.backbone.init_cfg = None
    cfg.merge_from_dict(dict(model=dict(crop_size=64, **options)))
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def batch(model, boxes=BOXES, masks=False, scores=None, training=True):
    """A batch of two images with the same boxes, as the preprocessor gives it."""
    inputs, samples = [], []
    for k in range(2):
        torch.manual_seed(k)
        inputs.append(torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8))
        gt = InstanceData(
            bboxes=torch.tensor(boxes).reshape(-1, 4),
            labels=torch.zeros(len(boxes), dtype=torch.long),
        )
        if masks:
            array = np.zeros((len(boxes), *SIZE), dtype=np.uint8)
            for mask, (x1, y1, x2, y2) in zip(array, np.array(boxes, dtype=int)):
                mask[y1:y2, x1 : (x1 + x2) // 2] = 1
            gt.masks = BitmapMasks(array, *SIZE)
            if scores is not None:
                gt.mask_scores = torch.tensor(scores)
        meta = dict(img_shape=SIZE, ori_shape=SIZE, img_path=f'{k}.jpg')
        samples.append(DetDataSample(metainfo=meta, gt_instances=gt))
    data = dict(inputs=inputs, data_samples=samples)
    return model.data_preprocessor(data, training)


def total(losses):
    return sum(value for key, value in losses.items() if 'loss' in key)


@pytest.mark.parametrize('stage', ['boxes', 'labels'])
def test_every_parameter_takes_part_in_a_step(stage):
    model = masker(stage).train()
    data = batch(model, masks=stage == 'labels')
    total(model.loss(**rename(data))).backward()
    without = [
        n for n, p in model.named_parameters() if p.requires_grad and p.grad is None
    ]
    assert without == []


def rename(data):
    return dict(batch_inputs=data['inputs'], batch_data_samples=data['data_samples'])


@pytest.mark.parametrize('stage', ['boxes', 'labels'])
def test_a_batch_without_boxes_keeps_every_parameter_in_the_graph(stage):
    model = masker(stage).train()
    losses = model.loss(**rename(batch(model, boxes=[], masks=stage == 'labels')))
    assert float(total(losses)) == 0
    total(losses).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_the_first_stage_never_reads_masks():
    """Masks that would raise at any use."""
    model = masker('boxes').train()

    class Poison:
        def __getattr__(self, name):
            raise AssertionError(f'masks.{name} was read')

        def __len__(self):
            return len(BOXES)

    data = batch(model)
    for sample in data['data_samples']:
        sample.gt_instances.masks = Poison()
    assert torch.isfinite(total(model.loss(**rename(data))))


def test_the_second_stage_says_that_masks_are_missing():
    model = masker('labels').train()
    with pytest.raises(ValueError, match='needs masks'):
        model.loss(**rename(batch(model)))


def test_a_mask_of_score_0_teaches_nothing():
    model = masker('labels').train()
    data = batch(model, masks=True, scores=[0.0, 0.0, 0.0])
    assert float(total(model.loss(**rename(data)))) == 0


def test_the_losses_are_weighted_means_over_masks():
    """Closed form of both losses for two crops, weights 1 and 3, of the known cells."""
    model = masker('labels')
    logits = torch.randn(2, 8, 8)
    masks = torch.rand(2, 8, 8)
    known = torch.ones(2, 8, 8, dtype=torch.bool)
    known[:, 2:4] = False
    weights = torch.tensor([1.0, 3.0])
    crops = Crops(None, None, None, None, masks, known, weights)
    losses = model._mask_losses(logits, crops)
    p, masks = (x[known].view(2, 6, 8) for x in (logits.sigmoid(), masks))
    cells = -(masks * p.log() + (1 - masks) * (1 - p).log()).mean(dim=(1, 2))
    dice = 1 - 2 * (p * masks).sum((1, 2)) / (
        p.square().sum((1, 2)) + masks.square().sum((1, 2))
    )
    for name, value in (('loss_mask', 2 * cells), ('loss_dice', dice)):
        expected = (value[0] + 3 * value[1]) / 4
        torch.testing.assert_close(losses[name], expected, atol=1e-4, rtol=1e-4)


def test_masks_lie_in_their_boxes_and_share_no_pixel():
    model = masker('labels').eval()
    data = batch(model, training=False)
    for sample in model.predict(**rename(data)):
        masks = sample.pred_instances.masks
        assert masks.shape == (3, *SIZE)
        assert masks.sum(dim=0).max() <= 1
        for mask, (x1, y1, x2, y2) in zip(masks, np.array(BOXES, dtype=int)):
            outside = mask.clone()
            outside[y1:y2, x1:x2] = False
            assert not outside.any()
        scores = sample.pred_instances.scores
        assert ((scores >= 0) & (scores <= 1)).all()


def test_the_threshold_is_one_of_probabilities():
    image = torch.randn(3, *SIZE)
    boxes = torch.tensor(BOXES[:1])
    (x1, y1, x2, y2) = np.array(BOXES[0], dtype=int)
    model = masker('labels', test_cfg=dict(mask_refiner=None)).eval()
    rois = model._rois(boxes)
    (logits,) = model._predict_logits(image, boxes, rois).detach()
    logits = sample_window(logits, rois[0], (x1, y1, x2, y2), 'border')
    probabilities = logits.sigmoid()
    for threshold in (0.3, 0.5, float(probabilities.median())):
        model.test_cfg = dict(mask_thr_binary=threshold)
        mask = model.segment(image, boxes).masks[0]
        expected = probabilities > threshold
        assert (mask[y1:y2, x1:x2] == expected).float().mean() > 0.999
    assert 0.4 < expected.float().mean() < 0.6


def test_boxes_of_any_number_and_place():
    model = masker('boxes').eval()
    image = torch.zeros(3, *SIZE)
    assert model.segment(image, torch.zeros(0, 4)).masks.shape == (0, *SIZE)
    # Smaller than a pixel, over the border, all of the image.
    odd = torch.tensor([[5.0, 5, 5.2, 5.1], [-30, -20, 40, 40], [0, 0, 160, 100]])
    assert model.segment(image, odd).masks.shape == (3, *SIZE)


def test_the_order_of_the_boxes_does_not_matter():
    model = masker('labels').eval()
    image = torch.randn(3, *SIZE)
    boxes = torch.tensor(BOXES)
    order = torch.tensor([2, 0, 1])
    ours = model.segment(image, boxes)
    others = model.segment(image, boxes[order])
    assert torch.equal(ours.masks[order], others.masks)
    torch.testing.assert_close(ours.scores[order], others.scores)


def test_mirrored_pictures_have_mirrored_masks():
    """The mean over a crop and its mirror image makes it exact."""
    model = masker('labels', test_cfg=dict(mask_refiner=None)).eval()
    image = torch.randn(3, *SIZE)
    boxes = torch.tensor(BOXES)
    mirrored = boxes.clone()
    mirrored[:, [0, 2]] = SIZE[1] - boxes[:, [2, 0]]
    logits = model._forward(image[None], [sample_of(boxes)])[0]
    flipped = model._forward(image.flip(2)[None], [sample_of(mirrored)])[0]
    torch.testing.assert_close(logits, flipped.flip(2), atol=1e-4, rtol=1e-4)


def sample_of(boxes):
    return DetDataSample(gt_instances=InstanceData(bboxes=boxes))


def test_a_resized_image_is_refused():
    model = masker('boxes').eval()
    data = batch(model, training=False)
    data['data_samples'][0].set_metainfo(dict(ori_shape=(50, 80)))
    with pytest.raises(ValueError, match=r'0\.jpg: the pipeline resized'):
        model.predict(**rename(data))


def test_it_learns_from_boxes_what_stands_out():
    """A bright ellipse in a box of a dark image: not the box, not nothing."""
    model = masker('boxes').train()
    yy, xx = torch.meshgrid(torch.arange(100), torch.arange(160), indexing='ij')
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    generator = np.random.default_rng(0)
    truths, image, boxes = [], None, None

    def scene():
        centers = [(30 + 90 * generator.random(), 35 + 30 * generator.random())]
        image = 60 + 20 * torch.rand(3, *SIZE)
        boxes, truths = [], []
        for x, y in centers:
            a, b = 14 + 12 * generator.random(2)
            truth = ((xx - x) / a) ** 2 + ((yy - y) / b) ** 2 < 1
            image[:, truth] = 190 + 20 * torch.rand(3, int(truth.sum()))
            boxes.append([x - a, y - b, x + a, y + b])
            truths.append(truth)
        return image, torch.tensor(boxes, dtype=torch.float32), truths

    processor = model.data_preprocessor
    for _ in range(40):
        scenes = [scene() for _ in range(6)]
        inputs = torch.stack([s[0] for s in scenes])
        inputs = (inputs - processor.mean) / processor.std
        losses = model.loss(inputs, [sample_of(s[1]) for s in scenes])
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
    model.eval()
    ious, box_ious = [], []
    for _ in range(5):
        image, boxes, truths = scene()
        normal = (image - processor.mean[:, 0, 0, None, None]) / processor.std
        mask = model.segment(normal, boxes).masks[0]
        x1, y1, x2, y2 = boxes[0].round().int().tolist()
        box = torch.zeros_like(mask)
        box[y1:y2, x1:x2] = True
        ious.append(float((mask & truths[0]).sum() / (mask | truths[0]).sum()))
        box_ious.append(float((box & truths[0]).sum() / (box | truths[0]).sum()))
    assert np.mean(ious) > np.mean(box_ious) + 0.05
