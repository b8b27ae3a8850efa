# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
import torch
from explain_masks import explain_masks
from mask_panel import draw_panel
from mmdet.apis import inference_mot

from mmwsmots.apis import init_box_masker, init_mots_model, segment_boxes
from tests.small_model import SIZE, small_config

WIDTH, HEIGHT = SIZE
BOXES = np.array([[10, 12, 50, 40], [40, 20, 60, 62], [70, 5, 96, 64]], np.float32)
LABELS = [0, 1, 1]


@pytest.fixture(scope='module')
def cam_model(repo):
    torch.manual_seed(0)
    return init_mots_model(small_config(repo))


@pytest.fixture(scope='module')
def model(repo):
    """The same without heat maps."""
    torch.manual_seed(0)
    cfg = small_config(repo)
    roi_head = cfg.model.detector.roi_head
    roi_head.type, roi_head.bbox_head.type = 'MOTSRoIHead', 'MOTSBBoxHead'
    roi_head.mask_head = dict(
        type='MOTSMaskHead', num_convs=1, in_channels=64, num_classes=2
    )
    model = init_mots_model(cfg)
    # Masks that rounding does not decide.
    torch.nn.init.normal_(model.detector.roi_head.mask_head.conv_logits.weight)
    return model


@pytest.fixture
def img_path(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    cv2.imwrite(str(tmp_path / 'frame.png'), image)
    return tmp_path / 'frame.png'


def test_geometry_is_that_of_the_frame(cam_model, img_path, monkeypatch):
    monkeypatch.setattr(cam_model.detector.roi_head.mask_head, 'overlap', 'background')
    explained = explain_masks(cam_model, img_path, BOXES, LABELS)
    assert (explained['image'] == cv2.imread(str(img_path))).all()
    assert (explained['bboxes'] == BOXES).all()
    masks = explained['masks']
    assert masks.shape == (3, HEIGHT, WIDTH) and masks.dtype == bool
    assert explained['cams'].min() >= 0 and explained['cams'].max() <= 1
    assert explained['cams'].max() > 0.5
    assert explained['names'] == ['car', 'person', 'person']
    for i, (x1, y1, x2, y2) in enumerate(BOXES):
        ys, xs = np.nonzero(masks[i])
        assert (xs + 0.5 >= x1).all() and (xs + 0.5 < x2).all()
        assert (ys + 0.5 >= y1).all() and (ys + 0.5 < y2).all()
        rx1, ry1, rx2, ry2 = explained['rois'][i]
        assert rx2 - rx1 == pytest.approx(1.6 * (x2 - x1), rel=1e-4)
        assert ry2 - ry1 == pytest.approx(1.6 * (y2 - y1), rel=1e-4)
        assert [rx1 + rx2, ry1 + ry2] == pytest.approx([x1 + x2, y1 + y2], rel=1e-4)
        label = explained['pseudo_labels'][i]
        num = label.shape[0]
        for row in range(num):
            for column in range(num):
                x = rx1 + (column + 0.5) / num * (rx2 - rx1)
                y = ry1 + (row + 0.5) / num * (ry2 - ry1)
                in_box = x1 <= x < x2 and y1 <= y < y2
                # 'background': outside its own box a cell is 0, else 1 or void.
                assert (label[row, column] == 0) == (not in_box)
        assert (label == 1).any()


def test_labels_follow_the_heat_maps(cam_model, img_path):
    explained = explain_masks(cam_model, img_path, BOXES, LABELS)
    for cam, label in zip(explained['cams'], explained['pseudo_labels']):
        # The box fills the middle 1 / 1.6 of the RoI.
        side = len(label) / 1.6
        margin = (len(label) - side) / 2
        inner = np.arange(int(margin) + 2, int(margin + side) - 2)
        at = ((inner + 0.5 - margin) / side * len(cam)).astype(int)
        heat, marks = cam[np.ix_(at, at)], label[np.ix_(inner, inner)]
        assert (marks[heat > 0.7] == 1).all()
        assert (marks[heat < 0.3] == -1).all()


@pytest.mark.parametrize('with_cams', [True, False])
def test_masks_of_a_masker(repo, model, cam_model, img_path, monkeypatch, with_cams):
    """The masker's; features are extracted for heat maps alone."""
    explained_model = cam_model if with_cams else model
    masker = init_box_masker()
    expected = segment_boxes(masker, cv2.imread(str(img_path)), BOXES)
    calls = []
    detector, extract = explained_model.detector, explained_model.detector.extract_feat
    monkeypatch.setattr(
        detector, 'extract_feat', lambda x: calls.append(x) or extract(x)
    )
    monkeypatch.setattr(explained_model, 'masker', masker)
    explained = explain_masks(explained_model, img_path, BOXES, LABELS)
    assert (explained['masks'] == expected).all()
    assert len(calls) == ('cams' in explained) == with_cams


def test_masks_are_those_of_inference(model, img_path):
    image = cv2.imread(str(img_path))
    predicted = inference_mot(model, image, 0, 1)[0].pred_track_instances
    assert len(predicted) > 0
    explained = explain_masks(
        model, img_path, predicted.bboxes.numpy(), predicted.labels.numpy()
    )
    order = np.argsort(-predicted.scores.numpy(), kind='stable')
    taken = np.zeros(image.shape[:2], bool)
    for i in order:
        mask = explained['masks'][i] & ~taken
        taken |= mask
        assert (mask != predicted.masks[i].numpy()).mean() < 1e-3


def test_a_frame_without_objects(cam_model, img_path):
    explained = explain_masks(cam_model, img_path, np.zeros((0, 4)), [])
    assert explained['masks'].shape == (0, HEIGHT, WIDTH)
    assert explained['pseudo_labels'].shape[0] == 0


def test_bad_frames_and_annotations(model, img_path, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'absent\.png: no such frame'):
        explain_masks(model, tmp_path / 'absent.png', BOXES, LABELS)
    (tmp_path / 'broken.png').write_text('no image')
    with pytest.raises(ValueError, match=r'broken\.png: the frame cannot be read'):
        explain_masks(model, tmp_path / 'broken.png', BOXES, LABELS)
    with pytest.raises(ValueError, match=r'frame\.png: 3 bboxes .* \(2,\)'):
        explain_masks(model, img_path, BOXES, LABELS[:2])
    with pytest.raises(ValueError, match=r'frame\.png: labels \[0 1 2\] of 2 classes'):
        explain_masks(model, img_path, BOXES, [0, 1, 2])
    with pytest.raises(ValueError, match=r'frame\.png: 3 true_masks of 64 x 96'):
        explain_masks(model, img_path, BOXES, LABELS, np.zeros((3, 64, 90), bool))


def test_panel_of_an_object_at_the_border(model, cam_model, img_path):
    args = (
        img_path,
        [[-5, -5, 20, 20], [80, 50, 96, 64]],
        [0, 1],
        np.zeros((2, HEIGHT, WIDTH), bool),
    )
    # Heat maps and labels stand there where the model learns from them.
    for part, columns in ((cam_model, 5), (model, 3)):
        explained = explain_masks(part, *args)
        panel = draw_panel([(explained, 0), (explained, 1)], cell=80)
        assert panel.shape[1] == columns * 82 + 2
        assert ('cams' in explained) == (part is cam_model)
