# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path, PurePosixPath

from .box_file import BoxFile, Numbering, Picture
from .cocovid import read_categories
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
    path = Path(path)
    data = read_json(path)
    try:
        file = _read(data, path, video_name)
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    if first_frame is not None:
        file.numbering = Numbering(first_frame, is_given=True)
    file.check_identities()
    return file


def _read(data: dict, path: Path, video_name: str | None) -> BoxFile:
    file, tracks = read_tracks(data, path, video_name)
    for where, track_id, class_name, ann in tracks:
        bboxes = get(ann, 'bboxes', list, where)
        if len(bboxes) != len(file.pictures):
            raise ValueError(
                f'{where}: {len(bboxes)} bboxes, but the video has '
                f'{len(file.pictures)} frames'
            )
        is_crowd = bool(ann.get('iscrowd', 0))
        for frame_id, bbox in enumerate(bboxes):
            if bbox in (None, []):
                continue
            place = f'{where}.bboxes[{frame_id}]'
            corners = xywh(bbox, place)
            file.boxes.append(
                TrackedBox(frame_id, track_id, class_name, corners, is_crowd, place)
            )
    return file


def read_tracks(
    data: object, path: Path, video_name: str | None
) -> tuple[BoxFile, list[tuple[str, int, str, dict]]]:
    """Read what boxes and masks of a video have in common.

    Args:
        data (object): Content of the file.
        path (Path): The file.
        video_name (str, optional): Which of its videos, if there are several.

    Returns:
        tuple[BoxFile, list[tuple[str, int, str, dict]]]: The pictures of the video;
        place, identity, class and annotation of each track.

    Raises:
        ValueError: If an element breaks the format; the message names its place.
    """
    if not isinstance(data, dict):
        raise ValueError('top level: expected an object')
    names = read_categories(data)
    where, video = _find_video(data, video_name)
    video_id, size = integer(video, 'id', where), size_of(video, where)
    file = BoxFile(path, [])
    for frame_id, name in enumerate(get(video, 'file_names', list, where)):
        place = f'{where}.file_names[{frame_id}]'
        if not isinstance(name, str) or not name:
            raise ValueError(f'{place}: no name: {str(name)[:80]!r}')
        file.pictures[frame_id] = Picture(name, size, place, frame_id)
    tracks = []
    for where, ann in elements(data, 'annotations'):
        if integer(ann, 'video_id', where) != video_id:
            continue
        category_id = integer(ann, 'category_id', where)
        if category_id not in names:
            raise ValueError(f'{where}: there is no category {category_id}')
        tracks.append((where, integer(ann, 'id', where), names[category_id], ann))
    return file, tracks


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
