# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.pictures import natural_key

from .box_file import BoxFile, Numbering, Picture
from .identities import identity_of
from .json_items import elements, get, integer, read_json, size_of, xywh
from .tracked_box import TrackedBox

FRAME_NAMES = ('frame_id', 'frame_index')  # the second is TAO's


def read_cocovid(
    path: str | Path, video_name: str | None = None, first_frame: int | None = None
) -> BoxFile:
    """Read the boxes of one video of a COCO or CocoVID JSON file.

    Images have a ``file_name``, or a number ``frame_id``, from 0, or both, and, if
    there are several videos, ``video_id``. Without numbers, as in plain COCO, the
    order of the names is that of the frames. Annotations have a ``bbox`` (x, y, w, h)
    and an identity, ``track_id`` or ``instance_id``, in themselves or in their
    ``attributes``. Those with ``iscrowd`` 1 become ignored boxes; those without a box
    are left out and counted.

    Args:
        path (str | Path): The file.
        video_name (str, optional): Which of its videos; not looked at if there is
            only one.
        first_frame (int, optional): Number of the first picture in the file, where
            pictures are to be taken in their order.

    Returns:
        BoxFile: The boxes in the order of the file.

    Raises:
        ValueError: If the file is no such JSON, lacks the video, or repeats an
            identity within a frame; the message names file and element.
    """
    path = Path(path)
    coco = read_json(path)
    try:
        if not isinstance(coco, dict):
            raise ValueError('top level: expected an object')
        file = _read(coco, path, video_name, first_frame)
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    file.check_identities()
    return file


def _read(
    coco: dict, path: Path, video_name: str | None, first_frame: int | None
) -> BoxFile:
    names = read_categories(coco)
    file = BoxFile(path, [])
    frames, foreign = read_images(coco, file, video_name)
    if first_frame is not None:
        file.numbering = Numbering(first_frame, is_given=True)
    for where, ann in elements(coco, 'annotations'):
        image_id = integer(ann, 'image_id', where)
        if image_id in foreign:
            continue
        if image_id not in frames:
            raise ValueError(f'{where}: there is no image {image_id}')
        category_id = integer(ann, 'category_id', where)
        if category_id not in names:
            raise ValueError(f'{where}: there is no category {category_id}')
        if ann.get('bbox') in (None, []):
            file.left_out[f'{names[category_id]} (without a box)'] += 1
            continue
        file.boxes.append(
            TrackedBox(
                frames[image_id],
                identity_of(ann, where),
                names[category_id],
                xywh(ann['bbox'], f'{where}: bbox'),
                bool(ann.get('iscrowd', 0)),
                where,
                _score(ann, where),
            )
        )
    return file


def read_categories(coco: dict) -> dict[int, str]:
    """Name of each category id of a COCO file."""
    return {
        integer(item, 'id', where): get(item, 'name', str, where)
        for where, item in elements(coco, 'categories')
    }


def read_images(
    coco: dict, file: BoxFile, video_name: str | None
) -> tuple[dict[int, int], set[int]]:
    """Read the images of the video of a COCO file.

    Args:
        coco (dict): Content of the file.
        file (BoxFile): Gets the pictures, or the frames' numbers and their size.
        video_name (str, optional): Which of its videos, if there are several.

    Returns:
        tuple[dict[int, int], set[int]]: Number of the frame of each image id of the
        video; the ids of other videos.

    Raises:
        ValueError: If an image breaks the format; the message names its place.
    """
    video_id = _find_video(coco, file, video_name)
    images, foreign = {}, set()
    for where, image in elements(coco, 'images'):
        image_id = integer(image, 'id', where)
        if image_id in images or image_id in foreign:
            raise ValueError(f'{where}: a second image of the id {image_id}')
        if video_id is not None and integer(image, 'video_id', where) != video_id:
            foreign.add(image_id)
            continue
        name = image.get('file_name')
        if name is not None and not isinstance(name, str):
            raise ValueError(f'{where}: file_name is {str(name)[:80]!r}')
        number = next(
            (integer(image, n, where) for n in FRAME_NAMES if n in image), None
        )
        if number is None and not name:
            raise ValueError(f'{where}: neither file_name nor frame_id')
        if number is not None and number < 0:
            raise ValueError(f'{where}: frame_id is {number}')
        images[image_id] = Picture(name or '', size_of(image, where), where, number)
    frames = _number(images)
    unnamed = [picture for picture in images.values() if not picture.name]
    if 0 < len(unnamed) < len(images):
        raise ValueError(
            f'{unnamed[0].where}: file_name is missing, other images have one'
        )
    if not unnamed:
        pictures = {frames[image_id]: picture for image_id, picture in images.items()}
        file.pictures = dict(sorted(pictures.items()))
    else:
        sizes = {p.size: p.where for p in images.values() if p.size is not None}
        if len(sizes) == 1:
            ((file.size, file.size_where),) = sizes.items()
        declared = sorted(frames.values())
        if declared and declared[-1] - declared[0] == len(declared) - 1 > 0:
            file.numbering = Numbering(0, range(declared[0], declared[-1] + 1))
    return frames, foreign


def _number(images: dict[int, Picture]) -> dict[int, int]:
    """Number of the frame of each image id, by the file or by order of the names."""
    numbered = {i: p.number for i, p in images.items() if p.number is not None}
    if not numbered:
        order = sorted(images, key=lambda i: natural_key(str(_stem(images[i].name))))
        return {image_id: number for number, image_id in enumerate(order)}
    if len(numbered) < len(images):
        odd = next(p for p in images.values() if p.number is None)
        raise ValueError(f'{odd.where}: frame_id is missing, other images have one')
    number, count = Counter(numbered.values()).most_common(1)[0]
    if count > 1:
        first, second = [p.where for p in images.values() if p.number == number][:2]
        raise ValueError(f'{first} and {second} are both frame {number}')
    return numbered


def _find_video(coco: dict, file: BoxFile, video_name: str | None) -> int | None:
    """Id of the video; None if the file does not tell its videos apart."""
    videos = {}
    for where, item in elements(coco, 'videos', required=False):
        name = get(item, 'name', str, where)
        if name in videos:
            raise ValueError(f'{where}: a second video of the name {name}')
        videos[name] = integer(item, 'id', where)
    if len(videos) <= 1:
        name = next(iter(videos), video_name)
        if video_name is not None and name != video_name:
            file.notices.append(f'it was made for {name}, this is {video_name}')
        return next(iter(videos.values()), None)
    if video_name not in videos:
        raise ValueError(
            f'videos: none has the name {video_name}; there are '
            f'{", ".join(list(videos)[:20])}; choose one with --video-name'
        )
    return videos[video_name]


def _score(ann: dict, where: str) -> float:
    """How sure a detector is of an annotation."""
    score = ann.get('score', 1.0)
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        raise ValueError(f'{where}: score is {str(score)[:80]!r}')
    return float(score)


def _stem(name: str) -> PurePosixPath:
    return PurePosixPath(name).with_suffix('')
