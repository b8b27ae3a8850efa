# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Masks of a video with identities, and the files they are read from and written to."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from . import classes, mots_png
from .box_readers import detect_format
from .box_readers.coco import read_coco_objects, read_track_objects
from .box_readers.place_boxes import match_video
from .box_readers.values import read_json
from .cocovid import CocoVIDBuilder
from .files import atomic_write, named_place, write_json
from .frame_reader import MAX_PIXELS, list_pictures
from .mots_track_ids import find_class_change, mots_track_ids
from .mots_txt import IGNORE_CLASS_ID, MOTSObject, read_mots_txt, write_mots_txt
from .rle import find_overlap, mask_to_rle, segmentation_to_rle

WINNERS = ('score', 'order')
MAX_FRAMES = 10**6
MASK_FORMATS = ('kitti_mots', 'mots_png', 'cocovid', 'youtube_vis')  # that are read
WRITERS = ('kitti_mots', 'mots_png', 'cvat_png', 'cocovid', 'coco', 'youtube_vis')


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
        return mask_utils.decode(dict(size=self.size, counts=mask.rle)).astype(bool)

    def find_overlap(self) -> tuple[TrackedMask, TrackedMask] | None:
        """Two masks of one frame that share a pixel, or None."""
        rles = [dict(size=self.size, counts=mask.rle.encode()) for mask in self.masks]
        pair = find_overlap(rles, [mask.frame_id for mask in self.masks])
        return pair and tuple(self.masks[i] for i in pair)


def make_disjoint(video: MaskVideo, winner: str) -> MaskVideo:
    """Give each pixel to one mask only; masks of which nothing is left go.

    The ``winner`` 'score' prefers the higher score, 'order' the earlier mask, as do
    ties; ignored masks give way to all. A notice says how many were changed and lost.
    """
    if winner not in WINNERS:
        raise ValueError(f'winner must be one of {WINNERS}, got {winner!r}')

    def rank(index: int) -> tuple:
        mask = video.masks[index]
        return mask.is_ignored, -mask.score if winner == 'score' else 0, index

    kept, changed, num_pixels = {}, 0, 0
    taken = defaultdict(lambda: np.zeros(video.size, dtype=bool))
    order = sorted(range(len(video.masks)), key=rank)
    for index in sorted(order, key=lambda index: video.masks[index].frame_id):
        mask = video.masks[index]
        if mask.frame_id not in taken:
            taken.clear()  # no other frame comes back
        pixels, used = video.decode(mask), taken[mask.frame_id]
        if overlap := int((pixels & used).sum()):
            num_pixels, changed = num_pixels + overlap, changed + 1
            pixels &= ~used
            mask = mask._replace(rle=mask_to_rle(pixels))
        if pixels.any() or not overlap:
            kept[index] = mask
        used |= pixels
    notice = (
        f'{changed} of {len(video.masks)} masks lost {num_pixels} pixels to others by '
        f'{winner}, {len(video.masks) - len(kept)} of them all they had'
    )
    masks = [kept[index] for index in sorted(kept)]
    return replace(video, masks=masks, notices=[*video.notices, notice])


def read_masks(
    path: str | Path,
    mask_format: str | None = None,
    first_frame: int = 0,
    video_name: str | None = None,
) -> MaskVideo:
    """Read the masks of a video, checked; they may overlap.

    ``path`` is KITTI MOTS text, JSON of COCO, CocoVID or YouTube-VIS, or a folder of
    16-bit pictures; ``mask_format`` one of :data:`MASK_FORMATS`, None looks into the
    file. ``first_frame`` is the number of the first frame in text and names of pictures
    (1 in MOTS20); ``video_name`` says which video of several. FileNotFoundError if
    there is no such file, ValueError if it breaks its format.
    """
    path = Path(path)
    if not path.is_file() and not path.is_dir():
        raise FileNotFoundError(f'{path}: no such file of masks')
    if first_frame < 0:
        raise ValueError(f'{path}: frames count from 0 on, not from {first_frame}')
    is_text = path.is_file() and path.suffix == '.txt'
    mask_format = mask_format or ('kitti_mots' if is_text else detect_format(path))
    if mask_format not in MASK_FORMATS:
        known = ', '.join(MASK_FORMATS)
        text = f'{path}: the format {mask_format} has no masks, these have: {known};'
        raise ValueError(f'{text} tools/label_masks.py makes masks of boxes')
    if mask_format == 'kitti_mots':
        objects = read_mots_txt(path, False, False, first_frame, None)
        video = _from_objects(path.stem, path.parent, objects, first_frame)
    elif mask_format == 'mots_png':
        folder = mots_png.find_instances(path)
        name = path.parent.name if path.name == 'instances' else path.name
        files = list_pictures(folder)
        names = dict(zip(mots_png.frame_ids(files, first_frame), files))
        objects = mots_png.read_mots_pngs(names)
        video = _from_objects(name, folder, objects, first_frame)
        video.file_names = _frame_names(max(names) + 1, folder, first_frame)
        for number, file in names.items():
            video.file_names[number] = f'{file.stem}.png'
    else:
        video = _from_json(path, mask_format == 'cocovid', video_name)
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
    labels, masks, notices = classes.labels_of(folder), [], []
    with named_place(f'{folder}, {name}: '):
        for frame_id, track_id, number, *_, rle in objects:
            mask = frame_id, track_id, classes.class_name_of(number, labels), rle
            masks.append(TrackedMask(*mask, is_ignored=number == IGNORE_CLASS_ID))
    frames = [mask.frame_id for mask in masks]
    if min(frames) > 0:
        notices.append(
            f'the first mask is {min(frames)} frames after frame {first_frame}, from '
            'which its frames are taken to count; see --first-frame'
        )
    names = _frame_names(max(frames) + 1, folder)
    return MaskVideo(name, tuple(objects[0][3:5]), names, masks, notices)


