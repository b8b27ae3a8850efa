# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmwsmots.apis import BoxLabeler
from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.models.mot import MOTSNet

SIZE = 8, 12


@pytest.fixture
def model(monkeypatch):
    """One class, whose number in files is 2; returns the labels it was asked for."""
    net = MOTSNet.__new__(MOTSNet)
    net.dataset_meta = dict(classes=('pedestrian',))
    net.asked = []

    def segment(model, frame, bboxes, labels):
        model.asked += labels.tolist()
        masks = torch.zeros((len(bboxes), *SIZE), dtype=torch.bool)
        masks[:, 2:4, 2:4] = True
        return InstanceData(masks=masks, scores=torch.ones(len(bboxes)))

    monkeypatch.setattr('mmwsmots.apis.box_labeler.segment_instances', segment)
    return net


def box(name):
    return TrackedBox(0, 5, name, (1.0, 1.0, 9.0, 7.0), False, 'line 1')


def test_a_class_has_the_label_of_the_model_and_the_number_of_kitti(model):
    labeler = BoxLabeler(model, [box('pedestrian')], SIZE)
    labels = labeler.label(0, np.zeros((*SIZE, 3), np.uint8))
    assert model.asked == [0]
    assert [(obj.class_id, obj.track_id) for obj in labels.objects] == [(2, 2005)]


def test_a_class_that_the_model_lacks_stops(model):
    with pytest.raises(
        ValueError, match=r'boxes of the class car; .* knows pedestrian'
    ):
        BoxLabeler(model, [box('car')], SIZE)
