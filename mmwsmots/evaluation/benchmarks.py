# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path
from typing import NamedTuple


class MOTSBenchmark(NamedTuple):
    """What a benchmark's files and classes are like; the rules are the same in all.

    Attributes:
        classes (tuple[str, ...]): Classes that are evaluated.
        first_frame (int): Number of the first frame in text files.
        gt_file (str): Ground truth of a sequence in the folder of ground truth.
    """

    classes: tuple[str, ...]
    first_frame: int
    gt_file: str

    def gt_path(self, gt_dir: Path, name: str) -> Path:
        """The ground truth of a sequence."""
        return gt_dir / self.gt_file.format(seq=name)


BENCHMARKS = dict(
    kitti_mots=MOTSBenchmark(('car', 'pedestrian'), 0, '{seq}.txt'),
    mots20=MOTSBenchmark(('pedestrian',), 1, '{seq}/gt/gt.txt'),
)


def get_benchmark(name: str) -> MOTSBenchmark:
    """Look up a benchmark.

    Args:
        name (str): 'kitti_mots' or 'mots20'.

    Returns:
        MOTSBenchmark: The benchmark.

    Raises:
        ValueError: If there is no such benchmark.
    """
    if name not in BENCHMARKS:
        raise ValueError(f'benchmark must be one of {list(BENCHMARKS)}, got {name!r}')
    return BENCHMARKS[name]
