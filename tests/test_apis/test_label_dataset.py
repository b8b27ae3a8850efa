# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.runner import save_checkpoint
from pycocotools import mask as mask_utils

from mmwsmots.apis import label_dataset
from tests.upper_halves import upper_halves

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def model(tmp_path):
    """Config and checkpoint."""
    return upper_halves(tmp_path)


@pytest.fixture
def data(tmp_path):
    """Pictures and boxes of a class that no config names."""
    folder = tmp_path / 'images'
    folder.mkdir()
    images, annotations = [], []
    for i in range(4):
        image = np.full((HEIGHT, WIDTH, 3), 40 * i, dtype=np.uint8)
        cv2.imwrite(str(folder / f'{i}.png'), image)
        images.append(dict(id=i, file_name=f'{i}.png', height=HEIGHT, width=WIDTH))
        for k in range(i):  # one picture without boxes
            bbox = [8 + 10 * k, 4, 6, 20]
            segmentation = dict(size=[1, 1], counts='not a mask')
            annotations.append(
                dict(
                    id=len(annotations) + 9,
                    image_id=i,
                    category_id=3,
                    bbox=bbox,
                    area=0,
                    iscrowd=0,
                    instance_id=k,
                    segmentation=segmentation,
                )
            )
    coco = dict(
        images=images,
        annotations=annotations[::-1],
        categories=[dict(id=3, name='лодка')],
    )
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(coco))
    return path, folder


def test_every_box_gets_its_own_mask(model, data, tmp_path):
    out = tmp_path / 'out/masks.json'
    metrics = label_dataset(*model, *data, out, tmp_path / 'work')
    assert metrics['masks/number'] == 6
    coco, before = (json.loads(path.read_text()) for path in (out, data[0]))
    assert coco['images'] == before['images']
    assert len(coco['annotations']) == 6
    for ann, old in zip(coco['annotations'], before['annotations']):
        x, y, w, h = old['bbox']
        expected = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        expected[y : y + h // 2, x : x + w] = 1
        assert (mask_utils.decode(ann['segmentation']) == expected).all()
        score = ann['segmentation'].pop('score')
        assert score == pytest.approx(4 / x, abs=1e-4)
        assert ann.pop('area') == expected.sum()
        assert ann.pop('segmentation') != old.pop('segmentation')
        old.pop('area')
        assert ann == old
    with pytest.raises(FileExistsError, match=r'masks\.json: exists already'):
        label_dataset(*model, *data, out, tmp_path / 'work')
    scores = [4 / (8 + 10 * k) for i in range(4) for k in range(i)]
    assert metrics['masks/score'] == pytest.approx(np.mean(scores))


def test_weights_of_another_model_stop(model, data, tmp_path):
    """They would make masks of random layers."""
    save_checkpoint(dict(state_dict=dict(other=torch.ones(1))), str(model[1]))
    with pytest.raises(ValueError, match=r'weights\.pth: not the weights of .*weight'):
        label_dataset(*model, *data, tmp_path / 'masks.json', tmp_path / 'work')
    model[0].model.type = 'MaskRCNN'
    with pytest.raises(ValueError, match='must be BoxMasker, got MaskRCNN'):
        label_dataset(*model, *data, tmp_path / 'masks.json', tmp_path / 'work')
    assert not (tmp_path / 'masks.json').exists()


def test_a_picture_of_another_size_stops(model, data, tmp_path):
    path, folder = data
    cv2.imwrite(str(folder / '2.png'), np.zeros((WIDTH, HEIGHT, 3), np.uint8))
    out = tmp_path / 'masks.json'
    with pytest.raises(ValueError, match=r'2\.png: the frame has the size 40 x 60'):
        label_dataset(*model, path, folder, out, tmp_path / 'work')
    assert not out.exists()
