# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox_overlaps
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ...compat import bbox_cxcyah_to_xyxy, bbox_xyxy_to_cxcyah, embed_similarity
from .batch_kalman_filter import BatchKalmanFilter

NEVER = -(2**62)  # frame number of a place without an observation
PAIRS_AT_ONCE = 40_000
STATES = ('means', 'covariances')  # of the Kalman filter, in the memory


def iou_cosine_similarity(
    bboxes1: Tensor, embeds1: Tensor, bboxes2: Tensor, embeds2: Tensor
) -> Tensor:
    r"""Similarity of detections by place and look (Ruiz et al. eq. 3).

    .. math::
        Sim(p, q) = IoU(b_p, b_q) \cdot \max(\cos(a_p, a_q), 0)

    Of boxes xyxy, (N, 4) and (M, 4), and embeddings (N, D) and (M, D), or (M, K, D), of
    whose K the most similar one counts: (N, M), in [0, 1]; NaN counts as 0.
    """
    with torch.autocast(bboxes1.device.type, enabled=False):
        cosines = embed_similarity(embeds1, embeds2.flatten(0, -2), method='cosine')
        cosines = cosines.clamp_(min=0, max=1).nan_to_num_(0)
        if embeds2.ndim == 3:
            cosines = cosines.view(len(embeds1), *embeds2.shape[:2]).amax(dim=-1)
        # Pieces that stay in the cache: half the time at 200 x 2000 boxes.
        pieces = bboxes1.split(max(PAIRS_AT_ONCE // max(len(bboxes2), 1), 1))
        overlaps = torch.cat([bbox_overlaps(piece, bboxes2) for piece in pieces])
    return (overlaps * cosines).nan_to_num_(0)


class IoUCosineMatcher:
    r"""Online matcher of boxes and embeddings over a temporal window, on the CPU.

    The detections of a frame are assigned to the tracks by the Hungarian algorithm on
    :math:`Cost = \max Sim - Sim` (Ruiz et al. eq. 3, 4), :math:`Sim = IoU \cdot
    \max(\cos, 0)`. A link needs the same class and a similarity above
    ``match_sim_thr``, this project's addition; other pairs count as similarity 0. Ids
    are 0, 1, ... in order of appearance, never reused. Wrong options are a ValueError.

    Args:
        num_frames_retain (int | Sequence[int]): Length of the window in frames, of all
            classes or of each.
        match_sim_thr (float | Sequence[float]): Threshold in [0, 1), likewise.
        candidates (str): What of a track is compared. 'last': its last observation;
            'window': the most similar one in the window.
        motion (str): Where a track's box is expected. 'none': where it was observed, as
            in the paper; 'kalman': where mmdet's :class:`KalmanFilter` predicts it.
    """

    def __init__(
        self,
        num_frames_retain: int | Sequence[int] = 10,
        match_sim_thr: float | Sequence[float] = 0.0,
        candidates: str = 'last',
        motion: str = 'none',
    ) -> None:
        windows, thresholds = np.array(num_frames_retain), np.array(match_sim_thr)
        if windows.dtype.kind != 'i' or windows.size == 0 or (windows < 1).any():
            raise ValueError(f'num_frames_retain must be >= 1, got {num_frames_retain}')
        if thresholds.size == 0 or not ((thresholds >= 0) & (thresholds < 1)).all():
            raise ValueError(f'match_sim_thr must be in [0, 1), got {match_sim_thr}')
        for name, value, (a, b) in (
            ('candidates', candidates, ('last', 'window')),
            ('motion', motion, ('none', 'kalman')),
        ):
            if value not in (a, b):
                raise ValueError(f'{name} must be {a!r} or {b!r}, got {value!r}')
        self.num_frames_retain = num_frames_retain
        self.match_sim_thr = match_sim_thr
        self.candidates = candidates
        self.motion = motion
        self.num_kept = int(windows.max()) if candidates == 'window' else 1
        self.kf = BatchKalmanFilter()
        self.reset()

    def reset(self) -> None:
        """Forget the video: all tracks, their ids and the frame number."""
        self.num_tracks = 0
        self.last_frame_id = -1
        # Rows of live tracks, {} without any: 'ids' and 'labels' (T, ), of the K latest
        # observations, newest last, 'bboxes' (T, K, 4), 'embeds' (T, K, D), 'frame_ids'
        # (T, K); with 'kalman' also 'means' (T, 8) and 'covariances' (T, 8, 8).
        self.memory = {}

    def state_dict(self) -> dict:
        """What :meth:`load_state_dict` needs to go on after the last frame."""
        names = 'num_tracks', 'last_frame_id', 'memory'
        return {name: deepcopy(getattr(self, name)) for name in names}

    def load_state_dict(self, state: dict) -> None:
        """Go on where a tracker of the same options was."""
        vars(self).update(deepcopy(state))

    def match(
        self,
        bboxes: Tensor | np.ndarray,
        labels: Tensor | np.ndarray,
        embeds: Tensor | np.ndarray,
        frame_id: int,
    ) -> Tensor:
        """Track ids (N, ), int64 on the CPU, of the detections of the next frame.

        Args:
            bboxes, labels, embeds (Tensor | ndarray): Of N >= 0 detections: (N, 4),
                xyxy; classes (N, ); (N, D).
            frame_id (int): Number of the frame in its video, above the last one. A new
                video starts at 0 or after :meth:`reset`.

        Raises:
            ValueError: If an array has a wrong shape, a class has no parameters, or the
                frame number does not increase. The memory is then unchanged.
        """
        bboxes, labels, embeds = self._check(bboxes, labels, embeds)
        frame_id = int(frame_id)
        if frame_id == 0:
            self.reset()
        elif frame_id <= self.last_frame_id:
            raise ValueError(
                f'frame_id {frame_id} does not follow {self.last_frame_id}: frames '
                'must come in order, and a new video starts at 0 or after reset()'
            )
        if frame_id > self.last_frame_id + 1:
            self._forget(frame_id)
        if self.motion == 'kalman' and self.memory:
            states = [self.memory[name].numpy() for name in STATES]
            for _ in range(frame_id - self.last_frame_id):  # the window bounds them
                states = self.kf.predict(*states)
            self.memory.update(zip(STATES, map(torch.from_numpy, states)))
        self.last_frame_id = frame_id
        rows = self._assign_rows(bboxes, labels, embeds)
        ids = torch.empty_like(rows)
        old, new = (rows >= 0).nonzero()[:, 0], (rows < 0).nonzero()[:, 0]
        if len(old):
            ids[old] = self.memory['ids'][rows[old]]
            self._extend(rows[old], bboxes[old], embeds[old])
        if len(new):
            ids[new] = torch.arange(self.num_tracks, self.num_tracks + len(new))
            self.num_tracks += len(new)
            self._start(ids[new], bboxes[new], labels[new], embeds[new])
        self._forget(frame_id + 1)
        return ids

    def _assign_rows(self, bboxes: Tensor, labels: Tensor, embeds: Tensor) -> Tensor:
        """Rows of the detections' tracks in the memory or -1, int64, (N, )."""
        rows = torch.full((len(bboxes),), -1)
        if not self.memory or len(bboxes) == 0:
            return rows
        # Small matrices: numpy takes a quarter of torch's time for an operation.
        sims = self._similarities(bboxes, embeds).numpy()
        thresholds = _of_class(self.match_sim_thr, labels).numpy()
        allowed = labels.numpy()[:, None] == self.memory['labels'].numpy()
        allowed &= sims > thresholds[:, None]
        sims = sims.astype(np.float64) * allowed
        detections, tracks = linear_sum_assignment(sims.max() - sims)
        linked = allowed[detections, tracks]
        rows.numpy()[detections[linked]] = tracks[linked]
        return rows

    def _similarities(self, bboxes: Tensor, embeds: Tensor) -> Tensor:
        """Similarity of detections and tracks, (N, T)."""
        cand_embeds = self.memory['embeds']
        if self.candidates == 'window':  # zero embeddings have similarity 0
            cand_embeds = cand_embeds * self._in_window(self.last_frame_id)[..., None]
        if self.motion == 'kalman':
            predicted = bbox_cxcyah_to_xyxy(self.memory['means'][:, :4].float())
            return iou_cosine_similarity(bboxes, embeds, predicted, cand_embeds)
        candidates = self.memory['bboxes'].flatten(0, 1), cand_embeds.flatten(0, 1)
        sims = iou_cosine_similarity(bboxes, embeds, *candidates)
        return sims.view(*sims.shape[:1], len(cand_embeds), -1).amax(dim=-1)

    def _extend(self, rows: Tensor, bboxes: Tensor, embeds: Tensor) -> None:
        """Append an observation to tracks; the oldest of K is dropped."""
        memory, frame_id = self.memory, torch.tensor(self.last_frame_id)
        new = dict(bboxes=bboxes, embeds=embeds, frame_ids=frame_id)
        for name, values in new.items():
            memory[name][rows, :-1] = memory[name][rows, 1:]
            memory[name][rows, -1] = values
        if self.motion == 'kalman':
            rows = rows.numpy()
            states = [memory[name].numpy() for name in STATES]
            measured = bbox_xyxy_to_cxcyah(bboxes.double()).numpy()
            corrected = self.kf.update(*(state[rows] for state in states), measured)
            for state, values in zip(states, corrected):
                state[rows] = values

    def _start(
        self, ids: Tensor, bboxes: Tensor, labels: Tensor, embeds: Tensor
    ) -> None:
        """Start a track from each detection."""
        num_empty = self.num_kept - 1
        frame_ids = torch.full((len(ids), 1), self.last_frame_id)
        new = dict(
            ids=ids,
            labels=labels,
            bboxes=F.pad(bboxes[:, None], (0, 0, num_empty, 0)),
            embeds=F.pad(embeds[:, None], (0, 0, num_empty, 0)),
            frame_ids=F.pad(frame_ids, (num_empty, 0), value=NEVER),
        )
        if self.motion == 'kalman':
            measured = bbox_xyxy_to_cxcyah(bboxes.double()).numpy()
            new.update(zip(STATES, map(torch.from_numpy, self.kf.initiate(measured))))
        for name, rows in self.memory.items():
            new[name] = torch.cat([rows, new[name]])
        self.memory = new

    def _forget(self, frame_id: int) -> None:
        """Drop tracks that no frame from this one on can be compared with."""
        if not self.memory:
            return
        is_live = self._in_window(frame_id)[:, -1]
        live = {name: rows[is_live] for name, rows in self.memory.items()}
        self.memory = live if is_live.any() else {}

    def _in_window(self, frame_id: int) -> Tensor:
        """Which observations a frame is compared with, bool, (T, K)."""
        windows = _of_class(self.num_frames_retain, self.memory['labels'])
        return self.memory['frame_ids'] >= frame_id - windows.view(-1, 1)

    def _check(self, *arrays: Tensor | np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Copies of boxes, labels and embeddings on the CPU, checked."""
        # Copies: the caller may rescale its boxes in place.
        bboxes, labels, embeds = (
            torch.as_tensor(array).detach().to('cpu', dtype, copy=True)
            for array, dtype in zip(arrays, (torch.float32, torch.int64, torch.float32))
        )
        shapes = [tuple(array.shape) for array in (bboxes, labels, embeds)]
        num = shapes[1][:1]
        if shapes != [(*num, 4), num, (*num, *shapes[2][-1:])] or embeds.ndim != 2:
            raise ValueError(
                f'bboxes {shapes[0]}, labels {shapes[1]}, embeds {shapes[2]} must be '
                '(N, 4), (N, ) and (N, D)'
            )
        for name in ('num_frames_retain', 'match_sim_thr'):
            num_classes = np.size(getattr(self, name))
            if num_classes > 1 and (labels >= num_classes).any():
                raise ValueError(
                    f'{name} has values for {num_classes} classes, a detection has '
                    f'the label {labels.max()}'
                )
        return bboxes, labels, embeds


def _of_class(parameter: float | Sequence[float], labels: Tensor) -> Tensor:
    """Parameter of each label (N, ), or of all of them (1, )."""
    values = torch.as_tensor(parameter).view(-1)
    return values[labels] if values.shape[0] > 1 else values
