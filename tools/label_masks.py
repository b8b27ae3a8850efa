# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Write the masks of the boxes of a video, with the boxes' identities.

    python tools/label_masks.py VIDEO_OR_FOLDER BOXES --out DIR
    python tools/label_masks.py VIDEO_OR_FOLDER BOXES --adapt 200 --out DIR

BOXES is MOTChallenge text, a KITTI tracking label file, XML of CVAT for video or
images, JSON of COCO, CocoVID, YouTube-VIS or Label Studio, one of them in a ZIP file,
or a folder of 16-bit instance pictures; the format is told from the content, and the
classes are any. The masks come from the masker whose weights come with the project:
nothing is trained, nothing downloaded. --adapt N first learns from these very boxes,
3 N iterations of a first stage and N of the masker. DIR gets the layout of KITTI MOTS:

    DIR/instances_txt/NAME.txt     masks as KITTI MOTS text
    DIR/instances/NAME/FFFFFF.png  the same as 16-bit pictures
    DIR/annotations/NAME.json      the same as CocoVID JSON (COCO RLE), with confidences
    DIR/overlays/NAME.mp4          to review
    DIR/reports/NAME.json          what could not be done, what to look at first
    DIR/labels.txt                 line n: the class of number n in text and pictures;
                                   without it 1 is car and 2 pedestrian

