# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Ground truth and results of a sequence, as TrackEval's metrics take them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.evaluation.benchmarks import MOTSBenchmark
from mmwsmots.fileio.classes import class_numbers, find_name, labels_of
from mmwsmots.fileio.mots_track_ids import find_class_change
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject, read_mots_txt

try:  # only evaluation needs it: it asks for NumPy 2, as not all do
    import trackeval
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'evaluation needs TrackEval: pip install trackeval; where NumPy shall stay '
        'below 2: pip install --no-deps trackeval',
        name=error.name,
    ) from error


MAX_FRAMES = 10**6


class ParsedKittiMOTS(trackeval.datasets.KittiMOTS):
    """TrackEval's data set of files that are read and checked here.

    TrackEval would look for overlaps a second time, which takes longer than its
    metrics. What it does with the content is its own code.

    Folders are absolute. ``benchmark`` names the ground truth's files and the classes,
    of which TrackEval's own list has two.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a sequence has more than a million frames.
    """

    def __init__(
        self,
        gt_dir: Path,
        results_dir: Path,
        seq_lengths: Mapping[str, int],
        benchmark: MOTSBenchmark,
    ) -> None:
        for name, length in seq_lengths.items():
            if length > MAX_FRAMES:  # one stray number would fill the memory
                raise ValueError(
                    f'sequence {name} of {gt_dir} and {results_dir}: {length} frames, '
                    f'no more than {MAX_FRAMES} are evaluated'
                )
        self._folders, self._benchmark = (gt_dir, results_dir), benchmark
        self._paths = {
            name: (benchmark.gt_path(gt_dir, name), results_dir / f'{name}.txt')
            for name in seq_lengths
        }
        for name, paths in self._paths.items():
            for path, what in zip(paths, ('ground truth', 'results')):
                _check_exists(path, f'no {what} for sequence {name}')
        super().__init__(
            dict(
                GT_FOLDER=str(gt_dir),
                GT_LOC_FORMAT='{gt_folder}/' + benchmark.gt_file,
                TRACKERS_FOLDER=str(results_dir.parent),
                TRACKERS_TO_EVAL=[results_dir.name],
                TRACKER_SUB_FOLDER='',
                PRINT_CONFIG=False,
                SEQ_INFO=dict(seq_lengths),
            )
        )
        self.class_name_to_class_id = benchmark.class_ids
        self.class_list = list(benchmark.class_ids)

    def read(self, seq: str) -> tuple[list[MOTSObject], list[MOTSObject]]:
        """Read and check ground truth and results of a sequence.

        Raises:
            ValueError: If a file breaks the format, or does not fit the sequence or the
                other file.
        """
        gt, results = (
            read_objects(path, folder, self._benchmark, self.seq_lengths[seq], is_gt)
            for path, folder, is_gt in zip(
                self._paths[seq], self._folders, (True, False)
            )
        )
        if gt and results and gt[0][3:5] != results[0][3:5]:
            gt_path, path = self._paths[seq]
            raise ValueError(
                f'{path}: the masks have the size {results[0].height} x '
                f'{results[0].width}, those of {gt_path} {gt[0].height} x {gt[0].width}'
            )
        return gt, results

    def preprocess(
        self, seq: str, gt: list[MOTSObject], results: list[MOTSObject]
    ) -> dict[str, dict]:
        """TrackEval's data of each class, without results in ignore regions."""
        # Ids are only told apart, but TrackEval makes tables up to the largest one.
        ids = {i: n for n, i in enumerate(sorted({obj.track_id for obj in results}))}
        self._gt = gt
        self._results = [obj._replace(track_id=ids[obj.track_id]) for obj in results]
        data = self.get_raw_seq_data('', seq)
        return {
            name: self.get_preprocessed_seq_data(data, name) for name in self.class_list
        }

    def _load_raw_file(self, tracker: str, seq: str, is_gt: bool) -> dict:
        """The parent's dictionary of one of the two files of a sequence."""
        frames = [[] for _ in range(self.seq_lengths[seq])]
        ignored = [[] for _ in frames]
        for obj in self._gt if is_gt else self._results:
            is_ignored = is_gt and obj.class_id == IGNORE_CLASS_ID
            (ignored if is_ignored else frames)[obj.frame_id].append(obj)
        prefix = 'gt' if is_gt else 'tracker'
        data = {
            'num_timesteps': len(frames),
            'seq': seq,
            f'{prefix}_dets': [_rles(frame) for frame in frames],
            f'{prefix}_ids': [_column(frame, 'track_id') for frame in frames],
            f'{prefix}_classes': [_column(frame, 'class_id') for frame in frames],
        }
        if is_gt:
            data['gt_ignore_region'] = [
                mask_utils.merge(_rles(frame), intersect=False) for frame in ignored
            ]
        return data


def find_oddities(
    gt: list[MOTSObject], results: list[MOTSObject], benchmark: MOTSBenchmark
) -> list[str]:
    """What of ground truth and results of a sequence is rarely meant, in words.

    It is an identity that changes its class, and a first frame later than that of the
    ground truth.
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
    """:func:`read_mots_txt` by the names of classes in ``folder/labels.txt``.

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
    numbers, own = class_numbers(benchmark.classes, labels), benchmark.class_ids
    ids = {IGNORE_CLASS_ID: IGNORE_CLASS_ID}
    for name, number in numbers.items():
        ids[number] = own.get(find_name(name, own), -number)
    objects = read_mots_txt(
        path,
        check_ids=check_ids,
        first_frame=benchmark.first_frame,
        class_ids=(*numbers.values(), IGNORE_CLASS_ID),
        num_frames=num_frames,
    )
    return [obj._replace(class_id=ids[obj.class_id]) for obj in objects]


def _rles(objects: Sequence[MOTSObject]) -> list[dict]:
    return [obj.coco_rle for obj in objects]


def _column(objects: Sequence[MOTSObject], name: str) -> np.ndarray:
    return np.array([getattr(obj, name) for obj in objects], dtype=int)


def _check_exists(path: Path, words: str) -> None:
    pictures = path.with_suffix('')
    if any(pictures.glob('*.png')):
        words += (
            '; tools/dataset_converters/convert_masks.py makes it of the pictures in '
            f'{pictures}'
        )
    if not path.is_file():
        raise FileNotFoundError(f'{path}: {words}')
