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
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.utils import track_iter_progress
from PIL import Image
from pycocotools import mask as mask_utils

from mmwsmots.datasets.cocovid import CocoVIDBuilder
from mmwsmots.datasets.kitti_labels import match_labels, read_labels
from mmwsmots.datasets.kitti_mots_dataset import OFFICIAL_SPLITS
from mmwsmots.datasets.mots_io import (
    CLASS_IDS,
    IGNORE_CLASS_ID,
    MOTSObject,
    read_mots_txt,
    read_seqmap,
)
from mmwsmots.datasets.rle import mask_to_rle, split_components


class Sequence(NamedTuple):
    """Annotations of one sequence and where they were found."""

    source: Path
    objects: list[MOTSObject]
    num_frames: int
    size: tuple[int, int] | None


def read_txt(path: Path) -> Sequence:
    """Read a text file; frames after the last object are not known to it."""
    objects = read_mots_txt(path)
    num_frames = max((obj.frame_id for obj in objects), default=-1) + 1
    if num_frames > 10**6:
        raise ValueError(
            f'{path}: frame {num_frames - 1} has no picture FFFFFF.png of six digits'
        )
    size = (objects[0].height, objects[0].width) if objects else None
    return Sequence(path, objects, num_frames, size)


def read_pngs(folder: Path) -> Sequence:
    """Read 16-bit instance pictures: ``class * 1000 + n``, 0 background.

    Args:
        folder (Path): Folder of ``FFFFFF.png``, numbered from 0 without a gap.

    Returns:
        Sequence: The annotations.

    Raises:
        FileNotFoundError: If a frame or the folder is missing.
        ValueError: If a picture cannot be read, has another size than the first
            or contains a value of an unknown class.
    """
    num_frames = count_frames(folder)
    objects, size = [], None
    for frame_id in range(num_frames):
        path = folder / f'{frame_id:06d}.png'
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype != np.uint16 or image.ndim != 2:
            raise ValueError(f'{path}: not a 16-bit picture with one channel')
        size = size or image.shape
        if image.shape != size:
            raise ValueError(
                f'{path}: the picture has the size {image.shape}, the first of the '
                f'sequence {size}'
            )
        for value in np.unique(image[image > 0]).tolist():
            class_id = value // 1000
            if class_id not in (*CLASS_IDS.values(), IGNORE_CLASS_ID):
                raise ValueError(f'{path}: unknown class {class_id} of value {value}')
            rle = mask_to_rle(image == value)
            objects.append(MOTSObject(frame_id, value, class_id, *size, rle))
    return Sequence(folder, objects, num_frames, size)


def count_frames(folder: Path) -> int:
    """Number of frames in a folder of ``FFFFFF.png`` without a gap."""
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: no such folder')
    names = {path.name for path in folder.glob('[0-9]' * 6 + '.png')}
    if not names:
        raise FileNotFoundError(f'{folder}: the sequence is empty, no FFFFFF.png')
    num_frames = int(max(names)[:6]) + 1
    check_frames(folder, num_frames)
    return num_frames


def check_frames(folder: Path, num_frames: int) -> None:
    """Raise if one of the frames is missing."""
    for frame_id in range(num_frames):
        path = folder / f'{frame_id:06d}.png'
        if not path.is_file():
            raise FileNotFoundError(
                f'{path}: missing frame {frame_id} of {num_frames} in the sequence'
            )


