# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Draw what a trained model made of a data set: videos, and how boxes become masks.

Writes OUT/SSSS.mp4 of every sequence, OUT/demo.gif of the one with most objects and
OUT/panel.png: frame, mask and truth of objects side by side.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data_root', type=Path, help='data set with instances_txt')
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument(
        '--results', type=Path, required=True, help='folder of SSSS.txt'
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace files that are there'
    )
    args = parser.parse_args()
    if not list(args.results.glob('*.txt')):
        parser.error(f'{args.results}: no result files SSSS.txt')
    return args


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmwsmots.apis import init_mots_model
from mmwsmots.fileio import FrameReader, VideoWriter, check_existing
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject, read_mots_txt
from mmwsmots.visualization import TrackDrawer

sys.path.append(str(Path(__file__).resolve().parents[1] / 'tools/analysis_tools'))
from explain_masks import explain_masks
from mask_panel import draw_panel

GIF_FRAMES, GIF_WIDTH = 24, 832  # about 2 MB


def by_frame(path: Path) -> dict[int, list[MOTSObject]]:
    """Objects of a KITTI MOTS text file, frame by frame, without ignore regions."""
    frames = defaultdict(list)
    for obj in read_mots_txt(path, check_ids=False):
        if obj.class_id != IGNORE_CLASS_ID:
            frames[obj.frame_id].append(obj)
    return frames


def draw_videos(data_root: Path, results: Path, out: Path) -> None:
    """Write the tracks of every sequence as MP4 and of one as GIF."""
    longest = []
    for text in sorted(results.glob('*.txt')):
        frames = FrameReader(data_root / 'training/image_02' / text.stem)
        objects, drawer, drawn = by_frame(text), TrackDrawer(scale=2), []
        with VideoWriter(out / f'{text.stem}.mp4', frames.fps) as video:
            for frame_id, frame in enumerate(frames):
                drawn.append(drawer.draw_objects(frame, objects[frame_id]))
                video.write(drawn[-1])
        longest.append((sum(map(len, objects.values())), text.stem, drawn))
        print(f'{out / text.stem}.mp4: {len(drawn)} frames')
    write_gif(out / 'demo.gif', max(longest)[2][:GIF_FRAMES], frames.fps)
    print(out / 'demo.gif')


def write_gif(path: Path, frames: list[np.ndarray], fps: float) -> None:
    """Write a looping GIF of one palette: unchanged pixels compress."""
    height, width = frames[0].shape[:2]
    size = GIF_WIDTH, round(height * GIF_WIDTH / width)
    images = [
        Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).resize(size)
        for frame in frames
    ]
    samples = np.concatenate([np.asarray(image) for image in images[::3]])
    palette = Image.fromarray(samples).quantize(256, kmeans=2)
    first, *rest = (image.quantize(palette=palette, dither=0) for image in images)
    first.save(path, save_all=True, append_images=rest, duration=1000 / fps, loop=0)


def panel_objects(data_root: Path, per_class: int) -> list[tuple[str, MOTSObject]]:
    """The largest whole view of the largest identities of each class."""
    views = {}
    for text in sorted((data_root / 'instances_txt').glob('*.txt')):
        for objects in by_frame(text).values():
            for obj in objects:
                key = (obj.class_id, text.stem, obj.track_id)
                area = int(mask_utils.area(obj.coco_rle))
                left, top, width, height = mask_utils.toBbox(obj.coco_rle)
                inside = left > 0 and top > 0
                inside &= left + width < obj.width and top + height < obj.height
                if inside and area > views.get(key, (0, None))[0]:
                    views[key] = (area, obj)
    chosen = []
    for class_id in (1, 2):
        ranked = sorted(
            (
                (area, key[1], obj)
                for key, (area, obj) in views.items()
                if key[0] == class_id
            ),
            key=lambda item: -item[0],
        )
        chosen += [(name, obj) for _, name, obj in ranked[:per_class]]
    return chosen


def draw_explanations(data_root: Path, model, out: Path, per_class: int = 4) -> None:
    """Write the panel of objects of all sequences."""
    rows = []
    for name, chosen in panel_objects(data_root, per_class):
        frame = by_frame(data_root / f'instances_txt/{name}.txt')[chosen.frame_id]
        rles = [obj.coco_rle for obj in frame]
        boxes = mask_utils.toBbox(rles)
        boxes[:, 2:] += boxes[:, :2]
        masks = mask_utils.decode(rles).transpose(2, 0, 1).astype(bool)
        explained = explain_masks(
            model,
            data_root / f'training/image_02/{name}/{chosen.frame_id:06d}.png',
            boxes.astype(np.float32),
            [obj.class_id - 1 for obj in frame],
            masks,
        )
        rows.append((explained, frame.index(chosen)))
    draw_panel(rows, out / 'panel.png')
    print(out / 'panel.png')


def main() -> None:
    """Parse the command line and draw."""
    args = parse_args()
    names = [f'{text.stem}.mp4' for text in args.results.glob('*.txt')]
    paths = [args.out / name for name in (*sorted(names), 'demo.gif', 'panel.png')]
    try:
        check_existing(paths, overwrite=args.overwrite)
    except FileExistsError as error:
        raise SystemExit(f'error: {error}') from None
    draw_videos(args.data_root, args.results, args.out)
    model = init_mots_model(args.config, args.checkpoint)
    draw_explanations(args.data_root, model, args.out)


if __name__ == '__main__':
    main()