After a kill the same command with --resume goes on. Nothing is replaced without
--overwrite. docs/en/labelling.md tells more.
"""

import argparse
import hashlib
import shutil
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from runner_options import positive

from mmengine.config import DictAction

# What read_boxes reads; to import it takes longer than help should.
FORMATS = (
    *('mot', 'kitti', 'cvat', 'cocovid', 'youtube_vis', 'label_studio', 'mots_png'),
)


def class_pair(text: str) -> tuple[str, str]:
    """``NAME=CLASS``."""
    name, _, target = text.partition('=')
    if not name or not target:
        raise argparse.ArgumentTypeError(f'expected NAME=CLASS, got "{text}"')
    return name, target


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('frames', type=Path, help='video file, or folder of images')
    parser.add_argument('boxes', type=Path, help='boxes, with identities or without')
    parser.add_argument(
        '--config',
        help='file, or name, of a BoxMasker, or of a MOTSNet, whose masker or, without '
        'one, mask branch then runs on boxes of its classes; default: the masker that '
        'comes with the project',
    )
    parser.add_argument('--checkpoint', type=Path, help='weights of that config')
    parser.add_argument(
        '--adapt',
        type=positive,
        metavar='N',
        help='first train on these boxes, 3 N iterations of a first stage and N more',
    )
    parser.add_argument(
        '--out', type=Path, required=True, help='folder for the results'
    )
    parser.add_argument(
        '--format', choices=FORMATS, help='of BOXES (default: told from its content)'
    )
    parser.add_argument(
        '--class-name', help='class of all boxes; MOTChallenge text names none'
    )
    parser.add_argument(
        '--class-map',
        type=class_pair,
        nargs='+',
        default=[],
        metavar='NAME=CLASS',
        help='another class for boxes of a name, e.g. Van=car',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='CLASS',
        help='boxes of other classes are left out and counted (default: all, or those '
        'of the MOTSNet)',
    )
    parser.add_argument(
        '--first-frame',
        type=int,
        metavar='N',
        help='number in BOXES of the first frame; the others follow in order (default: '
        'by the names of pictures or what BOXES says; of MOTChallenge text 0 if there '
        'is a frame 0, else 1)',
    )
    parser.add_argument(
        '--video-name',
        help='which video of a file of several (default: that of the name of the '
        'input)',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        help='of boxes without identities, those of a detector: leave out those of a '
        'lower score, track the others (default: 0.3)',
    )
    parser.add_argument(
        '--no-video', action='store_true', help='draw no video to review'
    )
    parser.add_argument(
        '--device',
        help='default: cuda:0 if there is a GPU, else cpu',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='overwrite the config'
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--resume', action='store_true', help='go on where an interrupted run was'
    )
    how.add_argument(
        '--overwrite', action='store_true', help='replace the results that are there'
    )
    args = parser.parse_args(argv)
    if (args.config is None) != (args.checkpoint is None):
        parser.error('--config and --checkpoint belong together')
    return args


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

import numpy as np
from label_files import LabelFiles
from mmengine.config import Config
from tqdm import tqdm
from track_boxes import track_boxes
from track_journal import TrackJournal
from train_on_boxes import train_on_boxes

import mmwsmots  # noqa: F401  (registers every component)
from mmwsmots.apis import (
    BoxLabeler,
    init_box_masker,
    init_mots_model,
    read_ahead,
    released_masker,
)
from mmwsmots.apis.box_labeler import FrameLabels, Problem
from mmwsmots.apis.inference import describes
from mmwsmots.fileio import FrameReader, VideoWriter, atomic_write
from mmwsmots.fileio.box_readers import (
    WITHOUT_VIDEO_NAMES,
    BoxFile,
    TrackedBox,
    detect_format,
    place_boxes,
    read_boxes,
    select_classes,
)
from mmwsmots.fileio.classes import find_name, known_classes, suggest
from mmwsmots.fileio.mots_txt import CLASS_IDS
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.utils import read_config_file
from mmwsmots.visualization import TrackDrawer
from mmwsmots.visualization.track_drawer import short_name

SAVE_INTERVAL = 20  # frames


def load_boxes(
    args: argparse.Namespace,
    reader: FrameReader,
    size: tuple[int, int],
    classes: Sequence[str] | None,
) -> BoxFile:
    """Boxes of the wanted classes on their frames, and what was left out.

    Args:
        args (Namespace): The options.
        reader (FrameReader): The frames.
        size (tuple[int, int]): Their height and width in pixels.
        classes (Sequence[str], optional): Those that the model knows; None: any.
    """
    box_format = args.format
    if args.video_name is not None and args.boxes.suffix.lower() != '.zip':
        box_format = box_format or detect_format(args.boxes)
        if box_format in WITHOUT_VIDEO_NAMES:
            raise ValueError(
                f'{args.boxes}: --video-name chooses among the videos of a file, a '
                f'{box_format} file has one'
            )
    file = read_boxes(
        args.boxes,
        box_format,
        args.class_name,
        args.first_frame,
        args.video_name or reader.name,
    )
    file = place_boxes(file, reader, size)
    if not file.has_identities:
        file = track_boxes(file, 0.3 if args.score_thr is None else args.score_thr)
    elif args.score_thr is not None:
        raise ValueError(f'{args.boxes}: --score-thr is for boxes without identities')
    class_map, names = dict(args.class_map), {box.class_name for box in file.boxes}
    for name in class_map:
        if find_name(name, names) is None:
            hint = suggest(name, names)
            file.notices.append(f'--class-map: no box has the class {name}{hint}')
    wanted = args.classes or classes
    if wanted is None:
        names = [box.class_name for box in file.boxes if not box.is_ignored]
        wanted = [*names, *class_map.values()]
    # As the model or KITTI MOTS spells them: labels and numbers go with the names.
    wanted = [find_name(name, classes or CLASS_IDS) or name for name in wanted]
    file = select_classes(file, wanted, class_map)
    if all(box.is_ignored for box in file.boxes):
        others = ', '.join(f'{name} ({n})' for name, n in file.left_out.items())
        raise ValueError(
            f'{args.boxes}: no box'
            + (f' of the classes {", ".join(wanted)}' if wanted else '')
            + (f'; there are {others}, see --class-map' if others else '')
        )
    return file


def adapt(
    args: argparse.Namespace,
    config: Config,
    boxes: list[TrackedBox],
    files: LabelFiles,
) -> Path:
    """Train on the boxes and return the checkpoint."""
    key = digest(config.pretty_text, boxes, args.frames.resolve(), args.adapt)
    key = digest(key, args.checkpoint.read_bytes())
    note = files.adapted / 'key.txt'
    if args.overwrite and files.adapted.exists():
        if files.adapted.resolve() in args.checkpoint.parents:
            raise ValueError(f'{args.checkpoint}: --overwrite would remove it')
        shutil.rmtree(files.adapted)
    if note.exists() and note.read_text() != key:
        raise ValueError(
            f'{files.adapted}: belongs to other frames, boxes or settings; --overwrite '
            'starts anew'
        )
    with atomic_write(note) as temp:
        temp.write_text(key)
    return train_on_boxes(
        config,
        args.checkpoint,
        args.frames,
        boxes,
        files.adapted,
        args.adapt,
        args.resume,
    )


def digest(*parts: object) -> str:
    """Hash of things that a result depends on."""
    key = hashlib.sha256()
    for part in parts:
        key.update(part if isinstance(part, bytes) else repr(part).encode())
    return key.hexdigest()


def label(
    reader: FrameReader,
    labeler: BoxLabeler,
    files: LabelFiles,
    journal: TrackJournal,
    video: VideoWriter | nullcontext,
) -> list[FrameLabels]:
    """Label frame by frame from where the journal is, and draw all of the frames."""
    state = journal.state or dict(scores=[], problems=[])
    done = [
        FrameLabels(objects, scores, [Problem(*problem) for problem in problems])
        for objects, scores, problems in zip(journal.replay(), *state.values())
    ]
    drawer = TrackDrawer()
    bar = tqdm(read_ahead(reader), reader.name, len(reader), unit='frame')
    for frame_id, frame in enumerate(bar):
        if frame_id == len(done):
            labels = labeler.label(frame_id, frame)
            journal.write(labels.objects)
            files.write_png(frame_id, labels, labeler.size)
            done.append(labels)
            if len(done) % SAVE_INTERVAL == 0:
                scores = [labels.scores for labels in done]
                problems = [list(map(list, labels.problems)) for labels in done]
                journal.save(len(done), dict(scores=scores, problems=problems))
        if isinstance(video, VideoWriter):
            video.write(draw(drawer, frame, labeler, frame_id, done[frame_id]))
    return done


def draw(
    drawer: TrackDrawer,
    frame: np.ndarray | None,
    labeler: BoxLabeler,
    frame_id: int,
    labels: FrameLabels,
) -> np.ndarray:
    """The frame with its boxes, masks, identities and confidences."""
    if frame is None:
        return np.zeros((*labeler.size, 3), dtype=np.uint8)
    boxes = labeler.boxes(frame_id)
    masks = np.zeros((len(boxes), *labeler.size), dtype=bool)
    scores = dict.fromkeys(boxes, 0.0)
    for obj, score in zip(labels.objects, labels.scores):
        masks[list(boxes).index(obj.track_id)] = obj.mask
        scores[obj.track_id] = score
    texts = [
        f'{short_name(box.class_name)} {box.track_id}: {scores[key]:.2f}'
        for key, box in boxes.items()
    ]
    bboxes = np.array([box.clipped(*labeler.size) for box in boxes.values()])
    return drawer.draw(frame, list(boxes), texts, masks, bboxes.reshape(-1, 4))


def run(args: argparse.Namespace) -> dict:
    """Do all of it and return the report."""
    if args.config is None:
        args.config, args.checkpoint = released_masker()
    if not args.checkpoint.is_file():
        raise FileNotFoundError(f'{args.checkpoint}: no such file')
    args.checkpoint = args.checkpoint.resolve()
    config = read_config_file(args.config)
    config.merge_from_dict(args.cfg_options or {})
    use_masker = describes(config, BoxMasker)
    if args.adapt and not use_masker:
        raise ValueError(f'{args.config}: --adapt trains a BoxMasker, this is none')
    reader = FrameReader(args.frames, keep_unreadable=True)
    size = next((frame.shape[:2] for frame in reader if frame is not None), None)
    if size is None:
        raise ValueError(f'{args.frames}: no frame can be read')
    model, classes = None, None
    if not use_masker:
        model = init_mots_model(config, args.checkpoint, args.device)
        classes = model.dataset_meta['classes']
    file = load_boxes(args, reader, size, classes)
    boxes = file.boxes
    for notice in file.notices:
        print(f'note: {notice}', flush=True)
    files = LabelFiles(args.out, reader.name)
    files.check(args.resume, args.overwrite)

    checkpoint = args.checkpoint
    if args.adapt:
        checkpoint = adapt(args, config, boxes, files)
    if use_masker:
        model = init_box_masker(config, checkpoint, args.device)
    known = known_classes(files.labels, files.text)
    labeler = BoxLabeler(model, boxes, size, known)
    if notice := files.write_labels(labeler):
        file.notices.append(notice)
        print(f'note: {notice}', flush=True)
    key = digest(
        str(reader.path),
        len(reader),
        boxes,
        config.pretty_text,
        Path(checkpoint).read_bytes(),
        labeler.class_ids,
    )
    with TrackJournal(files.text, key, args.resume) as journal:
        files.clean(is_new=journal.num_frames == 0)
        video = nullcontext()
        if not args.no_video:
            video = VideoWriter(files.video, reader.fps)
        with video:
            frames = label(reader, labeler, files, journal, video)
        if args.no_video:
            files.video.unlink(missing_ok=True)  # of the results that are replaced
        if reader.files is None:
            names = [f'{reader.name}/{i:06d}.png' for i in range(len(frames))]
        else:
            names = [f'{reader.path.name}/{path.name}' for path in reader.files]
        files.write_json(names, labeler, frames)
        report = files.write_report(
            labeler,
            frames,
            left_out=dict(file.left_out),
            notices=file.notices,
            boxes=str(args.boxes),
            shortfall=reader.shortfall,
        )
        files.finish_pngs()
    return report


def print_report(report: dict, out: Path) -> None:
    """Say what was done, what was not and what to look at."""
    print(
        f'{report["num_masks"]} masks in {report["num_frames"]} frames, mean '
        f'confidence {report["mean_confidence"]:.2f}, in {out}'
    )
    for name, number in report['left_out'].items():
        print(f'left out: {number} boxes of class {name}, see --class-map')
    for row in report['review_first'][:5]:
        print(
            f'look at frame {row["frame"]}, {row["class"]} {row["id"]}: confidence '
            f'{row["confidence"]:.2f}'
        )
    for problem in report['not_done']:
        where = f', {problem["where"]}' if problem['where'] else ''
        print(f'not done: frame {problem["frame_id"]}{where}: {problem["reason"]}')


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    try:
        report = run(args)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print_report(report, args.out)
    if report['shortfall']:
        sys.exit(f'error: {report["shortfall"]}')


if __name__ == '__main__':
    main()
