# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmwsmots.models.task_modules import JitteredRoISampler

TRAIN_CFG = ConfigDict(mask_size=28)


def head(**options):
    cfg = dict(
        type='GradCAMMaskHead',
        num_convs=1,
        in_channels=4,
        conv_out_channels=4,
        num_classes=2,
        crf_size=16,
        **options,
    )
    return MODELS.build(cfg)


def case(rgb=True, num=3):
    torch.manual_seed(0)
    corners = torch.rand(num, 2) * 20
    gts = InstanceData(
        bboxes=torch.cat([corners, corners + 15], dim=1),
        labels=torch.arange(num) % 2,
        cams=torch.rand(num, 28, 28),
    )
    if rgb:
        gts.set_field(torch.rand(3, 48, 48) * 255, 'rgb', None, 'metainfo')
    return [JitteredRoISampler(2).sample(gts)], [gts]


def test_all_losses_together():
    mask_head = head(
        loss_projection=dict(type='BoxProjectionLoss'),
        loss_pairwise=dict(type='PairwiseAffinityLoss'),
    )
    sampling, gts = case()
    preds = mask_head(torch.randn(6, 4, 14, 14))
    out = mask_head.loss_and_target(preds, sampling, gts, TRAIN_CFG)
    names = {'loss_loc', 'loss_crf', 'loss_projection', 'loss_pairwise'}
    assert set(out['loss_mask']) == names
    assert out['mask_targets'].shape == (6, 28, 28)
    sum(out['loss_mask'].values()).backward()
    assert all(p.grad is not None for p in mask_head.parameters())


def test_only_the_matched_class_gets_gradient():
    mask_head = head(loss_crf=None)
    sampling, gts = case(rgb=False)
    preds = torch.randn(6, 2, 28, 28, requires_grad=True)
    out = mask_head.loss_and_target(preds, sampling, gts, TRAIN_CFG)
    out['loss_mask']['loss_loc'].backward()
    used = preds.grad.flatten(2).any(dim=2)
    labels = sampling[0].pos_gt_labels
    assert not used[torch.arange(6), 1 - labels].any()
    assert used[torch.arange(6), labels].all()


def test_masks_in_the_annotations_change_nothing():
    mask_head = head(loss_crf=None)
    preds = torch.randn(6, 2, 28, 28)
    values = []
    for poison in (None, torch.randint(0, 2, (3, 48, 48)).bool()):
        sampling, gts = case(rgb=False)
        if poison is not None:
            gts[0].masks = poison
        out = mask_head.loss_and_target(preds, sampling, gts, TRAIN_CFG)
        values.append(out['loss_mask']['loss_loc'])
    assert torch.equal(*values)


def test_thresholds_differ_between_classes():
    mask_head = head(cam_thr=[0.2, 0.8], cam_bg_thr=[-1.0, 0.6], loss_crf=None)
    sampling, gts = case(rgb=False)
    targets = mask_head.get_targets(sampling, gts, TRAIN_CFG)
    for label, high, low in ((0, 0.2, -1.0), (1, 0.8, 0.6)):
        alone = head(cam_thr=high, cam_bg_thr=low, loss_crf=None)
        rows = sampling[0].pos_gt_labels == label
        expected = alone.get_targets(sampling, gts, TRAIN_CFG)
        assert torch.equal(targets[rows], expected[rows])
        assert not torch.equal(targets[~rows], expected[~rows])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(cam_thr=[0.5]), 'cam_thr must be one number or one for each of 2'),
        (
            dict(loss_projection=dict(type='BoxProjectionLoss', topk=[0.5])),
            'loss_projection.topk must be one number or one for each of 2',
        ),
        (dict(cam_bg_thr=[0.1] * 3), 'cam_bg_thr must be'),
        (dict(rim=0.5), 'rim must lie'),
    ],
)
def test_bad_label_options(options, message):
    with pytest.raises(ValueError, match=message):
        head(**options)


