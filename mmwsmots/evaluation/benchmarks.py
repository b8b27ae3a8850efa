# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmwsmots.fileio.classes import (
    LABELS_FILE,
    check_class_names,
    class_numbers,
    find_name,
    labels_of,
    suggest,
)

# A match needs IoU >= 0.5 in TrackEval, IoU > 0.5 in mots_tools. IoUs are ratios of
# pixel counts: nothing but 0.5 itself lies within 1e-9 of it.
IOU_THRESHOLDS = {'trackeval': 0.5, 'mots_tools': 0.5 + 1e-9}


class MOTSBenchmark(NamedTuple):
    """What a benchmark's files and classes are like; the rules are the same in all."""

    classes: tuple[str, ...]  # that are evaluated
    first_frame: int  # its number in text files
    gt_file: str  # ground truth of a sequence in the folder of ground truth

    @property
    def class_ids(self) -> dict[str, int]:
        """Number of each class, where no labels.txt says otherwise."""
        numbers = class_numbers(self.classes)
        return {name: numbers[name] for name in self.classes}


BENCHMARKS = dict(
    kitti_mots=MOTSBenchmark(('car', 'pedestrian'), 0, '{seq}.txt'),
    mots20=MOTSBenchmark(('pedestrian',), 1, '{seq}/gt/gt.txt'),
)


def get_benchmark(
    name: str, gt_dir: str | Path | None = None, classes: Sequence[str] | None = None
) -> MOTSBenchmark:
    """Look up a benchmark, 'kitti_mots' or 'mots20', and the classes to evaluate.

    They are ``classes``, or else those of a labels.txt in the folder of ground truth,
    or else the benchmark's. ValueError if labels.txt lacks one, or for another name.
    """
    if name not in BENCHMARKS:
        raise ValueError(f'benchmark must be one of {list(BENCHMARKS)}, got {name!r}')
    known = () if gt_dir is None else labels_of(gt_dir)
    if classes is not None:
        classes = check_class_names(classes, 'classes')
        for class_name in classes if known else ():
            if find_name(class_name, known) is None:
                text = f"{LABELS_FILE} of {gt_dir}: there is no class '{class_name}'"
                hint = f'{suggest(class_name, known)} (there are {", ".join(known)})'
                raise ValueError(text + hint)
    rules = BENCHMARKS[name]
    return rules._replace(classes=classes or known or rules.classes)


def iou_threshold(protocol: str) -> float:
    """Mask IoU that a match needs; ValueError if there is no such protocol."""
    if protocol not in (known := list(IOU_THRESHOLDS)):
        raise ValueError(f'protocol must be one of {known}, got {protocol!r}')
    return IOU_THRESHOLDS[protocol]
