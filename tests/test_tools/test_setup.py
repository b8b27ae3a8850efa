# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, version

import pytest
from packaging.requirements import Requirement

LANES = ['mmtrack', 'onedl', 'openmmlab']
# imaug declares them; lanes/onedl.txt says why they are not installed.
LEFT_OUT = {'opencv-python-headless', 'imagecorruptions-imaug'}
# What they declare is too old, as lanes/mmtrack.txt says.
OUTDATED = {'mmcls', 'mmtrack'}


def read_pins(repo, lane):
    """Pinned requirements that hold for this interpreter, by name."""
    pins = {}
    for name in ('runtime.txt', f'lanes/{lane}.txt', 'dev.txt'):
        for line in (repo / 'requirements' / name).read_text().splitlines():
            line = line.split('#')[0].strip()
            if not line:
                continue
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                assert requirement.name not in pins, f'{requirement.name} twice'
                pins[requirement.name] = requirement
    return pins


@pytest.fixture
def setup_module(repo, monkeypatch):
    """Imports a module of tools/setup, and forgets all of them afterwards."""
    monkeypatch.delenv('LANE', raising=False)
    folder = repo / 'tools/setup'
    names = [path.stem for path in folder.glob('*.py')]
    monkeypatch.syspath_prepend(str(folder))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope='module')
def bare_python(tmp_path_factory):
    """An interpreter that has no package at all."""
    path = tmp_path_factory.mktemp('bare') / 'env'
    base = sys._base_executable
    subprocess.run([base, '-m', 'venv', '--without-pip', path], check=True)
    return str(path / 'bin/python')


@pytest.fixture
def checkout(repo, tmp_path):
    """A checkout with what the set-up reads, and no more."""
    path = tmp_path / 'checkout'
    ignore = shutil.ignore_patterns('__pycache__')
    shutil.copytree(repo / 'tools/setup', path / 'tools/setup', ignore=ignore)
    shutil.copytree(repo / 'requirements', path / 'requirements')
    shutil.copy(repo / 'setup.py', path)
    return path


