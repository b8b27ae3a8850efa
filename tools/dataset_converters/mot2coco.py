# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Convert frames and MOTChallenge boxes of one class to CocoVID JSON without masks.

Lines of the boxes: ``frame,id,x,y,w,h,confidence,class,visibility``. Boxes are
clipped to the frame; one that lies outside is an error. A confidence of 0 marks a
row as not to be evaluated: MOT17 gives it to other classes (car, bicycle,
occluder, ...), which are left out as background, and to people who are hard to
tell (on a vehicle, static, distractor, reflection), who become ignore regions.
"""

import argparse
import math
from pathlib import Path

import cv2
from mmengine.utils import track_iter_progress

from mmwsmots.datasets.cocovid import CocoVIDBuilder
from mmwsmots.datasets.mots_io import CLASS_IDS

# MOT17: 3 car, 4 bicycle, 5 motorbike, 6 other vehicle, 9-11 and 13 occluders.
OTHER_CLASSES = (3, 4, 5, 6, 9, 10, 11, 13)
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')


def extract_frames(video: Path, folder: Path) -> Path:
    """Write the frames of a video as ``FFFFFF.png``.

    Args:
        video (Path): The video file.
        folder (Path): Where to.

    Returns:
        Path: The folder.

    Raises:
        ValueError: If the video cannot be read or the folder contains pictures
            that are not its frames.
    """
    capture = cv2.VideoCapture(str(video))
    written = set()
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f'{len(written):06d}.png'
        cv2.imwrite(str(path), frame)
        written.add(path)
    capture.release()
    if not written:
        raise ValueError(f'{video}: neither a folder of pictures nor a readable video')
    foreign = sorted(set(list_pictures(folder)) - written)
    if foreign:
        raise ValueError(f'{foreign[0]}: not a frame of {video}; remove it')
    return folder


def list_pictures(folder: Path) -> list[Path]:
    """Pictures of a folder in the order of their names."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
    )


def list_frames(folder: Path) -> tuple[list[str], tuple[int, int]]:
    """Frames of a folder in the order of their names.

    Args:
        folder (Path): The folder.

    Returns:
        tuple[list[str], tuple[int, int]]: ``folder/file`` of each frame and their
        common (height, width).

    Raises:
        ValueError: If there is none, or one is unreadable or of another size.
    """
    paths = list_pictures(folder)
    if not paths:
        raise ValueError(f'{folder}: the sequence is empty, no .jpg or .png')
    size = None
    for path in track_iter_progress(paths):
        image = cv2.imread(str(path))
        if image is None:
            raise ValueError(f'{path}: not a readable picture')
        size = size or image.shape[:2]
        if image.shape[:2] != size:
            raise ValueError(
                f'{path}: the frame has the size {image.shape[:2]}, the first {size}'
            )
    return [f'{folder.name}/{path.name}' for path in paths], size


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
    height, width = size
    seen = {}
    lines = path.read_text(encoding='ascii', errors='replace').splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = [float(field) for field in line.split(',')]
            if len(row) < 8:
                raise ValueError(f'expected at least 8 fields, got {len(row)}')
            for place, value in enumerate(row[:8]):
                if not math.isfinite(value):
                    raise ValueError(f'field {place + 1} is {value}')
                if place in (0, 1, 7) and value != int(value):
                    raise ValueError(f'field {place + 1} is no integer: {value:g}')
            frame_id, track_id = int(row[0]) - first_frame, int(row[1])
            x, y, w, h, confidence = row[2:7]
            if not 0 <= frame_id < num_frames:
                raise ValueError(
                    f'there is no frame {int(row[0])}, the frames are {first_frame} '
                    f'to {first_frame + num_frames - 1}'
                )
            first = seen.setdefault((frame_id, track_id), number)
            if first != number:
                raise ValueError(
                    f'duplicate id {track_id} in frame {int(row[0])} '
                    f'(first on line {first})'
                )
            x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
            if x1 >= x2 or y1 >= y2:
                raise ValueError(
                    f'the box x {x:g}, y {y:g}, w {w:g}, h {h:g} has no pixel in the '
                    f'{width} x {height} frame'
                )
        except ValueError as error:
            raise ValueError(f'{path}, line {number}: {error}') from None
        fields = dict(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
        if confidence != 0:
            builder.add_object(1, frame_id, category_id, track_id, **fields)
        elif int(row[7]) not in OTHER_CLASSES:
            builder.add_ignore_region(1, frame_id, track_id, **fields)


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
        folder = args.images
        if not folder.is_dir():
            folder = extract_frames(
                folder, args.frames_dir or args.out.parent / folder.stem
            )
        file_names, size = list_frames(folder)
        builder = CocoVIDBuilder(CLASS_IDS)
        builder.add_video(folder.name, file_names, size)
        category_id = CLASS_IDS[args.class_name]
        add_boxes(
            builder, args.boxes, category_id, args.first_frame, len(file_names), size
        )
        builder.write(args.out)
        print(f'\n{args.out}: {builder.summary()}; frames in {folder.parent}')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    main()
