# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""How sure a mask is arrives with it, whatever the pipeline does."""

import json

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config

from benchmarks.common import find_transform
from mmwsmots.datasets import LoadMaskScores, PackMOTSDetInputs
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.rle import mask_to_rle

HEIGHT, WIDTH = 40, 64
SCORES = {8: 0.25, 24: 0.5, 40: 0.75}  # by the left side of the box


def rle(x, **score):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:20, x : x + 8] = True
    return dict(size=[HEIGHT, WIDTH], counts=mask_to_rle(mask), **score)


@pytest.fixture
def root(tmp_path):
    """Two frames of one clip; between the objects lies an ignore region."""
    builder = CocoVIDBuilder(dict(car=1, pedestrian=2))
    builder.add_video('a', ['a/0.png', 'a/1.png'], (HEIGHT, WIDTH))
    (tmp_path / 'a').mkdir()
    for frame in range(2):
        cv2.imwrite(
            str(tmp_path / f'a/{frame}.png'), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        )
        for i, (x, score) in enumerate(SCORES.items()):
            fields = dict(bbox=[x, 10, 8, 10], area=80)
            builder.add_object(
                1, frame, 1, i, segmentation=rle(x, score=score), **fields
            )
            if i == 0:
                builder.add_object(1, frame, None, 99, segmentation=rle(50), **fields)
    builder.write(tmp_path / 'masks.json')
    return tmp_path


def load(repo, root, flip=1.0):
    """Frames as the supervised config loads them for training."""
    cfg = Config.fromfile(repo / 'configs/wsmots/mots_r50_fpn_kitti.py')
    cfg = cfg.train_dataloader.dataset
    cfg.update(data_root=f'{root}/', ann_file='masks.json')
    cfg.data_prefix.img_path = ''
    find_transform(cfg.pipeline, 'ClipFrameSample').num_frames = 2
    find_transform(cfg.pipeline, 'RandomResize').scale = (2 * WIDTH, 2 * HEIGHT)
    find_transform(cfg.pipeline, 'RandomFlip').prob = flip
    return DATASETS.build(cfg)[0]['data_samples'].video_data_samples


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_each_mask_keeps_its_score(repo, root, flip):
    frames = load(repo, root, flip)
    assert len(frames) == 2
    for frame in frames:
        gts = frame.gt_instances
        assert gts.mask_scores.tolist() == list(SCORES.values())
        assert gts.mask_scores.dtype.is_floating_point
        assert len(frame.ignored_instances) == 1
        width = frame.img_shape[1]
        for x, (x1, _, x2, _), mask in zip(SCORES, gts.bboxes, gts.masks.masks):
            left = (width - x2 if flip else x1) / width * WIDTH
            assert left == pytest.approx(x, abs=0.1)
            assert mask[:, int(x1) + 1 : int(x2)].any()


def test_true_masks_are_sure(repo, root):
    path = root / 'masks.json'
    coco = json.loads(path.read_text())
    for ann in coco['annotations']:
        ann['segmentation'].pop('score', None)
    path.write_text(json.dumps(coco))
    for frame in load(repo, root):
        assert frame.gt_instances.mask_scores.tolist() == [1.0] * 3


def results(scores, num_masks=None):
    num_masks = len(scores) if num_masks is None else num_masks
    return dict(
        img_path='0.png',
        img=np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        instances=[dict(mask=rle(8, score=score)) for score in scores],
        gt_masks=BitmapMasks(np.zeros((num_masks, 4, 4), np.uint8), 4, 4),
        gt_ignore_flags=np.array([False, True, False]),
    )


def test_stills_and_polygons():
    data = results([0.3, 0.4, 0.5])
    data['instances'][2]['mask'] = [[1, 1, 5, 1, 5, 5]]
    sample = PackMOTSDetInputs(meta_keys=())(LoadMaskScores()(data))['data_samples']
    assert sample.gt_instances.mask_scores.tolist() == pytest.approx([0.3, 1.0])


def test_nothing_without_masks():
    data = dict(instances=[dict(bbox=[0, 0, 1, 1])])
    assert LoadMaskScores()(data) == data


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (results([0.5, 1.5]), r'0\.png: a mask has the score 1\.5, outside of 0\.\.1'),
        (results([0.5, float('nan')]), 'score nan, outside'),
        (results([0.5, 0.5, 0.5], 2), r'0\.png: 2 of 3 masks are left'),
    ],
)
def test_bad_scores(data, message):
    with pytest.raises(ValueError, match=message):
        LoadMaskScores()(data)
