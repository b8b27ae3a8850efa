# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Sequences of KITTI MOTS and MOTS20 on their way into CocoVID files."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_png import read_ids
from mmwsmots.fileio.mots_txt import (
    CLASS_IDS,
    IGNORE_CLASS_ID,
    MOTSObject,
    read_mots_txt,
)
from mmwsmots.fileio.rle import mask_to_rle, split_components


class FrameFiles(NamedTuple):
    """One picture per frame in a folder, numbered with six digits without a gap.

    Attributes:
        folder (Path): The folder.
        first (int): Number of the first frame. Defaults to 0.
        suffix (str): End of the names. Defaults to '.png'.
    """

    folder: Path
    first: int = 0
    suffix: str = '.png'

    def path(self, frame_id: int) -> Path:
        """The file of a frame, counted from 0."""
        return self.folder / f'{frame_id + self.first:06d}{self.suffix}'

    def count(self) -> int:
        """Number of frames; raises FileNotFoundError if there is none, or a gap."""
        if not self.folder.is_dir():
            raise FileNotFoundError(f'{self.folder}: no such folder')
        names = {path.name for path in self.folder.glob('[0-9]' * 6 + self.suffix)}
        if not names:
            raise FileNotFoundError(
                f'{self.folder}: the sequence is empty, no FFFFFF{self.suffix}'
            )
        num_frames = int(max(names)[:6]) + 1 - self.first
        self.check(num_frames)
        return num_frames

    def check(self, num_frames: int) -> None:
        """Raise FileNotFoundError if one of the frames is missing."""
        for frame_id in range(num_frames):
            path = self.path(frame_id)
            if not path.is_file():
                raise FileNotFoundError(
                    f'{path}: missing frame {frame_id + self.first} of {num_frames} in '
                    'the sequence'
                )


class Sequence(NamedTuple):
    """Annotations of one sequence and where they were found.

    Attributes:
        source (Path): The file or folder.
        objects (list[MOTSObject]): Objects and ignore regions.
        num_frames (int): Number of frames, as far as the source knows.
        size (tuple[int, int] | None): Height and width of the frames in pixels.
        first_frame (int): Number of the first frame in the source.
    """

    source: Path
    objects: list[MOTSObject]
    num_frames: int
    size: tuple[int, int] | None
    first_frame: int = 0


def read_txt(path: Path, first_frame: int = 0) -> Sequence:
    """Read a text file; frames after the last object are not known to it.

    Args:
        path (Path): The file, see :mod:`mmwsmots.fileio.mots_txt`.
        first_frame (int): Number of the first frame in the file. Defaults to 0.

    Returns:
        Sequence: The annotations.
    """
    objects = read_mots_txt(path, first_frame=first_frame)
    num_frames = max((obj.frame_id for obj in objects), default=-1) + 1
    if num_frames > 10**6 - first_frame:
        raise ValueError(
            f'{path}: frame {num_frames - 1 + first_frame} has no picture of six digits'
        )
    size = (objects[0].height, objects[0].width) if objects else None
    return Sequence(path, objects, num_frames, size, first_frame)


def read_pngs(files: FrameFiles) -> Sequence:
    """Read 16-bit instance pictures: ``class * 1000 + n``, 0 background.

    Args:
        files (FrameFiles): The pictures.

    Returns:
        Sequence: The annotations.

    Raises:
        FileNotFoundError: If a frame or the folder is missing.
        ValueError: If a picture cannot be read, has another size than the first
            or contains a value of an unknown class.
    """
    num_frames = files.count()
    objects, size = [], None
    for frame_id in range(num_frames):
        path = files.path(frame_id)
        image = read_ids(path)
        size = size or image.shape
        if image.shape != size:
            raise ValueError(
                f'{path}: the picture has the size {image.shape}, the first of the '
                f'sequence {size}'
            )
        for value in np.unique(image[image > 0]).tolist():
            class_id = value // 1000
            if class_id not in (*CLASS_IDS.values(), IGNORE_CLASS_ID):
                raise ValueError(f'{path}: unknown class {class_id} of value {value}')
            rle = mask_to_rle(image == value)
            objects.append(MOTSObject(frame_id, value, class_id, *size, rle))
    return Sequence(files.folder, objects, num_frames, size, files.first)


