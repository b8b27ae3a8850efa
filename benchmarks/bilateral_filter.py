# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Speed and error of the bilateral filter, as a Markdown table.

Times are medians of alternating rounds: every round runs every method once, so that
a change of the machine's speed meets all of them. Errors are relative L2 errors,
means over crops, against the exact filter in float64: of W S (raw), with S a soft
mask, and of W (1 - 2 S), the CRF loss's gradient; "rescaled" is the raw error
after the one factor for all crops that makes their summed squares smallest.

With more than one thread, a second table tells how the throughput grows with them,
and how that of two processes of one thread each does, which share nothing.

Example:
    python benchmarks/bilateral_filter.py --frames shared/data/kitti_raw_queue
"""

import argparse
import ctypes
import datetime
import itertools
import multiprocessing
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Optional

from common import machine

import cv2
import numpy as np
import torch
from torch import Tensor

from mmwsmots.ops import PreparedFilter, bilateral_filter

SIZE = 128
# Crops of each kind; the first of them make a smaller batch.
CROPS = 32
SIGMA_RGB = 15.0
NOISE = 20.0  # standard deviation in levels, added to natural crops
# The symbol of rloss's wrapper/bilateralfilter: g++ or SWIG, as its setup.py builds.
REFERENCE_SYMBOL = '_Z21bilateralfilter_batchPfiS_iS_iiiiiff'


class Row(NamedTuple):
    """One line of the table."""

    crops: str
    sigma_rgb: float
    sigma_xy: float
    method: str
    milliseconds: float
    raw_error: float
    rescaled_error: float
    gradient_error: float


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--frames', type=Path, help='folder of frames for crops')
    parser.add_argument('--reference', type=Path, help='shared library of rloss')
    parser.add_argument(
        '--crops',
        nargs='+',
        choices=[
            'natural',
            'natural + grey noise',
            'natural + noise',
            'tiny, upsampled',
            'noise',
            'two colours',
        ],
        help='kinds of crops; all by default',
    )
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batch', type=int, default=CROPS)
    parser.add_argument(
        '--one-by-one', action='store_true', help='time batches of one crop too'
    )
    parser.add_argument(
        '--prepared', action='store_true', help='time filters that know the image too'
    )
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--sigma-rgb', type=float, nargs='+', default=[SIGMA_RGB])
    parser.add_argument('--sigma-xy', type=float, nargs='+', default=[100, 50, 25])
    parser.add_argument('--tolerance', type=float, nargs='+', default=[0.03, 0.016])
    parser.add_argument('--method', choices=['grid', 'auto'], default='grid')
    parser.add_argument('--exact', action='store_true', help='time the exact method')
    parser.add_argument(
        '--error-crops', type=int, default=4, help='crops compared with float64'
    )
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def natural_crops(count: int, frames: Path, rng: np.random.Generator) -> np.ndarray:
    """Windows of the frames, at their own resolution."""
    paths = sorted(p for p in frames.rglob('*') if p.suffix in ('.jpg', '.png'))
    if not paths:
        sys.exit(f'no frames (.jpg, .png) in {frames}')
    crops = []
    for _ in range(count):
        path = paths[rng.integers(len(paths))]
        image = cv2.imread(str(path))
        if image is None or min(image.shape[:2]) < SIZE:
            sys.exit(f'{path} is no image of at least {SIZE} x {SIZE} pixels')
        y, x = (rng.integers(n - SIZE + 1) for n in image.shape[:2])
        crops.append(image[y : y + SIZE, x : x + SIZE, ::-1].transpose(2, 0, 1))
    return np.stack(crops).astype(np.float32)


def make_crops(frames: Optional[Path]) -> dict[str, Tensor]:
    """Images by kind, (CROPS, 3, 128, 128) in 0..255, contiguous."""
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 255, (CROPS, 3, SIZE, SIZE))
    pick = rng.random((CROPS, 1, SIZE, SIZE)) < 0.5
    two = np.where(pick, *rng.uniform(0, 255, (2, CROPS, 3, 1, 1)))
    crops = {'noise': noise, 'two colours': two}
    if frames is not None:
        natural = natural_crops(CROPS, frames, rng)
        tiny = natural[:, :, :16, :16].transpose(0, 2, 3, 1)
        large = [cv2.resize(crop, (SIZE, SIZE)).transpose(2, 0, 1) for crop in tiny]
        grain = np.random.default_rng(2).normal(0, NOISE, natural.shape)
        grey = grain[:, :1]  # the same in all channels
        crops = {
            'natural': natural,
            'natural + grey noise': np.clip(natural + grey, 0, 255),
            'natural + noise': np.clip(natural + grain, 0, 255),
            'tiny, upsampled': np.stack(large),
            **crops,
        }
    # numpy keeps the transposed layout, which would be timed as a copy here, and
    # which the reference would read as another image.
    return {
        k: torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32))
        for k, v in crops.items()
    }


def make_masks() -> Tensor:
    """Soft masks as a mask head gives them: smooth blobs at 28 x 28, upsampled."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:28, :28] / 27
    masks = []
    for _ in range(CROPS):
        centre, radius = rng.uniform(0.35, 0.65, 2), rng.uniform(0.2, 0.5, 2)
        inside = 1 - ((y - centre[0]) / radius[0]) ** 2
        inside -= ((x - centre[1]) / radius[1]) ** 2
        logits = 4 * inside + rng.normal(0, 0.5, inside.shape)
        masks.append(1 / (1 + np.exp(-logits)))
    masks = torch.from_numpy(np.stack(masks)[:, None].astype(np.float32))
    return torch.nn.functional.interpolate(masks, (SIZE, SIZE), mode='bilinear')


