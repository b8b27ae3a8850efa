# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import hashlib
import json

import pytest
import torch

from tests.load_script import load_script
from tests.quiet_run import run_script


@pytest.fixture
def collect(repo, tmp_path):
    """Runs the tool on a work dir; returns the written lines."""
    tool = load_script(repo / 'tools/misc/collect_log.py')
    published = tmp_path / 'model-01234567.pth'
    torch.save(dict(meta=dict(seed=5), state_dict={}), published)

    def run(main=tool.main):
        out = tmp_path / 'log.jsonl'
        options = ['--command', 'make it', '--commit', 'abc', '--out', str(out)]
        main([str(tmp_path / 'run'), str(published), *options])
        return [json.loads(line) for line in out.read_text().splitlines()]

    return run


@pytest.fixture
def work_dir(tmp_path):
    """A training that was resumed at step 40, and two tests."""
    runs = {'20260101_100000': (20, 40, 60), '20260101_110000': (60, 80)}
    for name, steps in runs.items():
        path = tmp_path / f'run/{name}/vis_data/scalars.json'
        path.parent.mkdir(parents=True)
        hour = int(name[9:11])
        lines = [dict(loss=hour + s / 3, time=1.5, step=s) for s in steps]
        # A validation logs no loss.
        lines.append({'car/sMOTSA': 1.0, 'step': steps[-1]})
        path.write_text('\n'.join(map(json.dumps, lines)) + '\n')
    for hour, value in ((12, 10.0), (13, 51.918384)):
        path = tmp_path / f'run/20260101_{hour}0000/20260101_{hour}0000.json'
        path.parent.mkdir()
        path.write_text(json.dumps({'car/sMOTSA': value, 'car/TP': None}))
    return tmp_path / 'run'


def test_the_last_test_and_every_step_once(repo, collect, work_dir, tmp_path):
    script = repo / 'tools/misc/collect_log.py'
    head, *steps = collect(lambda args: run_script(script, *args))
    data = (tmp_path / 'model-01234567.pth').read_bytes()
    assert head == dict(
        command='make it',
        commit='abc',
        seed=5,
        checkpoint=dict(
            name='model-01234567.pth',
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        ),
        test={'car/sMOTSA': 51.918},
    )
    # Step 60 as the resumed run had it; five digits; no times.
    losses = {20: 16.667, 40: 23.333, 60: 31.0, 80: 37.667}
    assert steps == [dict(loss=loss, step=step) for step, loss in losses.items()]


def test_what_is_missing_or_broken_is_named(collect, work_dir, tmp_path):
    scalars = work_dir / '20260101_110000/vis_data/scalars.json'
    text = scalars.read_text()
    scalars.write_text(text + '{"loss": 1')
    with pytest.raises(SystemExit, match=r'110000/vis_data/scalars\.json:4: '):
        collect()
    scalars.write_text(text)
    for path in work_dir.glob('*/*.json'):
        path.unlink()
    with pytest.raises(SystemExit, match='run: no metrics of a test'):
        collect()
    for path in work_dir.glob('*/vis_data/scalars.json'):
        path.unlink()
    (work_dir / '20260101_120000/x.json').write_text('{}')
    with pytest.raises(SystemExit, match=r'scalars\.json with losses'):
        collect()
    (tmp_path / 'model-01234567.pth').write_text('no checkpoint')
    with pytest.raises(SystemExit, match=r'model-01234567\.pth: not a file of publish'):
        collect()
    assert not (tmp_path / 'log.jsonl').exists()
