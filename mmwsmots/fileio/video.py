# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from mmwsmots.fileio.atomic_write import atomic_write

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


class FrameReader:
    """Frames of a folder of images or of a video file, one in memory at a time.

    Images come in natural order (2 before 10); those of a folder have their
    headers checked at once, so that hours of work do not end at a bad frame.

    Args:
        path (str | Path): The folder or the video file.
        keep_unreadable (bool): Whether frames that cannot be read, or have another
            size than the first, come as None instead of an error. Defaults to False.

    Attributes:
        name (str): Name of the folder, or of the file without its suffix; of
            ``SSSS/img1``, as MOTChallenge has it, the sequence's ``SSSS``.
        files (list[Path] | None): The images in their order; None for a video.
        fps (float): Of the video; 10, as KITTI's, for a folder.

    Raises:
        FileNotFoundError: If there is nothing at ``path``, or a folder without
            images.
        ValueError: If the video cannot be opened, or an image is unreadable or of
            another size than the first; the message names the file.
    """

    def __init__(self, path: str | Path, keep_unreadable: bool = False) -> None:
        self.path = Path(path).resolve()
        self.keep_unreadable = keep_unreadable
        if not self.path.exists():
            raise FileNotFoundError(f'{path}: no such video file or folder')
        self.fps = 10.0
        if self.path.is_dir():
            is_img1 = self.path.name == 'img1'
            self.name = self.path.parent.name if is_img1 else self.path.name
            self.files = sorted(
                (p for p in self.path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES),
                key=_natural_key,
            )
            if not self.files:
                raise FileNotFoundError(
                    f'{path}: the folder contains no image ({" ".join(IMAGE_SUFFIXES)})'
                )
            if not keep_unreadable:
                _check_headers(self.files)
            self._num_frames = len(self.files)
        else:
            self.name = self.path.stem
            self.files = None
            video = cv2.VideoCapture(str(self.path))
            if not video.isOpened():
                raise ValueError(f'{path}: cannot be read as a video')
            self.fps = video.get(cv2.CAP_PROP_FPS) or self.fps
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
            _check_size(source, frame.shape[:2], size)
            yield frame

    def _read(self, first: int) -> Iterator[tuple[str, np.ndarray | None]]:
        """Where each frame comes from, and the frame or None."""
        if self.files is not None:
            for file in self.files[first:]:
                yield str(file), cv2.imread(str(file))
            return
        video = cv2.VideoCapture(str(self.path))
        number = 0
        try:
            while True:
                is_read, frame = video.read()
                if not is_read:
                    break
                if number >= first:
                    yield f'{self.path}, frame {number}', frame
                number += 1
        finally:
            video.release()
        if number == 0:
            yield f'{self.path}, frame 0', None


class VideoWriter:
    """Writes an MP4 file; it appears when the block ends without an error.

    MPEG-4 part 2, which OpenCV's wheels can encode everywhere, at 15 ms for
    1242 x 375. It stores even sizes only: an odd frame repeats its last row or
    column.

    Args:
        path (str | Path): The file, ``*.mp4``; its folder is created.
        fps (float): Frames per second.

    Examples:
        >>> with VideoWriter('tracks.mp4', fps=10) as video:
        ...     video.write(np.zeros((128, 416, 3), np.uint8))
    """

    def __init__(self, path: str | Path, fps: float) -> None:
        if Path(path).suffix != '.mp4':
            raise ValueError(f'{path}: the name of the video must end in .mp4')
        self.path = Path(path)
        self.fps = fps
        self._writer = None
        self._shape = None
        self._num_frames = 0

    def __enter__(self) -> 'VideoWriter':
        """Choose the temporary file."""
        self._file = atomic_write(self.path)
        self._temp = self._file.__enter__()
        return self

    def __exit__(self, *error) -> None:
        """Close the file and give it its name, or remove it after an error."""
        try:
            if self._writer is not None:
                self._writer.release()
                if error[0] is None:
                    self._check_complete()
        except OSError:
            self._file.__exit__(*sys.exc_info())
            raise
        self._file.__exit__(*error)

    def write(self, frame: np.ndarray) -> None:
        """Append a frame.

        Args:
            frame (ndarray): BGR, (H, W, 3) uint8, all of one size.

        Raises:
            ValueError: If the size changes.
            OSError: If the file cannot be written.
        """
        height, width = frame.shape[:2]
        if self._writer is None:
            self._shape = height, width
            self._writer = cv2.VideoWriter(
                str(self._temp),
                cv2.VideoWriter_fourcc(*'mp4v'),
                self.fps,
                (width + width % 2, height + height % 2),
            )
            if not self._writer.isOpened():
                raise OSError(f'{self.path}: OpenCV cannot write an MP4 file there')
        _check_size(self.path, (height, width), self._shape)
        if height % 2 or width % 2:
            frame = cv2.copyMakeBorder(
                frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
            )
        self._writer.write(frame)
        self._num_frames += 1

    def _check_complete(self) -> None:
        """Look into the file: OpenCV says nothing where the disk is full."""
        video = cv2.VideoCapture(str(self._temp))
        num_frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        video.release()
        if num_frames != self._num_frames:
            raise OSError(
                f'{self.path}: {num_frames} of {self._num_frames} frames could be '
                'written, is the disk full?'
            )