def load_reference(path: Path) -> Callable:
    """The lattice of rloss, as a function like ``bilateral_filter``."""
    function = getattr(ctypes.CDLL(str(path.resolve())), REFERENCE_SYMBOL)
    pointer = ctypes.POINTER(ctypes.c_float)

    def run(values: Tensor, image: Tensor, sigma_rgb: float, sigma_xy: float) -> Tensor:
        out = torch.empty_like(values)
        arguments = []
        for tensor in (image, values, out):
            assert tensor.is_contiguous()
            arguments += [ctypes.cast(tensor.data_ptr(), pointer), tensor.numel()]
        sigmas = (ctypes.c_float(sigma_rgb), ctypes.c_float(sigma_xy))
        function(*arguments, *values.shape, *sigmas)
        return out

    return run


def elapsed(function: Callable, device: torch.device) -> float:
    """Milliseconds of one call."""
    if device.type == 'cuda':
        torch.cuda.synchronize()
    # One thread's time does not grow with other programs on the machine.
    is_alone = device.type == 'cpu' and torch.get_num_threads() == 1
    clock = time.process_time if is_alone else time.perf_counter
    start = clock()
    function()
    if device.type == 'cuda':
        torch.cuda.synchronize()
    return 1e3 * (clock() - start)


def mean_error(actual: Tensor, expected: Tensor, rescale: bool = False) -> float:
    actual = actual.double()
    if rescale:
        actual = actual * ((actual * expected).sum() / (actual * actual).sum())
    difference = (actual - expected).flatten(1).norm(dim=1)
    return (difference / expected.flatten(1).norm(dim=1)).mean().item()


def one_by_one(method: Callable, values: Tensor, image: Tensor) -> Callable:
    """The same crops as batches of one, cut beforehand."""
    pairs = list(zip(values.split(1), image.split(1)))

    def run() -> None:
        for pair in pairs:
            method(*pair)

    return run


def measure(
    kind: str,
    image: Tensor,
    masks: Tensor,
    sigma_rgb: float,
    sigma_xy: float,
    args: argparse.Namespace,
) -> list[Row]:
    """Time and compare all methods on one kind of crops."""
    device = torch.device(args.device)
    methods = {
        f'{args.method}, tolerance {t}': partial(
            bilateral_filter, method=args.method, tolerance=t
        )
        for t in args.tolerance
    }
    if args.exact:
        methods['exact'] = partial(bilateral_filter, method='exact')
    if args.reference is not None:
        methods['rloss lattice'] = load_reference(args.reference)
    some = slice(0, args.error_crops)
    signed = 1 - 2 * masks
    both = torch.cat([masks[some], signed[some]], 1).double()
    truth = bilateral_filter(both, image[some].double(), sigma_rgb, sigma_xy, 'exact')
    errors, times = {}, {}
    for name, method in list(methods.items()):
        run = partial(method, sigma_rgb=sigma_rgb, sigma_xy=sigma_xy)
        try:
            raw, gradient = (run(x[some], image[some]) for x in (masks, signed))
        except ValueError:  # the grid cannot hold this tolerance
            continue
        errors[name] = (
            mean_error(raw, truth[:, :1]),
            mean_error(raw, truth[:, :1], rescale=True),
            mean_error(gradient, truth[:, 1:]),
        )
        methods[name] = partial(run, masks, image)
        times[name] = []
        if args.prepared and name.startswith(args.method):
            known = f'{name}, image prepared'
            methods[known] = partial(PreparedFilter(image, **run.keywords), masks)
            times[known], errors[known] = [], errors[name]
        if args.one_by_one:
            single = f'{name}, one by one'
            methods[single] = one_by_one(run, masks, image)
            times[single], errors[single] = [], errors[name]
    for round in range(-1, args.rounds):
        for name, measured in times.items():
            milliseconds = elapsed(methods[name], device) / len(masks)
            if round >= 0:  # the one before warms up
                measured.append(milliseconds)
    return [
        Row(kind, sigma_rgb, sigma_xy, name, float(np.median(measured)), *errors[name])
        for name, measured in times.items()
    ]


