# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmwsmots.fileio import atomic_write
from mmwsmots.visualization.text import put_text, render_text

PAPER, INK, OUTSIDE = (255, 255, 255), (40, 40, 40), (200, 200, 200)
# BGR of the labels 1, 0 and void.
LABEL_COLORS = {1: (60, 200, 250), 0: (150, 70, 30), -1: (128, 128, 128)}
MASK_COLOR, TRUE_COLOR, BOX_COLOR = (60, 200, 250), (90, 220, 90), (255, 255, 255)


def draw_panel(
    rows: Sequence[tuple[dict, int]],
    out_file: str | Path | None = None,
    cell: int = 200,
) -> np.ndarray:
    """Picture of how boxes become masks: one row per object.

    Columns: the frame around the box; of a model that learns from them Grad-CAM and
    pseudo label (a cell is 1, 0 or void); the predicted mask; and, if all rows have
    one, the true mask, with the IoU of the prediction and of the filled box.

    Args:
        rows (Sequence[tuple[dict, int]]): What
            :func:`explain_masks` returned and which of its objects to show.
        out_file (str | Path, optional): Where to save the picture as PNG.
        cell (int): Side of a cell in pixels. Defaults to 200.

    Returns:
        ndarray: BGR, uint8.

    Raises:
        ValueError: If there are no rows.
    """
    if len(rows) == 0:
        raise ValueError('a panel needs at least one object')
    columns = ['image and box', 'predicted mask']
    if all('cams' in explained for explained, _ in rows):
        columns[1:1] = ['Grad-CAM', 'pseudo label']
    if all(explained['true_masks'] is not None for explained, _ in rows):
        columns.append('true mask')
    gap, text = max(cell // 40, 2), max(cell // 13, 11)
    header = 3 * text + gap
    size = header + len(rows) * (cell + gap) + gap, len(columns) * (cell + gap) + gap
    panel = np.full((*size, 3), PAPER, dtype=np.uint8)
    for column, title in enumerate(columns):
        left = gap + column * (cell + gap)
        put_text(panel, title, (left, gap), text, INK)
        if title == 'pseudo label':
            _draw_legend(panel, left, gap + round(1.5 * text), text)
    for row, (explained, index) in enumerate(rows):
        top = header + row * (cell + gap)
        cells = _draw_row(explained, index, cell, columns, text)
        for column, title in enumerate(columns):
            left = gap + column * (cell + gap)
            panel[top : top + cell, left : left + cell] = cells[title]
    if out_file is not None:
        with atomic_write(out_file) as temp:
            temp.write_bytes(cv2.imencode('.png', panel)[1].tobytes())
    return panel


def _draw_legend(panel: np.ndarray, left: int, top: int, text: int) -> None:
    """Explain the colours of the pseudo label."""
    size = text - 3
    for label, name in ((1, '1'), (0, '0'), (-1, 'void')):
        square = (left, top + 2, size, size)
        cv2.rectangle(panel, square, LABEL_COLORS[label], cv2.FILLED)
        put_text(panel, name, (left + size + 3, top), size, INK)
        left += 2 * size + 3 + render_text(name, size).shape[1]


def _draw_row(
    explained: dict, index: int, cell: int, columns: Sequence[str], text: int
) -> dict[str, np.ndarray]:
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
    mask = explained['masks'][index]
    boxed = {'image and box': crop.copy()}
    if 'Grad-CAM' in columns:
        in_box = view(np.ones((1, 1), np.uint8), bbox) > 0
        heat = explained['cams'][index]
        heat = view(heat, bbox, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        heat = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
        boxed['Grad-CAM'] = np.where(
            in_box[..., None], _mix(gray, heat, 0.55), gray // 2
        )
        in_roi = view(np.ones((1, 1), np.uint8), roi) > 0
        target = view(explained['pseudo_labels'][index].astype(np.int16), roi)
        label = boxed['pseudo label'] = gray // 2
        for value, color in LABEL_COLORS.items():
            is_value = in_roi & (target == value)
            label[is_value] = _mix(gray, color, 0.75)[is_value]
    corners = (bbox.reshape(2, 2) - window[:2]) / side * cell
    corners = [tuple(map(int, np.rint(corner))) for corner in corners]
    for picture in boxed.values():
        cv2.rectangle(picture, *corners, BOX_COLOR, 1)
    predicted = _overlay(crop, view(mask.astype(np.uint8), frame), MASK_COLOR)
    cells = {**boxed, 'predicted mask': predicted}
    name = explained['names'][index]
    width, height = np.rint(bbox[2:] - bbox[:2]).astype(int)
    _caption(cells['image and box'], f'{name}, {width} x {height} px', text)
    if 'true mask' in columns:
        truth = explained['true_masks'][index]
        true = _overlay(crop, view(truth.astype(np.uint8), frame), TRUE_COLOR)
        cells['true mask'] = true
        _caption(predicted, f'IoU {_iou(mask, truth):.2f}', text)
        filled = _fill(bbox, mask.shape)
        _caption(true, f'filled box: IoU {_iou(filled, truth):.2f}', text)
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