def _from_json(path: Path, is_coco: bool, video_name: str | None) -> MaskVideo:
    read, key = read_track_objects, 'segmentations'
    if is_coco:
        read, key = read_coco_objects, 'segmentation'
    data = read_json(path)
    with named_place(f'{path}, '):
        file, frames, objects = read(data, path, video_name, key)
        # Segmentations, unchecked so far, in place of boxes.
        file.boxes = [obj for obj in objects if obj.bbox not in (None, [])]
        if not file.boxes:
            raise ValueError('no annotation has a mask')
        if num_without := len(objects) - len(file.boxes):
            notice = f'{num_without} annotations without a mask are left out'
            file.notices.append(notice)
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
        for obj in file.boxes:
            with named_place(f'{obj.where}: '):
                rle = segmentation_to_rle(obj.bbox, size)
            mask = places[obj.frame_id], obj.track_id, obj.class_name, rle
            video.masks.append(TrackedMask(*mask, obj.score, obj.is_ignored))
    file.check_identities()
    return video


def _frame_names(num_frames: int, source: str | Path, first: int = 0) -> list[str]:
    """Names of frames that a file does not name."""
    if num_frames > MAX_FRAMES:
        raise ValueError(f'{source}: more than {MAX_FRAMES} frames')
    return [f'{i:06d}.png' for i in range(first, first + num_frames)]


def write_masks(
    path: str | Path, video: MaskVideo, mask_format: str, first_frame: int = 0
) -> list[str]:
    """Write the masks of a video, and return what was changed or left out.

    ``path`` is a folder for 'mots_png' and 'cvat_png', a file for other
    :data:`WRITERS`. ``first_frame`` is the first number in text and in names of
    'mots_png' (1 in MOTS20). ValueError if there is no such format, it cannot hold the
    masks (overlaps, too many classes or tracks), or the folder has pictures of other
    frames.
    """
    if first_frame < 0:
        raise ValueError(f'{path}: frames count from 0 on, not from {first_frame}')
    if mask_format not in WRITERS:
        raise ValueError(f'mask_format must be one of {WRITERS}, got {mask_format!r}')
    masks = [mask for mask in video.masks if not mask.is_ignored]
    names = list(dict.fromkeys(mask.class_name for mask in masks))
    if mask_format in ('kitti_mots', 'mots_png', 'cvat_png'):
        notices = _write_objects(Path(path), video, mask_format, first_frame, names)
    else:
        _write_json(Path(path), video, mask_format, names)
        notices = []
    num_ignored = len(video.masks) - len(masks)
    if num_ignored and mask_format in ('cvat_png', 'youtube_vis'):
        notices.append(f'{num_ignored} ignore regions are left out')
    return notices


