# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Frames of real data with their boxes and, where there are any, true masks."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.evaluation.mots_eval import tight_boxes
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.box_readers import place_boxes, read_boxes
from mmwsmots.fileio.mots_txt import CLASS_IDS, IGNORE_CLASS_ID, read_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

# The KITTI MOTS sequences of which real frames are to be had.
SEQUENCES = ('0000', '0001', '0003', '0005', '0016')
MIN_MATCH = 0.5  # box IoU above which an outline belongs to a box
CLASS_OF_ID = {class_id: name for name, class_id in CLASS_IDS.items()}


class Frame(NamedTuple):
    """One picture and its n boxes.

    Attributes:
        path (Path): The picture.
        group (str): Part of the data set, as a split or a sequence.
        size (tuple[int, int]): Height and width in pixels.
        boxes (ndarray): (n, 4) xyxy in pixels, float64.
        labels (list[str]): Their classes.
        ids (list[int]): What the annotation file calls them.
        truth (list[dict | None]): True masks as compressed COCO RLE; None where
            only the box is known.
    """

    path: Path
    group: str
    size: tuple[int, int]
    boxes: np.ndarray
    labels: list[str]
    ids: list[int]
    truth: list[dict | None]

    def of_classes(self, classes: Collection[str]) -> 'Frame':
        """The frame with the objects of some classes, which may be none."""
        kept = [i for i, label in enumerate(self.labels) if label in classes]
        return self._replace(
            boxes=self.boxes[kept],
            labels=[self.labels[i] for i in kept],
            ids=[self.ids[i] for i in kept],
            truth=[self.truth[i] for i in kept],
        )

    def without_truth(self) -> 'Frame':
        """The frame with boxes alone."""
        return self._replace(truth=[None] * len(self.truth))

    def read(self) -> np.ndarray:
        """Read the picture.

        Returns:
            ndarray: BGR, (H, W, 3) uint8.

        Raises:
            ValueError: If it cannot be read or is not of the annotated size.
        """
        image = cv2.imread(str(self.path))
        if image is None:
            raise ValueError(f'{self.path}: the picture cannot be read')
        if image.shape[:2] != self.size:
            raise ValueError(
                f'{self.path}: the picture is {image.shape[0]} x {image.shape[1]} '
                f'pixels, its annotations say {self.size[0]} x {self.size[1]}'
            )
        return image


def load_photos(data: Path, split: str) -> list[Frame]:
    """Photographs of a split, see :func:`load_coco`.

    Args:
        data (Path): Folder with ``images`` and ``SPLIT.json``.
        split (str): 'train', 'dev' or 'test_boxes'.

    Returns:
        list[Frame]: Those with objects.
    """
    return load_coco(data / f'{split}.json', data / 'images', split)


def load_coco(path: Path, images: Path, group: str) -> list[Frame]:
    """Frames of a COCO-format file.

    Crowds are left out: they are no objects.

    Args:
        path (Path): The file. Annotations without ``segmentation`` have only boxes.
        images (Path): Folder that its file names are relative to.
        group (str): Of all frames.

    Returns:
        list[Frame]: Those with objects, in the order of the file.

    Raises:
        ValueError: If an annotation names a picture or a class that the file does
            not have, or its mask has another size than the picture.
    """
    coco = json.loads(path.read_text())
    names = {item['id']: item['name'] for item in coco['categories']}
    members = defaultdict(list)
    for ann in coco['annotations']:
        if not ann.get('iscrowd', 0):
            members[ann['image_id']].append(ann)
    frames = []
    for image in coco['images']:
        anns = members.pop(image['id'], [])
        if not anns:
            continue
        size = image['height'], image['width']
        wrong = [ann for ann in anns if ann['category_id'] not in names]
        if wrong:
            raise ValueError(
                f'{path}: annotation {wrong[0]["id"]} is of category '
                f'{wrong[0]["category_id"]}, which the file does not have'
            )
        boxes = np.array([ann['bbox'] for ann in anns], dtype=np.float64)
        boxes[:, 2:] += boxes[:, :2]
        frames.append(
            Frame(
                images / image['file_name'],
                group,
                size,
                boxes,
                [names[ann['category_id']] for ann in anns],
                [ann['id'] for ann in anns],
                [_coco_rle(path, ann, size) for ann in anns],
            )
        )
    if members:
        raise ValueError(
            f'{path}: annotation {next(iter(members.values()))[0]["id"]} is of image '
            f'{next(iter(members))}, which the file does not have'
        )
    return frames


def _coco_rle(path: Path, ann: dict, size: tuple[int, int]) -> dict | None:
    """An annotation's mask, of any of COCO's kinds, as compressed RLE."""
    mask = ann.get('segmentation')
    if not mask:
        return None
    if isinstance(mask, list):
        return mask_utils.merge(mask_utils.frPyObjects(mask, *size))
    if tuple(mask['size']) != size:
        raise ValueError(
            f'{path}: the mask of annotation {ann["id"]} is {mask["size"][0]} x '
            f'{mask["size"][1]} pixels, its image {size[0]} x {size[1]}'
        )
    if isinstance(mask['counts'], list):
        return mask_utils.frPyObjects(mask, *size)
    return mask


