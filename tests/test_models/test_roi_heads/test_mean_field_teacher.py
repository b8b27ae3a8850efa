# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import copy

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS

from mmwsmots.models.utils.mean_field import refine_logits

from ..utils import build_model, random_batch

HEAD = 'model.detector.roi_head.'
FIELD = dict(size=28, sigma_xy=6.0, num_iters=2)


def student():
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='MOTSMaskHead',
            num_convs=1,
            in_channels=4,
            conv_out_channels=4,
            num_classes=2,
        )
    )


def teacher(head, **options):
    cfg = dict(type='MeanFieldTeacher', mask_head=head, mean_field=FIELD, **options)
    return MODELS.build(cfg)


def inputs(num=3):
    torch.manual_seed(1)
    corners = torch.rand(num, 2) * 20
    bboxes = torch.cat([corners, corners + 12], dim=1)
    rois = F.pad(bboxes + torch.tensor([-4.0, -4.0, 4.0, 4.0]), (1, 0))
    labels = torch.arange(num) % 2
    return torch.randn(num, 4, 7, 7), labels, rois, bboxes, torch.rand(1, 3, 48, 48)


def step(module, head, feats, labels, *args):
    logits = head.class_logits(head(feats), labels)
    return logits, module.loss(head, logits, feats, labels, *args)['loss_teacher']


def test_weights_follow_by_the_closed_form():
    head = student()
    module = teacher(head, momentum=0.25)
    feats, *args = inputs()
    history = []
    for i in range(4):
        with torch.no_grad():
            head.conv_logits.weight.fill_(float(i))
        step(module, head, feats, *args)
        history.append(module.average.module.conv_logits.weight.mean().item())
    # The first step copies; then average = 0.75 average + 0.25 student.
    expected = [0.0]
    for i in (1.0, 2.0, 3.0):
        expected.append(0.75 * expected[-1] + 0.25 * i)
    assert history == pytest.approx(expected)


def test_loss_is_the_cross_entropy_with_the_refined_masks_of_the_teacher():
    head = student()
    module = teacher(head)
    feats, labels, rois, bboxes, images = inputs()
    images = images * 255
    logits, loss = step(module, head, feats, labels, rois, bboxes, images)

    frozen = copy.deepcopy(head)  # after one step the teacher is the student
    refined = refine_logits(
        frozen.class_logits(frozen(feats), labels), rois, bboxes, images, **FIELD
    )
    probs = F.avg_pool2d(refined.sigmoid(), 2)  # 28 to the head's 14
    total = 0.0
    for n in range(3):
        x1, y1, x2, y2 = rois[n, 1:].tolist()
        for i in range(14):
            for j in range(14):
                x = x1 + (j + 0.5) / 14 * (x2 - x1)
                y = y1 + (i + 0.5) / 14 * (y2 - y1)
                box = bboxes[n]
                inside = box[0] <= x < box[2] and box[1] <= y < box[3]
                t = probs[n, i, j] if inside else torch.tensor(0.0)
                p = logits[n, i, j].sigmoid()
                total -= t * p.log() + (1 - t) * (1 - p).log()
    torch.testing.assert_close(loss, total / (3 * 14 * 14), rtol=1e-4, atol=1e-5)
    loss.backward()
    assert head.conv_logits.weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in module.average.parameters())


def test_loss_begins_and_grows_as_told():
    head = student()
    module = teacher(head, begin=2, ramp=3)
    full = teacher(head)
    feats, *args = inputs()
    args[-1] = args[-1] * 255
    shares = []
    for _ in range(7):
        _, loss = step(module, head, feats, *args)
        _, reference = step(full, head, feats, *args)
        shares.append((loss / reference).item())
    assert shares == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1])


def test_no_mask_leaves_a_zero_in_the_graph():
    head = student()
    module = teacher(head)
    feats, labels, rois, bboxes, images = inputs()
    logits = head.class_logits(head(feats[:0]), labels[:0])
    loss = module.loss(
        head, logits, feats[:0], labels[:0], rois[:0], bboxes[:0], images
    )['loss_teacher']
    loss.backward()
    assert loss == 0 and head.conv_logits.weight.grad is not None


@pytest.mark.parametrize('name', ['wsmots-plus', 'wsmots'])
def test_in_the_whole_model(repo, name):
    options = {HEAD + 'mask_teacher': dict(type='MeanFieldTeacher', mean_field=FIELD)}
    if name == 'wsmots':
        options[HEAD + 'mask_head.crf_size'] = 16
    model = build_model(repo, name, **options).train()
    data = model.data_preprocessor(random_batch([2, 0]), True)
    losses = model.loss(data['inputs'], data['data_samples'])
    assert losses['loss_teacher'] > 0
    model.parse_losses(losses)[0].backward()
    for param_name, param in model.named_parameters():
        if 'mask_teacher' in param_name:
            assert param.grad is None and not param.requires_grad
    # The teacher and its age travel in the checkpoint.
    state = model.state_dict()
    assert state['detector.roi_head.mask_teacher.average.steps'] == 1
