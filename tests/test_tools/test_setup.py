# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import importlib
import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution, version

import pytest
from packaging.requirements import Requirement

DEPS = ['mmtrack', 'onedl', 'openmmlab']
# Declared, and not installed on purpose: the headless OpenCV is, in place of the one
# that needs libGL, and deps/onedl.txt says why not the other.
LEFT_OUT = {'opencv-python', 'imagecorruptions-imaug'}
# What they declare is too old, as deps/mmtrack.txt says.
OUTDATED = {'mmcls', 'mmtrack'}


@pytest.fixture
def setup_tool(repo, monkeypatch):
    """Import a module of tools/setup."""
    monkeypatch.syspath_prepend(repo / 'tools/setup')
    return importlib.import_module


def read_pins(repo, deps):
    """Pinned requirements that hold for this interpreter, by name."""
    pins = {}
    for name in ('runtime.txt', f'deps/{deps}.txt', 'dev.txt'):
        for line in (repo / 'requirements' / name).read_text().splitlines():
            line = line.split('#')[0].strip()
            if not line:
                continue
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                assert requirement.name not in pins, f'{requirement.name} twice'
                pins[requirement.name] = requirement
    return pins


def test_there_is_a_list_of_pins_for_every_lane(repo):
    assert sorted(path.stem for path in (repo / 'requirements/deps').iterdir()) == DEPS


@pytest.mark.parametrize('deps', DEPS)
def test_pins_meet_the_requirements_of_the_pinned_packages(repo, deps):
    """What ``pip check`` finds, for the packages that have the pinned version."""
    pins = read_pins(repo, deps)
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


@pytest.mark.parametrize('deps', DEPS)
def test_only_one_opencv_is_pinned(repo, deps):
    names = [name for name in read_pins(repo, deps) if 'opencv' in name]
    assert names == ['opencv-python-headless']


@pytest.mark.parametrize('deps', DEPS)
def test_every_line_pins_one_exact_version(repo, deps):
    for pin in read_pins(repo, deps).values():
        (specifier,) = pin.specifier
        assert specifier.operator == '==', pin
        assert '*' not in specifier.version, pin


def test_missing_requirements(setup_tool, tmp_path, monkeypatch):
    """Of what an interpreter has, any version will do, by whichever package."""
    lines = [
        '# a comment',
        'packaging==0.0.1',
        "no-such-package==1; python_version >= '3.10'",
        '',
        'opencv-python-headless==0.0.1',
    ]
    path = tmp_path / 'requirements.txt'
    path.write_text('\n'.join(lines))
    tool = setup_tool('make_env')
    monkeypatch.setattr(tool, 'WHEELS', tmp_path)
    assert tool.missing(path).read_text().splitlines() == lines[2:3]


def test_an_unknown_set_is_refused(setup_tool, monkeypatch):
    tool = setup_tool('make_env')
    monkeypatch.setattr(tool, 'DEPS', 'openmlab')
    with pytest.raises(SystemExit, match="no DEPS 'openmlab', only mmtrack, onedl, op"):
        tool.main()


def test_the_key_changes_with_the_interpreter(setup_tool):
    tool = setup_tool('make_env')
    assert tool.setup_key('a') == tool.setup_key('a') != tool.setup_key('b')


def test_merged_sources_define_the_same_symbols(setup_tool, tmp_path):
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
        subprocess.run(['g++', '-c', *files], cwd=tmp_path, check=True, timeout=300)
        objects = sorted(str(path) for path in tmp_path.glob('*.o'))
        options = ['--extern-only', '--defined-only', '--format=just-symbols']
        command = ['nm', *options, *objects]
        listing = subprocess.check_output(command, text=True, timeout=300)
        for name in objects:
            os.remove(name)
        return {line for line in listing.split() if not line.endswith('.o:')}

    before = symbols()
    setup_tool('build_mmcv').merge_sources(tmp_path, separate=('d.cpp',))
    assert [path.name for path in sorted(tmp_path.glob('*.inc'))] == [
        'a.inc',
        'b.inc',
        'c.inc',
    ]
    assert len(list(tmp_path.glob('*.cpp'))) == 2
    assert (tmp_path / 'below/e.cpp').is_file()
    assert symbols() == before
    assert len(before) == 4


def test_merging_other_sources_than_expected_is_refused(setup_tool, tmp_path):
    (tmp_path / 'a.cpp').touch()
    with pytest.raises(FileNotFoundError, match=r'psamask\.cpp'):
        setup_tool('build_mmcv').merge_sources(tmp_path, ('psamask.cpp',))
    assert (tmp_path / 'a.cpp').is_file()
