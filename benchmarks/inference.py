# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""What tracking adds to the time of a frame of a Mask R-CNN, as a Markdown table.

*detector*: mmdet's own MaskRCNN and StandardRoIHead with the layers of the config,
called by mmdet's ``inference_detector``; its result is mmdet's, masks pasted at the
frame's size. *tracking*: the config's MOTSNet with the same weights in VideoTracker,
and the lines of the KITTI MOTS file. Both start from a decoded frame and take the
config's resizing.

Weights are random, so both RoI heads run their box branch on their own proposals and
then go on with the same given boxes, and run their mask branch and then go on with
given logits: real objects of a KITTI MOTS sequence, in the frames with the most of
them, filled up with the same objects mirrored. Overlaps, sizes and outlines are thus
those of real results.

Frame by frame both run, in alternating order. Times are medians of the processor's
time, which leaves out other programs; ratios are medians of those of the same frame.

Example:
    taskset -c 1 python benchmarks/inference.py data/kitti_mots/instances_txt/0011.txt \
        data/kitti_mots/training/image_02/0011 \
        --configs configs/wsmots/mots_r50_fpn_kitti.py
"""

import argparse
import copy
import io
import itertools
import time
from collections import defaultdict
from pathlib import Path

from common import find_transform, heading, report

import cv2
import numpy as np
import torch
from mmcv.ops import roi_align
from mmcv.transforms import Compose
from mmdet.apis import inference_detector
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn

from mmwsmots.apis import VideoTracker, init_mots_model
from mmwsmots.evaluation.mots_eval import tight_boxes
from mmwsmots.fileio.mots_txt import (
    CLASS_IDS,
    IGNORE_CLASS_ID,
    MOTSObject,
    format_line,
    read_mots_txt,
)
from mmwsmots.models.roi_heads import MOTSRoIHead


class GivenObjects:
    """Box and mask branch run, then their results are replaced by ``given``."""

    def predict_bbox(self, *args, **kwargs) -> list[InstanceData]:
        super().predict_bbox(*args, **kwargs)
        names = 'bboxes', 'labels', 'scores'
        return [InstanceData(**{name: self.given[name].clone() for name in names})]

    def _mask_forward(self, *args, **kwargs) -> dict:
        results = super()._mask_forward(*args, **kwargs)
        num_classes = results['mask_preds'].shape[1]
        logits = self.given.logits[:, None].expand(-1, num_classes, -1, -1)
        return dict(results, mask_preds=logits)


@MODELS.register_module()
class GivenStandardRoIHead(GivenObjects, StandardRoIHead):
    pass


@MODELS.register_module()
class GivenMOTSRoIHead(GivenObjects, MOTSRoIHead):
    pass


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('annotations', type=Path, help='KITTI MOTS text file')
    parser.add_argument('images', type=Path, help='folder of frames of its size')
    parser.add_argument('--configs', type=Path, nargs='+', required=True)
    parser.add_argument('--scale', type=int, nargs=2, default=(1242, 375))
    parser.add_argument('--objects', type=int, default=20)
    parser.add_argument('--frames', type=int, default=20, help='with most objects')
    parser.add_argument('--rounds', type=int, default=3, help='passes over the frames')
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def read_frames(args: argparse.Namespace) -> list[tuple[np.ndarray, InstanceData]]:
    """Images and objects: ``bboxes``, ``labels``, ``scores``, ``masks`` in pixels."""
    members = defaultdict(list)
    for obj in read_mots_txt(args.annotations):
        if obj.class_id != IGNORE_CLASS_ID:
            members[obj.frame_id].append(obj)
    fullest = sorted(members, key=lambda i: (-len(members[i]), i))[: args.frames]
    classes = list(CLASS_IDS.values())
    frames = []
    for frame_id, path in zip(
        sorted(fullest), itertools.cycle(sorted(args.images.iterdir()))
    ):
        objects = members[frame_id]
        masks = torch.from_numpy(np.stack([obj.mask for obj in objects]))
        boxes = torch.from_numpy(tight_boxes(objects)).float()
        width = masks.shape[-1]
        mirrored = boxes[:, [2, 1, 0, 3]] * boxes.new_tensor([-1, 1, -1, 1])
        mirrored += boxes.new_tensor([width, 0, width, 0])
        labels = torch.tensor([classes.index(obj.class_id) for obj in objects])
        both = InstanceData(
            bboxes=torch.cat([boxes, mirrored]),
            labels=torch.cat([labels, labels]),
            masks=torch.cat([masks, masks.flip(-1)]),
            scores=torch.linspace(0.99, 0.91, 2 * len(objects)),
        )
        image = cv2.imread(str(path))
        if image.shape[:2] != masks.shape[1:]:
            raise SystemExit(
                f'{path}: {image.shape[1]} x {image.shape[0]}, the masks are '
                f'{masks.shape[2]} x {masks.shape[1]}'
            )
        frames.append((image, both[: args.objects]))
    return frames


def build_models(path: Path, scale: tuple[int, int]) -> dict[str, nn.Module]:
    """The config's MOTSNet and a detector with its weights."""
    cfg = Config.fromfile(path)
    cfg.model.masker = cfg.model.detector.backbone.init_cfg = None
    cfg.model.detector.roi_head.type = 'GivenMOTSRoIHead'
    pipeline = cfg.test_dataloader.dataset.pipeline
    resize = find_transform(pipeline, 'Resize')
    resize.scale = tuple(scale)
    torch.manual_seed(0)
    tracking = init_mots_model(cfg)
    MMLogger.get_current_instance().setLevel('WARNING')  # it lists all weights
    tracking.init_weights()
    plain = copy.deepcopy(cfg.model.detector)
    plain.roi_head.type = 'GivenStandardRoIHead'
    plain.data_preprocessor = dict(
        cfg.model.data_preprocessor, type='DetDataPreprocessor', pad_mask=False
    )
    detector = MODELS.build(plain).eval()
    detector.load_state_dict(tracking.detector.state_dict())
    detector.cfg = cfg
    detector.pipeline = Compose(
        [
            dict(type='mmdet.LoadImageFromNDArray'),
            resize,
            dict(type='mmdet.PackDetInputs'),
        ]
    )
    return dict(detector=detector, tracking=tracking)


