# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The model zoo: every config described, every figure that of its log."""

import hashlib
import json
import re

import pytest
import yaml
from mmengine.config import Config

METRICS = [
    f'{name} {metric}'
    for name in ('car', 'pedestrian')
    for metric in ('sMOTSA', 'MOTSA', 'MOTSP')
]


@pytest.fixture(scope='module')
def configs(repo):
    """Leaf configs by name."""
    folder = repo / 'configs'
    paths = [
        path
        for path in folder.rglob('*.py')
        if '_base_' not in path.relative_to(folder).parts
        and path.parent != folder  # short names
    ]
    assert len({path.stem for path in paths}) == len(paths)  # mim looks for names
    return {path.stem: path for path in paths}


@pytest.fixture(scope='module')
def index(repo):
    """All metafiles that model-index.yml names, joined."""
    index = yaml.safe_load((repo / 'model-index.yml').read_text())
    files = [yaml.safe_load((repo / name).read_text()) for name in index['Import']]
    assert sorted(index['Import']) == sorted(
        str(path.relative_to(repo)) for path in (repo / 'configs').rglob('metafile.yml')
    )
    return {
        key: [entry for file in files for entry in file[key]]
        for key in ('Collections', 'Models')
    }


@pytest.fixture(scope='module')
def rows(repo):
    """Cells of the zoo's rows by config."""
    text = (repo / 'configs/README.md').read_text()
    found = re.findall(r'^\| \[`([^`]+)`\]\(([^)]+)\) \|(.*)\|$', text, re.MULTILINE)
    rows = {name: (link, rest) for name, link, rest in found}
    assert len(rows) == len(found), 'a config has two rows'
    return rows


def read_log(repo, name):
    """First line and steps of a model's log."""
    path = repo / f'configs/wsmots/logs/{name}.jsonl'
    head, *steps = [json.loads(line) for line in path.read_text().splitlines()]
    return head, steps


def test_short_names_are_the_configs_that_they_name(repo, configs):
    (path,) = (repo / 'configs').glob('*.py')
    named = Config.fromfile(configs[path.stem])
    assert Config.fromfile(path).to_dict() == named.to_dict()


def test_every_config_has_an_entry_and_a_row(repo, configs, index, rows):
    """A new config needs both, in metafile.yml of its folder and in the README."""
    assert sorted(rows) == sorted(configs)
    assert sorted(model['Name'] for model in index['Models']) == sorted(configs)
    collections = [collection['Name'] for collection in index['Collections']]
    assert len(set(collections)) == len(collections)
    for model in index['Models']:
        path = configs[model['Name']]
        assert model['Config'] == str(path.relative_to(repo))
        assert model['In Collection'] in collections
        assert (repo / 'configs' / rows[model['Name']][0]) == path
    for collection in index['Collections']:
        assert (repo / collection['README']).is_file()


def test_trained_rows_have_the_figures_of_their_logs(repo, index, rows):
    trained = {m['Name']: m['Results'] for m in index['Models'] if 'Results' in m}
    logs = [path.stem for path in (repo / 'configs/wsmots/logs').glob('*.jsonl')]
    assert sorted(logs) == sorted(trained)
    for name, (link, row) in rows.items():
        if not link.startswith('masker/'):
            assert ('not trained' in row) != (name in trained), name
    for name, (result,) in trained.items():
        head, _ = read_log(repo, name)
        assert list(result['Metrics']) == METRICS
        for key, value in result['Metrics'].items():
            # The log has five digits, the table the nearest tenth.
            assert value == round(head['test'][key.replace(' ', '/')], 1), (name, key)
        row = rows[name][1]
        values = [f'{value:.1f}' for value in result['Metrics'].values()]
        assert ' / '.join(values[:3]) + ', ' + ' / '.join(values[3:]) in row
        boxes = [head['test']['filled_boxes/' + m.replace(' ', '/')] for m in METRICS]
        values = [f'{value:.1f}' for value in boxes]
        assert ' / '.join(values[:3]) + ', ' + ' / '.join(values[3:]) in row
        assert f'`{head["checkpoint"]["name"]}`' in row
        assert head['command'] in (repo / 'configs/README.md').read_text()


def test_logs_are_of_whole_trainings_and_name_their_checkpoints(repo, index):
    for model in index['Models']:
        if 'Results' not in model:
            continue
        head, steps = read_log(repo, model['Name'])
        checkpoint = head['checkpoint']
        assert checkpoint['name'] == f'{model["Name"]}-{checkpoint["sha256"][:8]}.pth'
        assert re.fullmatch(r'[0-9a-f]{12}', head['commit'])
        # The command gives the seed, or the config does.
        config = Config.fromfile(repo / model['Config'])
        given = re.search(r'randomness\.seed=(\d+)', head['command'])
        assert head['seed'] == (int(given[1]) if given else config.randomness.seed)
        numbers = [step['step'] for step in steps]
        interval = numbers[0]
        assert numbers == [interval * (i + 1) for i in range(len(numbers))]
        assert 0 <= model['Metadata']['Iterations'] - numbers[-1] < interval
        # It learned something.
        assert steps[-1]['loss'] < steps[0]['loss']


def test_the_weights_that_come_with_the_project_are_those_of_the_model_card(
    repo, index
):
    released = [m for m in index['Models'] if 'Weights' in m['Metadata']]
    names = [f'box-masker_mnv2_coco-{stage}' for stage in ('boxes', 'labels')]
    assert [model['Name'] for model in released] == names
    card = (repo / 'configs/masker/README.md').read_text()
    size, digests = 0, []
    for model in released:
        data = (repo / model['Metadata']['Weights']).read_bytes()
        size += len(data)
        digests.append(hashlib.sha256(data).hexdigest())
        assert model['Metadata']['SHA-256'] == digests[-1]
        assert digests[-1] in card
    assert size < 10e6
    # One run made both: the first is that of its first stage.
    (path,) = {model['Metadata']['Training Log'] for model in released}
    log = json.loads((repo / path).read_text())
    assert log['sha256'] == digests[-1]
    assert log['command'] in card
    stages = [stage['iterations'] for stage in log['stages']]
    iters = [model['Metadata']['Iterations'] for model in released]
    assert iters == [stages[0], sum(stages)]
    # Every stage was trained to its end. The first two learned; later rounds begin with
    # the weights that made their labels, which fit these from the start.
    for number, stage in enumerate(log['stages']):
        steps = stage['steps']
        assert steps[-1]['step'] == stage['iterations']
        rise = 0.75 if number < 2 else 1.1
        assert steps[-1]['loss'] < rise * steps[0]['loss']
