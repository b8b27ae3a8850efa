# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The pictures of a folder, and the frames of a folder or a video."""

import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')
SAME_KIND = {'.jpeg': '.jpg', '.tiff': '.tif'}
ORIENTATION, LYING = 0x0112, (5, 6, 7, 8)  # of Exif: by which frames are turned
END_OF_JPEG = b'\xff\xd9'
MAX_PIXELS = 2**27  # of a frame; 400 MB as BGR
FOLDER_FPS = 10.0  # as KITTI's
MAX_FPS = 1000.0  # more is the tick of a clock, as of files of a varying rate
UNKNOWN_FPS = 30.0
# What turns a frame as it is stored into the frame as players show it.
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180}
TURNS[270] = cv2.ROTATE_90_COUNTERCLOCKWISE


def list_pictures(folder: Path) -> list[Path]:
    """The frames of a folder in natural order (2 before 10), without hidden files.

    FileNotFoundError if there is none; ValueError if it has pictures of several kinds,
    or two of one name, such as ``000000.jpg`` and ``000000.png`` or ``1.jpg`` and
    ``01.jpg``.
    """
    files = [path for path in folder.iterdir() if not path.name.startswith('.')]
    files = [p for p in files if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    files.sort(key=lambda path: (natural_key(path.stem), path.name))
    if not files:
        text = f'{folder}: the folder contains no image ({" ".join(IMAGE_SUFFIXES)})'
        raise FileNotFoundError(text)
    for first, second in itertools.pairwise(files):
        if natural_key(first.stem) == natural_key(second.stem):
            text = f'{first.name} and {second.name} have one name; which is the frame?'
            raise ValueError(f'{folder}: {text}')
    suffixes = [SAME_KIND.get(s, s) for s in (path.suffix.lower() for path in files)]
    kinds = Counter(suffixes)
    if len(kinds) > 1:
        example = files[suffixes.index(min(kinds, key=kinds.get))].name
        counts = ', '.join(f'{n} of {kind}' for kind, n in kinds.most_common())
        text = f'({counts}), e.g. {example}; leave only the frames there'
        raise ValueError(f'{folder}: pictures of several kinds {text}')
    return files


def natural_key(name: str) -> list:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r'(\d+)', name)
    return [int(part) if part.isdecimal() else part for part in parts]


def picture_size(file: Path) -> tuple[int, int] | None:
    """Height and width of a picture, upright, by its header; None if it has none.

    ValueError if it has more than :data:`MAX_PIXELS` pixels.
    """
    try:
        with Image.open(file) as image:
            width, height = image.size
            with suppress(Exception):  # Exif of any kind does not count
                if image.getexif().get(ORIENTATION) in LYING:
                    width, height = height, width
    except Image.DecompressionBombError:
        width, height = MAX_PIXELS, 2
    except Exception:  # decoders have no end of ways to complain
        return None
    if width * height > MAX_PIXELS:
        raise ValueError(f'{file}: the picture has more than {MAX_PIXELS} pixels')
    return height, width


def is_cut_off(file: str | Path) -> bool:
    """Whether a JPEG file ends early: OpenCV reads it, with grey for the rest."""
    with suppress(Exception):  # as above
        with open(file, 'rb') as data:  # whole ones end so, as nearly all files do
            data.seek(-len(END_OF_JPEG), os.SEEK_END)
            if data.read() == END_OF_JPEG:
                return False
        with Image.open(file) as image:
            if image.format == 'JPEG':
                image.draft('L', (1, 1))  # an eighth of the pixels will do
                try:
                    image.load()
                except OSError:
                    return True
    return False


def check_size(source: str | Path, size: tuple | None, first: tuple | None) -> None:
    """Raise ValueError if a frame has no size or another one than the first."""
    if size is None:
        raise ValueError(f'{source}: the frame cannot be read')
    if size != first:
        text = f'{source}: the frame has the size {size[1]} x {size[0]}'
        raise ValueError(f'{text}, the first one {first[1]} x {first[0]}')


