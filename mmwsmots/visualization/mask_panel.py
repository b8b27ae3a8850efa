# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from pathlib import Path

import cv2
import mmcv
import numpy as np
import torch
from mmengine.structures import InstanceData

from mmwsmots.apis.inference import frame_batch
from mmwsmots.fileio import atomic_write
from mmwsmots.fileio.mots_txt import CLASS_IDS
from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.utils.pseudo_labels import pseudo_labels, thresholds_of
from mmwsmots.models.utils.roi_grid import expand_bboxes

from .text import put_text, render_text
from .track_drawer import SHORT_NAMES

CONTEXT = 1.6
DEFAULT_CAM_THR = 0.5  # the paper's, for models that take no 1 from the heat maps
PAPER, INK, OUTSIDE = (255, 255, 255), (40, 40, 40), (200, 200, 200)
# BGR of the labels 1, 0 and void.
LABEL_COLORS = {1: (60, 200, 250), 0: (150, 70, 30), -1: (128, 128, 128)}
MASK_COLOR, TRUE_COLOR, BOX_COLOR = (60, 200, 250), (90, 220, 90), (255, 255, 255)


@torch.no_grad()
def explain_masks(
    model: MOTSNet,
    img_path: str | Path,
    bboxes: np.ndarray,
    labels: Sequence[int],
    true_masks: np.ndarray | None = None,
    overlap: str | None = None,
    classes: Sequence[str] = tuple(CLASS_IDS),
) -> dict:
    """What the mask branch sees and says for the annotated boxes of a frame.

    Args:
        model (:obj:`MOTSNet`): From :func:`mmwsmots.apis.init_mots_model`.
        img_path (str | Path): The frame.
        bboxes (ndarray): All true boxes, (N, 4), xyxy in pixels of the frame.
        labels (Sequence[int]): Their classes.
        true_masks (ndarray, optional): (N, H, W) bool, to be drawn and compared.
        overlap (str, optional): See :func:`pseudo_labels`; None takes the model's.
        classes (Sequence[str]): Names of the classes. Defaults to KITTI MOTS'.

    Returns:
        dict: ``image`` (H, W, 3) BGR uint8; ``bboxes`` (N, 4); ``labels`` (N, );
        ``names``, N words for the classes;
        ``cams`` (N, s, s) in [0, 1], on the boxes' grids; ``rois`` (N, 4) in pixels
        of the frame, the boxes with context; ``pseudo_labels`` (N, m, m) int8, 0,
        1, -1 (void), on the grids of ``rois``; ``cam_thr`` (N, ), their thresholds,
        and ``trains_on_cams``, whether the model learned from them; ``masks`` (N,
        H, W) bool, predicted for the given boxes; ``true_masks`` as given.

    Raises:
        FileNotFoundError: If the frame does not exist.
        ValueError: If boxes, labels and masks are not one per object, or the masks
            have another size than the frame.
    """
    if not Path(img_path).is_file():
        raise FileNotFoundError(f'{img_path}: no such frame')
    image = mmcv.imread(str(img_path))
    if image is None:
        raise ValueError(f'{img_path}: the frame cannot be read')
    bboxes = np.asarray(bboxes, dtype=np.float32).reshape(-1, 4)
    labels = np.asarray(labels, dtype=np.int64)
    if labels.shape != (len(bboxes),):
        raise ValueError(
            f'{img_path}: {len(bboxes)} bboxes need as many labels, got {labels.shape}'
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(f'{img_path}: labels {labels} of {len(classes)} classes')
    names = [classes[label] for label in labels]
    if true_masks is not None and np.shape(true_masks) != (
        len(bboxes),
        *image.shape[:2],
    ):
        raise ValueError(
            f'{img_path}: {len(bboxes)} true_masks of {image.shape[0]} x '
            f'{image.shape[1]} are needed, got {np.shape(true_masks)}'
        )

    x, meta = _extract(model, image)
    roi_head, mask_head = model.detector.roi_head, model.detector.roi_head.mask_head
    scale = x[0].new_tensor(meta['scale_factor']).repeat(2)
    gts = InstanceData(
        bboxes=torch.as_tensor(bboxes, device=scale.device) * scale,
        labels=torch.as_tensor(labels, device=scale.device),
    )
    roi_head.compute_cams(x, [gts])
    cam_thr = getattr(mask_head, 'cam_thr', None)
    trains_on_cams = cam_thr is not None
    cam_thr = thresholds_of(cam_thr if trains_on_cams else DEFAULT_CAM_THR, gts.labels)
    rois = expand_bboxes(gts.bboxes, CONTEXT)
    targets = pseudo_labels(
        gts.cams,
        gts.bboxes,
        rois,
        torch.arange(len(gts), device=scale.device),
        gts.cams.shape[-1],
        cam_thr,
        overlap or getattr(mask_head, 'overlap', 'void'),
        thresholds_of(getattr(mask_head, 'cam_bg_thr', None), gts.labels),
        getattr(mask_head, 'rim', 0.0),
        getattr(mask_head, 'rim_corners', False),
    )
    detections = InstanceData(
        bboxes=gts.bboxes, labels=gts.labels, scores=gts.bboxes.new_ones(len(gts))
    )
    masks = roi_head.predict_mask(x, [meta], [detections], rescale=True)[0].masks
    return dict(
        image=image,
        bboxes=bboxes,
        labels=labels,
        names=[SHORT_NAMES.get(CLASS_IDS.get(name), name) for name in names],
        cams=gts.cams.cpu().numpy(),
        rois=(rois / scale).cpu().numpy(),
        pseudo_labels=targets.cpu().numpy(),
        cam_thr=np.broadcast_to(torch.as_tensor(cam_thr).cpu(), len(bboxes)),
        trains_on_cams=trains_on_cams,
        masks=masks.cpu().numpy(),
        true_masks=None if true_masks is None else np.asarray(true_masks, dtype=bool),
    )


def _extract(model: MOTSNet, image: np.ndarray) -> tuple[tuple, dict]:
    """FPN features of a frame and its metainfo, through the test pipeline."""
    data = model.data_preprocessor(frame_batch(model, image), False)
    sample = data['data_samples'][0].video_data_samples[0]
    return model.detector.extract_feat(data['inputs'][0]), sample.metainfo


def draw_panel(
    rows: Sequence[tuple[dict, int]],
    out_file: str | Path | None = None,
    cell: int = 200,
) -> np.ndarray:
    """Picture of how boxes become masks: one row per object.

    Columns: the frame around the box, Grad-CAM, pseudo label (a cell is 1, 0 or
    void), predicted mask and, if all rows have one, the true mask, with the IoU of
    the prediction and of the filled box.

    Args:
        rows (Sequence[tuple[dict, int]]): What :func:`explain_masks` returned and
            which of its objects to show.
        out_file (str | Path, optional): Where to save the picture as PNG.
        cell (int): Side of a cell in pixels. Defaults to 200.

    Returns:
        ndarray: BGR, uint8.

    Raises:
        ValueError: If there are no rows.
    """
    if len(rows) == 0:
        raise ValueError('a panel needs at least one object')
    with_truth = all(explained['true_masks'] is not None for explained, _ in rows)
    titles = ['image and box', 'Grad-CAM', 'pseudo label', 'predicted mask']
    titles += ['true mask'] * with_truth
    gap, text = max(cell // 40, 2), max(cell // 13, 11)
    header = 3 * text + gap
    panel = np.full(
        (
            header + len(rows) * (cell + gap) + gap,
            len(titles) * (cell + gap) + gap,
            3,
        ),
        PAPER,
        dtype=np.uint8,
    )
    for column, title in enumerate(titles):
        left = gap + column * (cell + gap)
        put_text(panel, title, (left, gap), text, INK)
        if title == 'pseudo label':
            _draw_legend(panel, rows[0][0], left, gap + round(1.5 * text), text)
    for row, (explained, index) in enumerate(rows):
        top = header + row * (cell + gap)
        cells = _draw_row(explained, index, cell, with_truth, text)
        for column, picture in enumerate(cells):
            left = gap + column * (cell + gap)
            panel[top : top + cell, left : left + cell] = picture
    if out_file is not None:
        with atomic_write(out_file) as temp:
            temp.write_bytes(cv2.imencode('.png', panel)[1].tobytes())
    return panel


def _draw_legend(panel: np.ndarray, explained: dict, left: int, top: int, text: int):
    """Explain the colours of the pseudo label."""
    size = text - 3
    positive = '1' if explained['trains_on_cams'] else '1 (not used)'
    for label, name in ((1, positive), (0, '0'), (-1, 'void')):
        square = (left, top + 2, size, size)
        cv2.rectangle(panel, square, LABEL_COLORS[label], cv2.FILLED)
        put_text(panel, name, (left + size + 3, top), size, INK)
        left += 2 * size + 3 + render_text(name, size).shape[1]


def _draw_row(
    explained: dict, index: int, cell: int, with_truth: bool, text: int
) -> list[np.ndarray]:
    """The cells of one object, each (cell, cell, 3)."""
    bbox, roi = explained['bboxes'][index], explained['rois'][index]
    center, side = (roi[:2] + roi[2:]) / 2, (roi[2:] - roi[:2]).max()
    window = np.concatenate([center - side / 2, center + side / 2])
    frame = np.array([0, 0, *explained['image'].shape[1::-1]], dtype=np.float32)

    def view(grid, area, flags=cv2.INTER_NEAREST, border=cv2.BORDER_CONSTANT):
        return _resample(grid, area, window, cell, flags, border)

    crop = view(explained['image'], frame, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
    crop[view(np.ones((1, 1), np.uint8), frame) == 0] = OUTSIDE
    gray = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    in_box = view(np.ones((1, 1), np.uint8), bbox) > 0
    in_roi = view(np.ones((1, 1), np.uint8), roi) > 0
    corners = (bbox.reshape(2, 2) - window[:2]) / side * cell
    corners = [tuple(map(int, np.rint(corner))) for corner in corners]

    heat = view(explained['cams'][index], bbox, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    heat = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    cam = np.where(in_box[..., None], _mix(gray, heat, 0.55), gray // 2)
    target = view(explained['pseudo_labels'][index].astype(np.int16), roi)
    label = gray // 2
    for value, color in LABEL_COLORS.items():
        is_value = in_roi & (target == value)
        label[is_value] = _mix(gray, color, 0.75)[is_value]
    mask = explained['masks'][index]
    cells = [crop.copy(), cam, label]
    cells.append(_overlay(crop, view(mask.astype(np.uint8), frame), MASK_COLOR))
    if with_truth:
        truth = explained['true_masks'][index]
        cells.append(_overlay(crop, view(truth.astype(np.uint8), frame), TRUE_COLOR))
    for picture in cells[:3]:
        cv2.rectangle(picture, *corners, BOX_COLOR, 1)
    name = explained['names'][index]
    width, height = np.rint(bbox[2:] - bbox[:2]).astype(int)
    _caption(cells[0], f'{name}, {width} x {height} px', text)
    if with_truth:
        _caption(cells[3], f'IoU {_iou(mask, truth):.2f}', text)
        filled = _fill(bbox, mask.shape)
        _caption(cells[4], f'filled box: IoU {_iou(filled, truth):.2f}', text)
    return cells


def _resample(
    grid: np.ndarray,
    area: np.ndarray,
    window: np.ndarray,
    size: int,
    flags: int,
    border: int,
) -> np.ndarray:
    """View of a grid that covers an area, through a window, (size, size, ...).

    Pixel centres of the view are mapped to the coordinates of the grid's cells, so
    that image, heat map and label lie exactly on each other.
    """
    step = (window[2:] - window[:2]) / size
    cells = np.array(grid.shape[1::-1]) / (area[2:] - area[:2])
    offset = (window[:2] + step / 2 - area[:2]) * cells - 0.5
    matrix = np.float64([[step[0] * cells[0], 0, offset[0]], [0, 0, offset[1]]])
    matrix[1, 1] = step[1] * cells[1]
    return cv2.warpAffine(
        grid,
        matrix,
        (size, size),
        flags=flags | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )


def _mix(image: np.ndarray, color, weight: float) -> np.ndarray:
    return np.rint(image * (1 - weight) + np.array(color) * weight).astype(np.uint8)


def _overlay(image: np.ndarray, mask: np.ndarray, color: tuple) -> np.ndarray:
    """The image with a tinted, outlined mask."""
    picture = np.where(mask[..., None] > 0, _mix(image, color, 0.5), image)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(picture, contours, -1, color, 2, cv2.LINE_AA)


def _caption(picture: np.ndarray, words: str, size: int) -> None:
    """Text on a darkened strip at the bottom of a cell."""
    top = picture.shape[0] - round(1.4 * size)
    picture[top:] //= 3
    put_text(picture, words, (4, top + 1), size, PAPER)


def _fill(bbox: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mask of the pixels whose centres lie in a box."""
    ys, xs = np.ogrid[: shape[0], : shape[1]]
    in_x = (xs + 0.5 >= bbox[0]) & (xs + 0.5 < bbox[2])
    return in_x & (ys + 0.5 >= bbox[1]) & (ys + 0.5 < bbox[3])


def _iou(mask: np.ndarray, other: np.ndarray) -> float:
    union = (mask | other).sum()
    return float((mask & other).sum() / union) if union else 0.0
