# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import torch
from mmdet.models.task_modules.tracking import KalmanFilter, embed_similarity
from mmdet.models.trackers import BaseTracker
from mmdet.registry import MODELS
from mmdet.structures.bbox import (
    bbox_cxcyah_to_xyxy,
    bbox_overlaps,
    bbox_xyxy_to_cxcyah,
)
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def iou_cosine_similarity(
    bboxes1: Tensor, embeds1: Tensor, bboxes2: Tensor, embeds2: Tensor
) -> Tensor:
    r"""Similarity of detections by place and look (Ruiz et al. eq. 3).

    .. math::
        Sim(p, q) = IoU(b_p, b_q) \cdot \max(\cos(a_p, a_q), 0)

    Args:
        bboxes1 (Tensor): Boxes (x1, y1, x2, y2), shape (N, 4).
        embeds1 (Tensor): Embeddings, shape (N, D).
        bboxes2 (Tensor): Boxes, shape (M, 4).
        embeds2 (Tensor): Embeddings, shape (M, D).

    Returns:
        Tensor: Shape (N, M), in [0, 1]; 0 where an input is not a number.
    """
    with torch.autocast(bboxes1.device.type, enabled=False):
        cosines = embed_similarity(embeds1, embeds2, method='cosine')
        sims = bbox_overlaps(bboxes1, bboxes2) * cosines.clamp(min=0, max=1)
    return sims.nan_to_num(0)


