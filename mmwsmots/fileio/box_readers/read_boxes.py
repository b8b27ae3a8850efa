# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from .box_file import BoxFile
from .cocovid import read_cocovid
from .cvat import read_cvat
from .detect_format import detect_format, is_zip
from .kitti_tracking import read_kitti_tracking
from .label_studio import read_label_studio
from .mot_challenge import read_mot_challenge
from .mots_png import read_mots_png_boxes
from .youtube_vis import read_youtube_vis
from .zip_input import unpacked

READERS = dict(
    mot=read_mot_challenge,
    kitti=read_kitti_tracking,
    cvat=read_cvat,
    cocovid=read_cocovid,
    youtube_vis=read_youtube_vis,
    label_studio=read_label_studio,
    mots_png=read_mots_png_boxes,
)
FORMATS = tuple(READERS)
WITHOUT_VIDEO_NAMES = 'kitti', 'mots_png'


def read_boxes(
    path: str | Path,
    box_format: str | None = None,
    class_name: str | None = None,
    first_frame: int | None = None,
    video_name: str | None = None,
) -> BoxFile:
    """Read a file of boxes; :func:`place_boxes` finds their frames.

    Args:
        path (str | Path): The file, or a ZIP file with it, as CVAT hands it out, or a
            folder of 16-bit instance pictures.
        box_format (str, optional): One of :data:`FORMATS`. None looks into the file,
            see :func:`detect_format`.
        class_name (str, optional): Class of all boxes; for 'mot', where nothing beside
            the file names them; refused for the others.
        first_frame (int, optional): Number in the file of the first frame or picture,
            which are then taken in their order. Defaults to what the file says, or the
            format.
        video_name (str, optional): Which video of a file with several.

    Returns:
        BoxFile: The boxes in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks its format, repeats an identity within a frame,
            or lacks the video, or an argument does not fit it; the message names file
            and place.
    """
    path = Path(path)
    if not path.is_file() and not path.is_dir():  # a pipe can be read only once
        raise FileNotFoundError(f'{path}: no such file of boxes')
    if first_frame is not None and first_frame < 0:
        raise ValueError(f'{path}: frames count from 0 on, not from {first_frame}')
    if path.is_file() and is_zip(path):
        with unpacked(path) as inner:
            file = read_boxes(inner, box_format, class_name, first_frame, video_name)
        file.path = path
        file.notices = [n.replace(str(inner.parent), str(path)) for n in file.notices]
        return file
    box_format = box_format or detect_format(path)
    if box_format not in FORMATS:
        raise ValueError(f'box_format must be one of {FORMATS}, got {box_format!r}')
    if path.is_dir() != (box_format == 'mots_png'):
        raise ValueError(f'{path}: a folder for mots_png, a file for other formats')
    if class_name is not None and box_format != 'mot':
        raise ValueError(
            f'{path}: class_name is for MOTChallenge text, a {box_format} file has its '
            'own'
        )
    if first_frame is not None and box_format == 'mots_png':
        raise ValueError(f'{path}: first_frame is not for pictures, which have names')
    names = [class_name if box_format == 'mot' else video_name]
    if box_format in WITHOUT_VIDEO_NAMES:
        names = []
    file = READERS[box_format](path, *names)
    if first_frame is not None:
        file.numbering = file.numbering._replace(first=first_frame, is_given=True)
    return file
