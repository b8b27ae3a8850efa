# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from benchmarks.real import __main__ as real
from benchmarks.real.recipes import masker, masker_from_masks
from mmwsmots.models.maskers import BoxMasker

from .conftest import SCENES


class LowerHalf(BoxMasker):
    """Lower halves of boxes, without a network."""

    def segment(self, image, bboxes):
        results = super().segment(image, bboxes)
        results.masks[:] = False
        for mask, (x1, y1, x2, y2) in zip(results.masks, bboxes.int().tolist()):
            mask[(y1 + y2) // 2 : y2, x1:x2] = True
        return results


@pytest.fixture
def loaded(monkeypatch):
    """Checkpoints that were asked for; none is read, nothing is trained."""
    asked = []

    def init(config, checkpoint, device):
        asked.append((config, checkpoint))
        cfg = Config.fromfile(masker.LABELS).model
        cfg.backbone.init_cfg = None
        return MODELS.build(dict(cfg, type=LowerHalf)).eval()

    monkeypatch.setattr(masker, 'init_box_masker', init)
    for module in (masker, masker_from_masks):
        monkeypatch.setattr(module, 'fetch_weights', lambda cfg: None)
    torch.manual_seed(0)
    return asked


def run(photos, recipe, out, *options):
    words = ['photos', '--data', photos, '--recipe', recipe, '--out', out, *options]
    real.main([str(word) for word in words])
    rows = json.loads((out / 'rows.json').read_text())
    return rows[0]


def check_files(ann_file, images, with_masks):
    coco = json.loads(Path(ann_file).read_text())
    assert [ann['bbox'] is not None for ann in coco['annotations']] == [True] * 5
    assert all(('segmentation' in ann) == with_masks for ann in coco['annotations'])
    files = [Path(images, image['file_name']) for image in coco['images']]
    assert all(file.is_file() for file in files)
    assert len(files) == len(SCENES)


def test_trains_on_boxes_by_the_tool(photos, tmp_path, loaded, monkeypatch):
    def tool(command, cwd, env):
        _, script, ann_file, images, folder, seed = command
        assert script == cwd / 'tools/train_masker.sh'
        assert script.is_file()
        check_files(ann_file, images, with_masks=False)
        assert seed == '7'
        for name in ('BOXES', 'LABELS'):
            cfg = Config.fromfile(env[name])
            assert cfg.model.type == 'BoxMasker'
            assert cfg.train_cfg.max_iters == cfg.param_scheduler[1].T_max == 60
            classes = cfg.train_dataloader.dataset.metainfo.classes
            assert classes == ['car', 'kite', 'person']
        for number in (1, 2):
            (folder / f'round_{number}').mkdir(parents=True)
            text = f'weights of round {number}\n'
            (folder / f'round_{number}/last_checkpoint').write_text(text)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(masker.subprocess, 'run', tool)
    row = run(photos, 'masker', tmp_path / 'out', '--seed', 7, '--iters', 60)
    assert loaded == [(masker.LABELS, 'weights of round 2')]
    assert row['ratio'] == pytest.approx(0.5, abs=0.03)
    results = json.loads((tmp_path / 'out/test_masks.json').read_text())
    assert len(results) == 6
    assert all(0 <= item['score'] <= 1 for item in results)

    monkeypatch.setattr(
        masker.subprocess, 'run', lambda *args, **kw: SimpleNamespace(returncode=1)
    )
    with pytest.raises(SystemExit, match=r'train_masker.sh failed'):
        run(photos, 'masker', tmp_path / 'out')


def test_from_masks_trains_once_on_masks(photos, tmp_path, loaded, monkeypatch):
    def tool(script, config, option, folder):
        assert (script, option) == ('tools/train.py', '--work-dir')
        cfg = Config.fromfile(config)
        dataset = cfg.train_dataloader.dataset
        check_files(dataset.ann_file, dataset.data_prefix.img, with_masks=True)
        first = Config.fromfile(masker.BOXES)
        assert cfg.load_from is None
        assert cfg.optim_wrapper.to_dict() == first.optim_wrapper.to_dict()
        assert cfg.train_cfg.max_iters == first.train_cfg.max_iters
        assert cfg.param_scheduler[1].T_max == first.train_cfg.max_iters
        assert cfg.model.loss_mask is not None
        assert cfg.model.loss_projection is None
        folder.mkdir(parents=True)
        (folder / 'last_checkpoint').write_text('trained')

    monkeypatch.setattr(masker_from_masks, 'run', tool)
    run(photos, 'masker-from-masks', tmp_path / 'out')
    assert loaded == [(masker.LABELS, 'trained')]


def test_adapts_to_each_sequence(photos, tmp_path, loaded, monkeypatch):
    frames = real.load_photos(photos, 'dev')
    frames = [frame._replace(group=f'000{i // 2}') for i, frame in enumerate(frames)]
    monkeypatch.setattr(real, 'load', lambda args: (frames, frames))

    def adapt(cfg, weights, ann_file, images, folder, num_iters):
        assert weights == 'file.pth'
        assert num_iters == 30
        coco = json.loads(ann_file.read_text())
        assert not any('segmentation' in ann for ann in coco['annotations'])
        return f'{folder.name} with {len(coco["images"])}'

    monkeypatch.setattr(masker, 'adapt_box_masker', adapt)
    options = ('kitti', '--data', photos, '--recipe', 'masker', '--out', tmp_path)
    options += ('--weights', 'file.pth', '--adapt', 30)
    real.main([str(word) for word in options])
    names = [checkpoint for _, checkpoint in loaded]
    assert names == ['file.pth', '0000 with 2', '0001 with 1']
    rows = json.loads((tmp_path / 'rows.json').read_text())
    assert {row['group'] for row in rows} == {'0000', '0001'}
    assert np.isfinite([row['iou'] for row in rows]).all()


def test_released_weights(photos, tmp_path, loaded):
    run(photos, 'masker', tmp_path / 'out', '--weights', 'released', '--no-test')
    assert loaded == [(None, None)]
    with pytest.raises(SystemExit):
        run(photos, 'masker', tmp_path / 'out', '--adapt', '3')
