# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Masks in the true boxes of real pictures, in one table and one page.

    python -m benchmarks.real photos --data DIR --recipe grabcut --out OUT

A recipe gets all boxes of a frame at once and gives one mask for each. photos learns
from train.json, reports dev.json and writes OUT/test_masks.json, the masks of
test_boxes.json. kitti and clip learn from the boxes of the very frames they report,
as one does who labels one's own; with --weights nothing is learned. OUT gets table.md,
rows.json (the table's numbers) and page.png.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import cv2
import torch

from benchmarks.common import heading, report
from mmwsmots.fileio import atomic_write

from .data import SEQUENCES, Frame, load_clip, load_kitti, load_photos
from .measures import BANDS, encode, score_frame
from .page import Drawn, draw_page
from .recipes import RECIPES, Recipe
from .tables import format_rows, table_rows

# Where each may lie, seen from DIR: the folder itself or one that has several.
PHOTOS = ('.', 'coco_subset', 'real/coco_subset')
KITTI = ('.', 'kitti_mots', 'real/kitti_mots')
INSTANCES = ('.', 'kitti_mots', '../kitti_mots', '../../kitti_mots')
CLIP = ('.', 'davis_car_shadow')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.real',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('data_set', choices=['photos', 'kitti', 'clip'])
    parser.add_argument('--data', type=Path, required=True, help='folder of the data')
    parser.add_argument('--recipe', choices=list(RECIPES), required=True)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--seed', type=int, default=0, help='of the training')
    parser.add_argument(
        '--weights', help='checkpoint, or "released": nothing is trained'
    )
    parser.add_argument(
        '--no-test', action='store_true', help='leave test_boxes.json out, of photos'
    )
    parser.add_argument('--iters', type=int, help="in place of the recipe's own")
    parser.add_argument(
        '--adapt',
        type=int,
        metavar='N',
        help='go on from --weights for N iterations on the boxes of each sequence',
    )
    parser.add_argument(
        '--sequences', nargs='+', default=list(SEQUENCES), help='of kitti'
    )
    parser.add_argument('--class-name', default='car', help="of clip's boxes")
    parser.add_argument(
        '--outlines',
        type=Path,
        help='true masks of clip: folder of PNG files or COCO-format file',
    )
    parser.add_argument(
        '--sam-weights', type=Path, help='folder of a Sam2Model, for recipe sam2'
    )
    args = parser.parse_args(argv)
    if args.adapt and (args.weights is None or args.data_set == 'photos'):
        parser.error('--adapt goes on from --weights, on the boxes of kitti or clip')
    args.device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    return args


def find(data: Path, places: Sequence[str], name: str) -> Path:
    """The first of some folders below or beside ``data`` that has a file or folder."""
    for place in places:
        if (data / place / name).exists():
            return data / place
    raise FileNotFoundError(f'{data}: no {name} in {", ".join(places)}')


def load(args: argparse.Namespace) -> tuple[list[Frame], list[Frame]]:
    """Frames to train on and frames to measure."""
    if args.data_set == 'photos':
        folder = find(args.data, PHOTOS, 'dev.json')
        train, dev = (load_photos(folder, split) for split in ('train', 'dev'))
        return train, dev
    if args.data_set == 'kitti':
        images = find(args.data, KITTI, 'image_02') / 'image_02'
        instances = find(args.data, INSTANCES, 'instances_txt') / 'instances_txt'
        frames = load_kitti(images, instances, args.sequences)
    else:
        folder = find(args.data, CLIP, 'boxes.txt')
        frames = load_clip(folder, args.class_name, args.outlines)
    return frames, frames


def prepare(recipe: Recipe, train: list[Frame], args: argparse.Namespace) -> None:
    """Let a recipe learn from what it may see, or give it its weights."""
    if args.weights is not None:
        recipe.load(args.weights)
    elif recipe.learns_from == 'masks':
        if args.data_set != 'photos':
            raise ValueError(
                f'recipe {args.recipe} on {args.data_set} needs --weights: it would '
                'learn from the masks that it is measured by'
            )
        recipe.fit(train)
    elif recipe.learns_from == 'boxes':
        recipe.fit([frame.without_truth() for frame in train])


def of_recipe(frames: Sequence[Frame], recipe: Recipe) -> list[Frame]:
    """Frames with the objects that a recipe is made for."""
    if recipe.classes is not None:
        frames = [frame.of_classes(recipe.classes) for frame in frames]
    return [frame for frame in frames if frame.ids]


def sequences(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames by their sequence."""
    return [list(members) for _, members in groupby(frames, lambda f: f.group)]


def segment(recipe: Recipe, frames: Sequence[Frame], band: float) -> Iterator[Drawn]:
    """Masks and scores of each frame."""
    for frame in frames:
        masks, confidences = recipe.masks(frame.read(), frame.boxes, frame.labels)
        if masks.shape != (len(frame.ids), *frame.size):
            raise ValueError(
                f'{frame.path}: {len(frame.ids)} boxes on {frame.size[0]} x '
                f'{frame.size[1]} pixels, masks of the shape {masks.shape}'
            )
        scores = score_frame(frame, masks, confidences, band)
        yield Drawn(frame, [encode(mask) for mask in masks], scores)


def write_test_masks(recipe: Recipe, data: Path, path: Path) -> None:
    """Write the masks of ``test_boxes.json`` as a list of COCO results.

    A crowd is no object to segment: its region is given, and passed on with score 1.
    """
    folder = find(data, PHOTOS, 'test_boxes.json')
    coco = json.loads((folder / 'test_boxes.json').read_text())
    results = [
        dict(id=ann['id'], segmentation=ann['segmentation'], score=1.0)
        for ann in coco['annotations']
        if ann.get('iscrowd', 0)
    ]
    frames = of_recipe(load_photos(folder, 'test_boxes'), recipe)
    for result in segment(recipe, frames, BANDS['photos']):
        for ann_id, rle, score in zip(result.frame.ids, result.masks, result.scores):
            score = round(score.confidence, 4)
            results.append(dict(id=ann_id, segmentation=rle, score=score))
    results.sort(key=lambda item: item['id'])
    with atomic_write(path) as temp:
        temp.write_text(json.dumps(results))


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    cv2.setNumThreads(1)
    args.out = args.out.resolve()
    try:
        recipe = RECIPES[args.recipe](args)
        train, frames = (of_recipe(part, recipe) for part in load(args))
        if not frames:
            raise ValueError(f'{args.data}: no box that {args.recipe} segments')
        prepare(recipe, train, args)
        start = time.monotonic()
        results = []
        for members in sequences(frames) if args.adapt else [frames]:
            if args.adapt:
                recipe.adapt([frame.without_truth() for frame in members])
            results += segment(recipe, members, BANDS[args.data_set])
        seconds = time.monotonic() - start
        if args.data_set == 'photos' and not args.no_test:
            write_test_masks(recipe, args.data, args.out / 'test_masks.json')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    rows = table_rows([score for result in results for score in result.scores])
    with atomic_write(args.out / 'rows.json') as temp:
        temp.write_text(json.dumps(rows, indent=1) + '\n')
    title = heading(f'seed {args.seed}' if args.weights is None else args.weights)
    report([title, '', *format_rows(rows)], args.out / 'table.md')
    draw_page(results, f'{args.data_set}, {args.recipe}', args.out / 'page.png')
    print(f'{len(frames)} frames in {seconds:.0f} s; results are in {args.out}')


if __name__ == '__main__':
    main()
