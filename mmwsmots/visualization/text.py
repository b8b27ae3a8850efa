# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont


@lru_cache(maxsize=32)
def _font(size: int, is_ascii: bool) -> ImageFont.FreeTypeFont:
    """Pillow's own scalable font, or matplotlib's, which has more letters."""
    if is_ascii:
        return ImageFont.load_default(size)
    path = Path(matplotlib.get_data_path(), 'fonts/ttf/DejaVuSans.ttf')
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=4096)  # labels repeat from frame to frame
def render_text(text: str, size: int) -> np.ndarray:
    """Coverage 0..255 (height, width) of a text, read-only; size alone sets height."""
    font = _font(size, text.isascii())
    ascent, descent = _font(size, True).getmetrics()
    canvas = Image.new('L', (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(canvas).text((0, 0), text, fill=255, font=font)
    coverage = np.array(canvas)
    coverage.flags.writeable = False
    return coverage


def put_text(
    image: np.ndarray, text: str, xy: tuple[int, int], size: int, color: tuple
) -> None:
    """Draw a line of text on an image, in place; what reaches outside is cut off.

    ``xy`` (left, top) and ``size`` are in pixels, ``color`` in the image's channels.
    """
    coverage, (left, top) = render_text(text, size), xy
    x1, y1 = max(left, 0), max(top, 0)
    x2 = min(left + coverage.shape[1], image.shape[1])
    y2 = min(top + coverage.shape[0], image.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    weights = coverage[y1 - top : y2 - top, x1 - left : x2 - left, None] / 255
    patch = image[y1:y2, x1:x2]
    patch[:] = np.rint(patch + weights * (np.array(color) - patch))


def readable_on(color: tuple) -> tuple[int, int, int]:
    """Black or white, whichever is easier to read on a BGR colour."""
    patch = np.array(color, dtype=np.uint8).reshape(1, 1, 3)
    luma = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).item()
    return (0, 0, 0) if luma > 130 else (255, 255, 255)
