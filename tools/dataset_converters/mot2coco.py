# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert frames and boxes of any format to CocoVID JSON without masks.

BOXES is one of the files that tools/label_masks.py takes, docs/en/formats.md lists
them: MOTChallenge text, KITTI tracking labels, XML of CVAT, JSON of COCO and others.
Boxes are clipped to the frame; one that lies outside is an error. Ignored boxes, as
people in MOT17 who are hard to tell, become ignore regions.
"""

import argparse
import shlex
from pathlib import Path

# What read_boxes reads; to import it takes longer than help should.
FORMATS = (
    *('mot', 'kitti', 'cvat', 'cocovid', 'youtube_vis', 'label_studio', 'mots_png'),
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('images', type=Path, help='folder of frames, or a video')
    parser.add_argument('boxes', type=Path, help='boxes with identities')
    parser.add_argument('out', type=Path, help='JSON file to write')
    parser.add_argument(
        '--first-frame',
        type=int,
        metavar='N',
        help='number in BOXES of the first frame (default: what BOXES says; of '
        'MOTChallenge text 0 if there is a frame 0, else 1)',
    )
    parser.add_argument(
        '--class-name', help='class of all boxes, where BOXES names none'
    )
    parser.add_argument(
        '--format', choices=FORMATS, help='of BOXES (default: told from its content)'
    )
    parser.add_argument(
        '--video-name', help="which video of BOXES (default: that of the frames' name)"
    )
    parser.add_argument(
        '--frames-dir',
        type=Path,
        help='where to write the frames of a video (default: beside OUT, in a folder '
        "of the video's name)",
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT and frames that are there'
    )
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # before the imports that take seconds

from mmengine.utils import track_iter_progress

from mmwsmots.fileio import FrameReader, check_existing
from mmwsmots.fileio.box_readers import (
    BoxFile,
    place_boxes,
    read_boxes,
    select_classes,
)
from mmwsmots.fileio.classes import class_numbers
from mmwsmots.fileio.cocovid import CocoVIDBuilder

CONFIG_FILE = Path('data/clip/boxes.json')  # of configs/_base_/datasets/clip.py


def add_boxes(
    builder: CocoVIDBuilder, file: BoxFile, num_frames: int, size: tuple[int, int]
) -> None:
    """Add boxes to the only video.

    Args:
        builder (CocoVIDBuilder): Annotations to add to.
        file (BoxFile): The boxes, from :func:`place_boxes`.
        num_frames (int): Number of frames.
        size (tuple[int, int]): Height and width of the frames.

    Raises:
        ValueError: If a box is on a frame that does not exist or outside of it.
    """
    for box in file.boxes:
        where = f'{file.path}, {box.where}'
        if not 0 <= box.frame_id < num_frames:
            raise ValueError(f'{where}: no such frame, the video has {num_frames}')
        if not builder.add_box(box, size):
            raise ValueError(f'{where}: {box.outside_text(*size)}')


def masks_file(out: Path) -> Path:
    """Where the configs of a clip look for the masks to train on."""
    return out.with_stem(f'{out.stem}_masks')


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
    files = dict(train=masks_file(out), val=out, test=out)
    options = [
        shlex.quote(f'{loader}_dataloader.dataset.{setting}')
        for loader, file in files.items()
        for setting in (f'ann_file={file}', f'data_prefix.img_path={folder}')
    ]
    lines = ' \\\n    '.join(['--cfg-options', *options])
    return f'{where}For these files, tools/train.py and tools/test.py need:\n{lines}'


def main() -> None:
    """Convert one video and say what was found."""
    args = parse_args()
    try:
        source = frames = FrameReader(args.images)
        folder = args.frames_dir or args.out.parent / source.name
        pictures = () if source.files else sorted(folder.glob('*.png'))
        check_existing([args.out, *pictures], overwrite=args.overwrite)
        file = read_boxes(
            args.boxes,
            args.format,
            args.class_name,
            args.first_frame,
            args.video_name or source.name,
        )
        if source.files is None:
            frames = source.extract(folder)
        for frame in track_iter_progress((iter(frames), len(frames))):
            size = frame.shape[:2]  # all are read, so that no training stops at one
        file = place_boxes(file, frames, size)
        if not file.has_identities:
            raise ValueError(f'{args.boxes}: its boxes have no identities')
        file = select_classes(file, {box.class_name for box in file.boxes})
        names = [box.class_name for box in file.boxes if not box.is_ignored]
        builder = CocoVIDBuilder(class_numbers(names))
        builder.add_frames(frames, size)
        add_boxes(builder, file, len(frames), size)
        builder.write(args.out)
        print()
        for notice in file.notices:
            print(f'note: {notice}')
        for name, number in file.left_out.items():
            print(f'left out: {number} of {name}')
        folder = frames.path.parent
        print(f'{args.out}: {builder.summary()}; frames in {folder}')
        words = ('tools/label_dataset.py', args.out, folder, masks_file(args.out))
        print(f'Masks to train on: python {shlex.join(map(str, words))}')
        if advice := advise(args.out, frames):
            print(advice)
        if source.shortfall:
            raise ValueError(source.shortfall)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
