# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.named_place import named_place

from .box_file import BoxFile, Numbering, Picture
from .cocovid import FileObject, category_of, read_categories, score_of
from .json_items import elements, get, integer, read_json, size_of, xywh
from .tracked_box import TrackedBox


def read_youtube_vis(
    path: str | Path, video_name: str | None = None, first_frame: int | None = None
) -> BoxFile:
    """Read the boxes of one video of a YouTube-VIS JSON file.

    A video has ``file_names``, an annotation is a whole track: ``bboxes`` has x, y, w,
    h for each frame, or null where the object is not seen. Its ``id`` is the identity.

    Args:
        path (str | Path): The file.
        video_name (str, optional): Folder or name of the video; not looked at if there
            is only one.
        first_frame (int, optional): Number of the first picture in the file, from 0,
            where pictures are to be taken in their order.

    Returns:
        BoxFile: The boxes in the order of the file.

    Raises:
        ValueError: If the file is no such JSON or lacks the video; the message names
            file and element.
    """
    data = read_json(path)
    with named_place(f'{path}, '):
        file, objects = read_track_objects(data, Path(path), video_name, 'bboxes')
        for obj in objects:
            corners = xywh(obj.content, obj.where)
            file.boxes.append(TrackedBox(*obj[:3], corners, *obj[4:]))
    if first_frame is not None:
        file.numbering = Numbering(first_frame, is_given=True)
    file.check_identities()
    return file


def read_track_objects(
    data: object, path: Path, video_name: str | None, key: str
) -> tuple[BoxFile, list[FileObject]]:
    """Read what boxes and masks of a video have in common.

    Args:
        data, path, video_name: Content of the file, the file, and which of its videos.
        key (str): What is read of each track, 'bboxes' or 'segmentations'.

    Returns:
        tuple[BoxFile, list[FileObject]]: The pictures of the video, without boxes; its
        objects track by track.

    Raises:
        ValueError: If an element breaks the format; the message names its place.
    """
    names = read_categories(data)
    where, video = _find_video(data, video_name)
    video_id, size = integer(video, 'id', where), size_of(video, where)
    file, objects, places = BoxFile(path, []), [], {}
    for frame_id, name in enumerate(get(video, 'file_names', list, where)):
        place = f'{where}.file_names[{frame_id}]'
        if not isinstance(name, str) or not name:
            raise ValueError(f'{place}: no name: {str(name)[:80]!r}')
        file.pictures[frame_id] = Picture(name, size, place, frame_id)
    for where, ann in elements(data, 'annotations'):
        if integer(ann, 'video_id', where) != video_id:
            continue
        track = integer(ann, 'id', where), category_of(ann, names, where)
        first = places.setdefault(track[0], where)
        if first != where:
            raise ValueError(f'{first} and {where} are both track {track[0]}')
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
                objects.append(
                    FileObject(frame_id, *track, part, is_crowd, place, score)
                )
    return file, objects


def _find_video(data: dict, video_name: str | None) -> tuple[str, dict]:
    """The video of that name, or the only one, and its place."""
    videos = elements(data, 'videos')
    if len(videos) == 1:
        return videos[0]
    found = [item for item in videos if video_name in _names(*item)]
    if len(found) != 1:
        known = ', '.join(min(_names(*item), default='?') for item in videos[:20])
        raise ValueError(
            f'videos: {len(found) or "none"} of the {len(videos)} have the name '
            f'{video_name}; choose one with --video-name: {known}'
        )
    return found[0]


def _names(where: str, video: dict) -> set[str]:
    """What a video may be called: its name, or the folder of its frames."""
    files = get(video, 'file_names', list, where)
    names = {video['name']} if isinstance(video.get('name'), str) else set()
    if files and isinstance(files[0], str):
        names.add(PurePosixPath(files[0]).parent.name)
    return names - {''}
