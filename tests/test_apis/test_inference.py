# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import save_checkpoint

from mmwsmots.apis import init_box_masker, init_mots_model, released_masker
from mmwsmots.models.maskers import BoxMasker
from mmwsmots.models.mot import MOTSNet
from tests.small_model import save_model, small_config


@pytest.fixture(scope='module')
def model(repo):
    torch.manual_seed(0)
    return init_mots_model(small_config(repo))


@pytest.fixture(scope='module')
def files(model, tmp_path_factory):
    """Config and checkpoint of the model."""
    return save_model(model, tmp_path_factory.mktemp('model'))


def test_model_has_the_weights_of_the_file(model, files):
    loaded = init_mots_model(*files)
    assert isinstance(loaded, MOTSNet) and not loaded.training
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_score_threshold_replaces_that_of_the_config(files):
    loaded = init_mots_model(*files, score_thr=0.75)
    assert loaded.detector.roi_head.test_cfg.score_thr == 0.75
    assert init_mots_model(*files).detector.roi_head.test_cfg.score_thr == 0


@pytest.mark.parametrize('value', [-0.1, 2, float('nan'), '0.5'])
def test_bad_thresholds(files, value):
    with pytest.raises(ValueError, match=r'score_thr must lie in 0\.\.1, got'):
        init_mots_model(*files, score_thr=value)


def test_configs_by_name(repo):
    """As in ``_base_``, or alone."""
    name = 'wsmots/wsmots-masker_mnv2_fpn_demo.py'
    for config in (f'mmwsmots::{name}', 'wsmots-masker_mnv2_fpn_demo'):
        model = init_mots_model(config)
        assert model.cfg.filename == str(repo / 'configs' / name)
    name = 'mmwsmots::masker/box-masker_mnv2_coco-labels.py'
    masker = init_box_masker(name, released_masker()[1])
    assert isinstance(masker, BoxMasker)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('model = dict(', r'cannot be read as a config \(SyntaxError'),
        ('x = nothing', 'cannot be read as a config .*nothing'),
        ("_base_ = 'absent.py'", 'cannot be read as a config .*absent'),
    ],
)
def test_bad_configs(tmp_path, text, message):
    path = tmp_path / 'bad.py'
    path.write_text(text)
    for init in (init_mots_model, init_box_masker):
        with pytest.raises(ValueError, match=rf'bad\.py: {message}'):
            init(path, 'weights.pth')


def test_settings_that_do_not_fit_are_named(files):
    config = Config.fromfile(files[0])
    config.model.nothing = 1
    with pytest.raises(ValueError, match=r"\.py: the model cannot be built.*'nothing'"):
        init_mots_model(config)
    config = Config.fromfile(released_masker()[0])
    config.model.backbone.type = 'Unheard'
    with pytest.raises(ValueError, match=r'\.py: the model cannot be built.*Unheard'):
        init_box_masker(config, released_masker()[1])


def test_bad_files(files, tmp_path):
    config, checkpoint = files
    with pytest.raises(FileNotFoundError, match=r'absent\.py: no such config file'):
        init_mots_model(tmp_path / 'absent.py', checkpoint)
    with pytest.raises(FileNotFoundError, match=r'absent\.pth: no such checkpoint'):
        init_mots_model(config, tmp_path / 'absent.pth')
    for text, found in [
        ("model = dict(type='FasterRCNN')", 'FasterRCNN'),
        ("model = dict(type='Unheard')", 'Unheard'),
        ('epochs = 3', 'None'),
    ]:
        (tmp_path / 'other.py').write_text(text)
        with pytest.raises(
            ValueError, match=rf'other\.py: model.type must be MOTSNet, got {found}'
        ):
            init_mots_model(tmp_path / 'other.py', checkpoint)
    (tmp_path / 'other.py').write_text("model = dict(type='MOTSNet')")
    with pytest.raises(ValueError, match=r'other\.py: test_dataloader.* is missing'):
        init_mots_model(tmp_path / 'other.py', checkpoint)


def test_bad_checkpoints(model, files, tmp_path):
    path = tmp_path / 'bad.pth'
    path.write_bytes(b'')
    with pytest.raises(ValueError, match=r'bad\.pth: the file is cut off'):
        init_mots_model(files[0], path)
    for text in ('no checkpoint', 'junk', 'h', '\x80'):
        path.write_text(text, encoding='latin-1')
        with pytest.raises(ValueError, match=r'bad\.pth'):
            init_mots_model(files[0], path)
    path.write_bytes(files[1].read_bytes()[:1000])
    with pytest.raises(ValueError, match=r'bad\.pth'):
        init_mots_model(files[0], path)
    state = model.state_dict()
    (missing,) = [name for name in state if name.endswith('fc_cls.weight')]
    save_checkpoint(
        dict(state_dict={k: v for k, v in state.items() if k != missing}), str(path)
    )
    with pytest.raises(ValueError, match=rf'bad\.pth: not the weights of .*{missing}'):
        init_mots_model(files[0], path)
    state[missing] = torch.zeros(5, 5)
    save_checkpoint(dict(state_dict=state), str(path))
    with pytest.raises(ValueError, match=rf'bad\.pth: not the weights of .*{missing}'):
        init_mots_model(files[0], path)
