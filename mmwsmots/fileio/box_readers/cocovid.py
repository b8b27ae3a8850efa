# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmwsmots.fileio.named_place import named_place

from .box_file import BoxFile, Numbering, Picture
from .choose_video import choose_video
from .coco_items import (
    CocoImage,
    FileObject,
    number_frames,
    read_annotations,
    read_categories,
    read_images,
    score_of,
    video_key,
)
from .identities import identity_of, number_identities
from .json_items import elements, get, read_json, xywh
from .tracked_box import TrackedBox


def read_cocovid(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the boxes of one video of a COCO or CocoVID JSON file.

    Images have a ``file_name``, or a number ``frame_id``, from 0, or both, and, if
    there are several videos, ``video_id``. Without numbers, as in plain COCO, the
    order of the names is that of the frames. Annotations have a ``bbox`` (x, y, w, h)
    and an identity, ``track_id`` or ``instance_id``, in themselves or in their
    ``attributes``. Those with ``iscrowd`` 1 become ignored boxes; those without a box
    are left out and counted. See :func:`read_boxes`.
    """
    coco = read_json(path)
    with named_place(f'{path}, '):
        file, _, objects = read_coco_objects(coco, path, video_name)
        for obj in objects:
            bbox = obj.content.get('bbox')
            if bbox in (None, []):
                file.left_out[f'{obj.class_name} (without a box)'] += 1
            else:
                corners = xywh(bbox, f'{obj.where}: bbox')
                file.boxes.append(TrackedBox(*obj[:3], corners, *obj[4:]))
    file.check_identities()
    return file


def read_coco_objects(
    coco: object, path: Path, video_name: str | None
) -> tuple[BoxFile, list[int], list[FileObject]]:
    """Read what boxes and masks of a video have in common.

    Returns:
        tuple[BoxFile, list[int], list[FileObject]]: The pictures of the video, without
        boxes; the numbers of its frames; its annotations.
    """
    file, names, images = BoxFile(path, []), read_categories(coco), read_images(coco)
    own = _images_of(coco, images, file, video_name)
    frames = number_frames(own)
    _describe_frames(file, own, frames)
    anns = [
        (identity_of(item, where), where, item, *rest)
        for where, item, *rest in read_annotations(coco, names, images)
        if rest[0] in own
    ]
    numbers = number_identities((key for key, *_ in anns), file.notices)
    objects = [
        FileObject(
            *(frames[image_id], numbers[key], names[category_id], item, is_crowd),
            *(where, score_of(item, where)),
        )
        for key, where, item, image_id, category_id, is_crowd in anns
    ]
    return file, sorted(frames.values()), objects


def _images_of(
    coco: dict, images: dict[int, CocoImage], file: BoxFile, video_name: str | None
) -> dict[int, CocoImage]:
    """The images of the video; all, if the file does not tell its videos apart."""
    videos, names = [], set()
    for where, item in elements(coco, 'videos', required=False):
        name = get(item, 'name', str, where)
        if name in names:
            raise ValueError(f'{where}: a second video of the name {name}')
        names.add(name)
        videos.append(([name], video_key(item, where, 'id')))
    if not videos:
        return images
    video = choose_video(videos, video_name, file.notices)
    for image in images.values():
        if image.video is None:
            raise ValueError(f'{image.where}: video_id is missing')
    return {i: image for i, image in images.items() if image.video == video}


def _describe_frames(
    file: BoxFile, images: dict[int, CocoImage], frames: dict[int, int]
) -> None:
    """Give the file the pictures, or the numbers of its frames and their size."""
    if all(image.name for image in images.values()):
        for image_id in sorted(frames, key=frames.get):
            _, name, size, number, _, where = images[image_id]
            file.pictures[frames[image_id]] = Picture(name, size, where, number)
        return
    sizes = {im.size: im.where for im in images.values() if im.size is not None}
    if len(sizes) == 1:
        ((file.size, file.size_where),) = sizes.items()
    declared = sorted(frames.values())
    if declared[-1] - declared[0] == len(declared) - 1 > 0:
        file.numbering = Numbering(0, range(declared[0], declared[-1] + 1))
