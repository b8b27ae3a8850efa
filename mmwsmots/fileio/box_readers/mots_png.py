# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import numpy as np

from mmwsmots.fileio.class_numbers import class_name_of, labels_of
from mmwsmots.fileio.mots_png import find_instances, read_ids
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID
from mmwsmots.fileio.named_place import named_place
from mmwsmots.fileio.pictures import list_pictures

from .box_file import BoxFile, Picture
from .tracked_box import TrackedBox


def read_mots_png_boxes(path: Path) -> BoxFile:
    """Read the tight boxes of the masks in 16-bit instance pictures.

    A pixel is ``class * 1000 + n``, as in KITTI MOTS and in the 'MOTS PNG' that CVAT
    exports; the class is a line of ``labels.txt`` beside the pictures, or 1 car, 2
    pedestrian. 10 is an ignore region. Identities are the pixels' values. ``path`` is
    the folder of the pictures, or its parent if it is called ``instances``. See
    :func:`read_boxes`.
    """
    file, folder = BoxFile(path, []), find_instances(path)
    labels = labels_of(folder)
    for number, picture in enumerate(list_pictures(folder)):
        ids = read_ids(picture)
        file.pictures[number] = Picture(picture.name, ids.shape, picture.name)
        for value in np.unique(ids[ids > 0]).tolist():
            with named_place(f'{picture}: pixels of {value}, but '):
                name = class_name_of(value // 1000, labels)
            ys, xs = np.nonzero(ids == value)
            bbox = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
            box = number, value, name, tuple(map(float, bbox))
            is_ignored = value // 1000 == IGNORE_CLASS_ID
            file.boxes.append(
                TrackedBox(*box, is_ignored, f'{picture.name}, id {value}')
            )
    return file
