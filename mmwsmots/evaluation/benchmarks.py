# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmwsmots.fileio.class_names import check_class_names, find_name, suggest
from mmwsmots.fileio.class_numbers import LABELS_FILE, class_numbers, labels_of


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

    @property
    def class_ids(self) -> dict[str, int]:
        """dict[str, int]: Number of each class, where no labels.txt says otherwise."""
        numbers = class_numbers(self.classes)
        return {name: numbers[name] for name in self.classes}

    def gt_path(self, gt_dir: Path, name: str) -> Path:
        """The ground truth of a sequence."""
        return gt_dir / self.gt_file.format(seq=name)


BENCHMARKS = dict(
    kitti_mots=MOTSBenchmark(('car', 'pedestrian'), 0, '{seq}.txt'),
    mots20=MOTSBenchmark(('pedestrian',), 1, '{seq}/gt/gt.txt'),
)


def get_benchmark(
    name: str, gt_dir: str | Path | None = None, classes: Sequence[str] | None = None
) -> MOTSBenchmark:
    """Look up a benchmark.

    Args:
        name (str): 'kitti_mots' or 'mots20'.
        gt_dir (str | Path, optional): Folder of ground truth. If it has a labels.txt,
            the classes are those of this file.
        classes (Sequence[str], optional): Classes to evaluate in place of all of them.

    Raises:
        ValueError: If there is no such benchmark, or labels.txt lacks a class.
    """
    if name not in BENCHMARKS:
        raise ValueError(f'benchmark must be one of {list(BENCHMARKS)}, got {name!r}')
    known = () if gt_dir is None else labels_of(gt_dir)
    if classes is not None:
        classes = check_class_names(classes, 'classes')
        for class_name in classes if known else ():
            if find_name(class_name, known) is None:
                raise ValueError(
                    f"{LABELS_FILE} of {gt_dir}: there is no class '{class_name}'"
                    f'{suggest(class_name, known)} (there are {", ".join(known)})'
                )
    rules = BENCHMARKS[name]
    return rules._replace(classes=classes or known or rules.classes)