class FrameReader:
    """Frames of a folder of images or of a video file, one in memory at a time.

    Images are those of :func:`list_pictures`, whose headers are checked at once. Frames
    of a video are upright. With ``keep_unreadable``, frames that cannot be read, or
    have another size than the first, come as None instead of an error.

    Attributes:
        path (Path): The folder or file, absolute; links in it are not followed.
        name (str): Name of the folder, or of the file without its suffix; of
            ``SSSS/img1``, as MOTChallenge has it, the sequence's ``SSSS``.
        files (list[Path] | None): The images in their order; None for a video.
        fps (float): Of the video, at most 1000; 10, as KITTI's, for a folder.
        shortfall (str): What is wrong if a video, once read, had fewer frames than its
            header states; else ''.

    FileNotFoundError if there is nothing at ``path``, or a folder without images.
    ValueError names a file that cannot be read, has another size than the first or
    more than 2^27 pixels.
    """

    def __init__(self, path: str | Path, keep_unreadable: bool = False) -> None:
        # Only '..' needs to know where links lead; else a link gives its own name.
        is_plain = '..' not in Path(path).parts
        self.path = Path(os.path.abspath(path)) if is_plain else Path(path).resolve()
        self.keep_unreadable = keep_unreadable
        if not self.path.is_file() and not self.path.is_dir():
            raise FileNotFoundError(f'{path}: no such video file or folder')
        self.fps = FOLDER_FPS
        self.shortfall = ''
        if self.path.is_dir():
            is_img1 = self.path.name == 'img1'
            self.name = self.path.parent.name if is_img1 else self.path.name
            self.files = list_pictures(self.path)
            sizes = [picture_size(file) for file in self.files]
            for file, size in zip(self.files, sizes if not keep_unreadable else ()):
                check_size(file, size, sizes[0])
            self._num_frames = len(self.files)
        else:
            self.name = self.path.stem
            self.files = None
            video = self._open()
            rate = video.get(cv2.CAP_PROP_FPS)
            if math.isfinite(rate) and rate > 0:
                self.fps = rate if rate <= MAX_FPS else UNKNOWN_FPS
            self._num_frames = max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
            video.release()

    def __len__(self) -> int:
        return self._num_frames

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.read()

    def read(self, first: int = 0) -> Iterator[np.ndarray]:
        """Read the frames from the ``first`` on; in a video all have to be decoded.

        Yields BGR, (H, W, 3) uint8; None for an unreadable one that is kept. ValueError
        if one is unreadable or of another size than the first.
        """
        size = None
        for source, frame in self._read(first):
            own = None if frame is None else frame.shape[:2]
            size = size or own
            if not self.keep_unreadable:
                check_size(source, own, size)
            yield frame if own == size else None

    def extract(self, folder: Path) -> 'FrameReader':
        """Write the frames as ``folder/FFFFFF.png`` and return them.

        OSError if a picture cannot be written; ValueError if a frame cannot be read, or
        the folder contains pictures that are not these frames.
        """
        folder.mkdir(parents=True, exist_ok=True)
        own = set()
        for number, frame in enumerate(self):
            path = folder / f'{number:06d}.png'
            own.add(path)
            if not cv2.imwrite(str(path), frame):
                text = 'the picture cannot be written, is the disk full?'
                raise OSError(f'{path}: {text}')
        for path in list_pictures(folder):
            if path not in own:
                raise ValueError(f'{path}: not a frame of {self.path}; remove it')
        return FrameReader(folder)

    def _read(self, first: int) -> Iterator[tuple[str, np.ndarray | None]]:
        if self.files is not None:
            for file in self.files[first:]:
                picture_size(file)  # refuses what is too large to be decoded
                image = None
                with suppress(cv2.error):
                    image = None if is_cut_off(file) else cv2.imread(str(file))
                yield str(file), image
            return
        video, number = self._open(), 0
        turn = TURNS.get(round(video.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
        try:
            while (frame := video.read()[1]) is not None:
                if number >= first:
                    upright = frame if turn is None else cv2.rotate(frame, turn)
                    yield f'{self.path}, frame {number}', upright
                number += 1
        finally:
            video.release()
        if number == 0:
            yield f'{self.path}, frame 0', None
        with self.path.open('rb') as file:
            is_matroska = file.read(4) == b'\x1aE\xdf\xa3'
        # Matroska has no number of frames; OpenCV infers one from duration and rate.
        slack = max(1, len(self) // 100) if is_matroska else 0
        self.shortfall = ''
        if number < len(self) - slack:
            text = f'{self.path}: only {number} of the {len(self)} frames that its'
            self.shortfall = f'{text} header states can be read; is the file cut off?'

    def _open(self) -> cv2.VideoCapture:
        if self.path.suffix.lower() in IMAGE_SUFFIXES:
            # OpenCV would take a numbered one for the first of its folder.
            raise ValueError(f'{self.path}: a picture, give its folder or a video')
        video = cv2.VideoCapture(str(self.path))
        if not video.isOpened():
            raise ValueError(f'{self.path}: cannot be read as a video')
        width = int(video.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            text = f'frames of {width} x {height} have more than {MAX_PIXELS} pixels'
            raise ValueError(f'{self.path}: {text}')
        # Some versions of OpenCV turn frames themselves, 4.11 does not.
        video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        return video
