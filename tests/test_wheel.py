# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The installed package, outside the checkout: configs, tools and operators."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config
from packaging.requirements import Requirement

PARTS = ('configs', 'demo', 'mmwsmots', 'requirements', 'tools')
FILES = ('mmwsmots_cli.py', 'LICENSE', 'MANIFEST.in', 'README.md', 'model-index.yml')
BUILD = ('pyproject.toml', 'setup.cfg', 'setup.py')
EXTENSION = 'mmwsmots/ops/_bilateral_ext4.so'
PIP = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q']
OPTIONS = ['--no-build-isolation', '--no-deps', '--no-index']

BUILD_FOLDER = """
from setuptools import Distribution

command = Distribution().get_command_obj('build')
command.ensure_finalized()
print(command.build_platlib)
"""
# Run in the new environment. mmwsmots is imported by the first config alone.
CHECK = """
import json
import sys
from pathlib import Path

from mmengine.config import Config

own = Config.fromfile('own.py')
import mmwsmots
from mmwsmots.ops.library import extension_path

mim = Path(mmwsmots.__file__).parent / '.mim'
sys.path.insert(0, str(mim / 'tools'))
import train

args = train.parse_args(['tool.py', '--work-dir', 'out'])
print(json.dumps(dict(
    package=mmwsmots.__file__,
    files=sorted(str(p.relative_to(mim)) for p in mim.rglob('*') if p.is_file()),
    linked=(mim / 'configs').is_symlink(),
    tool=train.__file__,
    own=own.to_dict(),
    by_tool=train.load_config(args).to_dict(),
    kernels=str(extension_path),
)))
"""


def run(command, cwd, env=None):
    """Output of a command that must succeed."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=500,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope='module')
def source(repo, tmp_path_factory):
    """A copy of what is built, without anything that was built there before.

    The operators were compiled by the set-up: the compiled file is copied, newer than
    its sources, so that the wheel's build finds it up to date. Without it, it compiles.
    """
    path = tmp_path_factory.mktemp('wheel') / 'source'
    ignore = shutil.ignore_patterns('__pycache__', '.mim', '*.so')
    for name in PARTS:
        shutil.copytree(repo / name, path / name, ignore=ignore)
    for name in FILES + BUILD:
        shutil.copy(repo / name, path)
    compiled = repo / EXTENSION
    if compiled.is_file():
        build = run([sys.executable, '-c', BUILD_FOLDER], path).split()[-1]
        for target in (path / EXTENSION, path / build / EXTENSION):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(compiled, target)
    return path


@pytest.fixture(scope='module')
def python(tmp_path_factory):
    """A new environment that sees this one's packages, but not the checkout."""
    path = tmp_path_factory.mktemp('env') / 'env'
    run([sys.executable, '-m', 'venv', '--without-pip', path], path.parent)
    (site,) = path.glob('lib/python*/site-packages')
    packages = [entry for entry in sys.path if entry.endswith('-packages')]
    # Plain folders: .pth files in them, as of an editable install, are not followed.
    (site / 'packages.pth').write_text('\n'.join(packages) + '\n')
    return path / 'bin/python'


OWN = """
_base_ = __import__('mmwsmots') and 'mmwsmots::wsmots/wsmots_r50_fpn_kitti.py'
"""
FOR_TOOL = """
_base_ = 'mmwsmots::wsmots/wsmots_r50_fpn_kitti.py'
model = dict(tracker=dict(num_frames_retain=3))
"""


@pytest.fixture
def check(python, tmp_path):
    """Uses the installed package, far from the checkout."""
    (tmp_path / 'own.py').write_text(OWN)
    (tmp_path / 'tool.py').write_text(FOR_TOOL)
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}

    def use():
        output = run([python, '-W', 'ignore', '-c', CHECK], tmp_path, env)
        return json.loads(output.splitlines()[-1])

    return use


def without_scope(value):
    """Of dicts that an inherited config marks, the rest."""
    if isinstance(value, dict):
        return {k: without_scope(v) for k, v in value.items() if k != '_scope_'}
    return [without_scope(v) for v in value] if isinstance(value, list) else value


