# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import VISUALIZERS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData

from mmwsmots.visualization import TrackDrawer, id_color

SHAPE = (90, 160)


@pytest.fixture
def visualizer(tmp_path):
    # mmengine keeps one instance per name.
    visualizer = VISUALIZERS.build(dict(type='MOTSVisualizer', name=str(tmp_path)))
    visualizer.dataset_meta = dict(classes=('car', 'pedestrian'))
    return visualizer


def masks(x):
    result = np.zeros((2, *SHAPE), dtype=bool)
    result[0, 50:80, x : x + 30] = True
    result[1, 50:80, x + 60 : x + 70] = True
    return result


def sample(frame_id, x, scores=(0.9, 0.2)):
    data_sample = DetDataSample(metainfo=dict(frame_id=frame_id))
    data_sample.pred_track_instances = InstanceData(
        bboxes=torch.zeros(2, 4),
        labels=torch.tensor([0, 1]),
        scores=torch.tensor(scores),
        instances_id=torch.tensor([4, 6]),
        masks=torch.from_numpy(masks(x)),
    )
    return data_sample


def draw(visualizer, path, *args, **kwargs):
    image = np.zeros((*SHAPE, 3), dtype=np.uint8)
    image[..., 0] = 200  # red in RGB
    visualizer.add_datasample('frame', image, *args, out_file=str(path), **kwargs)
    return cv2.imread(str(path))


def test_draws_predictions_over_the_threshold_in_rgb(visualizer, tmp_path):
    drawn = draw(visualizer, tmp_path / 'a.png', sample(0, 20), draw_gt=False)
    image = np.zeros((*SHAPE, 3), dtype=np.uint8)
    image[..., 2] = 200  # red in BGR
    expected = TrackDrawer().draw(image, [4], ['car 4'], masks(20)[:1])
    assert (drawn == expected).all()


def test_ground_truth_beside_predictions(visualizer, tmp_path):
    data_sample = sample(0, 20, scores=(0.9, 0.9))
    data_sample.gt_instances = InstanceData(
        labels=torch.tensor([0, 1]),
        instances_ids=torch.tensor([4, 6]),
        masks=BitmapMasks(list(masks(20).astype(np.uint8)), *SHAPE),
    )
    drawn = draw(visualizer, tmp_path / 'a.png', data_sample)
    assert drawn.shape == (90, 320, 3)
    assert (drawn[:, :160] == drawn[:, 160:]).all()


def test_ground_truth_of_boxes_alone(visualizer, tmp_path):
    data_sample = DetDataSample(metainfo=dict(frame_id=0))
    data_sample.gt_instances = InstanceData(
        labels=torch.tensor([0]),
        instances_ids=torch.tensor([4]),
        bboxes=torch.tensor([[20.0, 50, 60, 80]]),
    )
    drawn = draw(visualizer, tmp_path / 'a.png', data_sample, draw_pred=False)
    color = np.array(id_color(4))
    assert (drawn[50:80, 20] == color).all()
    assert (drawn[55:75, 25:55] == (0, 0, 200)).all()
