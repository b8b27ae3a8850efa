# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from .cocovid import read_cocovid
from .cvat_video import read_cvat_video
from .kitti_tracking import NUM_FIELDS, read_kitti_tracking
from .mot_challenge import read_mot_challenge
from .tracked_box import TrackedBox

FORMATS = ('mot', 'kitti', 'cocovid', 'cvat')
HEAD = 4096  # bytes that tell the format


def read_boxes(
    path: str | Path,
    box_format: str | None = None,
    class_name: str | None = None,
    first_frame: int | None = None,
    video_name: str | None = None,
) -> list[TrackedBox]:
    """Read a file of boxes with identities.

    Args:
        path (str | Path): The file.
        box_format (str, optional): One of :data:`FORMATS`. None looks into the file,
            see :func:`detect_format`.
        class_name (str, optional): Class of all boxes; needed for 'mot', whose files
            name none, and refused for the others.
        first_frame (int, optional): For 'mot', number of the first frame in the file,
            see :func:`read_mot_challenge`.
        video_name (str, optional): For 'cocovid', see :func:`read_cocovid`.

    Returns:
        list[TrackedBox]: The boxes in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks its format, or an argument does not fit it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file of boxes')
    box_format = box_format or detect_format(path)
    if box_format not in FORMATS:
        raise ValueError(f'box_format must be one of {FORMATS}, got {box_format!r}')
    if box_format == 'mot':
        if class_name is None:
            raise ValueError(
                f'{path}: MOTChallenge text names no classes, give the class of its '
                'boxes (--class-name)'
            )
        return read_mot_challenge(path, class_name, first_frame)
    for name, value in dict(class_name=class_name, first_frame=first_frame).items():
        if value is not None:
            raise ValueError(
                f'{path}: {name} is for MOTChallenge text, a {box_format} file has '
                'its own'
            )
    if box_format == 'kitti':
        return read_kitti_tracking(path)
    if box_format == 'cocovid':
        return read_cocovid(path, video_name)
    return read_cvat_video(path)


def detect_format(path: str | Path) -> str:
    """Tell the format of a file of boxes from its beginning.

    Args:
        path (str | Path): The file.

    Returns:
        str: One of :data:`FORMATS`.

    Raises:
        ValueError: If it is none of them.
    """
    with Path(path).open('rb') as file:
        head = file.read(HEAD).decode('utf-8-sig', errors='replace').lstrip()
    line = head.splitlines()[0] if head else ''
    if head.startswith('{'):
        return 'cocovid'
    if head.startswith('<'):
        return 'cvat'
    if line.count(',') >= 6:
        return 'mot'
    if len(line.split()) >= NUM_FIELDS:
        return 'kitti'
    raise ValueError(
        f'{path}: its first line is of no known format: "{line[:60]}" (MOTChallenge '
        'text, KITTI tracking labels, CocoVID JSON, CVAT for video XML)'
    )
