# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.classes import class_numbers, find_name
from mmwsmots.fileio.mots_track_ids import mots_track_ids
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID, MOTSObject
from mmwsmots.fileio.rle import mask_to_rle
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.models.mot import MOTSNet
from mmwsmots.models.utils.roi_grid import pixel_edges

from .inference import segment_instances


class Problem(NamedTuple):
    """A box, at its place in its file, or a frame (where '') that could not be done."""

    frame_id: int
    where: str
    reason: str


class FrameLabels(NamedTuple):
    """Masks of one frame, and what could not be done."""

    objects: list[MOTSObject]  # with masks, disjoint, then the ignore region if any
    scores: list[float]  # confidence of each object's mask, in [0, 1]
    problems: list[Problem]


class BoxLabeler:
    """Makes the masks of a video whose boxes are known.

    Args:
        model (:obj:`BoxMasker` | :obj:`MOTSNet`): For boxes of any classes, or of its.
        boxes (Iterable[TrackedBox]): Ignored ones become ignore regions.
        size (tuple[int, int]): Height and width of the frames in pixels.
        known_classes (Sequence[str]): See :func:`class_numbers`.

    Raises:
        ValueError: If a box is of a class that a :class:`MOTSNet` does not know.

    Attributes:
        class_ids (dict[str, int]): Number of each class in the files.
        track_ids (dict[tuple[int, int], int]): See :func:`mots_track_ids`.
    """

    def __init__(
        self,
        model: MOTSNet | BoxMasker,
        boxes: Iterable[TrackedBox],
        size: tuple[int, int],
        known_classes: Sequence[str] = (),
    ) -> None:
        self.model, self.size, boxes = model, size, list(boxes)
        names = [box.class_name for box in boxes if not box.is_ignored]
        self.class_ids = class_numbers(names, known_classes)
        # A later video may write a name in another case.
        self._class_ids = {
            name: self.class_ids[find_name(name, self.class_ids)] for name in names
        }
        self._labels = dict.fromkeys(names, 0)  # no masker takes notice of them
        if isinstance(model, MOTSNet):
            classes = model.dataset_meta['classes']
            self._labels = {name: label for label, name in enumerate(classes)}
            if unknown := sorted(set(names) - set(classes)):
                text = f'boxes of the class {unknown[0]}; the model knows '
                raise ValueError(text + ', '.join(classes))
        self._boxes, self._ignored = defaultdict(list), defaultdict(list)
        for box in boxes:
            (self._ignored if box.is_ignored else self._boxes)[box.frame_id].append(box)
        self.track_ids = mots_track_ids(
            self._key(box) for boxes in self._boxes.values() for box in boxes
        )

    def _key(self, box: TrackedBox) -> tuple[int, int]:
        return self._class_ids[box.class_name], box.track_id

    def boxes(self, frame_id: int) -> dict[int, TrackedBox]:
        """The boxes of a frame that lie at least partly in it, by KITTI MOTS id."""
        return {
            self.track_ids[self._key(box)]: box
            for box in self._boxes.get(frame_id, ())
            if box.clipped(*self.size) is not None
        }

    def label(self, frame_id: int, frame: np.ndarray | None) -> FrameLabels:
        """Segment the boxes of a frame, BGR, (H, W, 3) uint8.

        All of an unreadable one, None, is an ignore region.
        """
        wanted = self._boxes.get(frame_id, ())
        if frame is None:
            reason = 'the frame cannot be read'
            problems = [Problem(frame_id, box.where, reason) for box in wanted]
            reason += ', or has another size than the first'
            region = self._region(frame_id, np.ones(self.size, dtype=bool))
            return FrameLabels(region, [], [Problem(frame_id, '', reason), *problems])
        boxes = self.boxes(frame_id)
        problems = [
            Problem(frame_id, box.where, box.outside_text(*self.size))
            for box in wanted
            if box.clipped(*self.size) is None
        ]
        bboxes = np.reshape([box.bbox for box in boxes.values()], (-1, 4))
        labels = [self._labels[box.class_name] for box in boxes.values()]
        found = segment_instances(self.model, frame, bboxes, np.array(labels, int))
        masks, objects, scores = found.masks.cpu().numpy(), [], []
        rows = zip(boxes.items(), masks, found.scores.tolist())
        for (track_id, box), mask, score in rows:
            if not mask.any():
                problems.append(Problem(frame_id, box.where, 'its mask is empty'))
                continue
            class_id, rle = self._class_ids[box.class_name], mask_to_rle(mask)
            objects.append(MOTSObject(frame_id, track_id, class_id, *self.size, rle))
            scores.append(score)
        region = np.zeros(self.size, dtype=bool)
        ignored = torch.tensor([box.bbox for box in self._ignored.get(frame_id, ())])
        for x1, y1, x2, y2 in pixel_edges(ignored.float().reshape(-1, 4), *self.size):
            region[y1:y2, x1:x2] = True
        region &= ~masks.any(axis=0)
        return FrameLabels(objects + self._region(frame_id, region), scores, problems)

    def missing(self, num_frames: int) -> list[Problem]:
        """The boxes of frames that a video of ``num_frames`` frames does not have."""
        reason = f'there is no such frame, the video has {num_frames}'
        return [
            Problem(frame_id, box.where, reason)
            for frame_id in sorted(self._boxes)
            if not 0 <= frame_id < num_frames
            for box in self._boxes[frame_id]
        ]

    def _region(self, frame_id: int, mask: np.ndarray) -> list[MOTSObject]:
        """The ignore region of a frame, if any."""
        if not mask.any():
            return []
        fields = 1000 * IGNORE_CLASS_ID, IGNORE_CLASS_ID, *self.size
        return [MOTSObject(frame_id, *fields, mask_to_rle(mask))]