def load_kitti(images: Path, annotations: Path, sequences: list[str]) -> list[Frame]:
    """Frames of KITTI MOTS that there are pictures of.

    Args:
        images (Path): Folder with ``SSSS/000000.jpg`` or ``.png``, named by the
            number of the frame.
        annotations (Path): Folder with ``SSSS.txt``.
        sequences (list[str]): Names ``SSSS``.

    Returns:
        list[Frame]: Those with cars or pedestrians; boxes are tight around the
        masks, ids count the objects of a sequence in the order of its file. Ignore
        regions are left out.
    """
    frames = []
    for name in sequences:
        members = defaultdict(list)
        for number, obj in enumerate(read_mots_txt(annotations / f'{name}.txt')):
            if obj.class_id != IGNORE_CLASS_ID:
                members[obj.frame_id].append((number, obj))
        for path in FrameReader(images / name).files:
            numbered = members[int(path.stem)]
            if not numbered:
                continue
            objects = [obj for _, obj in numbered]
            frames.append(
                Frame(
                    path,
                    name,
                    objects[0][3:5],
                    tight_boxes(objects),
                    [CLASS_OF_ID[obj.class_id] for obj in objects],
                    [number for number, _ in numbered],
                    [obj.coco_rle for obj in objects],
                )
            )
    return frames


def load_clip(data: Path, class_name: str, outlines: Path | None = None) -> list[Frame]:
    """Frames of a clip whose boxes are known.

    Args:
        data (Path): Folder with ``images`` and ``boxes.txt``, MOTChallenge text.
        class_name (str): Class of its boxes.
        outlines (Path, optional): True masks of some of its objects: a folder of PNG
            files named as the pictures, 0 background and another value for each
            object, or a COCO-format file whose images are named as the pictures.

    Returns:
        list[Frame]: Those with boxes; ids are the boxes' identities.

    Raises:
        ValueError: If an outline belongs to no picture or to no box.
    """
    reader = FrameReader(data / 'images')
    size = next(iter(reader)).shape[:2]
    members = defaultdict(list)
    file = read_boxes(data / 'boxes.txt', 'mot', class_name)
    for box in place_boxes(file, reader, size).boxes:
        if not box.is_ignored:
            members[box.frame_id].append(box)
    frames = []
    for frame_id, path in enumerate(reader.files):
        boxes = members.pop(frame_id, [])
        if boxes:
            bboxes = np.array([box.bbox for box in boxes], dtype=np.float64)
            labels = [class_name] * len(boxes)
            ids = [box.track_id for box in boxes]
            truth = [None] * len(boxes)
            frames.append(Frame(path, 'clip', size, bboxes, labels, ids, truth))
    if members:
        raise ValueError(
            f'{data / "boxes.txt"}: a box in frame {min(members)} (from 0), the clip '
            f'has {len(reader)} frames'
        )
    if outlines is not None:
        by_stem = {frame.path.stem: frame for frame in frames}
        for stem, rle in _read_outlines(outlines):
            if stem not in by_stem:
                raise ValueError(f'{outlines}: {stem} is no picture of the clip')
            _add_truth(by_stem[stem], rle, outlines)
    return frames


def _read_outlines(outlines: Path) -> Iterator[tuple[str, dict]]:
    """Stem of the picture and mask of each outline."""
    if outlines.is_file():
        for frame in load_coco(outlines, outlines.parent, 'outlines'):
            for rle in frame.truth:
                if rle is None:
                    raise ValueError(f'{outlines}: a box in place of an outline')
                yield frame.path.stem, rle
        return
    for path in FrameReader(outlines).files:
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if values is None or values.ndim != 2:
            # OpenCV turns a palette into colours, which serve as well.
            values = cv2.imread(str(path)).astype(np.int64) @ [1, 256, 65536]
        for value in np.unique(values[values > 0]):
            rle = dict(size=list(values.shape), counts=mask_to_rle(values == value))
            yield path.stem, rle


def _add_truth(frame: Frame, rle: dict, outlines: Path) -> None:
    """Give an outline to the box that it fills."""
    if tuple(rle['size']) != frame.size:
        raise ValueError(
            f'{outlines}: {frame.path.stem} is {rle["size"][0]} x {rle["size"][1]} '
            f'pixels, its picture {frame.size[0]} x {frame.size[1]}'
        )
    box = mask_utils.toBbox([rle])
    boxes = frame.boxes - np.pad(frame.boxes[:, :2], ((0, 0), (2, 0)))  # x, y, w, h
    overlaps = mask_utils.iou(boxes, box, [0])[:, 0]
    best = int(overlaps.argmax())
    if overlaps[best] <= MIN_MATCH:
        raise ValueError(
            f'{outlines}: {frame.path.stem} has an outline at x, y, w, h = '
            f'{box[0].tolist()}, where none of its boxes is'
        )
    if frame.truth[best] is not None:
        raise ValueError(
            f'{outlines}: {frame.path.stem} has two outlines of the box '
            f'{frame.boxes[best].tolist()}'
        )
    frame.truth[best] = rle
