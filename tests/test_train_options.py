# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Options of training, on few and on many objects."""

import math

import mmcv.ops
import mmdet.models.dense_heads.rpn_head as rpn_head
import pytest
import torch
from mmengine.model import (
    MMDistributedDataParallel,
    convert_sync_batchnorm,
    revert_sync_batchnorm,
)
from mmengine.optim import OptimWrapper

from tests.processes import run_processes
from tests.test_distributed import error, gradients, options_of
from tests.test_models.utils import build_model, random_batch


def split(batch):
    """The clips of a batch, one by one."""
    for i in range(len(batch['inputs'])):
        yield {key: value[i : i + 1] for key, value in batch.items()}


def accumulated(repo, objects):
    """Weights after a step of a batch, and after that of its clips one by one."""
    options = options_of(False)
    options['model.track_head.loss_triplet.loss_weight'] = 0.0
    weights = []
    for num_parts in (1, len(objects)):
        model = build_model(repo, **options).train()
        # Only the true boxes are positive, so that clips count alike.
        model.detector.roi_head.bbox_assigner.pos_iou_thr = 0.999
        optimizer = OptimWrapper(
            torch.optim.SGD(model.parameters(), lr=0.1),
            accumulative_counts=num_parts,
            clip_grad=dict(max_norm=5.0),
        )
        start = {name: value.clone() for name, value in model.state_dict().items()}
        batch = random_batch(objects, num_frames=1)
        for part in [batch] if num_parts == 1 else split(batch):
            model.train_step(part, optimizer)
        weights.append(
            {name: value - start[name] for name, value in model.state_dict().items()}
        )
    return weights


def test_accumulation_is_the_bigger_batch_where_clips_count_alike(repo):
    whole, parts = accumulated(repo, [2, 2])
    name = 'detector.roi_head.mask_head.conv_logits.weight'
    assert whole[name].abs().sum() > 0
    for name, step in whole.items():
        assert error(parts[name].float(), step.float()) < 2e-3, name


@pytest.fixture
def cpu_bfloat16(monkeypatch):
    """mmcv has no bfloat16 NMS and RoIAlign on the CPU, so both stay in float32.

    Everything else of a step is in bfloat16, as with AMP on a GPU.
    """
    align, nms = mmcv.ops.RoIAlign.forward, rpn_head.batched_nms
    monkeypatch.setattr(
        mmcv.ops.RoIAlign,
        'forward',
        lambda self, x, rois: align(self, x.float(), rois.float()).type_as(x),
    )
    monkeypatch.setattr(
        rpn_head,
        'batched_nms',
        lambda boxes, scores, *args: nms(boxes.float(), scores.float(), *args),
    )


@pytest.mark.usefixtures('cpu_bfloat16')
def test_mixed_precision(repo):
    model = build_model(repo, **options_of(False)).train()
    dtypes = []
    for module in (model.detector.neck, model.detector.roi_head.mask_head):
        module.register_forward_hook(lambda *args: dtypes.append(args[-1][0].dtype))
    data = model.data_preprocessor(random_batch([2, 1], num_frames=1), True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
    assert dtypes == [torch.bfloat16] * len(dtypes) and len(dtypes) >= 2
    total, mixed = model.parse_losses(losses)
    total.backward()
    own = set(losses) - {'loss_cls', 'loss_bbox', 'acc'}
    own = {key for key in own if 'rpn' not in key}
    assert {losses[key].dtype for key in own} == {torch.float32}
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(grad.isfinite().all() for grad in grads)
    full = model.parse_losses(model(**data, mode='loss'))[1]
    for key in full:
        if key.startswith('loss'):
            expected = pytest.approx(float(full[key]), rel=0.25, abs=0.02)
            assert float(mixed[key]) == expected, key


SYNC_BN = {'model.detector.neck.norm_cfg': dict(type='BN')}


def test_batch_norm_is_synchronised_by_conversion(repo):
    model = build_model(repo, **SYNC_BN).eval()
    images = torch.rand(1, 3, 64, 128)
    with torch.no_grad():
        expected = model.detector.extract_feat(images)
        model = convert_sync_batchnorm(model).eval()
        types = [type(module).__name__ for module in model.modules()]
        assert types.count('SyncBatchNorm') >= 8 and 'BatchNorm2d' not in types
        torch.testing.assert_close(model.detector.extract_feat(images), expected)
        model = revert_sync_batchnorm(model).eval()
        torch.testing.assert_close(model.detector.extract_feat(images), expected)
    types = [type(module).__name__ for module in model.modules()]
    assert 'SyncBatchNorm' not in types


def wrap_sync_bn(rank, repo):
    model = convert_sync_batchnorm(build_model(repo, **SYNC_BN))
    with pytest.raises(ValueError, match='SyncBatchNorm layers only work with GPU'):
        MMDistributedDataParallel(model)
    return True


def test_torch_refuses_to_synchronise_statistics_on_the_cpu(repo):
    """If this fails, torch has learned it: train and compare the statistics."""
    assert run_processes(wrap_sync_bn, repo) == [True, True]


def test_compiled_features(repo):
    """Backbone and neck are one graph, and learn the same."""

    model = build_model(repo, **options_of(False)).train()
    batch = random_batch([1], num_frames=1)
    losses, expected = gradients(model, batch)
    model.zero_grad()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    detector = model.detector
    detector.extract_feat = torch.compile(
        detector.extract_feat, fullgraph=True, backend='eager'
    )
    again, grads = gradients(model, batch)
    assert again == pytest.approx(losses, rel=1e-4)
    assert grads.keys() == expected.keys()
    for name, grad in grads.items():
        assert error(grad, expected[name]) < 1e-3, name
    assert torch._dynamo.utils.counters['stats']['unique_graphs'] == 1


def test_500_objects_of_one_pixel(repo):
    batch = random_batch([500], num_frames=1)
    (frame,) = batch['data_samples'][0].video_data_samples
    frame.gt_instances.bboxes[:, 2:] = frame.gt_instances.bboxes[:, :2] + 1
    model = build_model(repo, **options_of(False)).train()
    losses, grads = gradients(model, batch)
    assert math.isfinite(losses['loss']) and losses['loss_loc'] > 0
    assert all(grad.isfinite().all() for grad in grads.values())
