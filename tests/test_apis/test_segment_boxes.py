# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.runner import save_checkpoint
from torch.nn import functional as F

from mmwsmots.apis import (
    VideoTracker,
    init_box_masker,
    segment_boxes,
    segment_instances,
)
from tests.small_masker import small_masker
from tests.small_model import SIZE, varied_model

WIDTH, HEIGHT = SIZE
ALIGN = dict(align_corners=False)
BOXES = np.array([[10, 5, 50, 40], [30, 20, 90, 60.0]])
LABELS = np.array([0, 1])


@pytest.fixture(scope='module')
def frame():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope='module')
def model(repo):
    return varied_model(repo)


def test_masks_equal_the_mask_branch_step_by_step(model, frame, monkeypatch):
    head, pre = model.detector.roi_head, model.data_preprocessor
    # The network sees the frame at twice its size, as RGB, normalised.
    image = cv2.resize(frame, None, fx=2, fy=2)[..., ::-1].astype(np.float32)
    image = torch.from_numpy(image).permute(2, 0, 1)[None]
    image = (image - pre.mean.view(3, 1, 1)) / pre.std.view(3, 1, 1)
    rois = torch.from_numpy(BOXES).float()
    with torch.no_grad():
        x = model.detector.extract_feat(image)
        probs = head._mask_forward(x, bbox2roi([2 * rois]))['mask_preds'].sigmoid()
    # A threshold that cuts through the second mask.
    threshold = probs[1, 1].median().item()
    monkeypatch.setitem(head.test_cfg, 'mask_thr_binary', threshold)
    masks = segment_boxes(model, frame, BOXES, LABELS)
    assert masks.shape == (2, HEIGHT, WIDTH) and masks.dtype == bool

    expected = np.zeros_like(masks)
    for n, label in enumerate(LABELS):
        x1, y1, x2, y2 = rois[n].tolist()
        left, top, right, bottom = BOXES[n].astype(int)
        for row in range(top, bottom):
            for column in range(left, right):
                u = (column + 0.5 - x1) / (x2 - x1) * 2 - 1
                v = (row + 0.5 - y1) / (y2 - y1) * 2 - 1
                grid = torch.tensor([[[[u, v]]]])
                prob = F.grid_sample(probs[n, label][None, None], grid, **ALIGN)
                expected[n, row, column] = prob >= threshold
    expected[0] &= ~expected[1]  # box 1 ends lower: it is in front
    assert 0.05 < masks[1].mean() < 0.35  # the box has 0.39
    assert (masks != expected).mean() < 1e-3


def test_row_n_belongs_to_box_n_and_masks_are_disjoint(model, frame):
    masks = segment_boxes(model, frame, BOXES, LABELS)
    swapped = segment_boxes(model, frame, BOXES[::-1], LABELS[::-1])
    assert (masks == swapped[::-1]).all()
    assert not (masks[0] & masks[1]).any()
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES.astype(int)):
        outside = mask.copy()
        outside[y1:y2, x1:x2] = False
        assert mask.any() and not outside.any()


def test_no_box(model, frame):
    masks = segment_boxes(model, frame, np.zeros((0, 4)), np.zeros(0, dtype=int))
    assert masks.shape == (0, HEIGHT, WIDTH) and masks.dtype == bool


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(frame=np.zeros((4, 4), np.uint8)), 'frame must be'),
        (dict(bboxes=BOXES[0]), r'bboxes must be \(n, 4\)'),
        (dict(labels=LABELS[:1]), 'labels must be one for each of 2 boxes'),
        (dict(labels=np.array([0, 2])), 'labels must lie in 0..1'),
        (dict(bboxes=BOXES * [[1, 1, 1, 1], [1, 1, 0, 1]]), r'bboxes\[1\] is no box'),
        (dict(bboxes=BOXES * np.nan), r'bboxes\[0\] is no box'),
    ],
)
def test_bad_input_names_the_field(model, frame, change, message):
    inputs = dict(frame=frame, bboxes=BOXES, labels=LABELS) | change
    with pytest.raises(ValueError, match=message):
        segment_boxes(model, **inputs)


def test_masker_needs_no_classes(repo, frame, tmp_path):
    """What it makes of the boxes in a batch as its pipeline packs it."""
    model = init_box_masker(*small_masker(repo, tmp_path))
    found = segment_instances(model, frame, BOXES)
    image = torch.from_numpy(frame[..., ::-1].astype(np.float32)).permute(2, 0, 1)
    pre = model.data_preprocessor
    image = (image - pre.mean) / pre.std
    expected = model.segment(image, torch.from_numpy(BOXES).float())
    assert (found.masks == expected.masks).all()
    torch.testing.assert_close(found.scores, expected.scores)
    assert (
        found.masks.shape == (2, HEIGHT, WIDTH) and found.masks.flatten(1).any(1).all()
    )
    assert not (found.masks[0] & found.masks[1]).any()
    with_labels = segment_boxes(model, frame, BOXES, np.array([7, 80]))
    assert (with_labels == found.masks.numpy()).all()
    assert segment_boxes(model, frame, np.zeros((0, 4))).shape == (0, HEIGHT, WIDTH)


def test_boxes_are_clipped_to_the_frame(repo, model, frame, tmp_path):
    """However far they reach."""
    masker = init_box_masker(*small_masker(repo, tmp_path))
    far = np.array([[-1e30, 5, 50, 40], [30, 20, np.inf, 1e9]])
    near = np.array([[0, 5, 50, 40], [30, 20, WIDTH, HEIGHT]])
    for net in (masker, model):
        masks = segment_boxes(net, frame, far, LABELS)
        assert masks.any(axis=(1, 2)).all()
        assert (masks == segment_boxes(net, frame, near, LABELS)).all()


def test_what_is_no_model_or_no_boxes_is_named(repo, frame, tmp_path):
    masker = init_box_masker(*small_masker(repo, tmp_path))
    with pytest.raises(ValueError, match=r'bboxes must be \(n, 4\), got \(\) object'):
        segment_boxes(masker, frame, None)
    with pytest.raises(ValueError, match='a BoxMasker or a MOTSNet, got NoneType'):
        segment_boxes(None, frame, BOXES)
    with pytest.raises(ValueError, match='the model is no MOTSNet'):
        VideoTracker(masker, 1)


def test_mask_branch_needs_classes(model, frame):
    with pytest.raises(ValueError, match='a MOTSNet needs labels'):
        segment_boxes(model, frame, BOXES)


def test_bad_masker(repo, model, tmp_path):
    config, checkpoint = small_masker(repo, tmp_path)
    with pytest.raises(ValueError, match='a config needs the checkpoint'):
        init_box_masker(config)
    with pytest.raises(FileNotFoundError, match=r'no\.py: no such config'):
        init_box_masker(tmp_path / 'no.py', checkpoint)
    with pytest.raises(FileNotFoundError, match=r'no\.pth: no such checkpoint'):
        init_box_masker(config, tmp_path / 'no.pth')
    with pytest.raises(ValueError, match=r'model\.type must be Box'):
        init_box_masker(model.cfg, checkpoint)
    with pytest.raises(ValueError, match="device 'cuda:99'"):
        init_box_masker(config, checkpoint, 'cuda:99')
    save_checkpoint(dict(state_dict=model.state_dict()), str(checkpoint))
    with pytest.raises(ValueError, match=r'masker\.pth: not the weights'):
        init_box_masker(config, checkpoint)
