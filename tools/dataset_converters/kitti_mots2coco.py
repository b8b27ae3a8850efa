# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert KITTI MOTS annotations to CocoVID JSON, one file per split.

Reads ``DATA_ROOT/instances_txt/SSSS.txt`` or the 16-bit pictures
``DATA_ROOT/instances/SSSS/FFFFFF.png`` and writes
``DATA_ROOT/annotations/kitti_mots_{train,val}.json``. The frames of a sequence
are those of its seqmap ``DATA_ROOT/seqmaps/*.seqmap``; without one, all frames in
``DATA_ROOT/training/image_02/SSSS`` and in the annotations. If the folder
``image_02`` exists, each frame must be there in the size of its masks.

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
        '--split', nargs='+', choices=['train', 'val'], default=['train', 'val']
    )
    for split in ('train', 'val'):
        parser.add_argument(
            f'--{split}',
            nargs='+',
            metavar='SSSS',
            help=f'sequences of the {split} split (default: the official ones)',
        )
    parser.add_argument(
        '--sequences',
        nargs='+',
        metavar='SSSS',
        help='convert only these of the sequences of the splits',
    )
    parser.add_argument(
        '--out', type=Path, help='output folder (default: DATA_ROOT/annotations)'
    )
    parser.add_argument(
        '--masks',
        choices=['txt', 'png'],
        default='txt',
        help='read instances_txt (default) or the 16-bit pictures in instances',
    )
    parser.add_argument(
        '--box-source',
        choices=['mask', 'label_02'],
        default='mask',
        help='tight boxes of the masks (default), or the boxes of the KITTI tracking '
        'labels; an object without a label at IoU 0.5 keeps its tight box',
    )
    parser.add_argument(
        '--label-dir',
        type=Path,
        help='folder of SSSS.txt (default: DATA_ROOT/training/label_02)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace files that are there'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

import numpy as np
from kitti_labels import match_labels, read_labels
from mmengine.utils import track_iter_progress
from mots_sequence import (
    FrameFiles,
    add_annotations,
    read_pngs,
    read_txt,
    settle_frames,
)

from mmwsmots.fileio import check_existing
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import CLASS_IDS, MOTSObject, read_seqmap

OFFICIAL_SPLITS = dict(
    train=(
        *('0000', '0001', '0003', '0004', '0005', '0009'),
        *('0011', '0012', '0015', '0017', '0019', '0020'),
    ),
    val=('0002', '0006', '0007', '0008', '0010', '0013', '0014', '0016', '0018'),
)


def add_sequence(
    builder: CocoVIDBuilder, name: str, root: Path, args: argparse.Namespace
) -> None:
    """Read a sequence and add it to the annotations of its split.

    Args:
        builder (CocoVIDBuilder): Annotations to add to.
        name (str): Name of the sequence.
        root (Path): Root of the data set.
        args (Namespace): ``masks``, ``box_source``, ``label_dir``, ``lengths``.
    """
    if args.masks == 'txt':
        sequence = read_txt(root / 'instances_txt' / f'{name}.txt')
    else:
        sequence = read_pngs(FrameFiles(root / 'instances' / name))
    images = root / 'training' / 'image_02'
    sequence = settle_frames(
        sequence,
        FrameFiles(images / name) if images.is_dir() else None,
        args.lengths.get(name),
    )
    file_names = [f'{name}/{i:06d}.png' for i in range(sequence.num_frames)]
    video = builder.add_video(name, file_names, sequence.size)

    def tracking_labels(objects: list[MOTSObject], tight: np.ndarray) -> np.ndarray:
        labels = read_labels(args.label_dir / f'{name}.txt')
        boxes, num_matched = match_labels(objects, tight, labels)
        print(
            f'{name}: {num_matched} boxes from label_02, '
            f'{len(objects) - num_matched} of {len(objects)} objects keep the tight box'
        )
        return boxes

    replace_boxes = tracking_labels if args.box_source == 'label_02' else None
    add_annotations(builder, video, sequence, replace_boxes)


def main() -> None:
    """Convert each split and say what was found."""
    args = parse_args()
    root = args.data_root
    args.label_dir = args.label_dir or root / 'training' / 'label_02'
    args.lengths = {}
    for path in sorted((root / 'seqmaps').glob('*.seqmap')):
        if path.stem in ('train', 'val', 'fulltrain'):  # test has other sequences
            args.lengths.update(read_seqmap(path))
    out = args.out or root / 'annotations'
    files = {split: out / f'kitti_mots_{split}.json' for split in args.split}
    try:
        check_existing([*files.values()], overwrite=args.overwrite)
        builders = {}
        for split, path in files.items():
            names = getattr(args, split) or list(OFFICIAL_SPLITS[split])
            if args.sequences:
                names = [name for name in names if name in args.sequences]
            if not names:
                raise ValueError(f'no sequence to convert in the {split} split')
            builders[path] = CocoVIDBuilder(CLASS_IDS)
            for name in track_iter_progress(names):
                add_sequence(builders[path], name, root, args)
            print()
        for path, builder in builders.items():
            builder.write(path)
            print(f'{path}: {builder.summary()}')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
