# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Write what a test run gave as one HTML page.

    python tools/test.py CONFIG CHECKPOINT \
        --cfg-options test_evaluator.outfile_prefix=work_dirs/run/results
    python tools/analysis_tools/report.py --gt data/kitti_mots/instances_txt \
        --results work_dirs/run/results --seqmap val.seqmap \
        --frames data/kitti_mots/training/image_02 \
        --out work_dirs/run/report.html

Tables of all sequences and of each, errors over time and the worst frames as pictures.
The page needs no other file and no network.
"""

import argparse
import base64
import io
import time
from collections.abc import Sequence
from pathlib import Path

from evaluation_options import (
    add_evaluation_options,
    class_ids,
    evaluate_filled_boxes,
    evaluation_rules,
    find_lengths,
    parse_evaluation_args,
)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_evaluation_options(parser)
    parser.add_argument(
        '--frames', type=Path, help='folder of the folders of frames, for pictures'
    )
    parser.add_argument(
        '--num-frames', type=int, default=12, help='worst frames (default: 12)'
    )
    parser.add_argument('--title', default='Tracking and segmentation: test report')
    parser.add_argument('--out', type=Path, required=True, help='the page, *.html')
    args = parse_evaluation_args(parser, argv)
    if args.num_frames < 0:
        parser.error('--num-frames must not be negative')
    return args


if __name__ == '__main__':
    parse_args(None)  # before the imports that take seconds

import cv2
import jinja2
import trackeval
from error_charts import plot_errors, plot_scores
from error_frame import ERROR_COLORS, draw_errors
from frame_errors import FrameErrors, find_errors
from matplotlib.figure import Figure
from sequence_frames import open_frames
from sequence_table import sequence_rows

from mmwsmots import __version__
from mmwsmots.evaluation import evaluate_sequences
from mmwsmots.evaluation.mots_eval import TITLES
from mmwsmots.fileio import atomic_write, check_existing
from mmwsmots.visualization.text import readable_on

SPACING = 10  # frames between two that are shown of one sequence
MIN_WIDTH = 900  # of a shown frame in pixels; smaller ones are enlarged


def choose_worst(
    sequences: dict[str, list[FrameErrors]], num: int
) -> list[tuple[str, FrameErrors]]:
    """Frames with most errors, none of them close to another.

    Args:
        sequences (dict[str, list[:obj:`FrameErrors`]]): All frames.
        num (int): How many at most.

    Returns:
        list[tuple[str, :obj:`FrameErrors`]]: Sequence and frame, the worst first.
    """
    ranked = sorted(
        ((name, frame) for name, frames in sequences.items() for frame in frames),
        key=lambda item: -num_errors(item[1]),
    )
    chosen = []
    for name, frame in ranked:
        if len(chosen) == num or num_errors(frame) == 0:
            break
        if all(
            name != other or abs(frame.frame_id - shown.frame_id) >= SPACING
            for other, shown in chosen
        ):
            chosen.append((name, frame))
    return chosen


def num_errors(frame: FrameErrors) -> int:
    """FP + FN + IDS of a frame."""
    counts = frame.count()
    return counts['FP'] + counts['FN'] + counts['IDS']


def embed_frame(
    folder: Path, name: str, length: int, errors: FrameErrors, ids: dict[str, int]
) -> str:
    """The drawn frame as a data URI."""
    reader = open_frames(folder, name, length)
    image = next(reader.read(errors.frame_id))
    scale = -(-MIN_WIDTH // image.shape[1])
    picture = draw_errors(image, errors, scale=scale, class_ids=ids)
    data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return f'data:image/jpeg;base64,{base64.b64encode(data).decode()}'


def embed_figure(figure: Figure) -> str:
    """The figure as a data URI."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='svg', metadata=dict(Date=None))
    return f'data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}'


def _css(color: tuple[int, int, int]) -> str:
    """A BGR colour as CSS writes it."""
    return '#{:02x}{:02x}{:02x}'.format(*reversed(color))


def build_page(args: argparse.Namespace) -> str:
    """Evaluate, draw and fill the template.

    Args:
        args (Namespace): See :func:`parse_args`.

    Returns:
        str: The page.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file breaks its format.
    """
    lengths = find_lengths(args)
    rules = evaluation_rules(args)
    together, single = evaluate_sequences(args.gt, args.results, lengths, **rules)
    all_filled, filled = evaluate_filled_boxes(args.gt, args.results, lengths, **rules)
    errors = {
        name: find_errors(args.gt, args.results, name, length, **rules)
        for name, length in lengths.items()
    }
    overall = []
    for class_name in together:
        for label, row in (('results', together), ('filled boxes', all_filled)):
            ((_, cells),) = sequence_rows(row, {}, class_name)
            overall.append((class_name, label, cells.values()))
    sequences = []
    for class_name in together:
        rows = sequence_rows(together, single, class_name)
        sequences.append((class_name, [(name, row.values()) for name, row in rows]))
    worst = []
    ids = class_ids(args)
    for name, frame in choose_worst(errors, args.num_frames):
        counts = ', '.join(f'{key} {value}' for key, value in frame.count().items())
        picture = args.frames and embed_frame(
            args.frames, name, lengths[name], frame, ids
        )
        worst.append(
            dict(name=name, number=frame.frame_id, counts=counts, picture=picture)
        )
    source = '' if args.seqmap is None else f' of {args.seqmap}'
    facts = {
        'results': args.results,
        'ground truth': f'{args.gt}, {len(lengths)} sequences{source}, '
        f'{sum(lengths.values())} frames',
        'protocol': f'{args.benchmark}, {args.protocol}',
        'written': time.strftime('%Y-%m-%d %H:%M %Z') + f' by mmwsmots {__version__}, '
        f'TrackEval {trackeval.__version__}',
    }
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    ).get_template('report.html.j2')
    return template.render(
        title=args.title,
        facts={name: value for name, value in facts.items() if value is not None},
        titles=[TITLES.get(key, key) for key in cells],
        overall=overall,
        sequences=sequences,
        score_chart=embed_figure(
            plot_scores({'results': single, 'filled boxes': filled})
        ),
        error_chart=embed_figure(plot_errors(errors)),
        worst=worst,
        colors=args.frames
        and {
            kind: f'background: {_css(color)}; color: {_css(readable_on(color))}'
            for kind, color in ERROR_COLORS.items()
        },
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page."""
    args = parse_args(argv)
    try:
        check_existing([args.out], overwrite=args.overwrite)
        page = build_page(args)
        with atomic_write(args.out) as temp:
            temp.write_text(page, encoding='utf-8')
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(f'{args.out}: {args.out.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    main()
