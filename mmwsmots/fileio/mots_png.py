# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmwsmots.fileio.files import atomic_write
from mmwsmots.fileio.frame_reader import check_size, picture_size
from mmwsmots.fileio.mots_txt import MOTSObject
from mmwsmots.fileio.rle import mask_to_rle

MAX_ID = 2**16 - 1


def write_mots_png(
    path: str | Path, objects: Iterable[MOTSObject], size: tuple[int, int]
) -> None:
    """Write the 16-bit instance picture of a frame, as KITTI MOTS has them.

    A pixel's value is its object's id, ``class * 1000 + n``, or 0. The folder of
    ``path``, ``*.png``, is created; ``size`` is (H, W) in pixels. ValueError if an id
    is not of its class, or a mask has another size or overlaps another; OSError if it
    cannot be written.
    """
    image = np.zeros(size, dtype=np.uint16)
    for obj in objects:
        check_id(path, obj)
        mask, own = obj.mask, f'{path}: the mask of id {obj.track_id}'
        if mask.shape != tuple(size):
            text = f'{obj.height} x {obj.width}, the frame {size[0]} x {size[1]}'
            raise ValueError(f'{own} has the size {text}')
        if image[mask].any():
            raise ValueError(f'{own} overlaps another')
        image[mask] = obj.track_id
    with atomic_write(path) as temp:
        # OpenCV only warns where a disk refuses, so encode and write separately.
        temp.write_bytes(cv2.imencode('.png', image)[1].tobytes())


def check_id(path: str | Path, obj: MOTSObject) -> None:
    """Raise ValueError if an id is not of its class, or too large for a picture."""
    own = f'{path}: id {obj.track_id}'
    if obj.track_id // 1000 != obj.class_id:
        raise ValueError(f'{own} does not belong to class {obj.class_id}')
    if obj.track_id > MAX_ID:
        text = 'does not fit into 16 bits; the text file can hold it'
        raise ValueError(f'{own} of class {obj.class_id} {text}')


def find_instances(path: Path) -> Path:
    """The folder of pictures: ``instances`` in ``path``, as CVAT has it, or itself."""
    return path / 'instances' if (path / 'instances').is_dir() else path


def read_mots_pngs(files: Mapping[int, Path]) -> list[MOTSObject]:
    """Read the 16-bit instance pictures of some frames, with objects of any class.

    ValueError if one is no such picture, or of another size than the first.
    """
    objects, size = [], None
    for frame_id, path in files.items():
        ids = read_ids(path)
        size = size or ids.shape
        check_size(path, ids.shape, size)
        for value in np.unique(ids[ids > 0]).tolist():
            rle = mask_to_rle(ids == value)
            objects.append(MOTSObject(frame_id, value, value // 1000, *size, rle))
    return objects


def frame_ids(files: Sequence[Path], first_frame: int) -> list[int]:
    """Frames of pictures from 0, by their names ``FFFFFF.png``, or else in their order.

    The first has the number ``first_frame``; ValueError if a name's is before it.
    """
    if not all(path.stem.isdecimal() for path in files):
        return list(range(len(files)))
    for path in files:
        if int(path.stem) < first_frame:
            raise ValueError(f'{path}: lies before the first frame, {first_frame}')
    return [int(path.stem) - first_frame for path in files]


def read_ids(path: Path) -> np.ndarray:
    """A 16-bit instance picture: ``class * 1000 + n``, 0 background, (H, W) uint16.

    ValueError if it cannot be read, is no such picture or too large.
    """
    picture_size(path)  # before anything is decoded
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16 or image.ndim != 2:
        raise ValueError(f'{path}: not a 16-bit picture with one channel')
    return image
