# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Ground truth and results of a sequence, as TrackEval's metrics take them."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mmwsmots.evaluation.benchmarks import MOTSBenchmark
from mmwsmots.fileio.class_names import find_name
from mmwsmots.fileio.class_numbers import class_numbers, labels_of
from mmwsmots.fileio.mots_track_ids import find_class_change
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject, read_mots_txt

if TYPE_CHECKING:
    from mmwsmots.evaluation.parsed_kitti_mots import ParsedKittiMOTS

# A match needs IoU >= 0.5 in TrackEval, IoU > 0.5 in mots_tools. IoUs are ratios of
# pixel counts: nothing but 0.5 itself lies within 1e-9 of it.
IOU_THRESHOLDS = {'trackeval': 0.5, 'mots_tools': 0.5 + 1e-9}


def iou_threshold(protocol: str) -> float:
    """Mask IoU that a match needs, at least, by 'trackeval' or 'mots_tools'.

    Raises:
        ValueError: If there is no such protocol.
    """
    if protocol not in IOU_THRESHOLDS:
        raise ValueError(
            f'protocol must be one of {list(IOU_THRESHOLDS)}, got {protocol!r}'
        )
    return IOU_THRESHOLDS[protocol]


def import_trackeval() -> ModuleType:
    """TrackEval, which only evaluation needs: it asks for NumPy 2, as not all do.

    Raises:
        ModuleNotFoundError: If it is not installed; the message says how to do it.
    """
    try:
        import trackeval
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'evaluation needs TrackEval: pip install trackeval; where NumPy shall stay '
            'below 2: pip install --no-deps trackeval',
            name=error.name,
        ) from error
    return trackeval


def open_dataset(
    gt_dir: Path,
    results_dir: Path,
    seq_lengths: Mapping[str, int],
    benchmark: MOTSBenchmark,
) -> 'ParsedKittiMOTS':
    """:class:`ParsedKittiMOTS`, which needs TrackEval."""
    import_trackeval()
    from mmwsmots.evaluation.parsed_kitti_mots import ParsedKittiMOTS

    return ParsedKittiMOTS(gt_dir, results_dir, seq_lengths, benchmark)


def find_oddities(
    gt: list[MOTSObject], results: list[MOTSObject], benchmark: MOTSBenchmark
) -> list[str]:
    """Find what can be evaluated, but is rarely meant.

    Args:
        gt (list[MOTSObject]): Ground truth of a sequence.
        results (list[MOTSObject]): Its results.
        benchmark (MOTSBenchmark): Names the classes and the first frame.

    Returns:
        list[str]: An identity that changes its class, and a first frame later than
        that of the ground truth, in words.
    """
    notices, first_frame = [], benchmark.first_frame
    names = {number: name for name, number in benchmark.class_ids.items()}
    change = find_class_change(
        (obj.frame_id + first_frame, obj.track_id, names[obj.class_id])
        for obj in results
        if obj.class_id in names
    )
    if change:
        notices.append(f'{change}; each class is evaluated for itself')
    start = min((obj.frame_id for obj in results), default=0)
    truth = min((obj.frame_id for obj in gt), default=start)
    if truth < start:
        notices.append(
            f'its first frame is {start + first_frame}, that of the ground truth '
            f'{truth + first_frame}; its frames are taken as counted from {first_frame}'
        )
    return notices


def read_objects(
    path: Path,
    folder: Path,
    benchmark: MOTSBenchmark,
    num_frames: int | None = None,
    check_ids: bool = True,
) -> list[MOTSObject]:
    """Read a text file, whose classes ``folder/labels.txt`` may name, by these names.

    Args:
        path, num_frames, check_ids: See :func:`read_mots_txt`.
        folder (Path): Where ``labels.txt`` is looked for.
        benchmark (MOTSBenchmark): Names the classes and the first frame.

    Returns:
        list[MOTSObject]: The objects with the class numbers of the benchmark; those of
        classes that it does not have are negative.

    Raises:
        ValueError: If the file breaks the format, has a class without a name, or none
            of the benchmark's.
    """
    labels = labels_of(folder)
    if labels and all(find_name(name, labels) is None for name in benchmark.classes):
        raise ValueError(
            f'{path}: its labels.txt names {", ".join(labels)}, and evaluated are '
            f'{", ".join(benchmark.classes)}'
        )
    numbers = class_numbers(benchmark.classes, labels)
    objects = read_mots_txt(
        path,
        check_ids=check_ids,
        first_frame=benchmark.first_frame,
        class_ids=(*numbers.values(), IGNORE_CLASS_ID),
        num_frames=num_frames,
    )
    own = benchmark.class_ids
    ids = {
        number: own.get(find_name(name, own), -number)
        for name, number in numbers.items()
    }
    ids[IGNORE_CLASS_ID] = IGNORE_CLASS_ID
    if all(number == own_id for number, own_id in ids.items()):
        return objects
    return [obj._replace(class_id=ids[obj.class_id]) for obj in objects]
