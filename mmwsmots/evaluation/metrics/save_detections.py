# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmdet.evaluation.metrics.base_video_metric import BaseVideoMetric
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample

from mmwsmots.fileio.mots_txt import sequence_name
from mmwsmots.fileio.rle import masks_to_rles


class SavedFrame(NamedTuple):
    """Detections of one frame: a line of the file."""

    frame_id: int  # number of the frame in its sequence, from 0
    size: tuple[int, int]  # height and width of the frame in pixels
    bboxes: np.ndarray  # xyxy in pixels, (N, 4) float32
    labels: np.ndarray  # classes, (N, ) int64, from 0
    scores: np.ndarray  # (N, ) float32
    embeds: np.ndarray  # embeddings, (N, D) float32
    rles: list[str]  # COCO's compressed encodings of N disjoint masks


@METRICS.register_module()
class SaveDetections(BaseVideoMetric):
    """Writes boxes, classes, scores, masks and embeddings of a test run to files.

    A line is the JSON of a :class:`SavedFrame`; numbers keep their float32 values.

    ``tools/analysis_tools/search_tracker.py`` tracks them with other parameters,
    without the network. The lines of a sequence are written as its frames come, to
    ``SSSS.jsonl.part``, which becomes ``SSSS.jsonl`` after its last frame. Put it
    beside :class:`MOTSMetric` in ``test_evaluator``.

    Args:
        out_dir (str): Folder of the files.
        **kwargs: Of :class:`mmengine.evaluator.BaseMetric`.
    """

    default_prefix = ''  # it has no numbers

    def __init__(self, out_dir: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.out_dir = Path(out_dir)
        self._next_frames = {}

    def process_video(self, data_samples: Sequence[DetDataSample]) -> None:
        """Write the detections of frames.

        Their ``pred_track_instances`` have bboxes (N, 4) xyxy in pixels of the frame,
        labels and scores (N, ), embeds (N, D) and masks (N, H, W) bool.

        Raises:
            ValueError: If a frame of a sequence was left out.
        """
        for sample in data_samples:
            self._write(sample)

    def process_image(
        self, data_samples: Sequence[DetDataSample], video_len: int
    ) -> None:
        """See :meth:`process_video`."""
        self.process_video(data_samples)

    def compute_metrics(self, results: list[str]) -> dict:
        """Raise ValueError if a sequence ended early; nothing is computed."""
        unfinished = sorted(set(self._next_frames) - set(results))
        if unfinished:
            raise ValueError(f'sequence {unfinished[0]}: its last frame was not seen')
        return {}

    def _write(self, sample: DetDataSample) -> None:
        name = sequence_name(sample.img_path)
        expected = self._next_frames.get(name, 0) if sample.frame_id else 0
        if sample.frame_id != expected:
            raise ValueError(
                f'{sample.img_path}: frame {sample.frame_id} of sequence {name}, '
                f'expected {expected}'
            )
        predictions = sample.pred_track_instances
        frame = SavedFrame(
            sample.frame_id,
            tuple(sample.ori_shape[:2]),
            predictions.bboxes.cpu().float().numpy(),
            predictions.labels.cpu().numpy(),
            predictions.scores.cpu().float().numpy(),
            predictions.embeds.cpu().float().numpy(),
            masks_to_rles(predictions.masks.cpu().numpy()),
        )
        self.out_dir.mkdir(parents=True, exist_ok=True)
        part = self.out_dir / f'{name}.jsonl.part'
        with part.open('a' if sample.frame_id else 'w', encoding='ascii') as file:
            file.write(json.dumps(frame._asdict(), default=np.ndarray.tolist) + '\n')
        self._next_frames[name] = sample.frame_id + 1
        if sample.frame_id + 1 == sample.ori_video_length:
            part.replace(self.out_dir / f'{name}.jsonl')
            self.results.append(name)


def read_detections(path: str | Path) -> list[SavedFrame]:
    """Read the frames 0, 1, ... of a sequence that :class:`SaveDetections` wrote.

    Raises:
        ValueError: If a line breaks the format; the message names file and line.
    """
    frames = []
    with Path(path).open(encoding='ascii', errors='replace') as file:
        for number, line in enumerate(file, 1):
            try:
                frame = _parse_frame(line)
                if frame.frame_id != len(frames):
                    raise ValueError(
                        f'expected frame {len(frames)}, got {frame.frame_id}'
                    )
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f'{path}, line {number}: {error}') from None
            frames.append(frame)
    return frames


def _parse_frame(line: str) -> SavedFrame:
    data = json.loads(line)
    num = len(data['rles'])
    height, width = data['size']
    shapes = dict(bboxes=(num, 4), labels=(num,), scores=(num,))
    # Nested lists without content have lost their shape.
    shapes['embeds'] = (num, -1) if num else (0, 1)
    arrays = {}
    for name, shape in shapes.items():
        dtype = np.int64 if name == 'labels' else np.float32
        array = np.asarray(data[name], dtype=dtype)
        if len(array) != num:
            raise ValueError(f"'{name}' has the shape {array.shape} for {num} masks")
        arrays[name] = array.reshape(shape)
    return SavedFrame(data['frame_id'], (height, width), rles=data['rles'], **arrays)