def test_missing_rgb_names_the_preprocessor():
    sampling, gts = case(rgb=False)
    with pytest.raises(KeyError, match='RGBDetDataPreprocessor'):
        head().loss_and_target(torch.randn(6, 2, 28, 28), sampling, gts, TRAIN_CFG)


def test_bilinear_head_has_no_subpixel_phase():
    mask_head = head(
        upsample_cfg=dict(type='bilinear', scale_factor=2), num_upsample_convs=1
    )
    flat = torch.ones(1, 4, 14, 14)
    with torch.no_grad():
        preds = mask_head(flat)[..., 4:-4, 4:-4]
        assert (preds - preds.mean((2, 3), keepdim=True)).abs().max() < 1e-5
        phases = head()(flat)[..., 4:-4, 4:-4]  # the deconvolution's checkerboard
        assert (phases - phases.mean((2, 3), keepdim=True)).abs().max() > 1e-3


def clip(frame_ids, shift=8.0):
    """The same object in each frame, further right each time, on a flat image."""
    batch = []
    for i, frame_id in enumerate(frame_ids):
        box = torch.tensor([[8.0, 10.0, 28.0, 34.0]]) + shift * i * torch.tensor(
            [1.0, 0.0, 1.0, 0.0]
        )
        gts = InstanceData(
            bboxes=box, labels=torch.tensor([0]), instances_ids=torch.tensor([5])
        )
        gts.set_metainfo(dict(frame_id=frame_id))
        gts.set_field(torch.full((3, 48, 64), 90.0), 'rgb', None, 'metainfo')
        batch.append(gts)
    torch.manual_seed(0)
    return [JitteredRoISampler(3).sample(gts) for gts in batch], batch


def temporal_loss(mask_head, sampling, gts, paint):
    """Loss of masks that are given by where a RoI's cells lie in their box."""
    rois = torch.cat([res.pos_priors for res in sampling])
    boxes = torch.cat([res.pos_gt_bboxes for res in sampling])
    steps = (torch.arange(28) + 0.5) / 28
    xs = rois[:, 0:1] + steps * (rois[:, 2:3] - rois[:, 0:1])
    xs = (xs - boxes[:, 0:1]) / (boxes[:, 2:3] - boxes[:, 0:1])
    frames = torch.arange(len(sampling)).repeat_interleave(3)
    logits = paint(xs, frames[:, None])[:, None, None, :].expand(-1, 2, 28, 28)
    logits = logits.clone().requires_grad_()
    loss = mask_head.loss_and_target(logits, sampling, gts, TRAIN_CFG)
    loss = loss['loss_mask']['loss_temporal']
    loss.backward()
    return loss.item(), logits.grad


def temporal_head():
    return head(
        cam_thr=None,
        loss_crf=None,
        loss_temporal=dict(type='TemporalAffinityLoss', radius=0, num_matches=1),
    )


def test_temporal_loss_compares_masks_in_the_coordinates_of_their_boxes():
    sampling, gts = clip([3, 4])
    # A mask that moves with its box, whatever the jitter of the RoIs.
    moving, _ = temporal_loss(temporal_head(), sampling, gts, lambda x, t: 20 - 40 * x)
    # Masks that disagree: the left half in one frame, the right one in the next.
    other, grad = temporal_loss(
        temporal_head(), sampling, gts, lambda x, t: (20 - 40 * x) * (1 - 2 * t)
    )
    assert moving < 0.1 < 3 < other
    assert (grad.flatten(2)[:, 0].abs().sum(1) > 0).all()
    assert not grad[:, 1].any()  # the other class


def test_temporal_loss_takes_neighbouring_frames_only():
    for frame_ids in ([3, 3], [3, 9], [4, 3]):
        sampling, gts = clip(frame_ids)
        preds = torch.randn(6, 2, 28, 28)
        out = temporal_head().loss_and_target(preds, sampling, gts, TRAIN_CFG)
        assert out['loss_mask']['loss_temporal'] == 0
    del gts[0].instances_ids
    with pytest.raises(KeyError, match='instances_ids'):
        temporal_head().loss_and_target(preds, sampling, gts, TRAIN_CFG)
