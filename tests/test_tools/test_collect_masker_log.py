# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import hashlib
import json

import pytest

from tests.load_script import load_script
from tests.quiet_run import run_script


@pytest.fixture
def tool(repo, monkeypatch):
    monkeypatch.syspath_prepend(str(repo / 'tools/misc'))
    return load_script(repo / 'tools/misc/collect_masker_log.py')


def run(main, tmp_path):
    options = ['--command', 'c', '--commit', 'abc', '--out', str(tmp_path / 'log.json')]
    main([str(tmp_path / 'work'), str(tmp_path / 'w.pth'), *options])
    return json.loads((tmp_path / 'log.json').read_text())


def test_stages_in_order_and_the_hash_of_the_weights(repo, tmp_path):
    (tmp_path / 'w.pth').write_bytes(b'weights')
    for name, losses in (('round_2', [3, 2]), ('stage_1', [9, 8]), ('round_1', [5, 4])):
        path = tmp_path / f'work/{name}/run/vis_data/scalars.json'
        path.parent.mkdir(parents=True)
        lines = [dict(step=20 * (i + 1), loss=loss) for i, loss in enumerate(losses)]
        path.write_text('\n'.join(map(json.dumps, lines)))
    script = repo / 'tools/misc/collect_masker_log.py'
    log = run(lambda args: run_script(script, *args), tmp_path)
    assert [s['name'] for s in log['stages']] == ['stage_1', 'round_1', 'round_2']
    assert [s['iterations'] for s in log['stages']] == [40] * 3
    assert log['stages'][2]['steps'][1] == dict(step=40, loss=2)
    assert log['sha256'] == hashlib.sha256(b'weights').hexdigest()


def test_a_folder_without_rounds_is_named(tool, tmp_path):
    (tmp_path / 'w.pth').write_bytes(b'weights')
    with pytest.raises(SystemExit, match='work: no round_N'):
        run(tool.main, tmp_path)
