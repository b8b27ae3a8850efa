# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""From options to the list of sequences to render."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmwsmots.fileio.mots_txt import read_mots_txt, read_seqmap


class SequencePlan(NamedTuple):
    """What it takes to build one sequence in any process.

    Attributes:
        seed (int): Seed of the data set.
        name (str): Name of the sequence.
        frames (int): Number of frames to write.
        stride (int): Frames of the scene from one written frame to the next.
        size (tuple[int]): Width and height to write, pixels.
        backgrounds (str | None): Folder of real frames.
        annotation (str | None): File of the silhouettes; None draws a procedural
            scene.
        focal_ratio (float): Focal length of a procedural scene in widths of the frame.
    """

    seed: int
    name: str
    frames: int
    stride: int
    size: tuple[int, int]
    backgrounds: str | None
    annotation: str | None
    focal_ratio: float


def plan_sequences(
    annotations: str | Path | None,
    backgrounds: str | Path | None,
    sequences: Sequence[str] | None,
    num_sequences: int | None,
    frames: int | None,
    frame_stride: int,
    size: tuple[int, int],
    scale: float,
    seed: int,
    focal_ratio: float,
) -> list[SequencePlan]:
    """Find out what to render; see :func:`render_dataset` for the arguments.

    Raises:
        ValueError: If a number makes no sense, or a sequence or annotation is missing
            or broken.
    """
    _check_numbers(
        num_sequences=num_sequences, frames=frames, frame_stride=frame_stride
    )
    if not scale > 0:
        raise ValueError(f'scale must be > 0, got {scale}')
    if not 0.1 <= focal_ratio <= 10:
        raise ValueError(f'focal_ratio must be in 0.1..10, got {focal_ratio}')
    if seed < 0:
        raise ValueError(f'seed must be >= 0, got {seed}')
    if sequences is not None and num_sequences is not None:
        raise ValueError('give sequences or num_sequences, not both')
    for name in sequences or ():
        if not re.fullmatch(r'\w[\w-]*', name):
            raise ValueError(f'sequence "{name}" is no name such as 0002')
    if annotations is None:
        names = list(sequences or [f'{i:04d}' for i in range(num_sequences or 8)])
        lengths = dict.fromkeys(names, (frames or 40) * frame_stride)
        files, sizes = {}, {}
    else:
        files = _annotation_files(Path(annotations), sequences)
        names = list(files)[:num_sequences]
        lengths, sizes = {}, {}
        seqmaps = _read_seqmaps(Path(annotations))
        for name in names:
            lengths[name], sizes[name] = _measure(files[name], seqmaps.get(name))
    if len(set(names)) != len(names) or len(names) < len(sequences or ()):
        raise ValueError('a sequence is named twice')
    plans = []
    for name in names:
        kept = -(-lengths[name] // frame_stride)
        plans.append(
            SequencePlan(
                seed,
                name,
                min(kept, frames or kept),
                frame_stride,
                scaled_size(sizes.get(name) or size, scale),
                str(backgrounds) if backgrounds is not None else None,
                str(files[name]) if files else None,
                focal_ratio,
            )
        )
    return plans


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height after scaling, rounded half up, at least 32 x 32.

    Raises:
        ValueError: If the result is smaller.
    """
    width, height = (int(side * scale + 0.5) for side in size)
    if min(width, height) < 32:
        raise ValueError(f'frames of {width} x {height} pixels are too small (32 x 32)')
    return width, height


def _check_numbers(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f'{name} must be >= 1, got {number}')


def _annotation_files(folder: Path, sequences: Sequence[str] | None) -> dict[str, Path]:
    """Annotation files by sequence."""
    if not folder.is_dir():
        raise ValueError(f'annotations folder {folder} does not exist')
    files = {path.stem: path for path in sorted(folder.glob('*.txt'))}
    if not files:
        raise ValueError(f'annotations folder {folder} holds no SSSS.txt')
    for name in sequences or ():
        if name not in files:
            raise ValueError(f'sequence {name} has no annotation {folder}/{name}.txt')
    return {name: files[name] for name in sequences or files}


def _read_seqmaps(folder: Path) -> dict[str, int]:
    """Lengths of the sequences, from seqmaps in or beside the annotations."""
    lengths = {}
    for place in (folder.parent / 'seqmaps', folder / 'seqmaps'):
        for path in sorted(place.glob('*.seqmap')):
            if path.stem != 'test':  # other sequences under the same names
                lengths.update(read_seqmap(path))
    return lengths


def _measure(path: Path, length: int | None) -> tuple[int, tuple[int, int] | None]:
    """Length and native (width, height) of an annotated sequence.

    Raises:
        ValueError: If the file is broken, or reaches beyond the seqmap's end, or is
            empty without a seqmap.
    """
    objects = read_mots_txt(path)
    last = max((obj.frame_id for obj in objects), default=-1)
    if length is None:
        length = last + 1
    if length == 0:
        raise ValueError(f'{path} is empty and no seqmap gives its length')
    if last >= length:
        raise ValueError(f'{path}: frame {last} is beyond the seqmap ({length} frames)')
    size = (objects[0].width, objects[0].height) if objects else None
    return length, size
