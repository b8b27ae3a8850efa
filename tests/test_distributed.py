# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Two gloo processes, against one with the whole batch and all videos."""

import os

import cv2
import numpy as np
import pytest
import torch
from mmdet.models.task_modules import RandomSampler
from mmdet.registry import TASK_UTILS
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from tests.processes import run_processes
from tests.small_model import SIZE, small_config
from tests.test_models.utils import build_model, random_batch

MASK_HEAD = 'model.detector.roi_head.mask_head'
RCNN = 'model.detector.train_cfg.rcnn'
OBJECTS = [3, 1, 1, 2]  # in each of the two frames of four clips


@TASK_UTILS.register_module()
class FirstSampler(RandomSampler):
    """Takes the first RoIs, so that nothing depends on a process's generator."""

    def random_choice(self, gallery, num):
        return gallery[:num]


def options_of(gather):
    """A model without random numbers, with all losses."""
    return {
        'model.detector.backbone.norm_eval': True,
        'model.detector.train_cfg.rpn.sampler.type': 'FirstSampler',
        # Each object has a positive anchor: mmdet counts one more where none is.
        'model.detector.train_cfg.rpn.assigner.min_pos_iou': 0.0,
        f'{RCNN}.sampler.type': 'FirstSampler',
        'model.track_head.loss_triplet.gather': gather,
        'model.track_head.loss_triplet.margin': 1.0,
        f'{MASK_HEAD}.loss_loc.gather': gather,
        f'{MASK_HEAD}.loss_crf.gather': gather,
        f'{MASK_HEAD}.loss_crf.loss_weight': 1e-3,
    }


def whole_batch():
    return random_batch(OBJECTS)


def gradients(model, batch):
    """Losses of a batch and the gradients of all parameters."""
    inner = getattr(model, 'module', model)
    losses = model(**inner.data_preprocessor(batch, True), mode='loss')
    total, values = inner.parse_losses(losses)
    total.backward()
    named = inner.named_parameters()
    grads = {name: param.grad for name, param in named if param.grad is not None}
    return {name: float(value) for name, value in values.items()}, grads


def gradients_of_rank(rank, repo):
    results = []
    for gather in (True, False):
        model = build_model(repo, **options_of(gather)).train()
        model = MMDistributedDataParallel(model, find_unused_parameters=True)
        batch = whole_batch()
        part = slice(2 * rank, 2 * rank + 2)
        part = {key: value[part] for key, value in batch.items()}
        results.append(gradients(model, part))
    return results


@pytest.fixture(scope='module')
def rank_gradients(repo):
    ranks = run_processes(gradients_of_rank, repo)
    return dict(zip((True, False), zip(*ranks)))


def error(actual, expected):
    """Norm of the difference over the norm."""
    return float((actual - expected).norm() / expected.norm().clamp(min=1e-6))


@pytest.fixture(scope='module')
def one_process(repo):
    return gradients(build_model(repo, **options_of(False)).train(), whole_batch())


def test_gradients_of_two_processes_are_those_of_one(rank_gradients, one_process):
    losses, expected = one_process
    ranks = rank_gradients[True]
    assert [key for key, value in losses.items() if value == 0] == []
    for key, value in losses.items():
        if key.startswith('loss'):  # the logged one of a process is its own share
            mean = sum(values[key] for values, _ in ranks) / 2
            assert mean == pytest.approx(value, rel=1e-4), key
    for _, grads in ranks:
        assert grads.keys() == expected.keys()
        worst = max(expected, key=lambda key: error(grads[key], expected[key]))
        assert error(grads[worst], expected[worst]) < 5e-3, worst


def test_means_of_each_process_give_other_gradients(rank_gradients, one_process):
    """What `gather=True` is for; RPN and box losses count the same everywhere."""
    _, expected = one_process
    _, grads = rank_gradients[False][0]
    for name, differs in (
        ('detector.rpn_head.rpn_cls.weight', False),
        ('detector.roi_head.bbox_head.fc_cls.weight', False),
        ('detector.roi_head.bbox_head.fc_reg.weight', False),
        ('detector.roi_head.mask_head.conv_logits.weight', True),
        ('track_head.fc_embed.weight', True),
    ):
        assert (error(grads[name], expected[name]) > 0.01) == differs, name


def edit(batch, field, value):
    """Give all objects one label or identity."""
    for clip in batch['data_samples']:
        for frame in clip.video_data_samples:
            getattr(frame.gt_instances, field)[:] = value
    return batch


def unmatch(model):
    """No proposal is positive, whatever the annotations."""
    roi_head = model.detector.roi_head
    roi_head.bbox_assigner.pos_iou_thr = roi_head.bbox_assigner.min_pos_iou = 1.1
    roi_head.bbox_sampler.add_gt_as_proposals = False


