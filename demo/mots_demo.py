# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Segment and track the objects of any video.

    python demo/mots_demo.py VIDEO_OR_FOLDER CONFIG CHECKPOINT --out DIR

writes DIR/NAME.txt, the masks and tracks as KITTI MOTS text at the frames' own
size, and DIR/NAME.mp4, the frames with masks, names and trails.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import torch
from tqdm import tqdm

import mmwsmots  # noqa: F401  (registers every component)
from mmwsmots.apis import init_mots_model, track_video
from mmwsmots.datasets.mots_io import MOTSObject, write_mots_txt
from mmwsmots.visualization import FrameReader, TrackDrawer, VideoWriter


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', help='video file, or folder of images')
    parser.add_argument('config', help='config of a MOTSNet')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', required=True, help='folder for the results')
    parser.add_argument(
        '--device',
        default='cuda:0' if torch.cuda.is_available() else 'cpu',
        help='default: cuda:0 if there is a GPU, else cpu',
    )
    parser.add_argument(
        '--score-thr', type=float, help="detection threshold (default: the config's)"
    )
    parser.add_argument(
        '--no-video', action='store_true', help='write the text file only'
    )
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> Path:
    """Process the video; no result appears unless all of it succeeds.

    Args:
        args (Namespace): See :func:`parse_args`.

    Returns:
        Path: The text file.
    """
    frames = FrameReader(args.input)
    model = init_mots_model(args.config, args.checkpoint, args.device, args.score_thr)
    text_path = Path(args.out) / f'{frames.name}.txt'
    video_path = text_path.with_suffix('.mp4')
    video = nullcontext() if args.no_video else VideoWriter(video_path, frames.fps)
    drawer = TrackDrawer()

    def objects() -> Iterator[MOTSObject]:
        tracked = track_video(model, frames, len(frames))
        bar = tqdm(tracked, frames.name, len(frames), unit='frame')
        for frame, frame_objects in bar:
            if not args.no_video:
                video.write(drawer.draw_objects(frame, frame_objects))
            yield from frame_objects

    with video:
        write_mots_txt(text_path, objects())
    return text_path


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    try:
        text_path = run(args)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'Results are in {text_path.parent}: {text_path.stem}.*')


if __name__ == '__main__':
    main()
