# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Mapping, Sequence

import numpy as np
import trackeval
from pycocotools import mask as mask_utils

from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject


class ParsedKittiMOTS(trackeval.datasets.KittiMOTS):
    """TrackEval's data set on objects that were read and checked before.

    TrackEval would read the files and look for overlaps a second time, which takes
    longer than its metrics. What it does with the content is its own code.

    Args:
        config (dict): TrackEval's config of the data set.
        num_frames (Mapping[str, int]): Length of each sequence.
        class_ids (Mapping[str, int]): Number of each class to evaluate; TrackEval's own
            list has two.
    """

    def __init__(
        self,
        config: dict,
        num_frames: Mapping[str, int],
        class_ids: Mapping[str, int],
    ) -> None:
        super().__init__(dict(config, SEQ_INFO=dict(num_frames)))
        self.class_list = list(class_ids)
        self.class_name_to_class_id = dict(class_ids)
        self._gt, self._results = (), ()

    def set_sequence(
        self, gt: Sequence[MOTSObject], results: Sequence[MOTSObject]
    ) -> None:
        """Take ground truth and disjoint results of the next sequence."""
        self._gt, self._results = gt, results

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
