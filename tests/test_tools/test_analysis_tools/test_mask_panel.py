# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
from mask_panel import LABEL_COLORS, draw_panel

from mmwsmots.visualization.text import render_text


def explained_by_hand():
    """A box of 50 x 50 in a black frame of 200 x 200: the RoI is 80 x 80."""
    box = np.array([[60, 60, 110, 110]], np.float32)
    label = np.zeros((1, 8, 8), np.int8)
    label[0, 2:6, 2:6] = -1
    label[0, 2:4, 2:6] = 1
    masks = np.zeros((1, 200, 200), bool)
    masks[0, 60:110, 60:85] = True
    true_masks = np.zeros((1, 200, 200), bool)
    true_masks[0, 60:110, 60:110] = True
    cams = np.zeros((1, 4, 4), np.float32)
    cams[0, :, :2] = 1
    return dict(
        image=np.zeros((200, 200, 3), np.uint8),
        bboxes=box,
        names=['car'],
        cams=cams,
        rois=np.array([[45, 45, 125, 125]], np.float32),
        pseudo_labels=label,
        masks=masks,
        true_masks=true_masks,
    )


def cells_of(panel, num_columns, cell=160):
    """The cells of a panel of one row."""
    gap = cell // 40
    top = panel.shape[0] - cell - 2 * gap
    return [
        panel[top : top + cell, gap + i * (cell + gap) :][:, :cell]
        for i in range(num_columns)
    ]


def test_panel_by_hand(tmp_path):
    explained = explained_by_hand()
    panel = draw_panel([(explained, 0)], tmp_path / 'new/panel.png', cell=160)
    assert (cv2.imread(str(tmp_path / 'new/panel.png')) == panel).all()
    image, cam, label, mask, truth = cells_of(panel, 5)
    # 160 pixels show 80: the box spans 30..130.
    assert (image[30, 30:130] == 255).all() and not image[40:120, 40:120].any()
    # Hot on the left, cold on the right, nothing outside the box.
    assert (cam[80, 40:70, 2] > cam[80, 40:70, 0]).all()
    assert (cam[80, 90:120, 0] > cam[80, 90:120, 2]).all()
    assert not cam[10:25].any()
    for x, y, value in [(80, 60, 1), (80, 100, -1), (20, 80, 0), (80, 140, 0)]:
        assert label[y, x] == pytest.approx(0.75 * np.array(LABEL_COLORS[value]), abs=1)
    # A cell of the 8 x 8 label is 20 pixels large.
    assert (label[41:79, 42:118] == label[60, 80]).all()
    assert mask[40:120, 35:75].any(axis=2).all() and not mask[40:120, 85:].any()
    assert truth[35:125, 35:125].any(axis=2).all()
    assert not truth[:25].any()
    for picture, words in [
        (image, 'car, 50 x 50 px'),
        (mask, 'IoU 0.50'),
        (truth, 'filled box: IoU 1.00'),
    ]:
        text = render_text(words, 160 // 13)
        bottom = round(1.4 * (160 // 13))
        strip = picture[-bottom + 1 :][: len(text), 4 : 4 + text.shape[1], 0]
        assert (strip == text[: len(strip)]).all()


def test_panel_without_truth_and_of_several_objects(tmp_path):
    explained = explained_by_hand()
    explained['true_masks'] = None
    one = draw_panel([(explained, 0)], cell=160)
    assert one.shape[1] == 4 * 164 + 4
    three = draw_panel([(explained, 0)] * 3, cell=160)
    assert three.shape == (one.shape[0] + 2 * 164, one.shape[1], 3)
    with pytest.raises(ValueError, match='at least one object'):
        draw_panel([], tmp_path / 'panel.png')
    assert list(tmp_path.iterdir()) == []
