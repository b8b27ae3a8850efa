# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import torch
from mmengine.structures import InstanceData

from mmwsmots.apis.inference import frame_batch
from mmwsmots.fileio.mots_track_ids import TrackNumbering
from mmwsmots.fileio.mots_txt import CLASS_IDS, MOTSObject
from mmwsmots.fileio.rle import masks_to_rles
from mmwsmots.models.mot import MOTSNet


class VideoTracker:
    """Segments and tracks the objects of one video, frame by frame.

    Nothing is kept of a frame but what the window of the model's tracker needs.

    Args:
        model (:obj:`MOTSNet`): From :func:`init_mots_model`. Its tracker's memory
            belongs to this video from the first frame on.
        video_length (int): Number of frames of the video, as far as known.

    Raises:
        ValueError: If the model has a class that is not of KITTI MOTS, whose text
            files have no number for it.

    Attributes:
        num_frames (int): Number of frames so far.
    """

    def __init__(self, model: MOTSNet, video_length: int) -> None:
        classes = model.dataset_meta['classes']
        unknown = [name for name in classes if name not in CLASS_IDS]
        if unknown:
            raise ValueError(
                f'the model has the class {", ".join(unknown)}; only '
                f'{", ".join(CLASS_IDS)} can be written as KITTI MOTS text'
            )
        self._class_ids = [CLASS_IDS[name] for name in classes]
        self.model = model
        self.video_length = video_length
        self.num_frames = 0
        self._numbering = TrackNumbering()

    @torch.no_grad()
    def track(self, frame: np.ndarray) -> list[MOTSObject]:
        """Process the next frame.

        Args:
            frame (ndarray): BGR, (H, W, 3) uint8.

        Returns:
            list[MOTSObject]: Its objects, with masks at the frame's own size.
        """
        batch = frame_batch(self.model, frame, self.num_frames, self.video_length)
        (sample,) = self.model.test_step(batch)
        objects = self._encode(sample[0].pred_track_instances)
        self.num_frames += 1
        return objects

    def state_dict(self) -> dict:
        """What :meth:`load_state_dict` needs to go on after the last frame.

        Returns:
            dict: Tensors and plain data, of a size that the window bounds.
        """
        tracker = self.model.tracker.state_dict()
        # Identities that left the window never come back.
        self._numbering.keep(tracker['memory'].get('ids', np.empty(0)).tolist())
        return dict(
            num_frames=self.num_frames,
            tracker=tracker,
            numbering=self._numbering.state_dict(),
        )

    def load_state_dict(self, state: dict) -> None:
        """Go on where another object with the same model was.

        Args:
            state (dict): From :meth:`state_dict`.
        """
        self.num_frames = state['num_frames']
        self.model.tracker.load_state_dict(state['tracker'])
        self._numbering.load_state_dict(state['numbering'])

    def _encode(self, instances: InstanceData) -> list[MOTSObject]:
        """The objects of a frame as lines of a KITTI MOTS text file."""
        masks = instances.masks.cpu().numpy()
        rles = masks_to_rles(masks)
        objects = []
        for identity, label, rle in zip(
            instances.instances_id.tolist(), instances.labels.tolist(), rles
        ):
            class_id = self._class_ids[label]
            track_id = self._numbering(class_id, identity)
            objects.append(
                MOTSObject(self.num_frames, track_id, class_id, *masks.shape[1:], rle)
            )
        return objects
