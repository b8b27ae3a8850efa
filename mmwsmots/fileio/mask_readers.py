# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Files of masks with identities."""

from collections.abc import Sequence
from pathlib import Path

from mmwsmots.fileio.box_readers import BoxFile, detect_format
from mmwsmots.fileio.box_readers.cocovid import read_categories, read_images
from mmwsmots.fileio.box_readers.identities import identity_of
from mmwsmots.fileio.box_readers.json_items import elements, get, integer, read_json
from mmwsmots.fileio.box_readers.match_names import match_video
from mmwsmots.fileio.box_readers.youtube_vis import read_tracks
from mmwsmots.fileio.class_numbers import read_labels
from mmwsmots.fileio.mask_video import MaskVideo, TrackedMask
from mmwsmots.fileio.mots_png import read_mots_pngs
from mmwsmots.fileio.mots_track_ids import find_class_change
from mmwsmots.fileio.mots_txt import (
    CLASS_IDS,
    IGNORE_CLASS_ID,
    MOTSObject,
    read_mots_txt,
)
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
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such file of masks')
    mask_format = mask_format or _detect(path)
    if mask_format not in MASK_FORMATS:
        raise ValueError(
            f'{path}: the format {mask_format} has no masks, these have: '
            f'{", ".join(MASK_FORMATS)}; tools/label_masks.py makes masks of boxes'
        )
    if mask_format == 'kitti_mots':
        objects = read_mots_txt(path, False, False, first_frame, None)
        video = _from_objects(path.stem, path.parent, objects, None, first_frame)
    if mask_format == 'mots_png':
        folder = path / 'instances' if (path / 'instances').is_dir() else path
        name = path.name if folder != path or path.name != 'instances' else None
        names = [f'{file.stem}.png' for file in list_pictures(folder)]
        objects = read_mots_pngs(folder, first_frame)
        name = name or path.parent.name
        video = _from_objects(name, folder, objects, names, first_frame)
    if mask_format == 'cocovid':
        video = _read_coco(path, video_name)
    if mask_format == 'youtube_vis':
        video = _read_youtube_vis(path, video_name)
    objects = [mask for mask in video.masks if not mask.is_ignored]
    if change := find_class_change(mask[:3] for mask in objects):
        video.notices.append(change)
    return video


def _detect(path: Path) -> str:
    if path.is_file() and path.suffix == '.txt':
        return 'kitti_mots'
    return detect_format(path)


def _from_objects(
    name: str,
    folder: Path,
    objects: Sequence[MOTSObject],
    names: list[str] | None,
    first_frame: int,
) -> MaskVideo:
    """Masks whose classes are numbers, which labels.txt may name."""
    if not objects:
        raise ValueError(f'{folder}: {name} has no mask, so the size is not known')
    labels = read_labels(folder / 'labels.txt') or tuple(CLASS_IDS)
    numbers = (i for i in range(1, len(labels) + 2) if i != IGNORE_CLASS_ID)
    classes = dict(zip(numbers, labels))
    masks = []
    for obj in objects:
        is_ignored = obj.class_id == IGNORE_CLASS_ID
        if obj.class_id not in classes and not is_ignored:
            raise ValueError(
                f'{folder}: {name} has the class {obj.class_id}, the names are '
                f'{", ".join(labels)}'
            )
        class_name = 'ignore' if is_ignored else classes[obj.class_id]
        masks.append(
            TrackedMask(
                obj.frame_id, obj.track_id, class_name, obj.rle, 1.0, is_ignored
            )
        )
    notices, start = [], min(obj.frame_id for obj in objects)
    if start > 0:
        notices.append(
            f'the first mask is {start} frames after frame {first_frame}, from which '
            'its frames are taken to count; see --first-frame'
        )
    num_frames = max(obj.frame_id for obj in objects) + 1
    if names is None or len(names) < num_frames:
        names = _frame_names(num_frames, folder)
    return MaskVideo(name, tuple(objects[0][3:5]), names, masks, notices)


