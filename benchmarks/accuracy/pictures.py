# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""One picture of the masks that the variants put into the true boxes."""

from pathlib import Path

import cv2
import mmcv
import numpy as np

from benchmarks.views import INK, object_view
from mmwsmots.evaluation.mots_eval import tight_boxes
from mmwsmots.fileio import atomic_write
from mmwsmots.fileio.mots_txt import CLASS_IDS, MOTSObject, read_mots_txt
from mmwsmots.visualization.text import put_text


def choose_objects(
    truths: dict[str, list[MOTSObject]], per_class: int
) -> list[tuple[str, MOTSObject]]:
    """Objects at even quantiles of their class's areas.

    Args:
        truths (dict[str, list[MOTSObject]]): Ground truth by sequence.
        per_class (int): Objects of each class, if it has as many.

    Returns:
        list[tuple[str, MOTSObject]]: Sequence and object, class by class, the small
        ones first.
    """
    chosen = []
    for class_id in CLASS_IDS.values():
        members = [
            (name, obj)
            for name, objects in truths.items()
            for obj in objects
            if obj.class_id == class_id
        ]
        members.sort(key=lambda member: member[1].mask.sum())
        count = min(per_class, len(members))
        quantiles = (np.arange(count) + 0.5) / max(count, 1) * len(members)
        chosen += [members[int(rank)] for rank in quantiles]
    return chosen


def draw_page(
    data_root: Path,
    columns: dict[str, Path],
    out_file: Path,
    per_class: int = 8,
    cell: int = 150,
) -> np.ndarray:
    """Save the page: a row for each object, a column for each result.

    Args:
        data_root (Path): Data set in the layout of KITTI MOTS.
        columns (dict[str, Path]): Title and folder of ``SSSS.txt`` files with masks
            of the true objects, by frame and track id.
        out_file (Path): PNG to write.
        per_class (int): Objects of each class. Defaults to 8.
        cell (int): Side of a view in pixels. Defaults to 150.

    Returns:
        ndarray: The page, BGR uint8.

    Raises:
        ValueError: If there is no object.
    """
    truths = {
        path.stem: read_mots_txt(path)
        for path in sorted((data_root / 'instances_txt').glob('*.txt'))
    }
    chosen = choose_objects(truths, per_class)
    if not chosen:
        raise ValueError(f'{data_root}: no object to draw')
    masks = {'truth': _by_key(truths)}
    for title, folder in columns.items():
        masks[title] = _by_key(
            {name: read_mots_txt(folder / f'{name}.txt') for name, _ in chosen}
        )
    gap, text = cell // 40 + 1, max(cell // 12, 9)
    header = 2 * text
    page = np.full(
        (
            header + gap + len(chosen) * (cell + gap),
            gap + (1 + len(masks)) * (cell + gap),
            3,
        ),
        255,
        dtype=np.uint8,
    )
    for column, title in enumerate(['frame', *masks]):
        put_text(page, title, (gap + column * (cell + gap), gap), text, INK)
    for row, (name, obj) in enumerate(chosen):
        folder = data_root / 'training/image_02' / name
        image = mmcv.imread(str(folder / f'{obj.frame_id:06d}.png'))
        top = header + gap + row * (cell + gap)
        found = [
            by_key.get((name, obj.frame_id, obj.track_id)) for by_key in masks.values()
        ]
        for column, other in enumerate([None, *found]):
            view = object_view(image, other and other.mask, tight_boxes([obj])[0], cell)
            left = gap + column * (cell + gap)
            page[top : top + cell, left : left + cell] = view
    with atomic_write(out_file) as temp:
        temp.write_bytes(cv2.imencode('.png', page)[1].tobytes())
    return page


def _by_key(results: dict[str, list[MOTSObject]]) -> dict:
    return {
        (name, obj.frame_id, obj.track_id): obj
        for name, objects in results.items()
        for obj in objects
    }
