# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert frames and MOTChallenge boxes of one class to CocoVID JSON without masks.

Lines of the boxes: ``frame,id,x,y,w,h,confidence,class,visibility``. Boxes are
clipped to the frame; one that lies outside is an error. A confidence of 0 marks a
row as not to be evaluated: MOT17 gives it to other classes (car, bicycle,
occluder, ...), which are left out as background, and to people who are hard to
tell (on a vehicle, static, distractor, reflection), who become ignore regions.
"""

import argparse
import shlex
from pathlib import Path

from mmengine.utils import track_iter_progress

from mmwsmots.datasets.clip_boxes import add_box, add_frames, extract_frames
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.box_readers import read_mot_challenge
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import CLASS_IDS

CONFIG_FILE = Path('data/clip/boxes.json')  # of configs/_base_/datasets/clip.py


def add_boxes(
    builder: CocoVIDBuilder,
    path: Path,
    category_id: int,
    first_frame: int,
    num_frames: int,
    size: tuple[int, int],
) -> None:
    """Add the boxes of a MOTChallenge file to the only video.

    Args:
        builder (CocoVIDBuilder): Annotations to add to.
        path (Path): The text file.
        category_id (int): Class of its boxes.
        first_frame (int): Number of the first frame in the file.
        num_frames (int): Number of frames.
        size (tuple[int, int]): Height and width of the frames.

    Raises:
        ValueError: If a line breaks the format, names a frame that does not exist,
            repeats an identity within a frame or has its box outside the frame.
    """
    for box in read_mot_challenge(path, 'object', first_frame):
        where = f'{path}, {box.where}'
        if not 0 <= box.frame_id < num_frames:
            raise ValueError(
                f'{where}: there is no frame {box.frame_id + first_frame}, the frames '
                f'are {first_frame} to {first_frame + num_frames - 1}'
            )
        if not add_box(builder, box, size, {'object': category_id}):
            raise ValueError(f'{where}: {box.outside_text(*size)}')


def advise(out: Path, frames: FrameReader) -> str:
    """What to do where the configs of a clip would not find the files.

    Args:
        out (Path): The JSON file.
        frames (FrameReader): Folder of its frames.

    Returns:
        str: Options for a shell, or advice; empty if the files lie where the configs
        look, seen from here.
    """
    out, folder = out.resolve(), frames.path.parent
    if out == CONFIG_FILE.resolve() and folder == out.parent:
        return ''
    where = f'Configs of a clip look for {CONFIG_FILE} and frames beside it. '
    if set(' ,') & set(f'{out}{folder}'):
        return f'{where}Move them there: --cfg-options takes no spaces and commas.'
    options = [
        shlex.quote(f'{loader}_dataloader.dataset.{setting}')
        for loader in ('train', 'val', 'test')
        for setting in (f'ann_file={out}', f'data_prefix.img_path={folder}')
    ]
    lines = ' \\\n    '.join(['--cfg-options', *options])
    return f'{where}For these files, tools/train.py and tools/test.py need:\n{lines}'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('images', type=Path, help='folder of frames, or a video')
    parser.add_argument('boxes', type=Path, help='MOTChallenge text file')
    parser.add_argument('out', type=Path, help='JSON file to write')
    parser.add_argument(
        '--first-frame',
        type=int,
        choices=[0, 1],
        default=1,
        help='number of the first frame in the text file (default: 1)',
    )
    parser.add_argument('--class-name', choices=list(CLASS_IDS), required=True)
    parser.add_argument(
        '--frames-dir',
        type=Path,
        help='where to write the frames of a video (default: beside OUT, in a folder '
        "of the video's name)",
    )
    return parser.parse_args()


def main() -> None:
    """Convert one video and say what was found."""
    args = parse_args()
    try:
        source = frames = FrameReader(args.images)
        if source.files is None:
            folder = args.frames_dir or args.out.parent / source.name
            frames = extract_frames(source, folder)
        for frame in track_iter_progress((iter(frames), len(frames))):
            size = frame.shape[:2]  # all are read, so that no training stops at one
        builder = CocoVIDBuilder(CLASS_IDS)
        add_frames(builder, frames, size)
        category_id = CLASS_IDS[args.class_name]
        add_boxes(builder, args.boxes, category_id, args.first_frame, len(frames), size)
        builder.write(args.out)
        print(f'\n{args.out}: {builder.summary()}; frames in {frames.path.parent}')
        if advice := advise(args.out, frames):
            print(advice)
        if source.shortfall:
            raise ValueError(source.shortfall)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