def throughput(
    function: Callable, threads: tuple[int, ...], rounds: int
) -> list[float]:
    """Relative to the first number of threads, medians of alternating rounds."""
    times = []
    before = torch.get_num_threads()
    for _ in range(rounds + 1):
        times.append([])
        for count in threads:
            torch.set_num_threads(count)
            times[-1].append(elapsed(function, torch.device('cpu')))
    torch.set_num_threads(before)
    medians = np.median(times[1:], axis=0)
    return (medians[0] / medians).tolist()


def count_calls(values: Tensor, image: Tensor, barrier: Any, seconds: float) -> int:
    """Calls of the grid, with one thread, from when all processes are ready."""
    torch.set_num_threads(1)
    bilateral_filter(values, image, SIGMA_RGB, 100.0, 'grid')
    barrier.wait()
    calls, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        bilateral_filter(values, image, SIGMA_RGB, 100.0, 'grid')
        calls += 1
    return calls


def _count_calls(queue: Any, *args: Any) -> None:
    queue.put(count_calls(*args))


def calls_of_processes(values: Tensor, image: Tensor, count: int) -> int:
    """Calls of so many processes that run at the same time for a while."""
    context = multiprocessing.get_context('fork')
    queue, barrier = context.Queue(), context.Barrier(count)
    args = (queue, values, image, barrier, 0.3)
    processes = [context.Process(target=_count_calls, args=args) for _ in range(count)]
    for process in processes:
        process.start()
    calls = sum(queue.get() for _ in processes)
    for process in processes:
        process.join()
    return calls


def scaling(image: Tensor, masks: Tensor, args: argparse.Namespace) -> list[str]:
    """How the throughput on the first kind of crops grows with threads."""
    # First, as a process that has started threads must not fork.
    calls = [
        [calls_of_processes(masks, image, count) for count in (1, args.threads)]
        for _ in range(args.rounds)
    ]
    one, many = np.median(calls, axis=0)
    lines = [
        '',
        f'Throughput with {args.threads} threads, relative to one:',
        '',
        '| work | ratio |',
        '|---|---|',
        f'| grid, {args.threads} processes of one thread | {many / one:.2f} |',
    ]
    threads = (1, args.threads)
    for name, function in {
        'exact (arithmetic only)': partial(
            bilateral_filter, masks[:2], image[:2], SIGMA_RGB, 100.0, 'exact'
        ),
        **{
            f'grid, tolerance {t}': partial(
                bilateral_filter, masks, image, SIGMA_RGB, 100.0, 'grid', t
            )
            for t in args.tolerance
        },
    }.items():
        rounds = args.rounds if name.startswith('exact') else 10 * args.rounds
        ratio = throughput(function, threads, rounds)[1]
        lines.append(f'| {name} | {ratio:.2f} |')
    return lines


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    masks = make_masks()[: args.batch].to(args.device)
    crops = {
        kind: image[: args.batch].to(args.device)
        for kind, image in make_crops(args.frames).items()
        if args.crops is None or kind in args.crops
    }
    ratios = []
    if args.threads > 1:  # before any other work: it forks
        ratios = scaling(next(iter(crops.values())), masks, args)
    lines = [
        f'{datetime.date.today()}, {machine(args.device)}, '
        f'torch {torch.__version__}, {args.threads} thread(s), batch {args.batch}, '
        f'128 x 128 crops, medians of {args.rounds} rounds',
        '',
        '| crops | σ_rgb | σ_xy | method | ms per crop | raw error | rescaled '
        '| gradient |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for kind, image in crops.items():
        for sigma_rgb, sigma_xy in itertools.product(args.sigma_rgb, args.sigma_xy):
            for row in measure(kind, image, masks, sigma_rgb, sigma_xy, args):
                lines.append(
                    f'| {row.crops} | {row.sigma_rgb:g} | {row.sigma_xy:g} '
                    f'| {row.method} '
                    f'| {row.milliseconds:.3f} | {row.raw_error:.2%} '
                    f'| {row.rescaled_error:.2%} | {row.gradient_error:.2%} |'
                )
    lines += ratios
    print('\n'.join(lines))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
