# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from mmdet.evaluation.metrics.base_video_metric import BaseVideoMetric
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample
from mmengine.logging import MMLogger

from mmwsmots.evaluation.benchmarks import get_benchmark, iou_threshold
from mmwsmots.evaluation.mots_eval import evaluate_mots, filled_boxes, format_table
from mmwsmots.fileio.classes import add_labels, class_numbers
from mmwsmots.fileio.mots_track_ids import TrackNumbering
from mmwsmots.fileio.mots_txt import MOTSObject, sequence_name, write_mots_txt
from mmwsmots.fileio.rle import masks_to_rles


@METRICS.register_module()
class MOTSMetric(BaseVideoMetric):
    """KITTI MOTS or MOTS20 metrics of masks and tracks, with TrackEval.

    Takes frames one by one or by the video, writes ``SSSS.txt`` of each sequence (see
    :func:`mmwsmots.fileio.mots_txt.sequence_name`) and evaluates all together. Beside
    the model stands the row *filled boxes*: the same tracks with each mask replaced by
    its predicted box, see :func:`mmwsmots.evaluation.filled_boxes`. A weakly supervised
    model that is not above it has learned nothing but boxes.

    The classes are those of the data set; others than KITTI MOTS's are named in
    ``labels.txt`` beside the text files. The returned keys are ``car/sMOTSA``,
    ``filled_boxes/car/sMOTSA`` and so on, for all that :func:`evaluate_mots` returns.

    Args:
        gt_dir (str | None): Folder of the ground truth, but for ``format_only``.
        outfile_prefix (str | None): Folder for the text files; None deletes them after
            the evaluation.
        format_only (bool): Whether to write the text files and stop.
        protocol, benchmark (str): See :func:`mmwsmots.evaluation.evaluate_mots`.
        **kwargs: Of :class:`mmengine.evaluator.BaseMetric`.
    """

    default_prefix = ''  # the names of classes stand first

    def __init__(
        self,
        gt_dir: str | None = None,
        outfile_prefix: str | None = None,
        format_only: bool = False,
        protocol: str = 'trackeval',
        benchmark: str = 'kitti_mots',
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if format_only and outfile_prefix is None:
            raise ValueError('format_only needs outfile_prefix, a folder to write to')
        if not format_only and gt_dir is None:
            raise ValueError('gt_dir, the folder of ground truth, is missing')
        iou_threshold(protocol)  # refuses another
        self.gt_dir, self.outfile_prefix = gt_dir, outfile_prefix
        self.format_only = format_only
        self.protocol, self.benchmark = protocol, benchmark
        self._first_frame = get_benchmark(benchmark).first_frame

    def process_video(
        self, data_samples: Sequence[DetDataSample], video_len: int | None = None
    ) -> None:
        """Collect the predictions of frames.

        Their ``pred_track_instances`` have bboxes (N, 4) xyxy in pixels of the frame,
        labels, scores and instances_id (N, ), disjoint masks (N, H, W) bool. ValueError
        if masks overlap, do not fit the frame or share an id.
        """
        self.results += map(self._encode, data_samples)

    process_image = process_video

    def compute_metrics(self, results: Iterable[dict]) -> dict[str, float]:
        """Write text files of the frames of all ranks; evaluate, if not format_only.

        ValueError if a frame of a sequence is missing.
        """
        logger = MMLogger.get_current_instance()
        sequences = _group(results)
        classes = self.dataset_meta['classes']
        lengths = {name: sequence[0] for name, sequence in sequences.items()}
        boxes = {name: sequence[2] for name, sequence in sequences.items()}
        rules = lengths, boxes, self.protocol, self.benchmark, classes
        rows, metrics = {}, {}
        with tempfile.TemporaryDirectory() as temp:
            for row, prefix in (('model', ''), ('filled boxes', 'filled_boxes/')):
                folder = Path(temp, row)
                if row == 'model' and self.outfile_prefix:
                    folder = Path(self.outfile_prefix)
                    logger.info(f'Writing {len(sequences)} sequences to {folder}')
                paths = {name: folder / f'{name}.txt' for name in sequences}
                add_labels([*paths.values()], class_numbers(classes))
                for name, (_, objects, *shapes) in sequences.items():
                    if row == 'filled boxes':
                        objects = filled_boxes(objects, *shapes)
                    write_mots_txt(paths[name], objects, self._first_frame)
                if self.format_only:
                    return {}
                rows[row] = evaluate_mots(self.gt_dir, folder, *rules)
                for class_name, values in rows[row].items():
                    for key, value in values.items():
                        metrics[f'{prefix}{class_name}/{key}'] = value
        logger.info(f'\n{format_table(rows)}')
        return metrics

    def _encode(self, sample: DetDataSample) -> dict:
        """Picklable content of a frame, masks as RLE."""
        predictions = sample.pred_track_instances
        masks = predictions.masks.cpu().numpy().astype(bool, copy=False)
        ids = predictions.instances_id.tolist()
        if masks.shape[1:] != tuple(sample.ori_shape[:2]):
            text = f'masks of shape {masks.shape} do not fit the frame'
            raise ValueError(f'{sample.img_path}: {text} {sample.ori_shape}')
        if len(set(ids)) < len(ids):
            raise ValueError(f'{sample.img_path}: two objects share an id, got {ids}')
        rles = masks_to_rles(masks)
        if (masks.sum(axis=0) > 1).any():
            raise ValueError(f'{sample.img_path}: masks overlap')
        numbers = class_numbers(self.dataset_meta['classes'])
        classes = [numbers[name] for name in self.dataset_meta['classes']]
        objects = [
            MOTSObject(sample.frame_id, i, classes[label], *masks.shape[1:], rle)
            for i, label, rle in zip(ids, predictions.labels.tolist(), rles)
        ]
        return dict(
            sequence=sequence_name(sample.img_path),
            img_path=sample.img_path,
            length=sample.ori_video_length,
            frame_id=sample.frame_id,
            objects=objects,
            boxes=predictions.bboxes.cpu().numpy().reshape(-1, 4).astype(float),
            scores=predictions.scores.cpu().numpy(),
        )


def _group(results: Iterable[dict]) -> dict[str, tuple]:
    """Length, objects, their boxes and scores of each sequence, which must be whole.

    A frame that several ranks saw (samplers may repeat some) counts once.
    """
    results = list(results)
    photos = defaultdict(set)
    for result in results:
        if result['length'] == 1:
            photos[result['sequence']].add(result['img_path'])
    frames = defaultdict(dict)
    for result in results:
        name, frame_id = result['sequence'], result['frame_id']
        # Photographs in one folder: each is a sequence, named by its file.
        if result['length'] == 1 and len(photos[name]) > 1:
            name = Path(result['img_path']).stem
        first = frames[name].setdefault(frame_id, result)
        if first['img_path'] != (path := result['img_path']):
            text = f'frame {frame_id} of sequence {name} is {first["img_path"]} and'
            raise ValueError(f'{text} {path}: each video needs a folder of its own')
    sequences = {}
    for name in sorted(frames):
        ordered = [frames[name][frame_id] for frame_id in sorted(frames[name])]
        length = ordered[0]['length']
        if missing := length - len(ordered):
            first = next(i for i in range(length) if i not in frames[name])
            text = f'{missing} of {length} frames were not seen, the first is {first}'
            raise ValueError(f'sequence {name}: {text}')
        numbering = TrackNumbering()
        objects = [
            obj._replace(track_id=numbering(obj.class_id, obj.track_id))
            for frame in ordered
            for obj in frame['objects']
        ]
        columns = (np.concatenate([f[k] for f in ordered]) for k in ('boxes', 'scores'))
        # The annotated frames may be some of a longer video.
        sequences[name] = max(length, 1 + max(frames[name])), objects, *columns
    return sequences
