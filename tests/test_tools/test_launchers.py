# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from tests.features import refuses_code
from tests.processes import free_port
from tests.quiet_run import assert_quiet

HERE = Path(__file__).parent
CONFIG = str(HERE / 'toy_config.py')
LEARNING_RATE = 0.1


def fit_by_hand(epochs, learning_rate=LEARNING_RATE):
    """Slope after SGD with momentum 0.5 on y = 3 x, two batches of four an epoch."""
    xs = [index / 8 for index in range(8)]
    slope = velocity = 0.0
    for epoch in range(epochs):
        rate = learning_rate * (0.1 if epoch >= 3 else 1)
        for batch in (xs[:4], xs[4:]):
            gradient = sum(2 * (slope - 3) * x * x for x in batch) / 4
            velocity = 0.5 * velocity + gradient
            slope -= rate * velocity
    return slope


def read_slope(path):
    checkpoint = torch.load(path, weights_only=False)
    return checkpoint['state_dict']['slope'].item()


@pytest.fixture
def tools(repo, monkeypatch):
    """Imports a module of the tools folder as a script would find it."""
    monkeypatch.syspath_prepend(str(repo / 'tools'))
    monkeypatch.syspath_prepend(str(HERE))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    yield load
    for name in ('train', 'test', 'runner_options'):
        sys.modules.pop(name, None)


@pytest.fixture
def launch(repo, tmp_path):
    """Runs a launcher with two CPU processes; returns the finished process."""

    def start(script, *arguments, nnodes=None):
        env = dict(
            os.environ,
            PYTHON=sys.executable,
            PYTHONPATH=os.pathsep.join([str(HERE), str(repo)]),
            PORT=free_port(),
            CUDA_VISIBLE_DEVICES='',
            OMP_NUM_THREADS='1',
        )
        command = ['bash', str(repo / 'tools' / script), *map(str, arguments)]
        options = dict(
            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if nnodes is None:
            return subprocess.run(command, env=env, **options, timeout=500)
        env['NNODES'] = str(nnodes)
        nodes = [
            subprocess.Popen(command, env=dict(env, NODE_RANK=str(rank)), **options)
            for rank in range(nnodes)
        ]
        try:
            outputs = [node.communicate(timeout=500)[0] for node in nodes]
        finally:
            for node in nodes:  # one that still waits for the other
                node.kill()
        statuses = [node.returncode for node in nodes]
        return subprocess.CompletedProcess(command, max(statuses), '\n'.join(outputs))

    return start


def test_train_and_test_match_hand_computation(tools, tmp_path):
    tools('train').main([CONFIG, '--work-dir', str(tmp_path)])
    slope = read_slope(tmp_path / 'epoch_4.pth')
    assert slope == pytest.approx(fit_by_hand(4), abs=1e-6)

    metrics = tools('test').main(
        [CONFIG, str(tmp_path / 'epoch_4.pth'), '--work-dir', str(tmp_path / 'test')]
    )
    expected = (3 - fit_by_hand(4)) * sum(range(8)) / 8 / 8
    assert metrics['toy/mae'] == pytest.approx(expected, abs=1e-6)
    assert metrics['toy/count'] == 8


@pytest.mark.parametrize('source', ['last checkpoint', 'named checkpoint'])
def test_resume_equals_one_run(tools, tmp_path, source):
    """Optimizer momentum, schedule and epoch are all taken up."""
    train = tools('train')
    base = [CONFIG, '--work-dir', str(tmp_path)]
    train.main(base)
    # as after a crash in the third epoch
    for epoch in (3, 4):
        (tmp_path / f'epoch_{epoch}.pth').unlink()
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_2.pth'))
    (tmp_path / 'epoch_1.pth').rename(tmp_path / 'elsewhere.pth')

    resume = ['--resume']
    if source == 'named checkpoint':
        (tmp_path / 'epoch_2.pth').unlink()
        resume.append(str(tmp_path / 'elsewhere.pth'))
    train.main([*base, *resume])
    assert not (tmp_path / 'epoch_1.pth').exists()
    slope = read_slope(tmp_path / 'epoch_4.pth')
    assert slope == pytest.approx(fit_by_hand(4), abs=1e-6)


def test_first_run_with_resume_starts_from_load_from(tools, tmp_path):
    """A command that goes on after a kill is given at the first run too."""
    start = tmp_path / 'start.pth'
    torch.save(dict(state_dict=dict(slope=torch.tensor([3.0]))), start)
    args = [CONFIG, '--resume', '--work-dir', str(tmp_path / 'run'), '--cfg-options']
    args += [f'load_from={start}', 'optim_wrapper.optimizer.lr=0.0']
    tools('train').main(args)
    assert read_slope(tmp_path / 'run/epoch_4.pth') == 3
    # from then on its own checkpoint counts
    torch.save(dict(state_dict=dict(slope=torch.tensor([5.0]))), start)
    tools('train').main([*args, 'train_cfg.max_epochs=5'])
    assert read_slope(tmp_path / 'run/epoch_5.pth') == 3


def test_learning_rate_scales_with_the_batch(tools, tmp_path):
    """Base batch size 2, real batch size 4: twice the rate."""
    tools('train').main(
        [
            CONFIG,
            '--work-dir',
            str(tmp_path),
            '--auto-scale-lr',
            '--cfg-options',
            'train_cfg.max_epochs=1',
        ],
    )
    slope = read_slope(tmp_path / 'epoch_1.pth')
    assert slope == pytest.approx(fit_by_hand(1, 2 * LEARNING_RATE), abs=1e-6)


def test_several_processes_compute_what_one_does(launch, tmp_path):
    """Training on two nodes of one process, testing on one node of two."""
    result = launch(
        'dist_train.sh',
        *(CONFIG, 1, '--work-dir', 'out'),
        *('--cfg-options', 'train_dataloader.batch_size=2'),
        nnodes=2,
    )
    assert result.returncode == 0, result.stdout
    assert_quiet(result.stdout)
    checkpoint = tmp_path / 'out/epoch_4.pth'
    assert read_slope(checkpoint) == pytest.approx(fit_by_hand(4), abs=1e-6)

    result = launch(
        'dist_test.sh',
        *(CONFIG, checkpoint, 2, '--work-dir', 'out/test'),
        *('--cfg-options', 'log_level=INFO', 'test_dataloader.batch_size=2'),
    )
    assert result.returncode == 0, result.stdout
    assert_quiet(result.stdout)
    expected = (3 - fit_by_hand(4)) * sum(range(8)) / 8 / 8
    assert f'toy/mae: {expected:.4f}  toy/count: 8 ' in result.stdout


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
def test_launcher_without_arguments_shows_usage(launch, script):
    result = launch(script, CONFIG)
    assert result.returncode == 2
    assert result.stdout.startswith('usage: ')


@pytest.mark.parametrize(
    ('script', 'arguments', 'message'),
    [
        ('train', [CONFIG, '--resume', 'absent.pth'], 'absent.pth: no such file'),
        ('test', [CONFIG, 'absent.pth'], 'absent.pth: no such file'),
    ],
)
def test_missing_file_is_named(tools, capsys, script, arguments, message):
    with pytest.raises(SystemExit) as error:
        tools(script).main(arguments)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('script', ['train', 'test'])
def test_missing_config_is_named(tools, script):
    arguments = [CONFIG] if script == 'test' else []  # any file is a checkpoint
    with pytest.raises(SystemExit, match=r'^error: absent\.py: no such config file'):
        tools(script).main(['absent.py', *arguments])


def test_mixed_precision_needs_a_gpu(tools, tmp_path, monkeypatch, capsys):
    train = tools('train')
    args = [CONFIG, '--amp', '--work-dir', str(tmp_path / 'run')]
    monkeypatch.setattr(train, '_has_gpu', lambda: False)
    with pytest.raises(SystemExit):
        train.main(args)
    assert 'error: --amp needs a GPU' in capsys.readouterr().err
    assert not (tmp_path / 'run').exists()
    monkeypatch.setattr(train, '_has_gpu', lambda: True)
    cfg = Config.fromfile(CONFIG)
    train.apply_train_options(cfg, train.parse_args(args))
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'


def test_learning_rate_without_base_batch_size(tools, tmp_path):
    with pytest.raises(SystemExit, match=r'toy_config\.py: no auto_scale_lr\.base'):
        tools('train').main(
            [
                CONFIG,
                '--work-dir',
                str(tmp_path),
                '--auto-scale-lr',
                '--cfg-options',
                'auto_scale_lr._delete_=True',
            ],
        )


def test_weights_of_another_model_are_not_tested(tools, tmp_path):
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict=dict(offset=torch.ones(1))), path)
    with pytest.raises(SystemExit, match=r'other\.pth: not the weights of .*slope'):
        tools('test').main([CONFIG, str(path), '--work-dir', str(tmp_path)])


