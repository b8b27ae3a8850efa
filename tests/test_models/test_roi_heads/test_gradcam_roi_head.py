# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData

from mmwsmots.models.roi_heads.mots_roi_head import with_cams

from ..utils import build_model, random_batch

REFINER = 'model.detector.test_cfg.rcnn.mask_refiner.'


def features(model, num_objects=3):
    data = model.data_preprocessor(random_batch([num_objects], num_frames=1), True)
    frames = data['data_samples'][0].video_data_samples
    return model.detector.extract_feat(data['inputs'][0]), frames


def cams_of(head, x, gts):
    (copied,) = with_cams(x, [gts], head.bbox_roi_extractor, head.bbox_head)
    assert 'cams' not in gts and copied.bboxes is gts.bboxes and copied.rgb is gts.rgb
    return copied.cams


def test_cams_of_a_batch_equal_those_of_each_box_alone(repo):
    model = build_model(repo, 'wsmots').eval()
    x, (frame,) = features(model)
    head, gts = model.detector.roi_head, frame.gt_instances
    cams = cams_of(head, x, gts)
    assert cams.shape == (3, 28, 28)
    assert cams.amin((1, 2)).min() >= 0 and cams.amax() <= 1
    assert not cams.requires_grad

    # Truth: autograd through RoIAlign's output, both convolutions and the FCs.
    for i in range(3):
        feats = head.bbox_roi_extractor(x, bbox2roi([gts.bboxes[i : i + 1]]))
        activations = head.bbox_head.cam_convs(feats)
        pooled = torch.nn.functional.avg_pool2d(activations, 2).flatten(1)
        for fc in head.bbox_head.shared_fcs:
            pooled = fc(pooled).relu()
        score = head.bbox_head.fc_cls(pooled)[0, gts.labels[i]]
        (grad,) = torch.autograd.grad(score, activations)
        heat = (grad.mean((2, 3), keepdim=True).abs() * activations).sum(1)
        heat = (heat - heat.min()) / (heat.max() - heat.min())
        heat = torch.nn.functional.interpolate(heat[:, None], (28, 28), mode='bilinear')
        torch.testing.assert_close(cams[i], heat[0, 0], rtol=1e-3, atol=1e-4)


def test_cams_work_without_grad_and_in_low_precision(repo):
    model = build_model(repo, 'wsmots').eval()
    x, (frame,) = features(model)
    head, gts = model.detector.roi_head, frame.gt_instances
    reference = cams_of(head, x, gts)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        cams = cams_of(head, x, gts)
    assert cams.dtype == torch.float32
    torch.testing.assert_close(cams, reference)


def test_original_cams(repo):
    options = {'model.detector.roi_head.bbox_head.cam_mode': 'relu'}
    model = build_model(repo, 'wsmots', **options).eval()
    x, (frame,) = features(model)
    cams = cams_of(model.detector.roi_head, x, frame.gt_instances)
    assert cams.shape == (3, 28, 28)


def test_cams_of_7x7_features(repo):
    head = 'model.detector.roi_head.'
    options = {
        head + 'bbox_head.cam_stride': 1,
        head + 'bbox_roi_extractor.roi_layer.output_size': 7,
    }
    model = build_model(repo, 'wsmots', **options).eval()
    x, (frame,) = features(model)
    cams = cams_of(model.detector.roi_head, x, frame.gt_instances)
    assert cams.shape == (3, 28, 28)


def test_mask_samples_carry_identity_and_gradient(repo):
    model = build_model(repo).train()
    x, (frame,) = features(model)
    head, gts = model.detector.roi_head, frame.gt_instances
    inds = torch.tensor([2, 0, 1, 2])
    sampling = InstanceData(
        pos_priors=gts.bboxes[inds] + 1,
        pos_gt_labels=gts.labels[inds],
        pos_assigned_gt_inds=inds,
    )
    results = head.mask_loss(x, [sampling], None, [gts])
    (samples,) = results['loss_mask']['mask_samples']
    assert samples.mask_probs.requires_grad
    assert torch.equal(samples.priors, sampling.pos_priors)
    assert torch.equal(samples.labels, gts.labels[inds])
    assert torch.equal(samples.instances_ids, gts.instances_ids[inds])


@pytest.mark.parametrize('paste', [True, False])
def test_soft_masks_on_the_boxes_of_the_network(repo, paste):
    """With masks of the image's size or, where a masker makes these, without."""
    model = build_model(repo).eval()
    x, (frame,) = features(model)
    gts = frame.gt_instances
    head = model.detector.roi_head
    head.mask_head.paste_masks = paste
    dets = InstanceData(
        bboxes=gts.bboxes.clone(), labels=gts.labels, scores=torch.ones(3)
    )
    meta = dict(frame.metainfo, scale_factor=(2.0, 2.0), ori_shape=(32, 64))
    with torch.no_grad():
        (res,) = head.predict_mask(x, [meta], [dets], rescale=True)
        logits = head._mask_forward(x, bbox2roi([gts.bboxes]))['mask_preds']
    torch.testing.assert_close(res.bboxes, gts.bboxes / 2)
    torch.testing.assert_close(res.mask_rois, gts.bboxes)
    expected = logits[torch.arange(3), gts.labels].sigmoid()
    torch.testing.assert_close(res.mask_probs, expected)
    assert ('masks' in res) == paste
    if paste:
        assert res.masks.shape == (3, 32, 64) and res.masks.dtype == torch.bool


def test_refinement_at_test_time(repo):
    """The image, not the network, says where a light object on the dark ends."""
    options = dict(size=56, sigma_rgb=8.0, sigma_xy=20.0, weight=8.0)
    options = {REFINER + 'type': 'MaskRefiner', REFINER + 'mean_field': options}
    model = build_model(repo, 'mots', **options).eval()
    # Network logits that say next to nothing.
    torch.nn.init.constant_(model.detector.roi_head.mask_head.conv_logits.weight, 0)
    torch.nn.init.constant_(model.detector.roi_head.mask_head.conv_logits.bias, 0.3)
    data = random_batch([1], num_frames=1)
    image, truth = data['inputs'][0][0], torch.zeros(64, 128, dtype=torch.bool)
    truth[16:48, 40:72] = True
    image[:] = 40
    image[:, truth] = 200
    data = model.data_preprocessor(data, False)
    (frame,) = data['data_samples'][0].video_data_samples
    x = model.detector.extract_feat(data['inputs'][0])
    dets = InstanceData(
        bboxes=torch.tensor([[36.0, 12.0, 76.0, 52.0]]),
        labels=torch.tensor([0]),
        scores=torch.ones(1),
    )
    with torch.no_grad():
        (res,) = model.detector.roi_head.predict_mask(
            x, [frame.metainfo], [dets], rescale=True
        )
    assert res.mask_probs.shape == (1, 56, 56)
    # Nothing in the RoI is known to be outside.
    (mask,) = res.masks
    expected = torch.zeros_like(truth)
    expected[12:52, 36:76] = True
    assert torch.equal(mask, expected)


def test_refinement_without_the_image_names_the_preprocessor(repo):
    options = {REFINER + 'type': 'MaskRefiner', REFINER + 'mean_field': dict(size=28)}
    model = build_model(repo, **options).eval()
    x, (frame,) = features(model)
    gts = frame.gt_instances
    dets = InstanceData(bboxes=gts.bboxes, labels=gts.labels)
    with pytest.raises(KeyError, match='RGBTrackDataPreprocessor'):
        model.detector.roi_head.predict_mask(x, [frame.metainfo], [dets])
