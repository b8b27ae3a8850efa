# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.named_place import named_place

from .box_file import BoxFile, Picture
from .choose_video import choose_video
from .coco_items import FileObject, category_of, read_categories, score_of
from .identities import identity_key, number_identities
from .json_items import elements, get, integer, read_json, size_of, xywh
from .tracked_box import TrackedBox


def read_youtube_vis(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the boxes of one video of a YouTube-VIS JSON file.

    A video has ``file_names``, an annotation is a whole track: ``bboxes`` has x, y, w,
    h for each frame, or null where the object is not seen. Its ``id`` is the identity.
    A video is called by its name or the folder of its files. See :func:`read_boxes`.
    """
    data = read_json(path)
    with named_place(f'{path}, '):
        file, objects = read_track_objects(data, path, video_name, 'bboxes')
        for obj in objects:
            corners = xywh(obj.content, obj.where)
            file.boxes.append(TrackedBox(*obj[:3], corners, *obj[4:]))
    file.check_identities()
    return file


def read_track_objects(
    data: object, path: Path, video_name: str | None, key: str
) -> tuple[BoxFile, list[FileObject]]:
    """The ``key`` of tracks, 'bboxes' or 'segmentations': what both have in common.

    Returns:
        tuple[BoxFile, list[FileObject]]: The pictures of the video, without boxes; its
        objects track by track.
    """
    file, names, places = BoxFile(path, []), read_categories(data), {}
    videos = [(_names(*item), item) for item in elements(data, 'videos')]
    where, video = choose_video(videos, video_name, file.notices)
    video_id, size = integer(video, 'id', where), size_of(video, where)
    for frame_id, name in enumerate(get(video, 'file_names', list, where)):
        place = f'{where}.file_names[{frame_id}]'
        if not isinstance(name, str) or not name:
            raise ValueError(f'{place}: no name: {str(name)[:80]!r}')
        file.pictures[frame_id] = Picture(name, size, place, frame_id)
    objects = []
    for where, ann in elements(data, 'annotations'):
        if integer(ann, 'video_id', where) != video_id:
            continue
        get(ann, 'id', (int, float, str), where)
        track = identity_key(ann['id'], where)
        first = places.setdefault(track, where)
        if first != where:
            raise ValueError(f'{first} and {where} are both track {track}')
        class_name = names[category_of(ann, names, where)]
        parts = get(ann, key, list, where)
        if len(parts) != len(file.pictures):
            raise ValueError(
                f'{where}: {len(parts)} {key}, but the video has {len(file.pictures)} '
                'frames'
            )
        is_crowd, score = bool(ann.get('iscrowd', 0)), score_of(ann, where)
        for frame_id, part in enumerate(parts):
            if part not in (None, []):
                place = f'{where}.{key}[{frame_id}]'
                obj = frame_id, track, class_name, part, is_crowd, place, score
                objects.append(FileObject(*obj))
    numbers = number_identities(places, file.notices)
    return file, [obj._replace(track_id=numbers[obj.track_id]) for obj in objects]


def _names(where: str, video: dict) -> list[str]:
    """What a video may be called: its name, or the folder of its frames."""
    names = [video['name']] if isinstance(video.get('name'), str) else []
    files = get(video, 'file_names', list, where)
    if files and isinstance(files[0], str):
        names.append(PurePosixPath(files[0]).parent.name)
    return [name for name in names if name]
