# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Writers of files of masks with identities; what each changes becomes a notice."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from pycocotools import mask as mask_utils

from mmwsmots.fileio.atomic_write import atomic_write, write_json
from mmwsmots.fileio.classes import (
    LABELS_FILE,
    class_numbers,
    find_name,
    known_classes,
    read_labels,
    write_labels,
)
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mask_readers import MaskVideo, TrackedMask
from mmwsmots.fileio.mots_png import check_id, write_mots_png
from mmwsmots.fileio.mots_track_ids import mots_track_ids
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject, write_mots_txt


def write_masks(
    path: str | Path, video: MaskVideo, mask_format: str, first_frame: int = 0
) -> list[str]:
    """Write the masks of a video.

    Args:
        path (str | Path): File for 'kitti_mots', 'cocovid', 'coco' and 'youtube_vis',
            folder for 'mots_png' and 'cvat_png'.
        video (MaskVideo): The masks.
        mask_format (str): One of :data:`WRITERS`.
        first_frame (int): Number of the first frame in text and in names of pictures
            of 'mots_png': 0 in KITTI MOTS, 1 in MOTS20. Defaults to 0.

    Returns:
        list[str]: What was changed or left out.

    Raises:
        ValueError: If there is no such format, masks overlap where the format cannot
            say so, there are too many classes or tracks for it, or the folder has
            pictures of other frames.
    """
    if first_frame < 0:
        raise ValueError(f'{path}: frames count from 0 on, not from {first_frame}')
    if mask_format not in WRITERS:
        raise ValueError(
            f'mask_format must be one of {(*WRITERS,)}, got {mask_format!r}'
        )
    return WRITERS[mask_format](Path(path), video, first_frame)


def _write_text(path: Path, video: MaskVideo, first_frame: int) -> list[str]:
    labels = path.with_name(LABELS_FILE)
    objects, numbers, notices = _number(video, known_classes(labels, path))
    write_mots_txt(path, objects, first_frame)
    return notices + write_labels(labels, numbers)


def _write_pictures(path: Path, video: MaskVideo, first_frame: int) -> list[str]:
    objects, numbers, notices = _number(video, read_labels(path / LABELS_FILE))
    frames = range(first_frame, first_frame + len(video.file_names))
    _write_pngs(path, [f'{number:06d}' for number in frames], objects, video)
    return notices + write_labels(path / LABELS_FILE, numbers)


def _write_cvat(path: Path, video: MaskVideo, _: int) -> list[str]:
    """CVAT's MOTS PNG: pictures have the names of frames, labels.txt all classes."""
    kept = [mask for mask in video.masks if not mask.is_ignored]
    names = _class_names(kept)
    # The number of a class is its line; there is no class of ignore regions.
    objects, notices = _to_objects(video, kept, {n: i for i, n in enumerate(names, 1)})
    folder = path / 'default' / 'instances'
    stems = [PurePosixPath(name).stem for name in video.file_names]
    _write_pngs(folder, stems, objects, video)
    with atomic_write(folder / LABELS_FILE) as temp:
        temp.write_text('\n'.join(names), encoding='utf-8')
    return notices + _left_out(video)


def _write_pngs(
    folder: Path, stems: list[str], objects: list[MOTSObject], video: MaskVideo
) -> None:
    """A picture of each frame, if all ids fit into it."""
    frames, names = defaultdict(list), [f'{stem}.png' for stem in stems]
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise ValueError(f'{folder}: several frames would be {twice[0]}')
    others = {file.name for file in folder.glob('*.png')} - {*names}
    if others:
        raise ValueError(
            f'{folder}: {min(others)} is there and no frame of this video; choose '
            'another folder'
        )
    for obj in objects:
        check_id(folder, obj)
        frames[obj.frame_id].append(obj)
    for frame_id, name in enumerate(names):
        write_mots_png(folder / name, frames[frame_id], video.size)