def _write_objects(
    path: Path, video: MaskVideo, mask_format: str, first_frame: int, names: list[str]
) -> list[str]:
    """KITTI MOTS text or pictures, or those of CVAT, and labels.txt."""
    if (pair := video.find_overlap()) is not None:
        own = f'ids {pair[0].track_id} and {pair[1].track_id}'
        text = (
            f'frame {pair[0].frame_id}: the masks of {own} overlap, which this format'
        )
        raise ValueError(f'{text} cannot say; see --make-disjoint')
    stems = [f'{first_frame + i:06d}' for i in range(len(video.file_names))]
    is_cvat, is_text = mask_format == 'cvat_png', mask_format == 'kitti_mots'
    folder = path.parent if is_text else path
    if is_cvat:  # pictures have the names of frames
        folder = path / 'default' / 'instances'
        stems = [PurePosixPath(name).stem for name in video.file_names]
    labels = folder / classes.LABELS_FILE
    # The number of a class of CVAT is its line; there is no class of ignore regions.
    own = {name: number for number, name in enumerate(names, 1)}
    if not is_cvat:
        if is_text:
            known = classes.known_classes(labels, path)
        else:
            known = classes.read_labels(labels)
        numbers = classes.class_numbers(names, known)
        own = {name: numbers[classes.find_name(name, numbers)] for name in names}
    kept = [mask for mask in video.masks if not mask.is_ignored]
    ids = mots_track_ids((own[mask.class_name], mask.track_id) for mask in kept)
    objects, num_ignored = [], Counter()
    for mask in kept if is_cvat else video.masks:
        class_id, number = IGNORE_CLASS_ID, num_ignored[mask.frame_id]
        track_id = 1000 * IGNORE_CLASS_ID + number
        if mask.is_ignored:
            num_ignored[mask.frame_id] += 1
        else:
            class_id = own[mask.class_name]
            track_id = ids[class_id, mask.track_id]
        obj = mask.frame_id, track_id, class_id, *video.size, mask.rle
        objects.append(MOTSObject(*obj))
    if is_text:
        write_mots_txt(path, objects, first_frame)
    else:
        _write_pngs(folder, [f'{stem}.png' for stem in stems], objects, video.size)
    changed = [f'{key[1]} is {new}' for key, new in ids.items() if key[1] != new]
    what = 'identities have other numbers now, class * 1000 + n, e.g.'
    notices = [f'{len(changed)} {what} {changed[0]}'] if changed else []
    if not is_cvat:
        return notices + classes.write_labels(labels, numbers)
    with atomic_write(labels) as temp:  # all classes, those of KITTI MOTS too
        temp.write_text('\n'.join(names), encoding='utf-8')
    return notices


def _write_pngs(
    folder: Path, names: list[str], objects: list[MOTSObject], size: tuple[int, int]
) -> None:
    frames = defaultdict(list)
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise ValueError(f'{folder}: several frames would be {twice[0]}')
    others = {file.name for file in folder.glob('*.png')} - {*names}
    if others:
        text = f'{folder}: {min(others)} is there and no frame of this video'
        raise ValueError(f'{text}; choose another folder')
    for obj in objects:
        mots_png.check_id(folder, obj)
        frames[obj.frame_id].append(obj)
    for frame_id, name in enumerate(names):
        mots_png.write_mots_png(folder / name, frames[frame_id], size)


def _write_json(path: Path, video: MaskVideo, kind: str, names: list[str]) -> None:
    builder = CocoVIDBuilder(classes.class_numbers(names))
    builder.add_video(video.name, video.file_names, video.size)
    for mask in video.masks:
        rle = dict(size=list(video.size), counts=mask.rle)
        fields = dict(bbox=mask_utils.toBbox(rle), area=mask_utils.area(rle))
        fields['segmentation'] = rle
        category_id = None
        if not mask.is_ignored:
            category_id = builder.category_ids[mask.class_name]
            fields['score'] = mask.score
        builder.add_object(1, mask.frame_id, category_id, mask.track_id, **fields)
    coco = builder.content()
    if kind == 'coco':
        # Without videos; identities as CVAT writes them, in attributes, and beside.
        del coco['videos']
        for image in coco['images']:
            del image['video_id'], image['frame_id']
        for ann in coco['annotations']:
            del ann['video_id'], ann['instance_id']
            ann['attributes'] = dict(track_id=ann['track_id'])
    elif kind == 'youtube_vis':
        # One annotation for each track, with a list over all frames.
        num_frames, tracks = len(video.file_names), {}
        shape = dict(width=video.size[1], height=video.size[0], length=num_frames)
        lists = dict(segmentations='segmentation', bboxes='bbox', areas='area')
        for ann in coco['annotations']:
            if ann['iscrowd']:
                continue
            track_id, category_id = ann['track_id'], ann['category_id']
            fields = dict(id=track_id, video_id=1, category_id=category_id, iscrowd=0)
            columns = {name: [None] * num_frames for name in lists}
            track = tracks.setdefault(track_id, fields | shape | columns)
            if track['category_id'] != category_id:
                raise ValueError(f'id {track_id} has two classes')
            for name, key in lists.items():
                track[name][ann['image_id'] - 1] = ann[key]
        names = video.file_names
        coco['videos'] = [dict(id=1, name=video.name, file_names=names, **shape)]
        coco['annotations'] = [*tracks.values()]
        del coco['images']
    write_json(path, coco)
