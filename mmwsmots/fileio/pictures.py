# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The pictures of a folder."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')
SAME_KIND = {'.jpeg': '.jpg', '.tiff': '.tif'}
MAX_PIXELS = 2**27  # of a frame; 400 MB as BGR


def list_pictures(folder: Path) -> list[Path]:
    """The frames of a folder in natural order (2 before 10).

    Hidden files, such as the ``._000000.jpg`` that macOS leaves on other disks, are
    no frames.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it has pictures of several kinds, or two of one name, as
            ``000000.jpg`` and ``000000.png`` or ``1.jpg`` and ``01.jpg``: then it is
            not known which are the frames.
    """
    files = sorted(
        (
            path
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES
            and not path.name.startswith('.')
            and path.is_file()
        ),
        key=lambda path: (natural_key(path.stem), path.name),
    )
    if not files:
        raise FileNotFoundError(
            f'{folder}: the folder contains no image ({" ".join(IMAGE_SUFFIXES)})'
        )
    for first, second in itertools.pairwise(files):
        if natural_key(first.stem) == natural_key(second.stem):
            raise ValueError(
                f'{folder}: {first.name} and {second.name} have one name; which is '
                'the frame?'
            )
    kinds = Counter(_kind(path) for path in files)
    if len(kinds) > 1:
        odd = min(kinds, key=kinds.get)
        example = next(path.name for path in files if _kind(path) == odd)
        counts = ', '.join(f'{n} of {kind}' for kind, n in kinds.most_common())
        raise ValueError(
            f'{folder}: pictures of several kinds ({counts}), e.g. {example}; leave '
            'only the frames there'
        )
    return files


def natural_key(name: str) -> list:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r'(\d+)', name)
    return [int(part) if part.isdecimal() else part for part in parts]


def check_pictures(files: Iterable[Path], keep_unreadable: bool = False) -> None:
    """Raise ValueError if a header is none, or of another size than the first.

    With ``keep_unreadable``, only more than :data:`MAX_PIXELS` pixels are an error.
    """
    first = None
    for file in files:
        size = picture_size(file)
        if keep_unreadable:
            continue
        if size is None:
            raise ValueError(f'{file}: the frame cannot be read')
        first = first or size
        check_size(file, size, first)


def picture_size(file: Path) -> tuple[int, int] | None:
    """Height and width of a picture by its header; None if it cannot be read.

    Raises:
        ValueError: If it has more than :data:`MAX_PIXELS` pixels.
    """
    try:
        with Image.open(file) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        width, height = MAX_PIXELS, 2
    except Exception:  # decoders have no end of ways to complain
        return None
    if width * height > MAX_PIXELS:
        raise ValueError(f'{file}: the picture has more than {MAX_PIXELS} pixels')
    return height, width


def read_picture(file: Path) -> np.ndarray | None:
    """A picture, BGR (H, W, 3) uint8, or None; see :func:`picture_size`."""
    picture_size(file)
    try:
        return cv2.imread(str(file))
    except cv2.error:
        return None


def check_size(source: str | Path, size: tuple, first: tuple) -> None:
    """Raise ValueError if a frame has another size than the first one."""
    if size != first:
        raise ValueError(
            f'{source}: the frame has the size {size[1]} x {size[0]}, the first one '
            f'{first[1]} x {first[0]}'
        )


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    return SAME_KIND.get(suffix, suffix)