def bootstrap(python, checkout, code=None, **environment):
    """Run bootstrap.py, or code beside it, where no compiler can be found."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(('PYTHON', 'LANE'))}
    env.update(PATH='/nonexistent', CXX='no-such-compiler', **environment)
    script = ['bootstrap.py'] if code is None else ['-c', code]
    return subprocess.run(
        [python, *script],
        cwd=checkout / 'tools/setup',
        env=env,
        text=True,
        capture_output=True,
    )


def test_there_is_a_list_of_pins_for_every_lane(repo):
    assert (
        sorted(path.stem for path in (repo / 'requirements/lanes').iterdir()) == LANES
    )


@pytest.mark.parametrize('lane', LANES)
def test_pins_meet_the_requirements_of_the_pinned_packages(repo, lane):
    """What ``pip check`` finds, for the packages that have the pinned version."""
    pins = read_pins(repo, lane)
    checked = 0
    for name, pin in pins.items():
        try:
            if not pin.specifier.contains(version(name)):
                continue
        except PackageNotFoundError:
            continue
        if name in OUTDATED:
            continue
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            if needed.marker and not needed.marker.evaluate({'extra': ''}):
                continue
            needed_name = needed.name.lower().replace('_', '-')
            if needed_name in LEFT_OUT:
                continue
            assert needed_name in pins, f'{name} needs {line}'
            (pinned,) = pins[needed_name].specifier
            assert needed.specifier.contains(pinned.version), f'{name} needs {line}'
            checked += 1
    assert checked or not pins['torch'].specifier.contains(version('torch'))


@pytest.mark.parametrize('lane', LANES)
def test_only_one_opencv_is_pinned(repo, lane):
    names = [name for name in read_pins(repo, lane) if 'opencv' in name]
    assert names == ['opencv-python']


@pytest.mark.parametrize('lane', LANES)
def test_every_line_pins_one_exact_version(repo, lane):
    for pin in read_pins(repo, lane).values():
        (specifier,) = pin.specifier
        assert specifier.operator == '==', pin
        assert '*' not in specifier.version, pin


def test_old_python_can_parse_the_set_up(repo):
    """It must be able to run far enough to say that it is too old."""
    for path in (repo / 'tools/setup').glob('*.py'):
        ast.parse(path.read_text(), feature_version=(3, 6))


def test_old_python_is_refused(bare_python, checkout):
    code = (
        'import sys; sys.version_info = (3, 9, 18, "final", 0); '
        'import bootstrap; sys.exit(bootstrap.main())'
    )
    result = bootstrap(bare_python, checkout, code)
    assert result.returncode == 1
    assert 'needs Python 3.10 or newer' in result.stderr
    assert not (checkout / '.venv').exists()


def test_missing_compiler_is_named_before_any_download(bare_python, checkout):
    result = bootstrap(bare_python, checkout)
    assert result.returncode == 1
    assert 'Set-up failed: no C++ compiler (no-such-compiler)' in result.stderr
    assert not (checkout / '.venv').exists()


def test_unknown_lane_is_refused(bare_python, checkout):
    result = bootstrap(bare_python, checkout, LANE='openmlab')
    assert result.returncode == 1
    message = "there is no lane 'openmlab', only mmtrack, onedl, openmmlab"
    assert message in result.stderr
    assert list(checkout.glob('.venv*')) == []


def test_only_the_default_lane_uses_packages_that_are_there(checkout):
    """Any other would test packages of its own name and of other versions."""
    result = bootstrap(sys.executable, checkout, LANE='openmmlab')
    assert 'lane openmmlab' in result.stdout
    assert 'Set-up failed: no C++ compiler' in result.stderr


@pytest.mark.parametrize(
    ('lane', 'name'),
    [('', '.venv'), ('onedl', '.venv'), ('openmmlab', '.venv-openmmlab')],
)
def test_second_run_ends_at_once_until_a_pin_changes(bare_python, checkout, lane, name):
    key = bootstrap(
        bare_python,
        checkout,
        'import bootstrap; print(bootstrap.setup_key())',
        LANE=lane,
    ).stdout.strip()
    venv = checkout / name
    (venv / 'bin').mkdir(parents=True)
    (venv / 'bin/python').touch()
    stamp = dict(key=key, python=bare_python)
    (venv / 'mmwsmots_setup.json').write_text(json.dumps(stamp))

    result = bootstrap(bare_python, checkout, LANE=lane)
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '')
    other = 'onedl' if lane == 'openmmlab' else 'openmmlab'
    assert bootstrap(bare_python, checkout, LANE=other).returncode == 1

    pins = checkout / f'requirements/lanes/{lane or "onedl"}.txt'
    pins.write_text(pins.read_text().replace('mmengine==', 'mmengine==9'))
    result = bootstrap(bare_python, checkout, LANE=lane)
    assert result.returncode == 1
    assert 'no C++ compiler' in result.stderr


def test_broken_stamp_counts_as_none(bare_python, checkout):
    (checkout / '.venv').mkdir()
    (checkout / '.venv/mmwsmots_setup.json').write_text('{"key": ')
    assert 'no C++ compiler' in bootstrap(bare_python, checkout).stderr


def test_failed_download_asks_for_the_network(setup_module, tmp_path, monkeypatch):
    common = setup_module('common')
    monkeypatch.setattr(common, 'LOG', tmp_path / 'setup.log')
    pip = [sys.executable, '-m', 'pip', 'install', '--no-index', 'no-such-package-0']
    with pytest.raises(common.SetupError, match='is there a network') as error:
        common.run('installing it', pip, env=dict(os.environ, PIP_FIND_LINKS=''))
    assert str(error.value).startswith('installing it failed.')
    assert 'no-such-package-0' in (tmp_path / 'setup.log').read_text()


def test_failed_command_shows_the_end_of_its_output(
    setup_module, tmp_path, monkeypatch
):
    common = setup_module('common')
    monkeypatch.setattr(common, 'LOG', tmp_path / 'setup.log')
    code = 'for i in range(100): print("line", i)\nraise SystemExit(3)'
    with pytest.raises(common.SetupError) as error:
        common.run('counting', [sys.executable, '-c', code])
    message = str(error.value)
    assert '| line 99\n' in message
    assert 'line 80' not in message
    assert 'network' not in message


@pytest.mark.parametrize(
    ('mode', 'missing'),
    [
        ('pinned', ['numpy==0.0.1', 'no-such-package==1', 'opencv-python==0.0.1']),
        ('any', ['no-such-package==1']),
    ],
)
def test_missing_requirements(repo, tmp_path, mode, missing):
    lines = [
        '# a comment',
        f'packaging=={version("packaging")}  # there',
        'numpy==0.0.1',
        "no-such-package==1; python_version >= '3.10'",
        "for-other-pythons==1; python_version < '3'",
        '',
        # there as a module, whichever package brought it
        'opencv-python==0.0.1',
    ]
    path = tmp_path / 'requirements.txt'
    path.write_text('\n'.join(lines))
    script = repo / 'tools/setup/missing_requirements.py'
    command = [sys.executable, str(script), mode, str(path)]
    output = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    assert output.splitlines() == missing


def test_merged_sources_define_the_same_symbols(setup_module, tmp_path):
    """A merged folder compiles to what its files compile to one by one."""
    if shutil.which('g++') is None or shutil.which('nm') is None:
        pytest.skip('no g++ and nm')
    sources = {
        'a.cpp': '#include "h.h"\nint a() { return HALF * 2; }\n',
        'b.cpp': '#include "h.h"\nint a();\nint b() { return a() + HALF; }\n',
        # clashes with the next one if both are merged
        'c.cpp': 'static int same() { return 1; }\nint c() { return same(); }\n',
        'd.cpp': 'static int same() { return 2; }\nint d() { return same(); }\n',
    }
    (tmp_path / 'h.h').write_text('#pragma once\nconst int HALF = 21;\n')
    (tmp_path / 'below').mkdir()
    (tmp_path / 'below/e.cpp').write_text('')
    for name, text in sources.items():
        (tmp_path / name).write_text(text)

    def symbols():
        files = sorted(str(path) for path in tmp_path.glob('*.cpp'))
        subprocess.run(['g++', '-c', *files], cwd=tmp_path, check=True)
        objects = sorted(str(path) for path in tmp_path.glob('*.o'))
        options = ['--extern-only', '--defined-only', '--format=just-symbols']
        command = ['nm', *options, *objects]
        listing = subprocess.check_output(command, text=True)
        for name in objects:
            os.remove(name)
        return {line for line in listing.split() if not line.endswith('.o:')}

    before = symbols()
    build_mmcv = setup_module('build_mmcv')
    included = build_mmcv.merge_sources(tmp_path, 'unity.cpp', separate=('d.cpp',))
    assert included == ['a.inc', 'b.inc', 'c.inc']
    assert {path.name for path in tmp_path.glob('*.cpp')} == {'unity.cpp', 'd.cpp'}
    assert (tmp_path / 'below/e.cpp').is_file()
    assert symbols() == before
    assert len(before) == 4


def test_merging_other_sources_than_expected_is_refused(setup_module, tmp_path):
    build_mmcv = setup_module('build_mmcv')
    (tmp_path / 'a.cpp').touch()
    with pytest.raises(setup_module('common').SetupError, match=r'no .*psamask\.cpp'):
        build_mmcv.merge_sources(tmp_path, 'unity.cpp', ('psamask.cpp',))
    assert (tmp_path / 'a.cpp').is_file()


def test_old_mmcv_is_compiled_for_cxx17(setup_module, tmp_path):
    """PyTorch's headers need it since 2.1, and mmcv 2.0 asks for C++14."""
    script = tmp_path / 'setup.py'
    script.write_text("args = {'cxx': ['-std=c++14'], 'nvcc': ['-std=c++14', '-g']}\n")
    setup_module('build_mmcv').require_cxx17(script)
    assert script.read_text() == (
        "args = {'cxx': ['-std=c++17'], 'nvcc': ['-std=c++17', '-g']}\n"
    )
