# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmwsmots.fileio.pictures import (
    IMAGE_SUFFIXES,
    MAX_PIXELS,
    check_pictures,
    check_size,
    list_pictures,
    read_picture,
)

FOLDER_FPS = 10.0  # as KITTI's
MAX_FPS = 1000.0  # more is the tick of a clock, as of files of a varying rate
UNKNOWN_FPS = 30.0
# What turns a frame as it is stored into the frame as players show it.
TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


class FrameReader:
    """Frames of a folder of images or of a video file, one in memory at a time.

    Images come in natural order (2 before 10), see :func:`list_pictures`; those of a
    folder have their headers checked at once, so that hours of work do not end at a
    bad frame. Frames of a video are upright, as players show them.

    Args:
        path (str | Path): The folder or the video file.
        keep_unreadable (bool): Whether frames that cannot be read, or have another
            size than the first, come as None instead of an error. Defaults to False.

    Attributes:
        path (Path): The same, absolute; links in it are not followed.
        name (str): Name of the folder, or of the file without its suffix; of
            ``SSSS/img1``, as MOTChallenge has it, the sequence's ``SSSS``.
        files (list[Path] | None): The images in their order; None for a video.
        fps (float): Of the video, at most 1000; 10, as KITTI's, for a folder.
        shortfall (str): After all frames of a video were read: what is wrong if they
            are fewer than its header states; else ''.

    Raises:
        FileNotFoundError: If there is nothing at ``path``, or a folder without
            images.
        ValueError: If the video cannot be opened, an image is unreadable or of
            another size than the first, the pictures are of several kinds, two have
            one name, or one has more than 2^27 pixels; the message names the file.
    """

    def __init__(self, path: str | Path, keep_unreadable: bool = False) -> None:
        # The name is that of a link, not of what it points to; only '..' needs to
        # know where links lead.
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
            check_pictures(self.files, keep_unreadable)
            self._num_frames = len(self.files)
        else:
            self.name = self.path.stem
            self.files = None
            video = self._open()
            self.fps = _frame_rate(video.get(cv2.CAP_PROP_FPS))
            self._num_frames = max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
            video.release()

    def __len__(self) -> int:
        """Number of frames; for a video, as its header states it."""
        return self._num_frames

    def __iter__(self) -> Iterator[np.ndarray]:
        """Read the frames from the first one on, see :meth:`read`."""
        return self.read()

    def read(self, first: int = 0) -> Iterator[np.ndarray]:
        """Read the frames from a certain one on.

        Args:
            first (int): Number of the frame. Those before it are skipped; in a video
                they have to be decoded. Defaults to 0.

        Yields:
            ndarray: BGR, (H, W, 3) uint8; None for an unreadable one that is kept.

        Raises:
            ValueError: If a frame is unreadable or of another size than the first.
        """
        size = None
        for source, frame in self._read(first):
            if size is None and frame is not None:
                size = frame.shape[:2]
            if self.keep_unreadable:
                yield None if frame is None or frame.shape[:2] != size else frame
                continue
            if frame is None:
                raise ValueError(f'{source}: the frame cannot be read')
            check_size(source, frame.shape[:2], size)
            yield frame

    def _read(self, first: int) -> Iterator[tuple[str, np.ndarray | None]]:
        """Where each frame comes from, and the frame or None."""
        if self.files is not None:
            for file in self.files[first:]:
                yield str(file), read_picture(file)
            return
        video = self._open()
        turn = TURNS.get(round(video.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
        number = 0
        try:
            while True:
                is_read, frame = video.read()
                if not is_read:
                    break
                if number >= first:
                    upright = frame if turn is None else cv2.rotate(frame, turn)
                    yield f'{self.path}, frame {number}', upright
                number += 1
        finally:
            video.release()
        if number == 0:
            yield f'{self.path}, frame 0', None
        self.shortfall = self._compare(number)

    def _open(self) -> cv2.VideoCapture:
        """The video, whose frames come as they are stored."""
        if self.path.suffix.lower() in IMAGE_SUFFIXES:
            # OpenCV would take a numbered one for the first of its folder.
            raise ValueError(f'{self.path}: a picture, give its folder or a video')
        video = cv2.VideoCapture(str(self.path))
        if not video.isOpened():
            raise ValueError(f'{self.path}: cannot be read as a video')
        width, height = (
            int(video.get(prop))
            for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if width * height > MAX_PIXELS:
            raise ValueError(
                f'{self.path}: frames of {width} x {height} have more than '
                f'{MAX_PIXELS} pixels'
            )
        # Some versions of OpenCV turn frames themselves, 4.11 does not.
        video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        return video

    def _compare(self, number: int) -> str:
        """What is wrong if that many frames are fewer than the header states."""
        with self.path.open('rb') as file:
            is_matroska = file.read(4) == b'\x1aE\xdf\xa3'
        # Matroska has no number of frames; OpenCV infers one from duration and rate.
        slack = max(1, len(self) // 100) if is_matroska else 0
        if number >= len(self) - slack:
            return ''
        return (
            f'{self.path}: only {number} of the {len(self)} frames that its header '
            'states can be read; is the file cut off?'
        )


def _frame_rate(rate: float) -> float:
    """A rate to play at."""
    if not math.isfinite(rate) or rate <= 0:
        return FOLDER_FPS
    return rate if rate <= MAX_FPS else UNKNOWN_FPS
