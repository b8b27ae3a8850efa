# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Masks of a video with identities, and the files that they are read from."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.fileio.box_readers import BoxFile, detect_format
from mmwsmots.fileio.box_readers.coco import read_coco_objects, read_track_objects
from mmwsmots.fileio.box_readers.place_boxes import match_video
from mmwsmots.fileio.box_readers.values import read_json
from mmwsmots.fileio.classes import class_name_of, labels_of
from mmwsmots.fileio.frame_reader import MAX_PIXELS, list_pictures
from mmwsmots.fileio.mots_png import find_instances, frame_ids, read_mots_pngs
from mmwsmots.fileio.mots_track_ids import find_class_change
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject, read_mots_txt
from mmwsmots.fileio.rle import find_overlap, mask_to_rle, segmentation_to_rle
from mmwsmots.fileio.text_lines import named_place

WINNERS = ('score', 'order')
MAX_FRAMES = 10**6
MASK_FORMATS = ('kitti_mots', 'mots_png', 'cocovid', 'youtube_vis')


class TrackedMask(NamedTuple):
    """A mask with an identity."""

    frame_id: int  # number of the frame in its video, from 0
    track_id: int  # identity, constant over the video
    class_name: str  # of an ignored one it means nothing
    rle: str  # COCO's compressed run-length encoding
    score: float = 1.0  # how sure a detector is of it
    is_ignored: bool = False  # marks a region of unknown content


@dataclass
class MaskVideo:
    """Masks of a video, whatever file they are from."""

    name: str
    size: tuple[int, int]  # height and width of the frames in pixels
    file_names: list[str]  # picture of each frame
    masks: list[TrackedMask]  # in the order of the file
    notices: list[str] = field(default_factory=list)  # what was assumed or changed

    def decode(self, mask: TrackedMask) -> np.ndarray:
        """The pixels of a mask, (H, W) bool."""
        return mask_utils.decode(self._coco_rle(mask)).astype(bool)

    def find_overlap(self) -> tuple[TrackedMask, TrackedMask] | None:
        """Two masks of one frame that share a pixel, or None."""
        rles = [self._coco_rle(mask) for mask in self.masks]
        pair = find_overlap(rles, [mask.frame_id for mask in self.masks])
        return None if pair is None else tuple(self.masks[i] for i in pair)

    def _coco_rle(self, mask: TrackedMask) -> dict:
        return dict(size=list(self.size), counts=mask.rle.encode())


def make_disjoint(video: MaskVideo, winner: str) -> MaskVideo:
    """Give each pixel to one mask only; masks of which nothing is left go.

    By the ``winner`` 'score' the mask of the higher score keeps a pixel, by 'order' the
    earlier one in the file, which also settles ties. Ignored masks give way to all
    others. A notice says how many were changed and lost.
    """
    if winner not in WINNERS:
        raise ValueError(f'winner must be one of {WINNERS}, got {winner!r}')
    frames = defaultdict(list)
    for index, mask in enumerate(video.masks):
        frames[mask.frame_id].append(index)
    masks = dict(enumerate(video.masks))
    changed = lost = num_pixels = 0
    for indices in frames.values():
        by_score = winner == 'score'
        indices.sort(
            key=lambda i: (masks[i].is_ignored, -masks[i].score if by_score else 0, i)
        )
        taken = np.zeros(video.size, dtype=bool)
        for index in indices:
            pixels = video.decode(masks[index])
            overlap = int((pixels & taken).sum())
            if overlap:
                num_pixels += overlap
                pixels &= ~taken
                changed += 1
                lost += not pixels.any()
                masks[index] = masks[index]._replace(rle=mask_to_rle(pixels))
                if not pixels.any():
                    del masks[index]
            taken |= pixels
    notice = (
        f'{changed} of {len(video.masks)} masks lost {num_pixels} pixels to others by '
        f'{winner}, {lost} of them all they had'
    )
    kept = [masks[index] for index in sorted(masks)]
    return replace(video, masks=kept, notices=[*video.notices, notice])


