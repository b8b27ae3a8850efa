# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Files of masks with identities."""

from collections.abc import Sequence
from pathlib import Path

from mmwsmots.fileio.box_readers import detect_format
from mmwsmots.fileio.box_readers.cocovid import read_coco_objects
from mmwsmots.fileio.box_readers.json_items import read_json
from mmwsmots.fileio.box_readers.match_names import match_video
from mmwsmots.fileio.box_readers.youtube_vis import read_track_objects
from mmwsmots.fileio.class_numbers import class_name_of, labels_of
from mmwsmots.fileio.mask_video import MaskVideo, TrackedMask
from mmwsmots.fileio.mots_png import find_instances, frame_ids, read_mots_pngs
from mmwsmots.fileio.mots_track_ids import find_class_change
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject, read_mots_txt
from mmwsmots.fileio.named_place import named_place
from mmwsmots.fileio.pictures import MAX_PIXELS, list_pictures
from mmwsmots.fileio.segmentation import segmentation_to_rle

MAX_FRAMES = 10**6
MASK_FORMATS = ('kitti_mots', 'mots_png', 'cocovid', 'youtube_vis')


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
            video = _from_json(data, path, mask_format, video_name)
            _check(video)
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
        for obj in objects:
            is_ignored = obj.class_id == IGNORE_CLASS_ID
            class_name = class_name_of(obj.class_id, labels)
            mask = obj.frame_id, obj.track_id, class_name, obj.rle, 1.0, is_ignored
            masks.append(TrackedMask(*mask))
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
) -> MaskVideo:
    if mask_format == 'youtube_vis':
        file, objects = read_track_objects(data, path, video_name, 'segmentations')
        places = {number: number for number in file.pictures}
    else:
        file, frames, objects = read_coco_objects(data, path, video_name)
        objects = [
            obj._replace(content=obj.content['segmentation'])
            for obj in objects
            if obj.content.get('segmentation') not in (None, [])
        ]
        places = {number: number for number in frames}
        if file.pictures:
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
    for obj in objects:
        with named_place(f'{obj.where}: '):
            rle = segmentation_to_rle(obj.content, size)
        mask = places[obj.frame_id], obj.track_id, obj.class_name, rle, obj.score
        video.masks.append(TrackedMask(*mask, obj.is_ignored))
    return video


def _frame_names(num_frames: int, source: str | Path, first: int = 0) -> list[str]:
    """Names of frames that a file does not name."""
    if num_frames > MAX_FRAMES:
        raise ValueError(f'{source}: more than {MAX_FRAMES} frames')
    return [f'{i:06d}.png' for i in range(first, first + num_frames)]


def _check(video: MaskVideo) -> None:
    """Raise if there is no mask, or an identity is missing or comes twice."""
    if not video.masks:
        raise ValueError('no annotation has a mask')
    seen = set()
    for mask in video.masks:
        if mask.is_ignored:
            continue
        if mask.track_id < 0:
            raise ValueError('masks have no identities (track_id)')
        if (mask.frame_id, mask.track_id) in seen:
            raise ValueError(f'id {mask.track_id} comes twice in frame {mask.frame_id}')
        seen.add((mask.frame_id, mask.track_id))
