# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy

import pytest
import torch
import torch.nn.functional as F
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import BaseDataElement

from mmwsmots.apis import segment_boxes

from ..utils import SIZE, build_model, random_batch


def losses_of(model, batch):
    data = model.data_preprocessor(batch, True)
    return model(**data, mode='loss')


def test_weak_training_reaches_every_parameter(repo):
    model = build_model(repo).train()
    losses = losses_of(model, random_batch([3, 2]))
    assert {'loss_loc', 'loss_crf', 'loss_triplet'} <= set(losses)
    total, _ = model.parse_losses(losses)
    total.backward()
    missing = [
        name
        for name, param in model.named_parameters()
        if param.grad is None and 'backbone.conv2' not in name
    ]
    assert missing == []


@pytest.mark.parametrize('num_objects', [[0, 0], [0, 3], [1, 0]])
def test_a_batch_without_objects_still_reaches_every_parameter(repo, num_objects):
    model = build_model(repo).train()
    total, _ = model.parse_losses(losses_of(model, random_batch(num_objects)))
    total.backward()
    assert total.isfinite()
    for name, param in model.named_parameters():
        assert param.grad is not None or 'backbone.conv2' in name, name


def add_masks(batch):
    for clip in batch['data_samples']:
        for frame in clip.video_data_samples:
            gts = frame.gt_instances
            masks = torch.zeros(len(gts), *SIZE, dtype=torch.uint8).numpy()
            for mask, box in zip(masks, gts.bboxes.int().tolist()):
                mask[box[1] : box[3], box[0] : box[2]] = 1
            gts.masks = BitmapMasks(masks, *SIZE)
    return batch


