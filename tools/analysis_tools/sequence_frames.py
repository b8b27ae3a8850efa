# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmwsmots.fileio import FrameReader


def open_frames(folder: Path, name: str, length: int) -> FrameReader:
    """Open the frames of a sequence.

    Args:
        folder (Path): With the folders ``SSSS`` or, as in MOTS20, ``SSSS/img1``.
        name (str): The sequence.
        length (int): Its number of frames.

    Returns:
        FrameReader: All of its frames.

    Raises:
        FileNotFoundError: If the folder does not exist or is empty.
        ValueError: If it has another number of frames, or one is unreadable.
    """
    path = folder / name
    frames = FrameReader(path / 'img1' if (path / 'img1').is_dir() else path)
    if len(frames) != length:
        raise ValueError(f'{path}: {len(frames)} frames instead of {length}')
    return frames