def _read_coco(path: Path, video_name: str | None) -> MaskVideo:
    coco = read_json(path)
    try:
        if not isinstance(coco, dict):
            raise ValueError('top level: expected an object')
        names, file = read_categories(coco), BoxFile(path, [])
        frames, foreign = read_images(coco, file, video_name)
        places = {number: number for number in frames.values()}
        if file.pictures:
            places, _ = match_video(file.pictures, 0)
        sizes = {picture.size for picture in file.pictures.values()} or {file.size}
        if len(sizes) != 1 or None in sizes:
            raise ValueError('images: their width and height are missing or differ')
        video = MaskVideo(video_name or path.stem, _size(sizes.pop()), [], [])
        for where, ann in elements(coco, 'annotations'):
            image_id = integer(ann, 'image_id', where)
            if image_id in foreign:
                continue
            if image_id not in frames:
                raise ValueError(f'{where}: there is no image {image_id}')
            if ann.get('segmentation') in (None, []):
                continue
            category_id = integer(ann, 'category_id', where)
            if category_id not in names:
                raise ValueError(f'{where}: there is no category {category_id}')
            video.masks.append(
                TrackedMask(
                    places[frames[image_id]],
                    identity_of(ann, where),
                    names[category_id],
                    _rle(ann['segmentation'], video.size, where),
                    _score(ann),
                    bool(ann.get('iscrowd', 0)),
                )
            )
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    num_frames = max(places.values(), default=-1) + 1
    video.file_names = _frame_names(num_frames, path)
    for number, picture in file.pictures.items():
        video.file_names[places[number]] = picture.name
    _check(path, video)
    return video


def _read_youtube_vis(path: Path, video_name: str | None) -> MaskVideo:
    data = read_json(path)
    try:
        file, tracks = read_tracks(data, path, video_name)
        sizes = {picture.size for picture in file.pictures.values()}
        if len(sizes) != 1 or None in sizes:
            raise ValueError('videos: width and height are missing')
        video = MaskVideo(video_name or path.stem, _size(sizes.pop()), [], [])
        video.file_names = [picture.name for picture in file.pictures.values()]
        for where, track_id, class_name, ann in tracks:
            parts = get(ann, 'segmentations', list, where)
            if len(parts) != len(file.pictures):
                raise ValueError(f'{where}: {len(parts)} segmentations, other frames')
            for frame_id, part in enumerate(parts):
                if part not in (None, []):
                    place = f'{where}.segmentations[{frame_id}]'
                    video.masks.append(
                        TrackedMask(
                            frame_id,
                            track_id,
                            class_name,
                            _rle(part, video.size, place),
                            _score(ann),
                            bool(ann.get('iscrowd', 0)),
                        )
                    )
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    _check(path, video)
    return video


def _frame_names(num_frames: int, source: Path) -> list[str]:
    """Names of frames that a file does not name."""
    if num_frames > MAX_FRAMES:
        raise ValueError(f'{source}: more than {MAX_FRAMES} frames')
    return [f'{i:06d}.png' for i in range(num_frames)]


def _rle(segmentation: object, size: tuple[int, int], where: str) -> str:
    try:
        return segmentation_to_rle(segmentation, size)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None


def _size(size: tuple[int, int]) -> tuple[int, int]:
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise ValueError(f'frames of {size[0]} x {size[1]} pixels')
    return size


def _score(ann: dict) -> float:
    score = ann.get('score', 1.0)
    return float(score) if type(score) in (int, float) else 1.0


def _check(path: Path, video: MaskVideo) -> None:
    """Raise if there is no mask, or an identity is missing or comes twice."""
    if not video.masks:
        raise ValueError(f'{path}: no annotation has a mask')
    seen = set()
    for mask in video.masks:
        if mask.is_ignored:
            continue
        if mask.track_id < 0:
            raise ValueError(f'{path}: masks have no identities (track_id)')
        if (mask.frame_id, mask.track_id) in seen:
            raise ValueError(
                f'{path}: id {mask.track_id} comes twice in frame {mask.frame_id}'
            )
        seen.add((mask.frame_id, mask.track_id))