def settle_frames(
    sequence: Sequence, images: FrameFiles | None, known_length: int | None
) -> Sequence:
    """Decide how many frames a sequence has and of which size.

    Args:
        sequence (Sequence): Its annotations.
        images (FrameFiles | None): Its frames, if there are any.
        known_length (int | None): Its length by a seqmap or a seqinfo.ini.

    Returns:
        Sequence: The annotations with the number of frames and their size.

    Raises:
        FileNotFoundError: If a frame is missing.
        ValueError: If annotations, frames and the known length contradict each other.
    """
    size, num_frames = sequence.size, known_length
    if num_frames is None:
        num_images = images.count() if images else 0
        num_frames = max(num_images, sequence.num_frames)
    elif sequence.num_frames > num_frames:
        last_frame = sequence.num_frames - 1 + sequence.first_frame
        raise ValueError(
            f'{sequence.source}: frame {last_frame} lies beyond the {num_frames} '
            'frames of the sequence'
        )
    if images:
        images.check(num_frames)
        for frame_id in range(num_frames):
            path = images.path(frame_id)
            with Image.open(path) as image:
                size = size or image.size[::-1]
                if image.size[::-1] != size:
                    raise ValueError(
                        f'{path}: the frame has the size {image.size[::-1]}, '
                        f'{sequence.source} says {size}'
                    )
    if num_frames == 0 or size is None:
        raise ValueError(
            f'{sequence.source}: the sequence is empty; neither frames nor '
            'annotations tell its length and size'
        )
    return sequence._replace(num_frames=num_frames, size=size)


def add_annotations(
    builder: CocoVIDBuilder,
    video_id: int,
    sequence: Sequence,
    replace_boxes: Callable[[list[MOTSObject], np.ndarray], np.ndarray] | None = None,
) -> None:
    """Add the annotations of a sequence to those of its split.

    An ignore region becomes one annotation with ``iscrowd`` 1 per connected
    component, because the box of a whole region can span the frame.

    Args:
        builder (CocoVIDBuilder): Annotations to add to.
        video_id (int): Id of the video there.
        sequence (Sequence): What to add.
        replace_boxes (Callable, optional): Given the objects and their tight boxes
            (N, 4) xywh, returns the boxes to write.

    Raises:
        ValueError: If a mask is empty or an object of a class the builder lacks.
    """
    ignored, objects = [], []
    for obj in sequence.objects:
        (ignored if obj.class_id == IGNORE_CLASS_ID else objects).append(obj)
    rles = [obj.coco_rle for obj in objects]
    # One by one: pycocotools' area of a list of more than 255 fails with NumPy 2.
    areas, boxes = [mask_utils.area(rle) for rle in rles], mask_utils.toBbox(rles)
    for obj, area in zip(objects, areas):
        name = f'id {obj.track_id} in frame {obj.frame_id + sequence.first_frame}'
        if obj.class_id not in builder.category_ids.values():
            raise ValueError(
                f'{sequence.source}: class {obj.class_id} of {name} is none of '
                f'{builder.category_ids}'
            )
        if area == 0:
            raise ValueError(f'{sequence.source}: the mask of {name} is empty')
    if replace_boxes is not None:
        boxes = replace_boxes(objects, boxes)
    for obj, box, area in zip(objects, boxes, areas):
        builder.add_object(
            video_id,
            obj.frame_id,
            category_id=obj.class_id,
            track_id=obj.track_id,
            bbox=box,
            area=area,
            segmentation=dict(size=[obj.height, obj.width], counts=obj.rle),
        )
    for obj in ignored:
        for counts in split_components(obj.rle, obj.height, obj.width):
            rle = dict(size=[obj.height, obj.width], counts=counts)
            builder.add_object(
                video_id,
                obj.frame_id,
                category_id=None,
                track_id=IGNORE_CLASS_ID * 1000,
                bbox=mask_utils.toBbox(rle),
                area=mask_utils.area(rle),
                segmentation=rle,
            )