def settle_frames(
    sequence: Sequence, image_dir: Path | None, seqmap_length: int | None
) -> tuple[int, tuple[int, int]]:
    """Decide how many frames a sequence has and of which size.

    Args:
        sequence (Sequence): Its annotations.
        image_dir (Path | None): Folder of its frames, if there are frames.
        seqmap_length (int | None): Its length by the seqmap, if there is one.

    Returns:
        tuple[int, tuple[int, int]]: Number of frames and their (height, width).

    Raises:
        FileNotFoundError: If a frame is missing.
        ValueError: If annotations, frames and seqmap contradict each other.
    """
    size, num_frames = sequence.size, seqmap_length
    if num_frames is None:
        num_images = count_frames(image_dir) if image_dir else 0
        num_frames = max(num_images, sequence.num_frames)
    elif sequence.num_frames > num_frames:
        raise ValueError(
            f'{sequence.source}: frame {sequence.num_frames - 1} lies beyond the '
            f'{num_frames} frames of the seqmap'
        )
    if image_dir:
        check_frames(image_dir, num_frames)
        for frame_id in range(num_frames):
            path = image_dir / f'{frame_id:06d}.png'
            with Image.open(path) as image:
                size = size or image.size[::-1]
                if image.size[::-1] != size:
                    raise ValueError(
                        f'{path}: the frame has the size {image.size[::-1]}, '
                        f'{sequence.source} says {size}'
                    )
    if num_frames == 0 or size is None:
        raise ValueError(
            f'{sequence.source}: the sequence is empty; neither frames nor '
            'annotations tell its length and size'
        )
    return num_frames, size


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
        sequence = read_pngs(root / 'instances' / name)
    images = root / 'training' / 'image_02'
    num_frames, size = settle_frames(
        sequence, images / name if images.is_dir() else None, args.lengths.get(name)
    )
    file_names = [f'{name}/{frame_id:06d}.png' for frame_id in range(num_frames)]
    video = builder.add_video(name, file_names, size)

    ignored, objects = [], []
    for obj in sequence.objects:
        (ignored if obj.class_id == IGNORE_CLASS_ID else objects).append(obj)
    rles = [obj.coco_rle for obj in objects]
    # One by one: pycocotools' area of a list of more than 255 fails with NumPy 2.
    areas, boxes = [mask_utils.area(rle) for rle in rles], mask_utils.toBbox(rles)
    for obj, area in zip(objects, areas):
        if area == 0:
            raise ValueError(
                f'{sequence.source}: the mask of id {obj.track_id} in frame '
                f'{obj.frame_id} is empty'
            )
    if args.box_source == 'label_02':
        labels = read_labels(args.label_dir / f'{name}.txt')
        boxes, num_matched = match_labels(objects, boxes, labels)
        print(
            f'{name}: {num_matched} boxes from label_02, '
            f'{len(objects) - num_matched} of {len(objects)} objects keep the tight box'
        )
    for obj, box, area in zip(objects, boxes, areas):
        builder.add_object(
            video,
            obj.frame_id,
            category_id=obj.class_id,
            track_id=obj.track_id,
            bbox=box,
            area=area,
            segmentation=dict(size=[obj.height, obj.width], counts=obj.rle),
        )
    for obj in ignored:
        for counts in split_components(obj.rle, obj.height, obj.width):
            rle = dict(size=[obj.height, obj.width], counts=counts)
            builder.add_ignore_region(
                video,
                obj.frame_id,
                track_id=IGNORE_CLASS_ID * 1000,
                bbox=mask_utils.toBbox(rle),
                area=mask_utils.area(rle),
                segmentation=rle,
            )


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data_root', type=Path)
    parser.add_argument(
        '--split', nargs='+', choices=['train', 'val'], default=['train', 'val']
    )
    for split, names in OFFICIAL_SPLITS.items():
        parser.add_argument(
            f'--{split}',
            nargs='+',
            default=list(names),
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
    return parser.parse_args()


def main() -> None:
    """Convert each split and say what was found."""
    args = parse_args()
    root = args.data_root
    args.label_dir = args.label_dir or root / 'training' / 'label_02'
    args.lengths = {}
    for path in sorted((root / 'seqmaps').glob('*.seqmap')):
        if path.stem in ('train', 'val', 'fulltrain'):  # test has other sequences
            args.lengths.update(read_seqmap(path))
    try:
        for split in args.split:
            names = getattr(args, split)
            if args.sequences:
                names = [name for name in names if name in args.sequences]
            if not names:
                raise ValueError(f'no sequence to convert in the {split} split')
            builder = CocoVIDBuilder(CLASS_IDS)
            for name in track_iter_progress(names):
                add_sequence(builder, name, root, args)
            path = (args.out or root / 'annotations') / f'kitti_mots_{split}.json'
            builder.write(path)
            print(f'\n{path}: {builder.summary()}')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