def _left_out(video: MaskVideo) -> list[str]:
    ignored = sum(mask.is_ignored for mask in video.masks)
    return [f'{ignored} ignore regions are left out'] if ignored else []


def _write_cocovid(path: Path, video: MaskVideo, _: int) -> list[str]:
    write_json(path, _to_coco(video))
    return []


def _write_coco(path: Path, video: MaskVideo, _: int) -> list[str]:
    """Without videos; identities as CVAT writes them, in attributes, and beside."""
    coco = _to_coco(video)
    del coco['videos']
    for image in coco['images']:
        del image['video_id'], image['frame_id']
    for ann in coco['annotations']:
        del ann['video_id'], ann['instance_id']
        ann['attributes'] = dict(track_id=ann['track_id'])
    write_json(path, coco)
    return []


def _write_youtube_vis(path: Path, video: MaskVideo, _: int) -> list[str]:
    """One annotation for each track, with a list over all frames."""
    num_frames = len(video.file_names)
    shape = dict(width=video.size[1], height=video.size[0], length=num_frames)
    coco = _to_coco(video)
    lists = dict(segmentations='segmentation', bboxes='bbox', areas='area')
    tracks = {}
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
    coco['videos'] = [dict(id=1, name=video.name, file_names=video.file_names, **shape)]
    coco['annotations'] = [*tracks.values()]
    del coco['images']
    write_json(path, coco)
    return _left_out(video)


WRITERS: dict[str, Callable[[Path, MaskVideo, int], list[str]]] = dict(
    kitti_mots=_write_text,
    mots_png=_write_pictures,
    cvat_png=_write_cvat,
    cocovid=_write_cocovid,
    coco=_write_coco,
    youtube_vis=_write_youtube_vis,
)


def _class_names(masks: Iterable[TrackedMask]) -> list[str]:
    return list(dict.fromkeys(m.class_name for m in masks if not m.is_ignored))


def _to_coco(video: MaskVideo) -> dict:
    """The video as CocoVID."""
    builder = CocoVIDBuilder(class_numbers(_class_names(video.masks)))
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
    return builder.content()


def _number(
    video: MaskVideo, known: Sequence[str]
) -> tuple[list[MOTSObject], dict[str, int], list[str]]:
    """Objects of KITTI MOTS, the numbers of the classes and what was changed."""
    names = _class_names(video.masks)
    numbers = class_numbers(names, known)
    own = {name: numbers[find_name(name, numbers)] for name in names}
    objects, notices = _to_objects(video, video.masks, own)
    return objects, numbers, notices


def _to_objects(
    video: MaskVideo, masks: list[TrackedMask], numbers: dict[str, int]
) -> tuple[list[MOTSObject], list[str]]:
    """Objects with ids ``class * 1000 + n``, disjoint, and what was changed."""
    if (pair := video.find_overlap()) is not None:
        raise ValueError(
            f'frame {pair[0].frame_id}: the masks of ids {pair[0].track_id} and '
            f'{pair[1].track_id} overlap, which this format cannot say; see '
            '--make-disjoint'
        )
    ids = mots_track_ids(
        (numbers[mask.class_name], mask.track_id)
        for mask in masks
        if not mask.is_ignored
    )
    objects, num_ignored = [], Counter()
    for mask in masks:
        if not mask.is_ignored:
            class_id = numbers[mask.class_name]
            track_id = ids[class_id, mask.track_id]
        else:
            class_id = IGNORE_CLASS_ID
            track_id = 1000 * IGNORE_CLASS_ID + num_ignored[mask.frame_id]
            num_ignored[mask.frame_id] += 1
        obj = mask.frame_id, track_id, class_id, *video.size, mask.rle
        objects.append(MOTSObject(*obj))
    changed = [f'{key[1]} is {new}' for key, new in ids.items() if key[1] != new]
    what = 'identities have other numbers now, class * 1000 + n, e.g.'
    return objects, [f'{len(changed)} {what} {changed[0]}'] if changed else []
