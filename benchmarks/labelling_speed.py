# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Time of labelling a frame with boxes: ours and SAM 2.1, as a Markdown table.

*mnv2*: tools/label_masks.py with the released masker; all that it does with a decoded
frame: crops, network, refinement, the line of each mask, the 16-bit picture and the
frame of the video to review. *r50*: the same with the ResNet-50 of
configs/masker/box-masker_r50_coco-labels.py and random weights. *sam2.1-tiny*: SAM 2.1
with the tiny Hiera encoder, of transformers, prompted with the boxes; its masks at the
frame's size, nothing written. Its weights are random too, as no time here depends on
weights. Without transformers (``pip install mmwsmots[sam]``) its row stays empty.

Boxes are those of a KITTI MOTS sequence, in the frames with the most of them, filled up
with the same boxes mirrored. All run on each frame in alternating order, in one thread.
Times are medians of the processor's time, which leaves out other programs; ratios are
medians of those of the same frame.

Example:
    taskset -c 1 python benchmarks/labelling_speed.py \
        data/kitti_mots/instances_txt/0011.txt data/kitti_mots/training/image_02/0011
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import ROOT, heading, report

import cv2
import numpy as np
import torch
from inference import read_frames
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint
from torch.nn import functional as F

from mmwsmots.apis import BoxLabeler, init_box_masker, released_masker
from mmwsmots.fileio import VideoWriter
from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.mots_txt import CLASS_IDS
from mmwsmots.visualization import TrackDrawer

sys.path.append(str(ROOT / 'tools'))
from label_files import LabelFiles
from label_masks import draw
from track_journal import TrackJournal

R50 = ROOT / 'configs/masker/box-masker_r50_coco-labels.py'
SAM_SIDE = 1024  # of the square that SAM's processor resizes a frame to
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of that processor
BAR = 15  # times as fast as SAM 2.1 tiny


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('annotations', type=Path, help='KITTI MOTS text file')
    parser.add_argument('images', type=Path, help='folder of frames of its size')
    parser.add_argument('--objects', type=int, default=10, help='boxes of a frame')
    parser.add_argument('--frames', type=int, default=7, help='with most objects')
    parser.add_argument('--out', type=Path, help='write the table here too')
    return parser.parse_args()


def random_weights(config: Path, folder: Path) -> Path:
    """A checkpoint of a masker that was never trained."""
    cfg = Config.fromfile(config)
    cfg.model.backbone.init_cfg = None
    init_default_scope('mmdet')
    path = folder / 'random.pth'
    save_checkpoint(dict(state_dict=MODELS.build(cfg.model).state_dict()), str(path))
    return path


class Ours:
    """What tools/label_masks.py does with a frame.

    Args:
        config (Path): Of a masker.
        checkpoint (Path): Its weights.
        frames (list): Images and objects.
        folder (Path): Where to write.
    """

    def __init__(
        self, config: Path, checkpoint: Path, frames: list, folder: Path
    ) -> None:
        names = list(CLASS_IDS)
        boxes = [
            TrackedBox(index, k, names[label], tuple(box), False, '')
            for index, (_, objects) in enumerate(frames)
            for k, (box, label) in enumerate(
                zip(objects.bboxes.tolist(), objects.labels.tolist())
            )
        ]
        model = init_box_masker(config, checkpoint)
        self.labeler = BoxLabeler(model, boxes, frames[0][0].shape[:2])
        self.files = LabelFiles(folder, 'clip')
        self.journal = TrackJournal(self.files.text, 'key').__enter__()
        self.video = VideoWriter(self.files.video, 10).__enter__()
        self.drawer = TrackDrawer()

    def __call__(self, frame_id: int, frame: np.ndarray, boxes: torch.Tensor) -> None:
        """Label a frame."""
        labels = self.labeler.label(frame_id, frame)
        assert len(labels.objects) + len(labels.problems) == len(boxes)
        self.journal.write(labels.objects)
        self.files.write_png(frame_id, labels, self.labeler.size)
        self.video.write(draw(self.drawer, frame, self.labeler, frame_id, labels))


class SAM:
    """SAM 2.1 tiny; its processor's work by PyTorch, as it needs torchvision."""

    def __init__(self) -> None:
        from transformers import Sam2Config, Sam2Model

        self.model = Sam2Model(Sam2Config()).eval()  # the defaults are 2.1 tiny

    @torch.no_grad()
    def __call__(self, frame_id: int, frame: np.ndarray, boxes: torch.Tensor) -> None:
        """Segment the boxes of a frame."""
        height, width = frame.shape[:2]
        image = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), (SAM_SIDE,) * 2)
        pixels = torch.from_numpy((image / np.float32(255) - MEAN) / STD).float()
        scale = boxes.new_tensor([SAM_SIDE / width, SAM_SIDE / height] * 2)
        outputs = self.model(
            pixel_values=pixels.permute(2, 0, 1)[None],
            input_boxes=(boxes * scale)[None],
            multimask_output=False,
        )
        masks = F.interpolate(
            outputs.pred_masks[0], (height, width), mode='bilinear', align_corners=False
        )
        assert masks.shape == (len(boxes), 1, height, width)
        (masks > 0).numpy()


def measure(ways: dict[str, Callable], frames: list) -> dict[str, list[float]]:
    """Seconds of the frames, for each way; the first frame warms up."""
    times = {name: [] for name in ways}
    for frame_id, (image, objects) in enumerate(frames):
        order = list(ways)[:: 1 if frame_id % 2 else -1]
        for name in order:
            start = time.process_time()
            ways[name](frame_id, image, objects.bboxes)
            if frame_id > 0:
                times[name].append(time.process_time() - start)
    return times


def main() -> None:
    """Measure and write the table."""
    args = parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    frames = read_frames(args)
    height, width = frames[0][0].shape[:2]
    note = ''
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        ways = dict(
            mnv2=Ours(*released_masker(), frames, folder / 'mnv2'),
            r50=Ours(R50, random_weights(R50, folder), frames, folder / 'r50'),
        )
        try:
            ways['sam2.1-tiny'] = SAM()
            import transformers

            note = f', transformers {transformers.__version__}'
        except ImportError:
            print('no transformers with SAM 2: its row stays empty', file=sys.stderr)
        times = measure(ways, frames)
    sam = times.get('sam2.1-tiny')
    lines = [
        heading(
            f'torch {torch.__version__}{note}',
            f'1 thread, {len(frames) - 1} frames of {width} x {height}, '
            f'{args.objects} boxes',
        ),
        '',
        f'| labeller | s per frame | times as fast as SAM 2.1 tiny (bar {BAR}) |',
        '|---|---|---|',
    ]
    for name in ('mnv2', 'r50', 'sam2.1-tiny'):
        cells = ['–', '–']
        if name in times:
            cells[0] = f'{statistics.median(times[name]):.3f}'
            if sam:
                ratios = [theirs / ours for theirs, ours in zip(sam, times[name])]
                cells[1] = f'{statistics.median(ratios):.1f}'
        lines.append(f'| {name} | {" | ".join(cells)} |')
    report(lines, args.out)


if __name__ == '__main__':
    main()