# What the first of two processes sees; the other has two objects of either class.
LONELY = {
    'nothing but background': lambda: random_batch([0], num_frames=1),
    'one identity': lambda: edit(random_batch([2], num_frames=1), 'instances_ids', 7),
    'one class': lambda: edit(random_batch([2], num_frames=1), 'labels', 1),
    'no positive proposal': lambda: random_batch([2], num_frames=1),
}


def train_lonely(rank, repo):
    options = options_of(True)
    weights = []
    for what, batch_of_first in LONELY.items():
        model = build_model(repo, **options).train()
        if rank == 0 and what == 'no positive proposal':
            unmatch(model)
        model = MMDistributedDataParallel(model, find_unused_parameters=True)
        optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
        batch = batch_of_first() if rank == 0 else random_batch([4], num_frames=1)
        losses = model.train_step(batch, optimizer)
        assert torch.isfinite(losses['loss']), what
        if rank == 0 and what in ('nothing but background', 'no positive proposal'):
            assert losses['loss_loc'] == losses['loss_crf'] == 0, what
        weights.append(model.module.state_dict())
    return weights


def test_a_process_without_something_keeps_in_step(repo):
    first, second = run_processes(train_lonely, repo)
    start = build_model(repo, **options_of(True)).state_dict()
    for what, one, other in zip(LONELY, first, second):
        moved = 0
        for name, value in one.items():
            assert value.isfinite().all(), (what, name)
            assert torch.equal(value, other[name]), (what, name)
            moved += not torch.equal(value, start[name])
        assert moved > 0, what


def train_background(rank, repo):
    model = build_model(repo, **options_of(True)).train()
    model = MMDistributedDataParallel(model, find_unused_parameters=True)
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-3))
    losses = model.train_step(random_batch([0]), optimizer)
    return {name: float(value) for name, value in losses.items()}


def test_all_processes_without_objects(repo):
    for losses in run_processes(train_background, repo):
        assert losses['loss'] > 0
        for name in ('loc', 'crf', 'triplet'):
            assert losses[f'loss_{name}'] == 0


@pytest.fixture
def two_videos(tmp_path):
    """Noise with one true object in each frame."""
    rng = np.random.default_rng(0)
    builder = CocoVIDBuilder(dict(car=1, pedestrian=2))
    width, height = SIZE
    mask = np.zeros((height, width), dtype=bool)
    mask[10:40, 20:50] = True
    for name, length in (('0000', 2), ('0001', 3)):
        names = [f'{name}/{i}.png' for i in range(length)]
        video = builder.add_video(name, names, (height, width))
        (tmp_path / name).mkdir()
        for i, path in enumerate(names):
            image = rng.integers(0, 256, (height, width, 3), np.uint8)
            cv2.imwrite(str(tmp_path / path), image)
            builder.add_object(video, i, 1, 0, bbox=[20, 10, 30, 30], area=900)
        truth = [
            MOTSObject(i, 1000, 1, height, width, mask_to_rle(mask))
            for i in range(length)
        ]
        write_mots_txt(tmp_path / f'gt/{name}.txt', truth)
    builder.write(tmp_path / 'boxes.json')
    return tmp_path


def evaluate(rank, repo, root, num):
    """Test the small model on the videos."""
    cfg = small_config(repo)
    loader = cfg.test_dataloader
    loader.update(num_workers=0, persistent_workers=False)
    loader.dataset.update(data_root=f'{root}/', ann_file='boxes.json')
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.test_evaluator = dict(
        type='MOTSMetric', gt_dir=f'{root}/gt', outfile_prefix=f'{root}/out{num}'
    )
    cfg.randomness = dict(seed=0)
    cfg.work_dir = f'{root}/work{num}'
    cfg.experiment_name = f'{root.name}_{num}'
    cfg.log_level = 'ERROR'
    if num > 1:
        cfg.launcher = 'pytorch'
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
        os.chdir(root)  # mmdet collects results through a folder in the current one
    return Runner.from_cfg(cfg).test()


def test_evaluation_in_two_processes_is_that_of_one(repo, two_videos):
    expected = evaluate(0, repo, two_videos, 1)
    ranks = run_processes(evaluate, repo, two_videos, 2)
    for metrics in ranks:
        assert metrics == pytest.approx(expected, rel=0, abs=0, nan_ok=True)
    for name in ('0000.txt', '0001.txt'):
        text = (two_videos / 'out1' / name).read_text()
        assert text and text == (two_videos / 'out2' / name).read_text()
