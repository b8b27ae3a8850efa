# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import trackeval
from pycocotools import mask as mask_utils

from mmwsmots.evaluation.benchmarks import MOTSBenchmark
from mmwsmots.evaluation.sequence_pairs import read_objects
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject


class ParsedKittiMOTS(trackeval.datasets.KittiMOTS):
    """TrackEval's data set of files that are read and checked here.

    TrackEval would look for overlaps a second time, which takes longer than its
    metrics. What it does with the content is its own code.

    Args:
        gt_dir (Path): Absolute folder of ground truth.
        results_dir (Path): Absolute folder of results ``SSSS.txt``.
        seq_lengths (Mapping[str, int]): Number of frames of each sequence.
        benchmark (MOTSBenchmark): Names the ground truth's files and the classes;
            TrackEval's own list has two.

    Raises:
        FileNotFoundError: If a file is missing.
    """

    def __init__(
        self,
        gt_dir: Path,
        results_dir: Path,
        seq_lengths: Mapping[str, int],
        benchmark: MOTSBenchmark,
    ) -> None:
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
        """What TrackEval's metrics take, without its Evaluator, which writes files.

        Returns:
            dict[str, dict]: TrackEval's data of each class, without the results that
            lie in ignore regions.
        """
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
            f'{prefix}_dets': [[obj.coco_rle for obj in frame] for frame in frames],
            f'{prefix}_ids': [_column(frame, 'track_id') for frame in frames],
            f'{prefix}_classes': [_column(frame, 'class_id') for frame in frames],
        }
        if is_gt:
            data['gt_ignore_region'] = [
                mask_utils.merge([obj.coco_rle for obj in frame], intersect=False)
                for frame in ignored
            ]
        return data


def _column(objects: Sequence[MOTSObject], name: str) -> np.ndarray:
    return np.array([getattr(obj, name) for obj in objects], dtype=int)


def _check_exists(path: Path, words: str) -> None:
    if path.is_file():
        return
    pictures = path.with_suffix('')
    if any(pictures.glob('*.png')):
        words += (
            '; tools/dataset_converters/convert_masks.py makes it of the pictures in '
            f'{pictures}'
        )
    raise FileNotFoundError(f'{path}: {words}')