def give(model: nn.Module, objects: InstanceData, factor: float) -> None:
    """Let the model's RoI head find the objects, ``factor`` times as large."""
    rows = torch.arange(len(objects.bboxes))[:, None]
    shares = roi_align(
        objects.masks[:, None].float(), torch.cat([rows, objects.bboxes], 1), 28
    )[:, 0]
    model.roi_head.given = InstanceData(
        bboxes=objects.bboxes * factor,
        labels=objects.labels,
        scores=objects.scores,
        logits=8 * (shares - 0.5),
    )


def measure(args: argparse.Namespace, path: Path, frames: list) -> dict:
    """Milliseconds of the frames, for each way."""
    models = build_models(path, args.scale)
    file = io.StringIO()
    times = {name: [] for name in models}

    def run(name: str, image: np.ndarray) -> list[MOTSObject] | DetDataSample:
        if name != 'tracking':
            return inference_detector(models[name], image, models[name].pipeline)
        objects = tracker.track(image)
        file.writelines(map(format_line, objects))
        return objects

    for _ in range(args.rounds):
        tracker = VideoTracker(models['tracking'], len(frames))
        # The first frame warms up, and comes again at the end.
        for i, (image, objects) in enumerate([*frames, frames[0]]):
            factor = min(
                max(args.scale) / max(image.shape[:2]),
                min(args.scale) / min(image.shape[:2]),
            )
            names = list(models)
            for name in names[i % len(names) :] + names[: i % len(names)]:
                model = models[name]
                give(getattr(model, 'detector', model), objects, factor)
                start = time.process_time()
                found = run(name, image)
                if i > 0:
                    times[name].append(time.process_time() - start)
                elif name == 'tracking':
                    tracked = np.any([obj.mask for obj in found], axis=0)
                else:  # what tracking starts from comes last
                    detected = found.pred_instances.masks.any(0).numpy()
            if i == 0 and (tracked != detected).any():
                raise SystemExit(f'{path}: detector and tracking differ')
    return {key: 1e3 * np.array(values) for key, values in times.items()}


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    init_default_scope('mmdet')
    frames = read_frames(args)
    rows = []
    for path in args.configs:
        times = measure(args, path, frames)
        cells = [path.stem]
        base, full = times['detector'], times['tracking']
        cells += [f'{np.median(values):.1f}' for values in (base, full)]
        added, ratio = np.median(full - base), np.median(full / base)
        cells.append(f'{added:.1f} ms, {100 * (ratio - 1):+.1f} %')
        rows.append(f'| {" | ".join(cells)} |')
    report(
        [
            heading(
                f'torch {torch.__version__}, 1 thread',
                f'frames of {frames[0][0].shape[1]} x {frames[0][0].shape[0]} resized '
                f'to {args.scale[0]} x {args.scale[1]}',
                f'{args.objects} objects, {args.rounds} rounds of {len(frames)} frames',
            ),
            '',
            '| config | detector, ms | tracking, ms | added |',
            '|---|---|---|---|',
            *rows,
        ],
        args.out,
    )


if __name__ == '__main__':
    main()
