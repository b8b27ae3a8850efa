# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Render, convert, train, test and evaluate, as a user would."""

import json
import os
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from rendered_mots import render_dataset

from benchmarks.common import find_transform
from mmwsmots.apis import label_dataset
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.processes import free_port
from tests.quiet_run import run_script
from tests.upper_halves import upper_halves

SIZE = (192, 64)


@pytest.fixture(scope='module')
def data_root(tmp_path_factory, repo):
    """Two procedural sequences of 4 frames, converted to CocoVID."""
    root = tmp_path_factory.mktemp('rendered')
    render_dataset(root / 'data', num_sequences=2, frames=4, size=SIZE, seed=3)
    tool = repo / 'tools/dataset_converters/kitti_mots2coco.py'
    run_script(tool, root / 'data', '--train', '0000', '--val', '0001')
    return root / 'data'


def config(repo, data_root, work_dir, name='wsmots', iters=2) -> Config:
    """A config for rendered data on this data set, without pretrained weights."""
    cfg = Config.fromfile(repo / f'configs/wsmots/{name}_mnv2_fpn_rendered.py')
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(data_root)
        loader.num_workers = 0
        loader.persistent_workers = False
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    find_transform(train.pipeline, 'RandomResize').scale = SIZE
    find_transform(test.pipeline, 'Resize').scale = SIZE
    cfg.test_evaluator.gt_dir = str(data_root / 'instances_txt')
    cfg.model.detector.backbone.init_cfg = None
    if name == 'wsmots':
        cfg.model.detector.roi_head.mask_head.crf_size = 16
    cfg.model.detector.test_cfg.rcnn.score_thr = 0.01
    cfg.train_cfg.max_iters = iters
    cfg.randomness = dict(seed=0)
    cfg.work_dir = str(work_dir)
    return cfg


def train(cfg: Config) -> dict:
    cfg.experiment_name = os.path.basename(cfg.work_dir)
    runner = Runner.from_cfg(cfg)
    runner.train()
    return {k: v.clone() for k, v in runner.model.state_dict().items()}


def poison(ann_file, new_file):
    """Copy an annotation file with every mask replaced by nonsense."""
    data = json.loads(ann_file.read_text())
    masks = [ann['segmentation'] for ann in data['annotations']]
    assert len(masks) > 5
    for ann in data['annotations']:
        ann['segmentation'] = dict(size=[1, 1], counts='not a mask')
        ann['area'] = 1.0
    new_file.write_text(json.dumps(data))


def test_poisoned_masks_train_to_identical_weights(repo, data_root, tmp_path):
    ann_file = data_root / 'annotations/kitti_mots_train.json'
    poison(ann_file, data_root / 'annotations/poisoned.json')
    weights = []
    for ann in ('kitti_mots_train.json', 'poisoned.json'):
        cfg = config(repo, data_root, tmp_path / ann.split('.')[0])
        cfg.train_dataloader.dataset.ann_file = f'annotations/{ann}'
        weights.append(train(cfg))
    assert weights[0].keys() == weights[1].keys()
    for key, value in weights[0].items():
        assert torch.equal(value, weights[1][key]), key


