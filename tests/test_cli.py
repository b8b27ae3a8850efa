# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import sys

import pytest

from mmwsmots import cli


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
