# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import TypeVar

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmwsmots.fileio.classes import class_numbers
from mmwsmots.fileio.frame_reader import check_size
from mmwsmots.fileio.mots_track_ids import TrackNumbering
from mmwsmots.fileio.mots_txt import MOTSObject
from mmwsmots.fileio.rle import masks_to_rles
from mmwsmots.models.mot import MOTSNet

from .inference import frame_batch

T = TypeVar('T')


def read_ahead(items: Iterable[T], num_ahead: int = 4) -> Iterator[T]:
    """Compute up to ``num_ahead`` next items in a thread while the last one is in use.

    An error is raised where its item would be.
    """
    end = object()
    iterator = iter(items)
    with ThreadPoolExecutor(max_workers=1) as worker:
        waiting = deque(worker.submit(next, iterator, end) for _ in range(num_ahead))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(worker.submit(next, iterator, end))
            yield item


class VideoTracker:
    """Segments and tracks the objects of one video, of any length, frame by frame.

    Several videos may use one model, in turns or in threads.

    Args:
        model (:obj:`MOTSNet`): From :func:`init_mots_model`.
        video_length (int): Number of frames of the video, as far as known.

    Raises:
        ValueError: If the model has no tracker or no embeddings.

    Attributes:
        num_frames (int): Number of frames so far.
        class_ids (dict[str, int]): See :func:`mmwsmots.fileio.classes.class_numbers`.
    """

    def __init__(self, model: MOTSNet, video_length: int) -> None:
        is_mots = isinstance(model, MOTSNet)
        if not is_mots or not model.with_tracker or not model.with_track_head:
            raise ValueError(
                'the model is no MOTSNet, or has no tracker, or no track_head to embed '
                'for it'
            )
        self.class_ids = class_numbers(model.dataset_meta['classes'])
        self.model, self.video_length, self.num_frames = model, video_length, 0
        self._tracker, self._numbering = deepcopy(model.tracker), TrackNumbering()
        self._tracker.reset()
        self._size = None

    def track(self, frame: np.ndarray) -> list[MOTSObject]:
        """Process the next frame, BGR, (H, W, 3) uint8.

        Returns:
            list[MOTSObject]: Its objects, with masks at the frame's own size.

        Raises:
            ValueError: If it is no such frame, or has another size than the first.
        """
        return self.encode(self.predict(frame).pred_track_instances)

    @torch.no_grad()
    def predict(self, frame: np.ndarray) -> DetDataSample:
        """:meth:`track` without encoding the masks, see :meth:`MOTSNet.predict`."""
        batch = frame_batch(self.model, frame, self.num_frames, self.video_length)
        size = frame.shape[:2]
        check_size(f'frame {self.num_frames}', size, self._size or size)
        data = self.model.data_preprocessor(batch, False)
        (sample,) = self.model.predict(**data, tracker=self._tracker)
        self._size = size
        self.num_frames += 1
        return sample[0]

    def state_dict(self) -> dict:
        """What :meth:`load_state_dict` needs to go on, of bounded size."""
        tracker = self._tracker.state_dict()
        # Identities that left the window never come back.
        self._numbering.keep(tracker['memory'].get('ids', np.empty(0)).tolist())
        numbering = self._numbering.state_dict()
        return dict(num_frames=self.num_frames, tracker=tracker, numbering=numbering)

    def load_state_dict(self, state: dict) -> None:
        """Go on where another object with the same model was."""
        self.num_frames = state['num_frames']
        self._tracker.load_state_dict(state['tracker'])
        self._numbering.load_state_dict(state['numbering'])

    def encode(self, instances: InstanceData) -> list[MOTSObject]:
        """``pred_track_instances`` of the last frame as lines of KITTI MOTS text."""
        masks, objects = instances.masks.cpu().numpy(), []
        ids, labels = instances.instances_id.tolist(), instances.labels.tolist()
        classes = self.model.dataset_meta['classes']
        for identity, label, rle in zip(ids, labels, masks_to_rles(masks)):
            class_id = self.class_ids[classes[label]]
            place = self.num_frames - 1, self._numbering(class_id, identity), class_id
            objects.append(MOTSObject(*place, *masks.shape[1:], rle))
        return objects
