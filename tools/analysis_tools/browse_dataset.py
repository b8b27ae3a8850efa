# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Draw what a model makes of the annotated boxes of a data set.

    python tools/analysis_tools/browse_dataset.py CONFIG CHECKPOINT --out OUT

Writes OUT/*.png, one per image: the frame with numbered boxes and, for its objects, the
largest first, the predicted mask, of a model that learns from heat maps Grad-CAM and
pseudo label, and, if the annotations have masks, the true one. The masks are those for
the annotated boxes, not for detections.
"""

import argparse
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path, help='config of a MOTSNet')
    parser.add_argument('checkpoint', type=Path, help='its weights')
    parser.add_argument(
        '--out', type=Path, required=True, help='folder of the pictures'
    )
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='val',
        help="which of the config's data sets (default: val)",
    )
    parser.add_argument(
        '--match',
        default='*',
        help='names of the images, * stands for anything: "0002/*"',
    )
    parser.add_argument(
        '--num-images',
        type=int,
        default=20,
        help='how many at most, evenly spread (default: 20)',
    )
    parser.add_argument(
        '--max-objects',
        type=int,
        default=6,
        help='of each image, the largest (default: 6)',
    )
    parser.add_argument(
        '--cell', type=int, default=200, help='side of a picture (default: 200 pixels)'
    )
    parser.add_argument(
        '--device',
        help='default: cuda:0 if there is a GPU, else cpu',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace pictures that are there'
    )
    args = parser.parse_args(argv)
    for name in ('num_images', 'max_objects', 'cell'):
        if getattr(args, name) < 1:
            parser.error(f'--{name.replace("_", "-")} must be positive')
    return args


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before torch and mmdet are imported

import cv2
import numpy as np
import torch
from explain_masks import explain_masks
from mask_panel import draw_panel
from mmdet.datasets import BaseVideoDataset
from mmdet.registry import DATASETS
from mmengine.config import Config
from pycocotools import mask as mask_utils

from mmwsmots.apis import init_mots_model
from mmwsmots.apis.model_classes import registered_type
from mmwsmots.datasets import MOTSDataset
from mmwsmots.fileio import atomic_write, check_existing
from mmwsmots.visualization import TrackDrawer


def load_frames(cfg: Config, split: str) -> tuple[list[dict], tuple[str, ...]]:
    """Read the annotated frames of a data set, with their masks.

    Args:
        cfg (:obj:`Config`): With ``{split}_dataloader``.
        split (str): 'train', 'val' or 'test'.

    Returns:
        tuple[list[dict], tuple[str, ...]]: Frames as mmdet's video data sets parse
        them, and the names of the classes.

    Raises:
        ValueError: If the config has no such data set, or not one of videos.
    """
    options = cfg.get(f'{split}_dataloader', {}).get('dataset')
    if options is None:
        raise ValueError(f'{cfg.filename}: {split}_dataloader.dataset is missing')
    kind = registered_type(DATASETS, options.type)
    if kind is None or not issubclass(kind, BaseVideoDataset):
        raise ValueError(
            f'{cfg.filename}: {split}_dataloader.dataset must be a data set of '
            f'videos, got {options.type}'
        )
    options = dict(options, pipeline=[], test_mode=True)
    if issubclass(kind, MOTSDataset):
        options['with_mask'] = True
    dataset = DATASETS.build(options)
    frames = [
        frame
        for index in range(len(dataset))
        for frame in dataset.get_data_info(index)['images']
    ]
    return frames, dataset.metainfo['classes']


def choose_frames(frames: list[dict], pattern: str, num: int) -> list[dict]:
    """Frames with objects, evenly spread over those whose name matches.

    Args:
        frames (list[dict]): From :func:`load_frames`.
        pattern (str): Of ``file_name``, with ``*``.
        num (int): How many at most.

    Returns:
        list[dict]: The chosen ones.

    Raises:
        ValueError: If there is none.
    """
    frames = [
        frame
        for frame in frames
        if fnmatchcase(frame['file_name'], pattern)
        and any(not instance['ignore_flag'] for instance in frame['instances'])
    ]
    if not frames:
        raise ValueError(f'no image with objects matches "{pattern}"')
    steps = np.linspace(0, len(frames) - 1, min(num, len(frames)))
    return [frames[index] for index in np.rint(steps).astype(int)]


def draw_image(
    model: torch.nn.Module,
    frame: dict,
    classes: Sequence[str],
    max_objects: int,
    cell: int,
) -> np.ndarray:
    """Picture of one image.

    Args:
        model (:obj:`MOTSNet`): From :func:`init_mots_model`.
        frame (dict): From :func:`load_frames`.
        classes (Sequence[str]): Names of the classes.
        max_objects (int): How many objects to show, the largest ones.
        cell (int): Side of the objects' pictures in pixels.

    Returns:
        ndarray: BGR, uint8.
    """
    instances = [obj for obj in frame['instances'] if not obj['ignore_flag']]
    bboxes = np.array([obj['bbox'] for obj in instances], dtype=np.float32)
    masks = None
    if all('mask' in obj for obj in instances):
        size = frame['height'], frame['width']
        masks = np.stack([decode(obj['mask'], *size) for obj in instances])
    labels = [obj['bbox_label'] for obj in instances]
    explained = explain_masks(
        model, frame['img_path'], bboxes, labels, masks, classes=classes
    )
    sizes = np.prod(bboxes[:, 2:] - bboxes[:, :2], axis=1)
    order = np.argsort(-sizes, kind='stable')[:max_objects]
    for number, index in enumerate(order, 1):
        explained['names'][index] = f'{number}: {explained["names"][index]}'
    panel = draw_panel([(explained, index) for index in order], cell=cell)
    image = explained['image']
    scale = panel.shape[1] / image.shape[1]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)
    overview = TrackDrawer(trail_length=0).draw(
        image,
        range(1, len(order) + 1),
        [str(number) for number in range(1, len(order) + 1)],
        bboxes=bboxes[order] * scale,
    )
    return cv2.vconcat([overview[:, : panel.shape[1]], panel])


def decode(segmentation: dict | list, height: int, width: int) -> np.ndarray:
    """Mask of a COCO annotation.

    Args:
        segmentation (dict | list): RLE, compressed or not, or polygons.
        height (int): Height of the image in pixels.
        width (int): Width of the image in pixels.

    Returns:
        ndarray: (H, W) bool.
    """
    if isinstance(segmentation, list) or isinstance(segmentation['counts'], list):
        segmentation = mask_utils.frPyObjects(segmentation, height, width)
    if isinstance(segmentation, list):
        segmentation = mask_utils.merge(segmentation)
    return mask_utils.decode(segmentation).astype(bool)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw image by image."""
    args = parse_args(argv)
    try:
        model = init_mots_model(args.config, args.checkpoint, args.device)
        frames, classes = load_frames(model.cfg, args.split)
        frames = choose_frames(frames, args.match, args.num_images)
        paths = {}
        for frame in frames:
            name = Path(frame['file_name']).with_suffix('').as_posix()
            path = args.out / f'{name.replace("/", "_")}.png'
            if path in paths:
                names = frame['file_name'], paths[path]['file_name']
                raise ValueError(
                    f'{path} would be the picture of {" and ".join(names)}'
                )
            paths[path] = frame
        check_existing([*paths], overwrite=args.overwrite)
        for path, frame in paths.items():
            picture = draw_image(model, frame, classes, args.max_objects, args.cell)
            with atomic_write(path) as temp:
                cv2.imwrite(str(temp), picture)
            print(path)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