@pytest.mark.parametrize('num_workers', [0, 1])
def test_a_broken_picture_is_named(tools, tmp_path, num_workers):
    """It is found on the way, maybe by a process that loads data."""
    (tmp_path / 'broken.png').write_bytes(b'no picture')
    torch.save(dict(state_dict=dict(slope=torch.zeros(1))), tmp_path / 'toy.pth')
    data = dict(
        images=[dict(id=1, file_name='broken.png', width=9, height=9)],
        annotations=[],
        categories=[dict(id=1, name='kite')],
    )
    (tmp_path / 'list.json').write_text(json.dumps(data))
    dataset = dict(
        type='CocoDataset',
        data_root=f'{tmp_path}/',
        ann_file='list.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=('kite',)),
        test_mode=True,
        pipeline=[dict(type='LoadImageFromFile')],
    )
    cfg = Config.fromfile(CONFIG)
    cfg.test_dataloader = dict(
        batch_size=1,
        num_workers=num_workers,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dataset,
    )
    cfg.dump(tmp_path / 'toy.py')
    args = [str(tmp_path / name) for name in ('toy.py', 'toy.pth')]
    with pytest.raises(SystemExit, match=r'broken\.png: the picture cannot be read'):
        tools('test').main([*args, '--work-dir', str(tmp_path / 'work')])


@refuses_code
def test_hostile_checkpoint_is_refused(tools, tmp_path):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'made'),)

    path = tmp_path / 'hostile.pth'
    torch.save(dict(state_dict={}, extra=Payload()), path)
    with pytest.raises(SystemExit, match=r'hostile\.pth holds more than tensors'):
        tools('test').main([CONFIG, str(path), '--work-dir', str(tmp_path)])
    assert not (tmp_path / 'made').exists()
