# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from collections.abc import Sequence
from pathlib import Path

from mmdet.evaluation.metrics.base_video_metric import BaseVideoMetric
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample

from mmwsmots.fileio.mots_txt import sequence_name
from mmwsmots.fileio.rle import masks_to_rles


@METRICS.register_module()
class SaveDetections(BaseVideoMetric):
    """Writes boxes, classes, scores, masks and embeddings of a test run to files.

    ``tools/analysis_tools/search_tracker.py`` tracks them with other parameters,
    without the network. Each frame is a line of JSON, in float32, in ``out_dir``:
    ``SSSS.jsonl.part``, which becomes ``SSSS.jsonl`` after the last frame. Put it
    beside :class:`MOTSMetric` in ``test_evaluator``. ``kwargs`` are the parent's.
    """

    default_prefix = ''  # it has no numbers

    def __init__(self, out_dir: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.out_dir = Path(out_dir)
        self._next_frames = {}

    def process_video(
        self, data_samples: Sequence[DetDataSample], video_len: int | None = None
    ) -> None:
        """Write detections of frames; ValueError if one of a sequence was left out.

        See :meth:`MOTSMetric.process_video`; there are embeds (N, D) as well.
        """
        for sample in data_samples:
            self._write(sample)

    process_image = process_video

    def compute_metrics(self, results: list[str]) -> dict:
        """Raise ValueError if a sequence ended early; nothing is computed."""
        if unfinished := sorted(set(self._next_frames) - set(results)):
            raise ValueError(f'sequence {unfinished[0]}: its last frame was not seen')
        return {}

    def _write(self, sample: DetDataSample) -> None:
        name = sequence_name(sample.img_path)
        expected = self._next_frames.get(name, 0) if sample.frame_id else 0
        if sample.frame_id != expected:
            text = f'frame {sample.frame_id} of sequence {name}, expected {expected}'
            raise ValueError(f'{sample.img_path}: {text}')
        predictions = sample.pred_track_instances
        frame = dict(
            frame_id=sample.frame_id,
            size=sample.ori_shape[:2],
            bboxes=predictions.bboxes.float().tolist(),
            labels=predictions.labels.tolist(),
            scores=predictions.scores.float().tolist(),
            embeds=predictions.embeds.float().tolist(),
            rles=masks_to_rles(predictions.masks.cpu().numpy()),
        )
        self.out_dir.mkdir(parents=True, exist_ok=True)
        part = self.out_dir / f'{name}.jsonl.part'
        with part.open('a' if sample.frame_id else 'w', encoding='ascii') as file:
            file.write(json.dumps(frame) + '\n')
        self._next_frames[name] = sample.frame_id + 1
        if sample.frame_id + 1 == sample.ori_video_length:
            part.replace(self.out_dir / f'{name}.jsonl')
            self.results.append(name)