def read_masks(
    path: str | Path,
    mask_format: str | None = None,
    first_frame: int = 0,
    video_name: str | None = None,
) -> MaskVideo:
    """Read the masks of a video.

    Args:
        path (str | Path): KITTI MOTS text, JSON of COCO, CocoVID or YouTube-VIS, or a
            folder of 16-bit instance pictures, those of KITTI MOTS or CVAT.
        mask_format (str, optional): One of :data:`MASK_FORMATS`. None looks into the
            file.
        first_frame (int): Number of the first frame in text and names of pictures: 0
            in KITTI MOTS, 1 in MOTS20.
        video_name (str, optional): Which video of a file with several.

    Returns:
        MaskVideo: The masks, checked; they may overlap.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks its format.
    """
    path = Path(path)
    if not path.is_file() and not path.is_dir():
        raise FileNotFoundError(f'{path}: no such file of masks')
    if first_frame < 0:
        raise ValueError(f'{path}: frames count from 0 on, not from {first_frame}')
    is_text = path.is_file() and path.suffix == '.txt'
    mask_format = mask_format or ('kitti_mots' if is_text else detect_format(path))
    if mask_format not in MASK_FORMATS:
        raise ValueError(
            f'{path}: the format {mask_format} has no masks, these have: '
            f'{", ".join(MASK_FORMATS)}; tools/label_masks.py makes masks of boxes'
        )
    if mask_format == 'kitti_mots':
        objects = read_mots_txt(path, False, False, first_frame, None)
        video = _from_objects(path.stem, path.parent, objects, first_frame)
    elif mask_format == 'mots_png':
        folder = find_instances(path)
        name = path.parent.name if path.name == 'instances' else path.name
        objects = read_mots_pngs(folder, first_frame)
        video = _from_objects(name, folder, objects, first_frame)
        files = list_pictures(folder)
        names = dict(zip(frame_ids(files, first_frame), files))
        video.file_names = _frame_names(max(names) + 1, folder, first_frame)
        for number, file in names.items():
            video.file_names[number] = f'{file.stem}.png'
    else:
        data = read_json(path)
        with named_place(f'{path}, '):
            video, file = _from_json(data, path, mask_format, video_name)
        file.check_identities()
    objects = [mask for mask in video.masks if not mask.is_ignored]
    if change := find_class_change(mask[:3] for mask in objects):
        video.notices.append(change)
    return video


def _from_objects(
    name: str, folder: Path, objects: Sequence[MOTSObject], first_frame: int
) -> MaskVideo:
    """Masks whose classes are numbers, which labels.txt may name."""
    if not objects:
        raise ValueError(f'{folder}: {name} has no mask, so the size is not known')
    labels, masks = labels_of(folder), []
    with named_place(f'{folder}, {name}: '):
        for frame_id, track_id, number, *_, rle in objects:
            is_ignored = number == IGNORE_CLASS_ID
            mask = frame_id, track_id, class_name_of(number, labels), rle
            masks.append(TrackedMask(*mask, is_ignored=is_ignored))
    notices, start = [], min(obj.frame_id for obj in objects)
    if start > 0:
        notices.append(
            f'the first mask is {start} frames after frame {first_frame}, from which '
            'its frames are taken to count; see --first-frame'
        )
    names = _frame_names(max(obj.frame_id for obj in objects) + 1, folder)
    return MaskVideo(name, tuple(objects[0][3:5]), names, masks, notices)


def _from_json(
    data: object, path: Path, mask_format: str, video_name: str | None
) -> tuple[MaskVideo, BoxFile]:
    """The masks, and the file with their unchecked segmentations in place of boxes."""
    is_coco = mask_format == 'cocovid'
    read, key = read_track_objects, 'segmentations'
    if is_coco:
        read, key = read_coco_objects, 'segmentation'
    file, frames, objects = read(data, path, video_name, key)
    file.boxes = [obj for obj in objects if obj.bbox not in (None, [])]
    if not file.boxes:
        raise ValueError('no annotation has a mask')
    if num_without := len(objects) - len(file.boxes):
        file.notices.append(f'{num_without} annotations without a mask are left out')
    if not file.has_identities:
        raise ValueError('masks have no identities (track_id)')
    places = {number: number for number in frames}
    if is_coco and file.pictures:
        places, what = match_video(file.pictures, 0)
        if what == 'order':
            file.notices.append('no numbers of frames: they are in order of names')
    sizes = {picture.size for picture in file.pictures.values()} or {file.size}
    if len(sizes) != 1 or None in sizes:
        raise ValueError('images: their width and height are missing or differ')
    (size,) = sizes
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise ValueError(f'frames of {size[0]} x {size[1]} pixels')
    names = _frame_names(max(places.values(), default=-1) + 1, 'images')
    for number, picture in file.pictures.items():
        names[places[number]] = picture.name
    video = MaskVideo(video_name or path.stem, size, names, [], file.notices)
    for number, track_id, class_name, content, is_ignored, where, score in file.boxes:
        with named_place(f'{where}: '):
            rle = segmentation_to_rle(content, size)
        mask = places[number], track_id, class_name, rle, score, is_ignored
        video.masks.append(TrackedMask(*mask))
    return video, file


def _frame_names(num_frames: int, source: str | Path, first: int = 0) -> list[str]:
    """Names of frames that a file does not name."""
    if num_frames > MAX_FRAMES:
        raise ValueError(f'{source}: more than {MAX_FRAMES} frames')
    return [f'{i:06d}.png' for i in range(first, first + num_frames)]
