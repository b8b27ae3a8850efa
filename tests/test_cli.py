# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import sys

import pytest

import mmwsmots_cli as cli
from mmwsmots.utils import find_config


@pytest.fixture(autouse=True)
def unchanged_path(monkeypatch):
    monkeypatch.setattr(sys, 'path', list(sys.path))
    monkeypatch.setattr(sys, 'argv', ['mmwsmots'])


@pytest.mark.parametrize('argv', [['--help'], ['-h'], []])
def test_help_has_a_line_for_each_command(argv, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == (0 if argv else 2)
    lines = capsys.readouterr().out.splitlines()
    for name, (_, words) in cli.COMMANDS.items():
        assert f'  {name:8}{words}' in lines
        assert len(words) < 70


def test_an_unknown_command():
    with pytest.raises(SystemExit, match='error: no command "trian"'):
        cli.main(['trian'])


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_each_command_is_a_script(name):
    path = cli.find_script(name)
    assert path.is_file()
    assert "__name__ == '__main__'" in path.read_text()


def test_arguments_reach_the_script(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(['eval', '--help'])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert 'eval_mots.py' in out and '--classes' in out


def test_a_config_is_a_file_or_a_name(repo, tmp_path):
    """Each of the project's configs is found by its name."""
    paths = [
        path for path in repo.glob('configs/*/*.py') if path.parent.stem != '_base_'
    ]
    assert len(paths) > 20
    for path in paths:
        assert find_config(path.stem) == path
        assert find_config(str(path)) == path
        assert find_config(f'mmwsmots::{path.parent.name}/{path.name}') == path
    for name in ('default_runtime', 'wsmots', str(tmp_path), 'mmwsmots::nothing.py'):
        with pytest.raises(FileNotFoundError, match=f'{name}: no such config'):
            find_config(name)
