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
    """TrackEval's data set of files that are read and checked here, which is faster.

    What it does with the content is its own code. Folders are absolute.
    FileNotFoundError if a file is missing, ValueError if there is no sequence, or one
    has more than a million frames.
    """

    def __init__(
        self,
        gt_dir: Path,
        results_dir: Path,
        seq_lengths: Mapping[str, int],
        benchmark: MOTSBenchmark,
    ) -> None:
        # The parent's looks for files and knows two classes.
        self.class_name_to_class_id = benchmark.class_ids
        self.seq_lengths, self._benchmark = seq_lengths, benchmark
        self._gt_dir, self._paths = gt_dir, {}
        if not seq_lengths:
            raise ValueError(f'{gt_dir}: no sequence is to be evaluated')
        for name, length in seq_lengths.items():
            if length > MAX_FRAMES:  # one stray number would fill the memory
                where = f'sequence {name} of {gt_dir} and {results_dir}'
                text = f'{length} frames, no more than {MAX_FRAMES} are evaluated'
                raise ValueError(f'{where}: {text}')
            truth = gt_dir / benchmark.gt_file.format(seq=name)
            self._paths[name] = truth, results_dir / f'{name}.txt'
            for path, what in zip(self._paths[name], ('ground truth', 'results')):
                if path.is_file():
                    continue
                words, pictures = f'no {what} for sequence {name}', path.with_suffix('')
                if any(pictures.glob('*.png')):
                    script = 'tools/dataset_converters/convert_masks.py'
                    words += f'; {script} makes it of the pictures in {pictures}'
                raise FileNotFoundError(f'{path}: {words}')

    def read(self, seq: str) -> tuple[list[MOTSObject], list[MOTSObject]]:
        """Ground truth and results of a sequence; ValueError names a bad file."""
        gt_path, path = self._paths[seq]
        rules = self._benchmark, self.seq_lengths[seq]
        gt = read_objects(gt_path, self._gt_dir, *rules)
        results = read_objects(path, path.parent, *rules, check_ids=False)
        if gt and results and gt[0][3:5] != results[0][3:5]:
            size, other = ('{} x {}'.format(*rows[0][3:5]) for rows in (results, gt))
            text = f'the masks have the size {size}, those of {gt_path} {other}'
            raise ValueError(f'{path}: {text}')
        return gt, results

    def preprocess(
        self, seq: str, gt: list[MOTSObject], results: list[MOTSObject]
    ) -> dict[str, dict]:
        """TrackEval's data of each class, without results in ignore regions."""
        # Ids are only told apart, but TrackEval makes tables up to the largest one.
        ids = {i: n for n, i in enumerate(sorted({obj.track_id for obj in results}))}
        results = [obj._replace(track_id=ids[obj.track_id]) for obj in results]
        truths = [obj for obj in gt if obj.class_id != IGNORE_CLASS_ID]
        ignored = [obj for obj in gt if obj.class_id == IGNORE_CLASS_ID]
        length = self.seq_lengths[seq]
        data = dict(num_timesteps=length, seq=seq)
        for kind, objects in (('gt', truths), ('tracker', results)):
            frames = _by_frame(objects, length)
            data[f'{kind}_dets'] = [_rles(frame) for frame in frames]
            for key, field in (('ids', 'track_id'), ('classes', 'class_id')):
                values = ([getattr(obj, field) for obj in frame] for frame in frames)
                data[f'{kind}_{key}'] = [np.array(row, dtype=int) for row in values]
        data['gt_ignore_region'] = [
            mask_utils.merge(_rles(frame), intersect=False)
            for frame in _by_frame(ignored, length)
        ]
        data['similarity_scores'] = [
            self._calculate_similarities(*masks)
            for masks in zip(data['gt_dets'], data['tracker_dets'])
        ]
        return {
            name: self.get_preprocessed_seq_data(data, name)
            for name in self.class_name_to_class_id
        }


def find_oddities(
    gt: list[MOTSObject], results: list[MOTSObject], benchmark: MOTSBenchmark
) -> list[str]:
    """What is rarely meant: an identity of two classes, a first frame that is late."""
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

    The objects get the class numbers of the benchmark, negative ones for others.
    ValueError if the file breaks the format, or has no class of the benchmark.
    """
    labels = labels_of(folder)
    if labels and all(find_name(name, labels) is None for name in benchmark.classes):
        text = f'{path}: its labels.txt names {", ".join(labels)}, and evaluated are '
        raise ValueError(text + ', '.join(benchmark.classes))
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


def _by_frame(objects: Sequence[MOTSObject], length: int) -> list[list[MOTSObject]]:
    frames = [[] for _ in range(length)]
    for obj in objects:
        frames[obj.frame_id].append(obj)
    return frames
