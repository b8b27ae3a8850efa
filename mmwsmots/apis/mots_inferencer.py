# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config

from mmwsmots.fileio import FrameReader, VideoWriter, atomic_write, check_existing
from mmwsmots.fileio.classes import add_labels
from mmwsmots.fileio.mots_txt import format_line
from mmwsmots.visualization import TrackDrawer

from .inference import check_frame, init_mots_model
from .video_tracker import VideoTracker, read_ahead

FPS = 10.0  # of frames that come without a rate
if TYPE_CHECKING:
    from supervision import Detections


class MOTSInferencer:
    """Segments and tracks videos with its ``model``; calls may run in threads.

    Args:
        config, checkpoint, score_thr: See :func:`init_mots_model`, also for errors.
        device (str, optional): None takes 'cuda:0' if there is a GPU, else 'cpu'.

    Examples:
        >>> inferencer = MOTSInferencer('config.py', 'weights.pth')
        >>> for sample in inferencer.iterate('street.mp4'):
        ...     detections = to_supervision(sample)
        >>> inferencer('street.mp4', out_dir='results')  # results/street.txt, .mp4
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None = None,
        device: str | None = None,
        score_thr: float | None = None,
    ) -> None:
        self.model = init_mots_model(config, checkpoint, device, score_thr)

    def __call__(
        self,
        inputs: str | Path | np.ndarray | Iterable[np.ndarray],
        out_dir: str | Path | None = None,
        name: str = 'video',
        with_video: bool = True,
        overwrite: bool = False,
    ) -> list[TrackDataSample] | list[Path]:
        """Process a video.

        Args:
            inputs (str | Path | ndarray | Iterable[ndarray]): Video file, folder of
                pictures, one frame, or frames; frames are BGR, (H, W, 3) uint8.
            out_dir (str | Path, optional): Folder for the results; none is kept then.
            name (str): Of the results of ``inputs`` that are no file.
            with_video (bool): Whether to draw ``NAME.mp4``.
            overwrite (bool): Whether to replace results of that name in ``out_dir``.

        Returns:
            list[:obj:`TrackDataSample`] | list[Path]: One sample for each frame, see
            :meth:`iterate`; with ``out_dir`` the files: ``NAME.txt``, KITTI MOTS text,
            and ``NAME.mp4``. ``labels.txt`` names classes that are not KITTI MOTS's.

        Raises:
            FileNotFoundError: If there is no such video or folder.
            FileExistsError: If results would be replaced without being told to.
            ValueError: If the inputs are no frames of one size, or ``out_dir`` has
                results of other classes.
        """
        if out_dir is None:
            return list(self.iterate(inputs))
        frames, name, length, fps = _open(inputs, name)
        paths = [Path(out_dir) / f'{name}.{kind}' for kind in ('txt', 'mp4')]
        started = [paths[0].with_suffix('.state.part')]  # by demo/mots_demo.py
        check_existing(paths, started, overwrite=overwrite)
        tracker = VideoTracker(self.model, length)
        add_labels(paths[:1], tracker.class_ids)
        drawer = TrackDrawer(class_ids=tracker.class_ids)
        video = VideoWriter(paths[1], fps) if with_video else nullcontext()
        with atomic_write(paths[0]) as temp, temp.open('w') as text, video:
            for frame in read_ahead(frames):
                objects = tracker.track(frame)
                text.writelines(map(format_line, objects))
                if with_video:
                    video.write(drawer.draw_objects(frame, objects))
            if not with_video:
                paths[1].unlink(missing_ok=True)  # of the results that are replaced
        return paths if with_video else paths[:1]

    def iterate(
        self, inputs: str | Path | np.ndarray | Iterable[np.ndarray]
    ) -> Iterator[TrackDataSample]:
        """Process a video frame by frame, as it is asked for; see :meth:`__call__`.

        Yields:
            :obj:`TrackDataSample`: Of one frame, with ``classes`` and
            ``pred_track_instances``: ``bboxes`` (n, 4) xyxy in pixels, ``labels``,
            ``scores``, disjoint ``masks`` (n, H, W) bool, lasting ``instances_id``.
        """
        frames, _, length, _ = _open(inputs, '')
        tracker = VideoTracker(self.model, length)
        for frame in frames:
            sample = tracker.predict(frame)
            sample.set_metainfo(dict(classes=self.model.dataset_meta['classes']))
            yield TrackDataSample(video_data_samples=[sample])


def _open(inputs: object, name: str) -> tuple[Iterable[np.ndarray], str, int, float]:
    """Frames, name, number of frames as far as known, and their rate."""
    if isinstance(inputs, (str, Path)):
        reader = FrameReader(inputs)
        return reader, reader.name, len(reader), reader.fps
    if isinstance(inputs, np.ndarray) and inputs.ndim == 3:
        inputs = [inputs]
    if not isinstance(inputs, Iterable):
        check_frame(inputs)  # says what it is
    length = len(inputs) if hasattr(inputs, '__len__') else 1
    return map(_read, inputs), name, length, FPS


def _read(frame: np.ndarray | str | Path) -> np.ndarray:
    """A frame, or that of a picture file."""
    if not isinstance(frame, (str, Path)):
        return frame
    if not Path(frame).is_file():
        raise FileNotFoundError(f'{frame}: no such picture')
    if (image := cv2.imread(str(frame))) is None:
        raise ValueError(f'{frame}: the frame cannot be read')
    return image


def to_supervision(sample: DetDataSample | TrackDataSample) -> Detections:
    """What was found in a frame, e.g. by :class:`MOTSInferencer`, for supervision.

    Returns:
        supervision.Detections: ``xyxy``, ``mask``, ``confidence``, ``class_id``,
        ``tracker_id`` and, where the sample has ``classes``, ``data['class_name']``.

    Raises:
        ImportError: If supervision is not installed.
        ValueError: If the sample has several frames, or no tracks.
    """
    try:
        from supervision import Detections
    except ImportError as error:
        raise ImportError('to_supervision needs: pip install supervision') from error
    if isinstance(sample, TrackDataSample):
        if len(sample) != 1:
            raise ValueError(f'the sample has {len(sample)} frames, expected one')
        sample = sample[0]
    if 'pred_track_instances' not in sample:
        raise ValueError('the sample has no pred_track_instances')
    found = sample.pred_track_instances.cpu().numpy()
    labels, data = found.labels.astype(int), {}
    if (classes := sample.get('classes')) is not None:
        data['class_name'] = np.array([classes[label] for label in labels], dtype=str)
    return Detections(
        xyxy=found.bboxes.astype(float).reshape(-1, 4),
        mask=found.masks.astype(bool),
        confidence=found.scores.astype(float),
        class_id=labels,
        tracker_id=found.instances_id.astype(int),
        data=data,
    )