def contents(value):
    """All that a batch holds, copied."""
    if isinstance(value, BaseDataElement):
        return type(value), {key: contents(v) for key, v in value.all_items()}
    if isinstance(value, dict):
        return {key: contents(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [contents(v) for v in value]
    if isinstance(value, BitmapMasks):
        return value.masks.tolist()
    return value.tolist() if isinstance(value, torch.Tensor) else copy.deepcopy(value)


@pytest.mark.parametrize('name', ['mots', 'wsmots'])
def test_a_step_leaves_its_batch_unchanged(repo, name):
    model = build_model(repo, name).train()
    batch = add_masks(random_batch([2, 1], num_frames=1))
    before = contents(batch)
    data = model.data_preprocessor(batch, True)
    assert contents(batch) == before
    before = contents(data)
    model.parse_losses(model(**data, mode='loss'))[0].backward()
    assert contents(data) == before


def test_supervised_training_reads_masks(repo):
    model = build_model(repo, 'mots').train()
    batch = add_masks(random_batch([2, 2]))
    losses = losses_of(model, batch)
    assert {'loss_mask', 'loss_triplet'} <= set(losses)
    model.parse_losses(losses)[0].backward()


def test_lambda_weighs_everything_but_the_tracking_loss(repo):
    options = {'model.detector_loss_weight': 0.25}
    plain, weighed = build_model(repo), build_model(repo, **options)
    values = []
    for model in (plain, weighed):
        torch.manual_seed(1)
        values.append(model.eval().parse_losses(losses_of(model, random_batch([3])))[1])
    for name, value in values[0].items():
        if name.startswith('loss_'):
            factor = 1 if name == 'loss_triplet' else 0.25
            torch.testing.assert_close(values[1][name], factor * value, msg=name)


@pytest.mark.parametrize('num_objects', [[3, 2], [0, 0]])
def test_a_frozen_detector_leaves_masks_and_embeddings_to_train(repo, num_objects):
    model = build_model(repo, **{'model.freeze_detector': True}).train()
    losses = losses_of(model, random_batch(num_objects))
    assert 'loss_triplet' in losses and 'loss_loc' in losses
    assert not {'loss_cls', 'loss_bbox', 'acc', 'loss_rpn_cls'} & set(losses)
    model.parse_losses(losses)[0].backward()
    for key, param in model.named_parameters():
        learns = 'mask_head' in key or key.startswith('track_head')
        assert (param.grad is not None) == learns, key


def test_a_frozen_detector_stays_in_evaluation(repo):
    prefix = 'model.detector.backbone.'
    options = {
        'model.freeze_detector': True,
        prefix + '_delete_': True,
        prefix + 'type': 'ResNet',
        prefix + 'depth': 18,
        prefix + 'base_channels': 8,
        prefix + 'norm_eval': False,
        'model.detector.neck.in_channels': [8, 16, 32, 64],
    }
    model = build_model(repo, **options)
    model.detector.backbone.drop = torch.nn.Dropout(0.5)  # as DropPath of Swin
    before = {key: value.clone() for key, value in model.detector.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(2):
        model.train()
        model.parse_losses(losses_of(model, random_batch([3, 2])))[0].backward()
        optimizer.step()
    training = {name for name, module in model.named_modules() if module.training}
    mask_head = 'detector.roi_head.mask_head'
    assert {mask_head, 'track_head'} <= training
    assert not [
        name
        for name in training
        if name.startswith('detector') and not name.startswith(mask_head)
    ]
    for key, value in model.detector.state_dict().items():
        moved = not torch.equal(value, before[key])
        assert moved <= key.startswith('roi_head.mask_head'), key
    assert not any(module.training for module in model.eval().modules())


@pytest.mark.parametrize('detach', [False, True])
def test_tracking_supervises_the_mask_unless_detached(repo, detach):
    model = build_model(repo, **{'model.track_head.detach_mask': detach}).train()
    losses = losses_of(model, random_batch([3, 3]))
    losses['loss_triplet'].backward()
    grad = model.detector.roi_head.mask_head.conv_logits.weight.grad
    assert (grad is None or not grad.any()) == detach


def test_predictions_are_legal_mots(repo):
    rcnn = 'model.detector.test_cfg.rcnn'
    model = build_model(repo, **{f'{rcnn}.score_thr': 0.0, f'{rcnn}.max_per_img': 8})
    with torch.no_grad():  # let every detection have a mask
        model.detector.roi_head.mask_head.conv_logits.bias += 1
    data = model.eval().data_preprocessor(random_batch([2], num_frames=3), False)
    with torch.no_grad():
        (sample,) = model(**data, mode='predict')
    assert len(sample) == 3
    for frame in sample.video_data_samples:
        pred = frame.pred_track_instances
        assert len(pred) > 0
        assert pred.masks.shape == (len(pred), *SIZE)
        assert pred.masks.sum(0).max() <= 1  # disjoint
        assert pred.masks.flatten(1).any(1).all()  # none is empty
        assert len(pred.instances_id.unique()) == len(pred)
        for mask, (x1, y1, x2, y2) in zip(pred.masks, pred.bboxes):
            ys, xs = mask.nonzero().T
            assert xs.min() + 0.5 >= x1 and xs.max() + 0.5 < x2
            assert ys.min() + 0.5 >= y1 and ys.max() + 0.5 < y2


def test_a_frame_without_detections(repo):
    model = build_model(repo, **{'model.detector.test_cfg.rcnn.score_thr': 1.0}).eval()
    data = model.data_preprocessor(random_batch([2], num_frames=1), False)
    with torch.no_grad():
        (sample,) = model(**data, mode='predict')
    pred = sample[0].pred_track_instances
    assert len(pred) == 0 and pred.masks.shape == (0, *SIZE)


@pytest.fixture
def with_masker(repo):
    """A model of many detections whose masker has the released weights."""
    masker = Config.fromfile(repo / 'configs/_base_/models/masker_at_test.py').masker
    rcnn = 'model.detector.test_cfg.rcnn'
    options = {f'{rcnn}.score_thr': 0.0, f'{rcnn}.max_per_img': 8}
    model = build_model(repo, **options, **{'model.masker': masker})
    model.masker.init_weights()
    return model


@pytest.mark.parametrize('factor', [1, 2])
def test_a_masker_segments_the_detections(with_masker, factor):
    model = with_masker.eval()
    batch = random_batch([2], num_frames=1)
    image, meta = batch['inputs'][0][0], batch['data_samples'][0][0]
    # Smooth, so that doubling its size changes little but its size.
    image = F.interpolate(F.avg_pool2d(image[None].float(), 8), SIZE, mode='bilinear')
    scaled = image.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    batch['inputs'][0] = scaled.round().to(torch.uint8)
    size = tuple(scaled.shape[2:])
    meta.set_metainfo(dict(img_shape=size, scale_factor=(factor, factor)))
    with torch.no_grad():
        (sample,) = model(**model.data_preprocessor(batch, False), mode='predict')
    found = sample[0].pred_track_instances
    assert len(found) > 0 and found.masks.shape == (len(found), *SIZE)
    assert found.masks.sum(dim=0).max() <= 1
    detections = sample[0].pred_instances  # all with a mask, tracked or not
    frame = image[0].round().to(torch.uint8).permute(1, 2, 0).numpy()
    expected = segment_boxes(model.masker, frame, detections.bboxes.numpy())
    agreement = (detections.masks.numpy() == expected).mean()
    assert agreement == 1 if factor == 1 else agreement > 0.98


def test_a_masker_is_not_trained(with_masker):
    model = with_masker.train()
    assert not model.masker.training
    before = copy.deepcopy(model.masker.state_dict())
    params = [param for param in model.parameters() if param.requires_grad]
    total, _ = model.parse_losses(losses_of(model, random_batch([3, 2])))
    total.backward()
    torch.optim.SGD(params, lr=0.1).step()
    assert all(param.grad is None for param in model.masker.parameters())
    for name, value in model.masker.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_batch_of_videos_is_refused(repo):
    model = build_model(repo).eval()
    data = model.data_preprocessor(random_batch([1, 1]), False)
    with pytest.raises(ValueError, match='one video'):
        model(**data, mode='predict')
