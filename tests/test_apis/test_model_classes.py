# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner import save_checkpoint

from mmwsmots.apis import init_mots_model, set_classes
from mmwsmots.apis.model_classes import (
    adopt_classes,
    check_num_classes,
    check_resumed_classes,
    config_classes,
)
from mmwsmots.utils import check_device
from tests.small_model import small_config

STREET = ('person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck')


def test_a_config_gets_other_classes(repo):
    cfg = small_config(repo)
    cfg.model.tracker.match_sim_thr = [0.25, 0.75]
    set_classes(cfg, STREET)
    for split in ('train', 'val', 'test'):
        assert config_classes(cfg, split) == STREET
    model = MODELS.build(cfg.model)
    check_num_classes(model, STREET, 'the data set')
    roi_head = model.detector.roi_head
    assert roi_head.bbox_head.fc_cls.out_features == 7
    assert roi_head.mask_head.conv_logits.out_channels == 6
    assert model.track_head.fc_embed.out_features == 6 * model.track_head.embed_dims
    # car keeps its own, the others get the mean of car's and pedestrian's
    assert model.tracker.match_sim_thr == [0.5, 0.5, 0.25, 0.5, 0.5, 0.5]
    assert model.detector.rpn_head.num_classes == 1


@pytest.mark.parametrize('classes', ['boat', (), ('boat', 'Boat')])
def test_what_is_no_list_of_names(repo, classes):
    with pytest.raises(ValueError, match='classes'):
        set_classes(small_config(repo), classes)


def test_data_sets_in_wrappers_get_them_too():
    inner = dict(type='MOTSDataset', ann_file='a.json')
    wrapped = dict(type='ConcatDataset', datasets=[inner, dict(inner)])
    cfg = Config(dict(train_dataloader=dict(dataset=wrapped), model=dict()))
    set_classes(cfg, ['boat'])
    datasets = cfg.train_dataloader.dataset.datasets
    assert [dataset.metainfo.classes for dataset in datasets] == [('boat',)] * 2


@pytest.mark.parametrize(
    ('key', 'head'),
    [
        ('detector.roi_head.bbox_head', 'bbox_head'),
        ('detector.roi_head.mask_head', 'mask_head'),
        ('track_head', 'track_head'),
    ],
)
def test_a_head_that_was_forgotten_is_named_with_both_numbers(repo, key, head):
    cfg = small_config(repo)
    set_classes(cfg, ('boat', 'kite', 'лодка'))
    cfg.merge_from_dict({f'model.{key}.num_classes': 2})
    message = rf'{head}\.num_classes is 2, but .* has 3 classes: boat, kite, лодка'
    with pytest.raises(ValueError, match=message):
        init_mots_model(cfg)


def test_class_agnostic_heads_have_no_number_to_check(repo):
    cfg = small_config(repo)
    cfg.model.track_head.update(class_agnostic=True, num_classes=7)
    init_mots_model(cfg)


@pytest.fixture
def street_checkpoint(repo, tmp_path):
    cfg = small_config(repo)
    set_classes(cfg, STREET)
    path = tmp_path / 'street.pth'
    meta = dict(dataset_meta=dict(classes=list(STREET)))
    model = init_mots_model(cfg)
    save_checkpoint(dict(state_dict=model.state_dict(), meta=meta), str(path))
    return path


def test_a_model_has_the_classes_it_was_trained_on(repo, street_checkpoint):
    model = init_mots_model(small_config(repo), street_checkpoint)
    assert model.dataset_meta['classes'] == STREET
    assert config_classes(model.cfg) == STREET


def test_a_checkpoint_in_another_order_says_so(repo, tmp_path):
    cfg = small_config(repo)
    path = tmp_path / 'ours.pth'
    meta = dict(dataset_meta=dict(classes=('pedestrian', 'car')))
    state = init_mots_model(cfg).state_dict()
    save_checkpoint(dict(state_dict=state, meta=meta), str(path))
    assert init_mots_model(cfg, path).dataset_meta['classes'] == ('pedestrian', 'car')
    with pytest.raises(ValueError, match=r'pedestrian, car, .* trains on car, pedes'):
        check_resumed_classes(cfg, path)
    meta['dataset_meta']['classes'] = ('Car', 'Pedestrian')
    save_checkpoint(dict(state_dict=state, meta=meta), str(path))
    check_resumed_classes(cfg, path)
    assert adopt_classes(cfg, path) is None


def test_a_checkpoint_without_classes_is_taken_as_the_config_says(repo, tmp_path):
    torch.save(dict(state_dict={}), tmp_path / 'old.pth')
    assert adopt_classes(small_config(repo), tmp_path / 'old.pth') is None


@pytest.mark.parametrize('name', ['gpu', 'cuda:77', '', 'cpu:x'])
def test_devices_that_are_not_there(repo, name):
    with pytest.raises(ValueError, match='device'):
        check_device(name)
    with pytest.raises(ValueError, match='device'):
        init_mots_model(small_config(repo), device=name)


NEW_STYLE = """
from mmwsmots.datasets import KITTIMOTSDataset
from mmwsmots.models.mot import MOTSNet
from mmcv.ops import RoIAlign

default_scope = 'mmdet'
model = {model}
test_dataloader = {test_dataloader}
"""


def test_configs_that_hold_classes_in_place_of_names(repo, tmp_path):
    """mmengine's new style: the same dicts, types imported."""
    cfg = small_config(repo).to_dict()
    text = NEW_STYLE.format(**cfg)
    for name in ('MOTSNet', 'KITTIMOTSDataset', 'RoIAlign'):
        assert f"'type': '{name}'" in text
        text = text.replace(f"'type': '{name}'", f"'type': {name}")
    path = tmp_path / 'new_style.py'
    path.write_text(text)
    model, named = init_mots_model(path), init_mots_model(small_config(repo))
    assert model.dataset_meta == named.dataset_meta
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    assert shapes == {name: value.shape for name, value in named.state_dict().items()}