def write_gif(
    path: str | Path,
    frames: Sequence[np.ndarray],
    fps: float = 10,
    max_bytes: int = 3_000_000,
) -> float:
    """Write a looping GIF that is shrunk until it fits, for a README.

    All frames share one palette of 256 colours without dithering: flat colours
    and unchanged pixels compress.

    Args:
        path (str | Path): The file; its folder is created.
        frames (Sequence[ndarray]): BGR, each (H, W, 3) uint8, of one size.
        fps (float): Frames per second; GIF counts hundredths of a second.
        max_bytes (int): Largest file. Defaults to 3,000,000.

    Returns:
        float: The scale at which the frames fitted.

    Raises:
        ValueError: If there are no frames, or not even thumbnails would fit.
    """
    if len(frames) == 0:
        raise ValueError(f'{path}: a GIF needs frames')
    scale = 1.0
    while min(frames[0].shape[:2]) * scale >= 32:
        data = _encode_gif(frames, fps, scale)
        if len(data) <= max_bytes:
            with atomic_write(path) as temp:
                temp.write_bytes(data)
            return scale
        scale *= min(0.95 * (max_bytes / len(data)) ** 0.5, 0.95)
    raise ValueError(f'{path}: {len(frames)} frames do not fit into {max_bytes} bytes')


def _encode_gif(frames: Sequence[np.ndarray], fps: float, scale: float) -> bytes:
    images = []
    for frame in frames:
        if scale < 1:
            frame = cv2.resize(
                frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
            )
        images.append(Image.fromarray(np.ascontiguousarray(frame[..., ::-1])))
    samples = [np.asarray(image) for image in images[:: max(1, len(images) // 8)]]
    palette = Image.fromarray(np.concatenate(samples)).quantize(
        256, method=Image.Quantize.MEDIANCUT, kmeans=2
    )
    images = [image.quantize(palette=palette, dither=0) for image in images]
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        'GIF',
        save_all=True,
        append_images=images[1:],
        duration=round(100 / fps) * 10,
        loop=0,
    )
    return buffer.getvalue()


def _natural_key(path: Path) -> list:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r'(\d+)', path.name)
    return [int(part) if part.isdecimal() else part for part in parts]


def _check_headers(files: list[Path]) -> None:
    """Sizes of image files without decoding them."""
    first = None
    for file in files:
        try:
            with Image.open(file) as image:
                size = image.size[::-1]
        except (UnidentifiedImageError, OSError, SyntaxError):
            raise ValueError(f'{file}: the frame cannot be read') from None
        first = first or size
        _check_size(file, size, first)


def _check_size(source: str | Path, size: tuple, first: tuple) -> None:
    if size != first:
        raise ValueError(
            f'{source}: the frame has the size {size[1]} x {size[0]}, the first one '
            f'{first[1]} x {first[0]}'
        )
