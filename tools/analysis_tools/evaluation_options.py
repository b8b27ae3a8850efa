# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What the command lines that compare results with ground truth share.

What takes seconds to import is imported where it is used, after the
command line has been read.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# Those of mmwsmots.evaluation.
BENCHMARKS = ('kitti_mots', 'mots20')
PROTOCOLS = ('trackeval', 'mots_tools')


def add_evaluation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Args:
        parser (ArgumentParser): Gets ``--gt``, ``--results``, ``--seqmap``,
            ``--benchmark``, ``--classes``, ``--protocol`` and ``--overwrite``.
    """
    parser.add_argument(
        '--gt',
        type=Path,
        required=True,
        help='folder of ground truth: SSSS.txt, or SSSS/gt/gt.txt of mots20',
    )
    parser.add_argument(
        '--results', type=Path, required=True, help='folder of results SSSS.txt'
    )
    parser.add_argument(
        '--seqmap',
        type=Path,
        help='sequences to evaluate: lines "SSSS empty 000000 last_frame", from 0 on '
        '(default: all of --gt, up to the last frame with an object, or, of mots20, as '
        'long as seqinfo.ini says)',
    )
    parser.add_argument(
        '--benchmark',
        choices=BENCHMARKS,
        default='kitti_mots',
        help='mots20: pedestrians only, frames from 1',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='classes to evaluate, numbered from 1 in this order where there is no '
        "labels.txt (default: all of the ground truth's labels.txt, else the "
        "benchmark's)",
    )
    parser.add_argument(
        '--protocol',
        choices=PROTOCOLS,
        default='trackeval',
        help='a match needs IoU >= 0.5 (trackeval) or > 0.5 (mots_tools)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace files that are there'
    )


def parse_evaluation_args(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None = None
) -> argparse.Namespace:
    """Read a command line.

    Args:
        parser (ArgumentParser): With the options of :func:`add_evaluation_options`.
        argv (Sequence[str], optional): Arguments; those of the process by default.

    Returns:
        Namespace: The options.
    """
    return parser.parse_args(argv)


def evaluation_rules(args: argparse.Namespace) -> dict:
    """What :func:`mmwsmots.evaluation.evaluate_mots` is told besides the files."""
    return dict(protocol=args.protocol, benchmark=args.benchmark, classes=args.classes)


def class_ids(args: argparse.Namespace) -> dict[str, int]:
    """Number of each class in what the evaluation gives, for drawing."""
    from mmwsmots.evaluation.benchmarks import get_benchmark

    return get_benchmark(args.benchmark, args.gt, args.classes).class_ids


def find_lengths(args: argparse.Namespace) -> dict[str, int]:
    """Number of frames of each sequence to evaluate.

    Args:
        args (Namespace): From :func:`parse_evaluation_args`.

    Returns:
        dict[str, int]: By the names of the sequences.

    Raises:
        FileNotFoundError: If there is no seqmap and no sequence either.
        ValueError: If a file breaks its format.
    """
    from mmwsmots.evaluation.benchmarks import get_benchmark
    from mmwsmots.fileio.classes import LABELS_FILE
    from mmwsmots.fileio.mots_txt import read_seqinfo, read_seqmap

    if args.seqmap is not None:
        first_frame = get_benchmark(args.benchmark).first_frame
        lengths = read_seqmap(args.seqmap, first_frame)
        return {
            name: _find_length(args, name) if length is None else length
            for name, length in lengths.items()
        }
    if args.benchmark == 'kitti_mots':
        paths = sorted(set(args.gt.glob('*.txt')) - {args.gt / LABELS_FILE})
        if not paths:
            raise FileNotFoundError(f'{args.gt}: no ground truth SSSS.txt')
        names = {path.name for path in paths} | {LABELS_FILE}
        for path in sorted(args.results.glob('*.txt')):
            if path.name not in names:
                print(f'note: {path} is not evaluated, it has no ground truth')
        return {
            path.stem: max(last_frame(path), last_frame(args.results / path.name)) + 1
            for path in paths
        }
    paths = sorted(args.gt.glob('*/seqinfo.ini'))
    if not paths:
        raise FileNotFoundError(f'{args.gt}: no sequence with a seqinfo.ini')
    return {path.parent.name: read_seqinfo(path).length for path in paths}


def _find_length(args: argparse.Namespace, name: str) -> int:
    """Number of frames of a sequence of which a seqmap only has the name."""
    if args.benchmark == 'kitti_mots':
        raise ValueError(
            f'{args.seqmap}: it has only the names of sequences, as those of '
            'MOTChallenge (--benchmark mots20); KITTI needs lines "SSSS empty 000000 '
            'last_frame"'
        )
    from mmwsmots.fileio.mots_txt import read_seqinfo

    return read_seqinfo(args.gt / name / 'seqinfo.ini').length


def last_frame(path: Path) -> int:
    """The largest frame number of a text file; -1 if there is none.

    Lines that break the format are left to whoever reads the objects.
    """
    from mmwsmots.fileio.mots_txt import MAX_DIGITS

    if not path.is_file():
        return -1
    with path.open(encoding='ascii', errors='replace') as file:
        fields = [line.split(maxsplit=1)[:1] for line in file]
    return max(
        (
            int(field[0])
            for field in fields
            if field and field[0].isdecimal() and len(field[0]) <= MAX_DIGITS
        ),
        default=-1,
    )


def evaluate_filled_boxes(
    gt_dir: str | Path,
    results_dir: str | Path,
    seq_lengths: Mapping[str, int],
    protocol: str = 'trackeval',
    benchmark: str = 'kitti_mots',
    classes: Sequence[str] | None = None,
) -> tuple[dict[str, dict], dict[str, dict]]:
    """:func:`evaluate_sequences` of the tight boxes of masks, made disjoint."""
    from mmwsmots.evaluation import evaluate_sequences, filled_boxes
    from mmwsmots.evaluation.benchmarks import get_benchmark
    from mmwsmots.evaluation.mots_eval import tight_boxes
    from mmwsmots.evaluation.parsed_kitti_mots import read_objects
    from mmwsmots.fileio.classes import LABELS_FILE, class_numbers, write_labels
    from mmwsmots.fileio.mots_txt import write_mots_txt

    rules = get_benchmark(benchmark, gt_dir, classes)
    boxes = {}
    with tempfile.TemporaryDirectory() as temp:
        write_labels(Path(temp) / LABELS_FILE, class_numbers(rules.classes))
        for name in seq_lengths:
            path = Path(results_dir) / f'{name}.txt'
            objects = read_objects(path, Path(results_dir), rules, check_ids=False)
            # Boxes of other classes would hide these; masks did not.
            boxed = filled_boxes(
                [obj for obj in objects if obj.class_id in rules.class_ids.values()]
            )
            boxes[name] = tight_boxes(boxed)
            write_mots_txt(Path(temp) / f'{name}.txt', boxed, rules.first_frame)
        return evaluate_sequences(
            gt_dir, temp, seq_lengths, boxes, protocol, benchmark, rules.classes
        )


def format_json(content: object) -> str:
    """Metrics as JSON, ``null`` where there is none: JSON knows no nan."""
    text = json.dumps(content)
    plain = json.loads(text, parse_constant=lambda _: None)
    return json.dumps(plain, indent=2) + '\n'
