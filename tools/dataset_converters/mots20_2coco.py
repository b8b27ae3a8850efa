# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert MOTS20 (MOTSChallenge) to CocoVID JSON, one file per split.

Reads the folders of motchallenge.net,
``DATA_ROOT/train/MOTS20-02/{img1/000001.jpg ...,gt/gt.txt,seqinfo.ini}`` and
``DATA_ROOT/test/MOTS20-01/{img1,seqinfo.ini}``, and writes to
``DATA_ROOT/annotations``: ``mots20_train.json``, ``mots20_test.json`` (frames only)
and, of each training sequence, the leave-one-out fold
``mots20_fold-0002_{train,val}.json``. With ``--masks png`` it reads the 16-bit
pictures ``DATA_ROOT/train/instances/0002/000001.png`` in place of gt.txt.

Length and size of a sequence are those of its seqinfo.ini. If the folder ``img1``
exists, each frame must be there in that size.

Ignore regions become one annotation with ``iscrowd`` 1 per connected component,
because the box of a whole region can span the frame.
"""

import argparse
from pathlib import Path


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data_root', type=Path)
    parser.add_argument(
        '--split',
        nargs='+',
        choices=['train', 'folds', 'test'],
        default=['train', 'folds', 'test'],
        help='default: all of them',
    )
    parser.add_argument(
        '--out', type=Path, help='output folder (default: DATA_ROOT/annotations)'
    )
    parser.add_argument(
        '--masks',
        choices=['txt', 'png'],
        default='txt',
        help='read gt.txt (default) or the 16-bit pictures in train/instances',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace files that are there'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from mmengine.utils import track_iter_progress
from mots_sequence import (
    FrameFiles,
    Sequence,
    add_annotations,
    read_pngs,
    read_txt,
    settle_frames,
)

from mmwsmots.fileio import check_existing
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import CLASS_IDS, SeqInfo, read_seqinfo

MOTS20_SPLITS = dict(
    train=('MOTS20-02', 'MOTS20-05', 'MOTS20-09', 'MOTS20-11'),
    test=('MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12'),
)


def read_sequence(root: Path, split: str, name: str, masks: str) -> Sequence:
    """Read a sequence.

    Args:
        root (Path): Root of the data set.
        split (str): 'train' or 'test'; the latter has no annotations.
        name (str): Name of the sequence.
        masks (str): 'txt' or 'png'.

    Returns:
        Sequence: Annotations, number of frames and their size.

    Raises:
        OSError: If a file is missing.
        ValueError: If files break the format or contradict each other.
    """
    folder = root / split / name
    info = read_seqinfo(folder / 'seqinfo.ini')
    if split == 'test':
        sequence = Sequence(folder / 'seqinfo.ini', [], 0, None)
    elif masks == 'txt':
        sequence = read_txt(folder / 'gt' / 'gt.txt', first_frame=1)
    else:
        pictures = root / split / 'instances' / sequence_number(name)
        sequence = read_pngs(FrameFiles(pictures, first=1))
    if sequence.size not in (None, info.size):
        raise ValueError(
            f'{sequence.source}: the masks have the size {sequence.size}, seqinfo.ini '
            f'says {info.size}'
        )
    images = frames_of(info) if info.folder.is_dir() else None
    return settle_frames(sequence._replace(size=info.size), images, info.length)


def leave_one_out() -> dict[str, dict[str, tuple[str, ...]]]:
    """The folds of TrackR-CNN, as the test set's masks are not public.

    Returns:
        dict[str, dict[str, tuple[str, ...]]]: For each training sequence, by its number
        ``0002`` and so on, the sequences to train on and, as ``val``, itself.
    """
    sequences = MOTS20_SPLITS['train']
    return {
        sequence_number(held_out): dict(
            train=tuple(name for name in sequences if name != held_out), val=(held_out,)
        )
        for held_out in sequences
    }


def sequence_number(name: str) -> str:
    """Number of a sequence in the authors' own files: ``MOTS20-02`` is ``0002``."""
    return name.removeprefix('MOTS20-').zfill(4)


def frames_of(info: SeqInfo) -> FrameFiles:
    """The frames of a sequence."""
    return FrameFiles(info.folder, 1, info.suffix)


def build(
    root: Path, split: str, names: tuple[str, ...], sequences: dict[str, Sequence]
) -> CocoVIDBuilder:
    """Put the sequences of a split together.

    Args:
        root (Path): Root of the data set.
        split (str): 'train' or 'test', where the frames are.
        names (tuple[str, ...]): The sequences.
        sequences (dict[str, Sequence]): From :func:`read_sequence`.

    Returns:
        CocoVIDBuilder: Files of frames are relative to ``root / split``.
    """
    builder = CocoVIDBuilder({'pedestrian': CLASS_IDS['pedestrian']})
    for name in names:
        sequence = sequences[name]
        images = frames_of(read_seqinfo(root / split / name / 'seqinfo.ini'))
        file_names = [
            images.path(frame_id).relative_to(root / split).as_posix()
            for frame_id in range(sequence.num_frames)
        ]
        video = builder.add_video(name, file_names, sequence.size)
        add_annotations(builder, video, sequence)
    return builder


def convert(args: argparse.Namespace) -> dict[Path, CocoVIDBuilder]:
    """Read what the splits need and put it together.

    Args:
        args (Namespace): See :func:`parse_args`.

    Returns:
        dict[Path, CocoVIDBuilder]: Annotations of each file.
    """
    root, sequences = args.data_root, {}
    parts = {
        f'mots20_{split}.json': (split, MOTS20_SPLITS[split])
        for split in ('train', 'test')
        if split in args.split
    }
    if 'folds' in args.split:
        for fold, names in leave_one_out().items():
            for part in names:
                parts[f'mots20_fold-{fold}_{part}.json'] = ('train', names[part])
    out = args.out or root / 'annotations'
    check_existing([out / name for name in parts], overwrite=args.overwrite)
    if {'train', 'folds'} & set(args.split):
        sequences['train'] = MOTS20_SPLITS['train']
    if 'test' in args.split:
        sequences['test'] = MOTS20_SPLITS['test']
    names = [(split, name) for split, names in sequences.items() for name in names]
    read = {
        name: read_sequence(root, split, name, args.masks)
        for split, name in track_iter_progress(names)
    }
    return {
        out / name: build(root, split, names, read)
        for name, (split, names) in parts.items()
    }


def main() -> None:
    """Convert, then write and say what was found."""
    args = parse_args()
    try:
        files = convert(args)
        print()
        for path, builder in files.items():
            builder.write(path)
            print(f'{path}: {builder.summary()}')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
