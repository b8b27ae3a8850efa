# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Draw the losses of trainings over each other.

    python tools/analysis_tools/plot_curves.py work_dirs/a work_dirs/b --out curves.png

Reads the scalars.json of each work directory; what was logged before a resume and
after it becomes one curve.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmwsmots.fileio import atomic_write
from mmwsmots.visualization import choose_keys, plot_curves, read_curves

SUFFIXES = ('.png', '.svg', '.pdf')


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'runs', type=Path, nargs='+', help='work directories or scalars.json files'
    )
    parser.add_argument(
        '--out', type=Path, required=True, help='picture: *.png, *.svg or *.pdf'
    )
    parser.add_argument('--names', nargs='+', help="the runs' names in the legend")
    parser.add_argument(
        '--keys',
        nargs='+',
        default=['loss*'],
        help='what to draw; * stands for anything (default: loss*)',
    )
    parser.add_argument(
        '--smoothing',
        type=float,
        default=1.0,
        help='standard deviation of the mean over neighbouring points, 0 draws raw '
        'values (default: 1)',
    )
    args = parser.parse_args(argv)
    args.names = args.names or [str(run) for run in args.runs]
    if len(args.names) != len(args.runs) or len(set(args.names)) != len(args.names):
        parser.error(f'{len(args.runs)} runs need as many names, all different')
    if args.out.suffix not in SUFFIXES:
        parser.error(f'{args.out}: the name must end in one of {" ".join(SUFFIXES)}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Read, draw, save."""
    args = parse_args(argv)
    try:
        runs = {name: read_curves(run) for name, run in zip(args.names, args.runs)}
        figure = plot_curves(runs, choose_keys(runs, args.keys), args.smoothing)
        with atomic_write(args.out) as temp:
            figure.savefig(temp, dpi=120)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(args.out)


if __name__ == '__main__':
    main()
