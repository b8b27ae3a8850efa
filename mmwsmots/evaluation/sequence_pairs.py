# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Ground truth and results of a sequence, as TrackEval's metrics take them."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mmwsmots.evaluation.benchmarks import BENCHMARKS, MOTSBenchmark
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
    benchmark: MOTSBenchmark = BENCHMARKS['kitti_mots'],
) -> 'ParsedKittiMOTS':
    """TrackEval's data set of files that must all be there.

    Args:
        gt_dir (Path): Absolute folder of ground truth ``SSSS.txt``.
        results_dir (Path): Absolute folder of results ``SSSS.txt``.
        seq_lengths (Mapping[str, int]): Number of frames of each sequence.
        benchmark (MOTSBenchmark): Names the ground truth's files and the classes.

    Raises:
        FileNotFoundError: If a file is missing.
        ModuleNotFoundError: If TrackEval is not installed.
    """
    import_trackeval()
    from mmwsmots.evaluation.parsed_kitti_mots import ParsedKittiMOTS

    for name in seq_lengths:
        gt_path = benchmark.gt_path(gt_dir, name)
        for path, what in (
            (gt_path, 'ground truth'),
            (results_dir / f'{name}.txt', 'results'),
        ):
            if not path.is_file():
                hint = ''
                if path.with_suffix('').is_dir():
                    hint = (
                        f'; tools/dataset_converters/convert_masks.py makes it of the '
                        f'pictures in {path.with_suffix("")}'
                    )
                raise FileNotFoundError(f'{path}: no {what} for sequence {name}{hint}')
    return ParsedKittiMOTS(
        dict(
            GT_FOLDER=str(gt_dir),
            GT_LOC_FORMAT='{gt_folder}/' + benchmark.gt_file,
            TRACKERS_FOLDER=str(results_dir.parent),
            TRACKERS_TO_EVAL=[results_dir.name],
            TRACKER_SUB_FOLDER='',
            PRINT_CONFIG=False,
        ),
        seq_lengths,
        benchmark.class_ids,
    )


def read_pair(
    gt_dir: Path,
    results_dir: Path,
    name: str,
    length: int,
    benchmark: MOTSBenchmark = BENCHMARKS['kitti_mots'],
) -> tuple[list[MOTSObject], list[MOTSObject]]:
    """Read and check ground truth and results of a sequence of ``length`` frames.

    Raises:
        ValueError: If a file breaks the format, or does not fit the sequence or the
            other file.
    """
    paths = [benchmark.gt_path(gt_dir, name), results_dir / f'{name}.txt']
    gt = read_objects(paths[0], gt_dir, benchmark, length)
    results = read_objects(paths[1], results_dir, benchmark, length, check_ids=False)
    if gt and results and gt[0][3:5] != results[0][3:5]:
        raise ValueError(
            f'{paths[1]}: the masks have the size {results[0].height} x '
            f'{results[0].width}, those of {paths[0]} {gt[0].height} x {gt[0].width}'
        )
    return gt, results


def find_oddities(
    gt: list[MOTSObject], results: list[MOTSObject], benchmark: MOTSBenchmark
) -> list[str]:
    """Find what can be evaluated, but is rarely meant.

    Args:
        gt (list[MOTSObject]): Ground truth of a sequence, from :func:`read_pair`.
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
    """Read a text file, whose classes a labels.txt may name, by the classes' names.

    Args:
        path (Path): The file.
        folder (Path): Where ``labels.txt`` is looked for.
        benchmark (MOTSBenchmark): Names the classes and the first frame.
        num_frames (int, optional): See :func:`read_mots_txt`.
        check_ids (bool): See :func:`read_mots_txt`.

    Returns:
        list[MOTSObject]: The objects with the class numbers of the benchmark; those of
        classes that it does not have are negative.

    Raises:
        ValueError: If the file breaks the format or has a class without a name.
    """
    numbers = class_numbers(benchmark.classes, labels_of(folder))
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


def preprocess(
    dataset: 'ParsedKittiMOTS',
    seq: str,
    gt: list[MOTSObject],
    results: list[MOTSObject],
) -> dict[str, dict]:
    """What TrackEval's metrics take, without its Evaluator, which writes files.

    Args:
        dataset (ParsedKittiMOTS): From :func:`open_dataset`.
        seq (str): The sequence.
        gt (list[MOTSObject]): Its ground truth.
        results (list[MOTSObject]): What was found, disjoint in each frame.

    Returns:
        dict[str, dict]: TrackEval's data of each class, without the results that lie in
        ignore regions.
    """
    # Ids are only told apart, but TrackEval makes tables up to the largest one.
    numbers = {i: n for n, i in enumerate(sorted({obj.track_id for obj in results}))}
    results = [obj._replace(track_id=numbers[obj.track_id]) for obj in results]
    dataset.set_sequence(gt, results)
    raw_data = dataset.get_raw_seq_data('', seq)
    return {
        name: dataset.get_preprocessed_seq_data(raw_data, name)
        for name in dataset.class_list
    }