def test_what_the_masker_teaches_does_not_depend_on_true_masks(
    repo, data_root, tmp_path
):
    """Labelled, then trained on the labels, of a file with poisoned masks and not."""
    ann_file = data_root / 'annotations/kitti_mots_train.json'
    poison(ann_file, data_root / 'annotations/poisoned.json')
    weights, files = [], []
    for name in ('kitti_mots_train', 'poisoned'):
        work_dir, labelled = tmp_path / name, f'annotations/{name}_masks.json'
        metrics = label_dataset(
            *upper_halves(tmp_path),
            data_root / f'annotations/{name}.json',
            data_root / 'training/image_02',
            data_root / labelled,
            work_dir / 'label',
        )
        assert metrics['masks/number'] > 5
        files.append((data_root / labelled).read_bytes())
        cfg = config(repo, data_root, work_dir, 'wsmots-masker')
        cfg.train_dataloader.dataset.ann_file = labelled
        weights.append(train(cfg))
    assert files[0] == files[1]
    for key, value in weights[0].items():
        assert torch.equal(value, weights[1][key]), key
    # It does read the labels: with others it becomes another model.
    coco = json.loads(files[0])
    for ann in coco['annotations']:
        ann['segmentation']['score'] = 0.0
    (data_root / labelled).write_text(json.dumps(coco))
    cfg = config(repo, data_root, tmp_path / 'unsure', 'wsmots-masker')
    cfg.train_dataloader.dataset.ann_file = labelled
    others = train(cfg)
    assert not all(torch.equal(value, others[key]) for key, value in weights[0].items())


def test_the_supervised_baseline_does_read_masks(repo, data_root, tmp_path):
    """The poison works: where masks are read, it is noticed."""
    poison(
        data_root / 'annotations/kitti_mots_train.json',
        data_root / 'annotations/poisoned.json',
    )
    cfg = config(repo, data_root, tmp_path / 'run', 'mots')
    cfg.train_dataloader.dataset.ann_file = 'annotations/poisoned.json'
    with pytest.raises(Exception):  # noqa: B017  (pycocotools' own errors)
        train(cfg)


def test_train_then_test_writes_legal_results_and_both_rows(repo, data_root, tmp_path):
    cfg = config(repo, data_root, tmp_path / 'run')
    cfg.test_evaluator.outfile_prefix = str(tmp_path / 'results')
    train(cfg)
    cfg.load_from = str(tmp_path / 'run/iter_2.pth')
    cfg.experiment_name = 'test'
    metrics = Runner.from_cfg(cfg).test()
    for row in ('', 'filled_boxes/'):
        for label in ('car', 'pedestrian'):
            for value in ('sMOTSA', 'MOTSA', 'MOTSP', 'HOTA', 'IDF1'):
                assert f'{row}{label}/{value}' in metrics
    objects = read_mots_txt(tmp_path / 'results/0001.txt', check_disjoint=True)
    assert {(obj.height, obj.width) for obj in objects} <= {SIZE[::-1]}


def test_two_processes_train_where_one_has_no_object(repo, data_root, tmp_path):
    """gloo on the CPU; frames without objects stay in, and one rank gets only them."""
    cfg = config(repo, data_root, tmp_path / 'run')
    data = json.loads((data_root / 'annotations/kitti_mots_train.json').read_text())
    empty = {image['id'] for image in data['images'][::2]}
    data['annotations'] = [a for a in data['annotations'] if a['image_id'] not in empty]
    (data_root / 'annotations/half_empty.json').write_text(json.dumps(data))
    dataset = cfg.train_dataloader.dataset
    dataset.ann_file = 'annotations/half_empty.json'
    dataset.filter_cfg = dict(filter_empty_gt=False)
    find_transform(dataset.pipeline, 'ClipFrameSample').num_frames = 1
    cfg.train_dataloader.sampler = dict(type='TrackImgSampler', seed=0)
    cfg.train_dataloader.batch_size = 1
    cfg.env_cfg.dist_cfg = dict(backend='gloo')
    cfg.dump(tmp_path / 'config.py')
    env = dict(os.environ, PORT=free_port(), PYTHON=sys.executable)
    command = [repo / 'tools/dist_train.sh', tmp_path / 'config.py', 2]
    command += ['--work-dir', tmp_path / 'run']
    subprocess.run(['bash', *map(str, command)], check=True, env=env, timeout=600)
    checkpoint = tmp_path / 'run/iter_2.pth'
    weights = load_checkpoint(torch.nn.Module(), str(checkpoint), strict=False)
    assert all(value.isfinite().all() for value in weights['state_dict'].values())
