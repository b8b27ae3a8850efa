# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Which objects of which frames are the counts of the CLEAR metrics."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from mmwsmots.evaluation.benchmarks import get_benchmark, iou_threshold
from mmwsmots.evaluation.parsed_kitti_mots import ParsedKittiMOTS
from mmwsmots.fileio.mots_txt import MOTSObject


class Match(NamedTuple):
    """A true positive.

    Attributes:
        gt (MOTSObject): What was to be found.
        result (MOTSObject): What was found.
        iou (float): Of their masks.
        switched_from (int | None): If this is an identity switch, the id that the
            result of the previous match of this ground truth track had.
    """

    gt: MOTSObject
    result: MOTSObject
    iou: float
    switched_from: int | None


class FrameErrors(NamedTuple):
    """What CLEAR counts in one frame, objects of all classes together.

    Attributes:
        frame_id (int): Number of the frame.
        matches (list[Match]): True positives, identity switches among them.
        false_positives (list[MOTSObject]): Results without a match.
        misses (list[MOTSObject]): Ground truth without a match: false negatives.
        ignored (list[MOTSObject]): Results in ignore regions, which do not count.
    """

    frame_id: int
    matches: list[Match]
    false_positives: list[MOTSObject]
    misses: list[MOTSObject]
    ignored: list[MOTSObject]

    def count(self, class_id: int | None = None) -> dict[str, int]:
        """Count as CLEAR does.

        Args:
            class_id (int, optional): Class to count; None counts all.

        Returns:
            dict[str, int]: TP, FP, FN and IDS.
        """
        any_class = class_id is None

        def of_class(objects: Iterable[MOTSObject]) -> int:
            return sum(any_class or obj.class_id == class_id for obj in objects)

        matches = [
            match
            for match in self.matches
            if any_class or match.gt.class_id == class_id
        ]
        return dict(
            TP=len(matches),
            FP=of_class(self.false_positives),
            FN=of_class(self.misses),
            IDS=sum(match.switched_from is not None for match in matches),
        )


def find_errors(
    gt_dir: str | Path,
    results_dir: str | Path,
    name: str,
    length: int,
    protocol: str = 'trackeval',
    benchmark: str = 'kitti_mots',
    classes: Sequence[str] | None = None,
) -> list[FrameErrors]:
    """Sort the objects of a sequence into what CLEAR counts them as.

    TrackEval tells the counts, not the objects. This is its assignment: in each
    frame as many pairs of the previous frame as possible are kept, then the sum of
    IoUs is maximised.

    Args:
        gt_dir (str | Path): Folder of ground truth ``SSSS.txt``.
        results_dir (str | Path): Folder of results ``SSSS.txt``.
        name (str): The sequence.
        length (int): Its number of frames.
        protocol (str): See :func:`mmwsmots.evaluation.evaluate_mots`.
        benchmark (str): See :func:`mmwsmots.evaluation.evaluate_mots`.
        classes (Sequence[str], optional): See
            :func:`mmwsmots.evaluation.evaluate_mots`.

    Returns:
        list[FrameErrors]: Frame by frame.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file breaks the format or does not fit the sequence.
    """
    gt_dir, results_dir = Path(gt_dir).resolve(), Path(results_dir).resolve()
    threshold = iou_threshold(protocol)
    rules = get_benchmark(benchmark, gt_dir, classes)
    dataset = ParsedKittiMOTS(gt_dir, results_dir, {name: length}, rules)
    gt, results = dataset.read(name)
    frames = [FrameErrors(number, [], [], [], []) for number in range(length)]
    gt_of, result_of = _by_mask(gt), _by_mask(results)
    for class_name, data in dataset.preprocess(name, gt, results).items():
        class_id = rules.class_ids[class_name]
        last = {}  # result of the previous match of each ground truth track
        for t, (rows, columns) in enumerate(_assign(data, threshold)):
            truths = _take(gt_of, t, class_id, data['gt_dets'][t])
            found = _take(result_of, t, class_id, data['tracker_dets'][t])
            for row, column in zip(rows, columns):
                truth, result = truths[row], found[column]
                before = last.get(truth.track_id, result.track_id)
                switched_from = None if before == result.track_id else before
                last[truth.track_id] = result.track_id
                iou = float(data['similarity_scores'][t][row, column])
                frames[t].matches.append(Match(truth, result, iou, switched_from))
            frames[t].misses.extend(_rest(truths, rows))
            frames[t].false_positives.extend(_rest(found, columns))
    class_ids = rules.class_ids.values()
    for (t, class_id, _), objects in result_of.items():
        if class_id in class_ids:
            frames[t].ignored.extend(objects)
    return frames


def _assign(data: dict, threshold: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices of matched ground truth and results of each frame, as CLEAR has them.

    Args:
        data (dict): TrackEval's data of a class.
        threshold (float): Smallest IoU of a match.

    Yields:
        tuple[ndarray, ndarray]: Rows and columns of the frame's IoUs.
    """
    none = np.zeros(0, dtype=int)
    epsilon = np.finfo(float).eps
    previous = np.full(data['num_gt_ids'], -1)  # result of each gt track
    for gt_ids, ids, ious in zip(
        data['gt_ids'], data['tracker_ids'], data['similarity_scores']
    ):
        if len(gt_ids) == 0 or len(ids) == 0:
            yield none, none  # TrackEval does not forget the pairs here
            continue
        scores = 1000 * (ids[None] == previous[gt_ids, None]) + ious
        scores[ious < threshold - epsilon] = 0
        rows, columns = linear_sum_assignment(-scores)
        is_match = scores[rows, columns] > epsilon
        rows, columns = rows[is_match], columns[is_match]
        previous[:] = -1
        previous[gt_ids[rows]] = ids[columns]
        yield rows, columns


def _by_mask(objects: Sequence[MOTSObject]) -> dict[tuple, list[MOTSObject]]:
    """Objects by frame, class and mask; only empty masks can be equal."""
    groups = defaultdict(list)
    for obj in objects:
        groups[obj.frame_id, obj.class_id, obj.rle].append(obj)
    return groups


def _take(
    groups: dict, frame_id: int, class_id: int, rles: Sequence[dict]
) -> list[MOTSObject]:
    """Take the objects of TrackEval's masks, in its order."""
    return [
        groups[frame_id, class_id, rle['counts'].decode('ascii')].pop(0) for rle in rles
    ]


def _rest(objects: list[MOTSObject], indices: np.ndarray) -> list[MOTSObject]:
    """Objects without those at some indices."""
    taken = set(indices.tolist())
    return [obj for index, obj in enumerate(objects) if index not in taken]