@MODELS.register_module()
class IoUCosineTracker(BaseTracker):
    r"""Online tracker of boxes and embeddings over a temporal window.

    The detections of a frame are assigned to the tracks by the Hungarian
    algorithm on :math:`Cost = \max Sim - Sim` (Ruiz et al. eq. 4), see
    :func:`iou_cosine_similarity`. A link needs the same class and a similarity
    above ``match_sim_thr``; every other pair counts as similarity 0 in the
    assignment. The threshold and the class are this project's addition; without
    them the algorithm links whatever is left over.

    A track last seen f frames ago is a candidate if and only if f <=
    ``num_frames_retain``; older observations are forgotten, and so is a track
    without any. Frame numbers count, not calls: skipped frames age the memory,
    and so do frames without detections. Ids are 0, 1, ... in order of appearance
    and never reused within a video. Runs on saved detections, without a network,
    on the CPU.

    Args:
        num_frames_retain (int): Length of the window in frames. Defaults to 10.
        match_sim_thr (float): A link needs a similarity above it, in [0, 1).
            Defaults to 0.0.
        candidates (str): What of a track is compared. 'last': its last
            observation; 'window': the most similar one in the window. Defaults to
            'last'.
        motion (str): Where a track's box is expected. 'none': where it was
            observed, as in the paper; 'linear': its last two observations in the
            window extrapolated, each coordinate on its own; 'kalman': prediction
            of mmdet's :class:`KalmanFilter` with one step per frame. With
            'window', a track's observations then share the expected box and
            differ by embedding. Defaults to 'none'.

    Raises:
        ValueError: If an argument is none of the above.
    """

    def __init__(
        self,
        num_frames_retain: int = 10,
        match_sim_thr: float = 0.0,
        candidates: str = 'last',
        motion: str = 'none',
    ) -> None:
        if num_frames_retain < 1:
            raise ValueError(f'num_frames_retain must be >= 1, got {num_frames_retain}')
        if not 0 <= match_sim_thr < 1:
            raise ValueError(f'match_sim_thr must be in [0, 1), got {match_sim_thr}')
        if candidates not in ('last', 'window'):
            raise ValueError(
                f"candidates must be 'last' or 'window', got {candidates!r}"
            )
        if motion not in ('none', 'linear', 'kalman'):
            raise ValueError(
                f"motion must be 'none', 'linear' or 'kalman', got {motion!r}"
            )
        super().__init__(num_frames_retain=num_frames_retain)
        self.match_sim_thr = match_sim_thr
        self.candidates = candidates
        self.motion = motion
        self.kf = KalmanFilter()

    def reset(self) -> None:
        """Forget the video: all tracks, their ids and the frame number."""
        super().reset()
        self.last_frame_id = -1

    def track(self, pred_instances: InstanceData, frame_id: int) -> InstanceData:
        """Give the detections of the next frame their track ids.

        Args:
            pred_instances (:obj:`InstanceData`): N >= 0 detections with ``bboxes``
                (N, 4) as (x1, y1, x2, y2), ``labels`` (N, ) and ``embeds`` (N, D);
                other fields are left alone.
            frame_id (int): Number of the frame in its video. 0 starts a new video;
                otherwise it must exceed the last one. Call :meth:`reset` before a
                video that starts at another number.

        Returns:
            :obj:`InstanceData`: The same object, order kept, with
            ``instances_id`` (N, ), int64, no two alike.

        Raises:
            ValueError: If a field is missing or of a wrong shape, or the frame
                number does not increase. The memory is then unchanged.
        """
        bboxes, labels, embeds = self._check_fields(pred_instances)
        frame_id = int(frame_id)
        if frame_id == 0:
            self.reset()
        elif frame_id <= self.last_frame_id or frame_id < 0:
            raise ValueError(
                f'frame_id {frame_id} does not follow {self.last_frame_id}: frames '
                'must come in order, and a new video starts at 0 or after reset()'
            )
        self.last_frame_id = frame_id

        self.pop_invalid_tracks(frame_id - 1)  # frames may have been skipped
        ids = self.assign_ids(bboxes, labels, embeds, frame_id)
        is_new = ids < 0
        num_new = int(is_new.sum())
        ids[is_new] = torch.arange(self.num_tracks, self.num_tracks + num_new)
        self.num_tracks += num_new
        self.update(
            ids=ids, bboxes=bboxes, labels=labels, embeds=embeds, frame_ids=frame_id
        )
        pred_instances.instances_id = ids.to(pred_instances.labels.device)
        return pred_instances

    def assign_ids(
        self, bboxes: Tensor, labels: Tensor, embeds: Tensor, frame_id: int
    ) -> Tensor:
        """Match detections to tracks.

        Args:
            bboxes (Tensor): Shape (N, 4).
            labels (Tensor): Shape (N, ).
            embeds (Tensor): Shape (N, D).
            frame_id (int): Number of the frame.

        Returns:
            Tensor: Id of the linked track or -1, int64, shape (N, ).
        """
        ids = torch.full((len(bboxes),), -1, dtype=torch.long)
        if self.empty or len(bboxes) == 0:
            return ids
        tracks = list(self.tracks.values())
        recent = slice(-1, None) if self.candidates == 'last' else slice(None)
        counts = torch.tensor([len(track['embeds'][recent]) for track in tracks])
        owners = torch.arange(len(tracks)).repeat_interleave(counts)
        if self.motion == 'none':
            cand_bboxes = torch.cat([b for t in tracks for b in t['bboxes'][recent]])
        else:
            cand_bboxes = torch.cat([self.predict_bbox(t, frame_id) for t in tracks])
            cand_bboxes = cand_bboxes[owners]
        cand_embeds = torch.cat([e for t in tracks for e in t['embeds'][recent]])

        sims = iou_cosine_similarity(bboxes, embeds, cand_bboxes, cand_embeds)
        sims = sims.new_zeros((len(ids), len(tracks))).scatter_reduce(
            1, owners.expand(len(ids), -1), sims, 'amax'
        )
        track_labels = torch.cat([track['labels'][-1] for track in tracks])
        allowed = (labels[:, None] == track_labels) & (sims > self.match_sim_thr)
        sims = sims.double() * allowed
        rows, cols = linear_sum_assignment((sims.max() - sims).numpy())
        rows, cols = torch.from_numpy(rows), torch.from_numpy(cols)
        linked = allowed[rows, cols]
        ids[rows[linked]] = torch.tensor(self.ids)[cols[linked]]
        return ids

    def pop_invalid_tracks(self, frame_id: int) -> None:
        """Forget what no frame after ``frame_id`` can be compared with.

        Args:
            frame_id (int): Number of the frame that has been processed.
        """
        num_kept = self.num_frames_retain
        if self.candidates == 'last':
            num_kept = 2 if self.motion == 'linear' else 1
        for track_id, track in list(self.tracks.items()):
            ages = [frame_id - int(seen) for seen in track['frame_ids']]
            if ages[-1] >= self.num_frames_retain:
                self.tracks.pop(track_id)
                continue
            expired = sum(age >= self.num_frames_retain for age in ages)
            first = max(expired, len(ages) - num_kept)
            for item in self.memo_items:
                track[item] = track[item][first:]

    def init_track(self, id: int, obj: tuple[Tensor]) -> None:
        """Start a track, and its Kalman state, from a detection."""
        super().init_track(id, obj)
        if self.motion == 'kalman':
            track = self.tracks[id]
            track.mean, track.covariance = self.kf.initiate(self._measurement(track))
            track.state_frame_id = int(track['frame_ids'][-1])

    def update_track(self, id: int, obj: tuple[Tensor]) -> None:
        """Append a detection to a track and correct its Kalman state."""
        super().update_track(id, obj)
        if self.motion == 'kalman':
            track = self.tracks[id]
            track.mean, track.covariance = self.kf.update(
                track.mean, track.covariance, self._measurement(track)
            )

    def predict_bbox(self, track: dict, frame_id: int) -> Tensor:
        """Where the motion model expects a track.

        Args:
            track (dict): Memory of a track. A Kalman state is moved to the frame.
            frame_id (int): Number of a frame after its last observation.

        Returns:
            Tensor: Box, shape (1, 4).
        """
        if self.motion == 'kalman':
            for _ in range(frame_id - track.state_frame_id):
                track.mean, track.covariance = self.kf.predict(
                    track.mean, track.covariance
                )
            track.state_frame_id = frame_id
            return bbox_cxcyah_to_xyxy(torch.from_numpy(track.mean[None, :4]).float())
        bbox, last = track['bboxes'][-1], int(track['frame_ids'][-1])
        if len(track['bboxes']) == 1:
            return bbox
        step = last - int(track['frame_ids'][-2])
        return bbox + (bbox - track['bboxes'][-2]) * ((frame_id - last) / step)

    @staticmethod
    def _measurement(track: dict) -> np.ndarray:
        """Last box of a track as centre, aspect ratio and height."""
        return bbox_xyxy_to_cxcyah(track['bboxes'][-1].double())[0].numpy()

    @staticmethod
    def _check_fields(pred_instances: InstanceData) -> tuple[Tensor, Tensor, Tensor]:
        """Copies of boxes, labels and embeddings on the CPU, checked."""
        fields = []
        for name, ndim, dtype in (
            ('bboxes', 2, torch.float32),
            ('labels', 1, torch.int64),
            ('embeds', 2, torch.float32),
        ):
            if name not in pred_instances:
                raise ValueError(f"pred_instances has no field '{name}'")
            value = pred_instances[name]
            if value.ndim != ndim or (name == 'bboxes' and value.shape[1] != 4):
                raise ValueError(
                    f"field '{name}' of pred_instances has shape {tuple(value.shape)}, "
                    'needed are bboxes (N, 4), labels (N, ), embeds (N, D)'
                )
            # A copy: the caller may rescale its boxes in place.
            fields.append(value.detach().to('cpu', dtype, copy=True))
        return tuple(fields)
