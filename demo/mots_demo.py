# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Segment and track the objects of any video, however long.

    python demo/mots_demo.py VIDEO_OR_FOLDER CONFIG CHECKPOINT --out DIR

writes DIR/NAME.txt, the masks and tracks as KITTI MOTS text at the frames' own
size, and DIR/NAME.mp4, the frames with masks, names and trails. DIR/labels.txt names
the classes 1, 2, ... if they are others than KITTI MOTS's car and pedestrian.

Both appear when all is done. On the way the lines are in DIR/NAME.txt.part, and every
50 frames the tracker's memory is saved to DIR/NAME.state.part. After a kill, a power
cut or a bad frame the same command with --resume goes on from there and gives the
result of an uninterrupted run; the video is drawn again from its first frame on.
Nothing is replaced without --overwrite.
"""

import argparse
import hashlib
import sys
from contextlib import nullcontext
from itertools import islice
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', help='video file, or folder of images')
    parser.add_argument('config', help='config of a MOTSNet, file or name')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('--out', required=True, help='folder for the results')
    parser.add_argument(
        '--device',
        help='default: cuda:0 if there is a GPU, else cpu',
    )
    parser.add_argument(
        '--score-thr', type=float, help="detection threshold (default: the config's)"
    )
    parser.add_argument(
        '--no-video', action='store_true', help='write the text file only'
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--resume', action='store_true', help='go on where an interrupted run was'
    )
    how.add_argument(
        '--overwrite', action='store_true', help='replace the results that are there'
    )
    return parser.parse_args(argv)


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

from tqdm import tqdm

import mmwsmots  # noqa: F401  (registers every component)
from mmwsmots.apis import VideoTracker, init_mots_model, read_ahead
from mmwsmots.fileio import FrameReader, VideoWriter, check_existing
from mmwsmots.fileio.classes import add_labels
from mmwsmots.visualization import TrackDrawer

sys.path.append(str(Path(__file__).resolve().parents[1] / 'tools'))
from track_journal import TrackJournal, state_path

SAVE_INTERVAL = 50  # frames


def run(args: argparse.Namespace) -> tuple[Path, str]:
    """Process the video.

    Args:
        args (Namespace): See :func:`parse_args`.

    Returns:
        tuple[Path, str]: The text file; what is wrong with a video that is cut off,
        or ''.
    """
    reader = FrameReader(args.input)
    text_path = Path(args.out) / f'{reader.name}.txt'
    # with_suffix() would cut a name with a dot
    video_path = text_path.with_name(f'{reader.name}.mp4')
    started = [state_path(text_path)]
    check_existing((text_path, video_path), started, args.resume, args.overwrite)
    model = init_mots_model(args.config, args.checkpoint, args.device, args.score_thr)
    tracker = VideoTracker(model, len(reader))
    key = hashlib.sha256(
        f'{reader.path} {len(reader)} {model.cfg.pretty_text}'.encode()
    )
    key.update(Path(args.checkpoint).read_bytes())
    add_labels([text_path], tracker.class_ids)
    journal = TrackJournal(text_path, key.hexdigest(), args.resume)
    video = nullcontext() if args.no_video else VideoWriter(video_path, reader.fps)
    with journal, video:
        process(reader, tracker, journal, video)
        if args.no_video:
            video_path.unlink(missing_ok=True)  # of the results that are replaced
    return text_path, reader.shortfall


def process(
    reader: FrameReader,
    tracker: VideoTracker,
    journal: TrackJournal,
    video: VideoWriter | nullcontext,
) -> None:
    """Track frame by frame from where the journal is, and draw all of the frames."""
    with_video = isinstance(video, VideoWriter)
    drawer = TrackDrawer(class_ids=tracker.class_ids)
    if journal.state is not None:
        tracker.load_state_dict(journal.state)
    frames = read_ahead(reader.read(0 if with_video else journal.num_frames))
    if with_video:
        for objects, frame in zip(journal.replay(), islice(frames, journal.num_frames)):
            video.write(drawer.draw_objects(frame, objects))
    bar = tqdm(
        frames, reader.name, len(reader), initial=journal.num_frames, unit='frame'
    )
    for frame in bar:
        objects = tracker.track(frame)
        journal.write(objects)
        if with_video:
            video.write(drawer.draw_objects(frame, objects))
        if tracker.num_frames % SAVE_INTERVAL == 0:
            journal.save(tracker.num_frames, tracker.state_dict())


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    try:
        text_path, shortfall = run(args)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'Results are in {text_path.parent}: {text_path.stem}.*')
    if shortfall:
        sys.exit(f'error: {shortfall}')


if __name__ == '__main__':
    main()