def assert_usable(repo, used, folder):
    """The installed package lies in the folder and has all that a user needs."""
    assert Path(used['package']) == folder / 'mmwsmots/__init__.py'
    assert Path(used['tool']) == folder / 'mmwsmots/.mim/tools/train.py'
    if (repo / EXTENSION).is_file():
        assert Path(used['kernels']) == folder / EXTENSION
    expected = Config.fromfile(
        repo / 'configs/wsmots/wsmots_r50_fpn_kitti.py'
    ).to_dict()
    # As JSON has it: lists for tuples.
    expected = without_scope(json.loads(json.dumps(expected)))
    assert without_scope(used['own']) == expected
    expected['model']['tracker']['num_frames_retain'] = 3
    assert without_scope(used['by_tool'])['model'] == expected['model']


def assert_replaces_nothing(site):
    """What comes without an extra takes the oldest torch and NumPy that are there."""
    (metadata,) = site.glob('mmwsmots-*.dist-info/METADATA')
    needs = map(Requirement, PathDistribution(metadata.parent).requires)
    needs = {need.name: need.specifier for need in needs if not need.marker}
    assert '2.1.2' in needs['torch'] and '1.26.4' in needs['numpy']
    # Nothing of OpenMMLab, and no TrackEval, which asks for NumPy 2.
    light = {'numpy', 'opencv-python', 'pycocotools', 'scipy', 'torch', 'tqdm'}
    assert set(needs) == light


def test_wheel(repo, source, python, check, tmp_path):
    run([*PIP, 'wheel', '.', *OPTIONS, '-w', tmp_path], source)
    assert not (source / 'mmwsmots/.mim').exists()
    (wheel,) = tmp_path.glob('mmwsmots-*.whl')
    run([*PIP, '--python', python, 'install', *OPTIONS, wheel], tmp_path)
    used = check()
    (site,) = python.parents[1].glob('lib/python*/site-packages')
    assert_usable(repo, used, site)
    assert not used['linked']
    usage = run([python.with_name('mmwsmots'), 'label', '--help'], tmp_path)
    assert usage.startswith('usage: label_masks.py')
    assert_replaces_nothing(site)
    files = set(used['files'])
    for name in ('configs', 'tools'):
        paths = [p for p in (source / name).rglob('*') if p.is_file()]
        # Short names stay out: mim would find two configs of one name.
        paths = [p for p in paths if p.suffix != '.py' or p.parent.name != 'configs']
        paths = {str(p.relative_to(source)) for p in paths if 'setup' not in p.parts}
        found = {file for file in files if file.startswith(f'{name}/')}
        assert {f for f in found if '__pycache__' not in f} == paths
    assert {'model-index.yml', 'demo/mots_demo.py'} <= files
    # What mim and mmengine do with it.
    mim = site / 'mmwsmots/.mim'
    for name in yaml.safe_load((mim / 'model-index.yml').read_text())['Import']:
        for model in yaml.safe_load((mim / name).read_text())['Models']:
            assert (mim / model['Config']).is_file()


def test_editable_install(repo, source, python, check):
    # Would compile anew: the compiled file lies in its place already.
    env = dict(os.environ, CXX='no-such-compiler')
    run([*PIP, '--python', python, 'install', *OPTIONS, '-e', source], source, env)
    used = check()
    assert_usable(repo, used, source)
    assert used['linked']
    link = source / 'mmwsmots/.mim/configs'
    assert link.resolve() == source / 'configs'
    assert not os.path.isabs(os.readlink(link))


def test_source_distribution_has_what_a_wheel_needs(source, tmp_path):
    run([sys.executable, 'setup.py', '-q', 'sdist', '-d', tmp_path], source)
    (path,) = tmp_path.glob('*.tar.gz')
    with tarfile.open(path) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    wanted = {
        str(p.relative_to(source))
        for name in ('configs', 'mmwsmots', 'tools')
        for p in (source / name).rglob('*')
        if p.is_file() and not {'setup', '.mim', '__pycache__'} & set(p.parts)
    }
    wanted = {name for name in wanted if not name.endswith('.so')}
    wanted |= {*FILES, *BUILD, 'demo/mots_demo.py'}
    assert wanted - {'MANIFEST.in'} <= names
