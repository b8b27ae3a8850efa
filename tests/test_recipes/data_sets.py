# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Drawn data sets in the places and formats that mmdet's configs name."""

import json
from pathlib import Path

import cv2
import numpy as np
from mmdet.datasets import CocoDataset, YouTubeVISDataset

from .shrink import SIZE

YouTubeVISDataset.set_dataset_classes('2019')

# By folder: annotation file and image folders of train and test, and the classes.
LAYOUTS = {
    'coco': (
        ('annotations/instances_train2017.json', 'train2017', ''),
        ('annotations/instances_val2017.json', 'val2017', ''),
        CocoDataset.METAINFO['classes'],
    ),
    'youtube_vis_2019': (
        ('annotations/youtube_vis_2019_train.json', 'train/JPEGImages', ''),
        ('annotations/youtube_vis_2019_valid.json', 'valid/JPEGImages', ''),
        YouTubeVISDataset.METAINFO['classes'],
    ),
    'MOT17': (
        ('annotations/half-train_cocoformat.json', 'train', 'img1'),
        ('annotations/half-val_cocoformat.json', 'train', 'img1'),
        ['pedestrian'],
    ),
}


def write_data_set(root: Path, name: str) -> None:
    """Write ``root/name``: two clips of two frames to train on, one of three."""
    train, test, classes = LAYOUTS[name]
    _write_split(root / name, *train, classes, clips=['a', 'b'], num_frames=2)
    _write_split(root / name, *test, classes, clips=['c'], num_frames=3)


def _write_split(root, ann_file, images, subfolder, classes, clips, num_frames):
    rng = np.random.default_rng(len(clips))
    data = dict(
        categories=[dict(id=i + 1, name=name) for i, name in enumerate(classes)],
        videos=[dict(id=i + 1, name=clip) for i, clip in enumerate(clips)],
        images=[],
        annotations=[],
    )
    for video_id, clip in enumerate(clips, 1):
        folder = Path(clip, subfolder)
        (root / images / folder).mkdir(parents=True, exist_ok=True)
        background = rng.integers(0, 80, (*SIZE[::-1], 3)).astype(np.uint8)
        colors = rng.integers(120, 255, (2, 3))
        for frame in range(num_frames):
            image_id = len(data['images']) + 1
            image = background.copy()
            file_name = str(folder / f'{frame:06}.png')
            data['images'].append(
                dict(
                    id=image_id,
                    video_id=video_id,
                    frame_id=frame,
                    file_name=file_name,
                    width=SIZE[0],
                    height=SIZE[1],
                )
            )
            for i, color in enumerate(colors):
                center = (30 + 60 * i + 3 * frame, 40 + 10 * i)
                outline = cv2.ellipse2Poly(center, (16, 24), 20, 0, 360, 10)
                cv2.fillPoly(image, [outline], color.tolist())
                x1, y1 = outline.min(axis=0).tolist()
                x2, y2 = outline.max(axis=0).tolist()
                data['annotations'].append(
                    dict(
                        id=len(data['annotations']) + 1,
                        image_id=image_id,
                        video_id=video_id,
                        category_id=min(i + 1, len(classes)),
                        instance_id=10 * video_id + i,
                        bbox=[x1, y1, x2 - x1, y2 - y1],
                        area=(x2 - x1) * (y2 - y1),
                        segmentation=[outline.flatten().tolist()],
                        iscrowd=0,
                        mot_conf=1.0,
                        visibility=1.0,
                    )
                )
            cv2.imwrite(str(root / images / file_name), image)
    (root / ann_file).parent.mkdir(parents=True, exist_ok=True)
    (root / ann_file).write_text(json.dumps(data))


def poison_masks(ann_file: Path) -> None:
    """Replace every mask by what no reader of masks survives."""
    data = json.loads(ann_file.read_text())
    assert all(ann['segmentation'] for ann in data['annotations'])
    for ann in data['annotations']:
        ann['segmentation'] = 'poison'
    ann_file.write_text(json.dumps(data))
