# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import cv2
import numpy as np

from mmwsmots.fileio.files import atomic_write
from mmwsmots.fileio.frame_reader import check_size

MAX_TICKS = 65535  # of a second in MPEG-4


class VideoWriter:
    """Writes an MP4 file; it appears when the block ends without an error.

    MPEG-4 part 2, which OpenCV's wheels can encode everywhere, at 15 ms for 1242 x 375.
    It stores even sizes only: an odd frame repeats its last row or column.
    ``path``, ``*.mp4``, has its folder created; ``fps`` is rounded to what MPEG-4 can
    say, fractions with a power of ten below and 16 bits above.

    Examples:
        >>> with VideoWriter('tracks.mp4', fps=10) as video:
        ...     video.write(np.zeros((128, 416, 3), np.uint8))
    """

    def __init__(self, path: str | Path, fps: float) -> None:
        if Path(path).suffix != '.mp4':
            raise ValueError(f'{path}: the name of the video must end in .mp4')
        self.path, self.fps = Path(path), fps
        self._writer, self._shape, self._num_frames = None, None, 0

    def __enter__(self) -> 'VideoWriter':
        self._file = atomic_write(self.path)
        self._temp = self._file.__enter__()
        return self

    def __exit__(self, *error) -> None:
        if self._writer is not None:
            self._writer.release()
        if self._writer is not None and error[0] is None:
            # OpenCV says nothing where the disk is full, so look into the file.
            video = cv2.VideoCapture(str(self._temp))
            number = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
            video.release()
            if number != self._num_frames:
                self._temp.unlink(missing_ok=True)
                text = f'{self.path}: {number} of {self._num_frames} frames could be'
                raise OSError(f'{text} written, is the disk full?')
        self._file.__exit__(*error)

    def write(self, frame: np.ndarray) -> None:
        """Append a frame, BGR, (H, W, 3) uint8.

        ValueError if its size is not the first's, OSError if it cannot be written.
        """
        height, width = frame.shape[:2]
        bottom, right = height % 2, width % 2
        if self._writer is None:
            self._shape = height, width
            # The nearest rate that OpenCV's MPEG-4 encoder takes.
            rate = min(max(self.fps, 0.01), MAX_TICKS)
            base = 1000  # as far as OpenCV looks
            while base > 1 and round(rate * base) > MAX_TICKS:
                base //= 10
            rate, size = round(rate * base) / base, (width + right, height + bottom)
            fourcc = cv2.VideoWriter_fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self._temp), fourcc, rate, size)
            if not self._writer.isOpened():
                raise OSError(f'{self.path}: OpenCV cannot write an MP4 file there')
        check_size(self.path, (height, width), self._shape)
        if bottom or right:
            frame = cv2.copyMakeBorder(frame, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        self._writer.write(frame)
        self._num_frames += 1
