# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Detections of any detector to tracks and masks, on the real frames of KITTI MOTS.

    python benchmarks/detections.py --data DIR --out OUT

OpenCV's dnn runs YOLOX-nano (80 classes of COCO) over each sequence; its detections
become MOTChallenge text without identities, OUT/boxes/SSSS/det.txt with labels.txt.
tools/label_masks.py tracks them and makes the masks, and TrackEval compares these with
the annotations of the frames. OUT/overlays has the videos to look at, OUT/table.md the
numbers. "filled" are the same tracks with each mask replaced by its tight box.
"""

import argparse
import sys
from pathlib import Path

from common import ROOT, heading, report, run

import cv2
import numpy as np
from mmdet.datasets import CocoDataset

from mmwsmots.evaluation import evaluate_sequences
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt

sys.path.append(str(ROOT / 'tools/analysis_tools'))
from evaluation_options import evaluate_filled_boxes

INPUT = 416  # pixels, both sides
GREY = 114  # around the picture
STRIDES = 8, 16, 32
NMS_IOU = 0.45
MIN_SCORE = 0.1
COLUMNS = 'HOTA', 'sMOTSA', 'MOTSA', 'MOTSP', 'IDS', 'TP', 'FP', 'FN'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, required=True, help='shared/data')
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument(
        '--sequences', nargs='+', default=['0000', '0001', '0003', '0005', '0016']
    )
    parser.add_argument(
        '--overlap', type=float, default=0.5, help='of neighbouring windows, of a side'
    )
    parser.add_argument('--score-thr', type=float, default=0.3, help='of label_masks')
    return parser.parse_args()


class Detector:
    """YOLOX by OpenCV, over square windows as tall as the frame."""

    def __init__(self, path: Path, overlap: float) -> None:
        self.net = cv2.dnn.readNetFromONNX(str(path))
        self.overlap = overlap
        cells = []
        for stride in STRIDES:
            x, y = np.meshgrid(*2 * [np.arange(INPUT // stride)])
            cells.append(np.stack([x, y, np.full_like(x, stride)], -1).reshape(-1, 3))
        self.cells = np.concatenate(cells)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Rows x, y, w, h, score, class of the objects of a frame."""
        height, width = frame.shape[:2]
        count = 1 + int(np.ceil((width / height - 1) / (1 - self.overlap)))
        lefts = np.linspace(0, max(width - height, 0), max(count, 1)).astype(int)
        rows = [self._window(frame[:, x : x + height], x, width) for x in lefts]
        rows = np.concatenate([*rows, self._window(frame, 0, width)])
        keep = cv2.dnn.NMSBoxesBatched(
            rows[:, :4].tolist(), rows[:, 4], rows[:, 5].astype(int), MIN_SCORE, NMS_IOU
        )
        return rows[np.array(keep, dtype=int)]

    def _window(self, window: np.ndarray, left: int, width: int) -> np.ndarray:
        """Detections of a part of the frame, without those that its sides cut."""
        scale = INPUT / max(window.shape[:2])
        canvas = np.full((INPUT, INPUT, 3), GREY, dtype=np.uint8)
        small = cv2.resize(window, None, fx=scale, fy=scale)
        canvas[: small.shape[0], : small.shape[1]] = small
        self.net.setInput(cv2.dnn.blobFromImage(canvas))
        output = self.net.forward()[0]
        stride = self.cells[:, 2:]
        centres = (output[:, :2] + self.cells[:, :2]) * stride / scale
        sizes = np.exp(output[:, 2:4]) * stride / scale
        scores = output[:, 4:5] * output[:, 5:]
        labels = scores.argmax(1)
        best = scores.max(1)
        x1, y1 = (centres - sizes / 2).T
        x2, y2 = (centres + sizes / 2).T
        margin = 4  # pixels
        kept = best >= MIN_SCORE
        if left > 0:
            kept &= x1 > margin
        if left + window.shape[1] < width:
            kept &= x2 < window.shape[1] - margin
        x1, x2 = np.clip(x1, 0, window.shape[1]), np.clip(x2, 0, window.shape[1])
        y1, y2 = np.clip(y1, 0, window.shape[0]), np.clip(y2, 0, window.shape[0])
        rows = np.stack([x1 + left, y1, x2 - x1, y2 - y1, best, labels], 1)
        return rows[kept]


def write_detections(detector: Detector, reader: FrameReader, path: Path) -> int:
    """Write MOTChallenge text, frames from 1 in their order, and labels.txt."""
    lines = []
    for number, frame in enumerate(reader, 1):
        for x, y, w, h, score, label in detector(frame).tolist():
            box = f'{x:.2f},{y:.2f},{w:.2f},{h:.2f}'
            lines.append(f'{number},-1,{box},{score:.3f},{label + 1:.0f},-1\n')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(lines))
    path.with_name('labels.txt').write_text(
        '\n'.join(CocoDataset.METAINFO['classes']) + '\n'
    )
    return len(lines)


def write_truth(source: Path, reader: FrameReader, path: Path) -> None:
    """Write the annotations of the frames that there are, numbered in their order."""
    places = {int(file.stem): place for place, file in enumerate(reader.files)}
    write_mots_txt(
        path,
        [
            obj._replace(frame_id=places[obj.frame_id])
            for obj in read_mots_txt(source)
            if obj.frame_id in places
        ],
    )


def format_rows(name: str, scores: dict, filled: dict) -> list[str]:
    """Lines of the table, one for each class."""
    lines = []
    for label, row in scores.items():
        if row['TP'] + row['FN'] == 0:
            continue
        cells = [f'{row[key]:.1f}' for key in COLUMNS[:4]]
        cells += [str(row[key]) for key in COLUMNS[4:]]
        cells += [f'{filled[label][key]:.1f}' for key in ('HOTA', 'sMOTSA', 'MOTSP')]
        lines.append(f'| {" | ".join([name, label, *cells])} |')
    return lines


def main() -> None:
    args = parse_args()
    out, lengths, counts = args.out.resolve(), {}, []
    detector = Detector(args.data / 'weights/yolox_nano_coco.onnx', args.overlap)
    for name in args.sequences:
        frames = args.data.resolve() / 'real/kitti_mots/image_02' / name
        reader = FrameReader(frames)
        lengths[name] = len(reader)
        boxes = out / 'boxes' / name / 'det.txt'
        counts.append(f'{name}: {len(reader)} frames, ')
        counts[-1] += f'{write_detections(detector, reader, boxes)} detections'
        annotations = args.data / 'kitti_mots/instances_txt' / f'{name}.txt'
        write_truth(annotations, reader, out / 'truth' / f'{name}.txt')
        command = ['tools/label_masks.py', frames, boxes, '--first-frame', 1]
        command += ['--class-map', 'person=pedestrian', '--classes', 'car']
        command += ['pedestrian', '--score-thr', args.score_thr, '--overwrite']
        run(*command, '--out', out)
    files = out / 'truth', out / 'instances_txt', lengths
    scores, filled = evaluate_sequences(*files), evaluate_filled_boxes(*files)
    columns = ['sequence', 'class', *COLUMNS]
    columns += ['filled HOTA', 'filled sMOTSA', 'filled MOTSP']
    lines = [
        heading(),
        '',
        f'{"; ".join(counts)} of 80 classes with a score of {MIN_SCORE} or more.',
        '',
        f'| {" | ".join(columns)} |',
        '|' + '---|' * len(columns),
    ]
    for name in args.sequences:
        lines += format_rows(name, scores[1][name], filled[1][name])
    lines += format_rows('all', scores[0], filled[0])
    report(lines, out / 'table.md')


if __name__ == '__main__':
    main()
