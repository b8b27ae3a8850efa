# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import numpy as np

from mmwsmots.fileio.class_numbers import read_labels
from mmwsmots.fileio.mots_png import read_ids
from mmwsmots.fileio.mots_txt import CLASS_IDS, IGNORE_CLASS_ID
from mmwsmots.fileio.pictures import list_pictures

from .box_file import BoxFile, Picture
from .tracked_box import TrackedBox


def read_mots_png_boxes(path: str | Path) -> BoxFile:
    """Read the tight boxes of the masks in 16-bit instance pictures.

    A pixel is ``class * 1000 + n``, as in KITTI MOTS and in the 'MOTS PNG' that CVAT
    exports; the class is a line of ``labels.txt`` beside the pictures, or 1 car, 2
    pedestrian. 10 is an ignore region.

    Args:
        path (str | Path): Folder of the pictures, or its parent if it is called
            ``instances``.

    Returns:
        BoxFile: The boxes, frame by frame; ids are the pixels' values.

    Raises:
        ValueError: If a picture is none of 16 bits, or has a class without a name.
    """
    path = Path(path)
    folder = path / 'instances' if (path / 'instances').is_dir() else path
    labels = read_labels(folder / 'labels.txt') or tuple(CLASS_IDS)
    names = dict(zip((i for i in range(1, 66) if i != IGNORE_CLASS_ID), labels))
    file = BoxFile(path, [])
    for number, picture in enumerate(list_pictures(folder)):
        ids = read_ids(picture)
        file.pictures[number] = Picture(picture.name, ids.shape, picture.name)
        for value in np.unique(ids).tolist():
            class_id = value // 1000
            is_ignored = class_id == IGNORE_CLASS_ID
            if value == 0:
                continue
            if class_id not in names and not is_ignored:
                raise ValueError(
                    f'{picture}: pixels of {value}, but class {class_id} has no name '
                    'in labels.txt'
                )
            ys, xs = np.nonzero(ids == value)
            bbox = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
            name = 'ignore' if is_ignored else names[class_id]
            where = f'{picture.name}, id {value}'
            corners = tuple(map(float, bbox))
            box = TrackedBox(number, value, name, corners, is_ignored, where)
            file.boxes.append(box)
    return file
