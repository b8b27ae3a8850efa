# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""A command line is read before anything is imported that takes seconds."""

import json
import subprocess
import sys

import mmwsmots_cli
from mmwsmots.evaluation.benchmarks import BENCHMARKS, IOU_THRESHOLDS
from mmwsmots.fileio.box_readers import FORMATS
from mmwsmots.fileio.mask_files import MASK_FORMATS, WINNERS, WRITERS
from tests.load_script import load_script

CODE = """
import json, runpy, sys

slow = {'torch', 'mmdet', 'mmcv', 'mmwsmots', 'trackeval', 'matplotlib'}
for line in sys.argv[1:]:
    path, _, command = line.partition(' ')
    sys.argv, sys.path[0] = [path, *command.split(), '--help'], path.rpartition('/')[0]
    before = set(sys.modules)
    try:
        runpy.run_path(path, run_name='__main__')
    except SystemExit as end:
        print(json.dumps([end.code, sorted(slow & {*sys.modules} - before)]))
"""

# Import each script up to torch, and say what torch would read.
UNTIL_TORCH = """
import os, runpy, sys

class Stop(BaseException):
    pass

class Finder:
    def find_spec(name, path=None, target=None):
        if name == 'torch':
            raise Stop

sys.meta_path.insert(0, Finder)
os.environ.pop('OMP_WAIT_POLICY', None)
for name in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    told = 'without torch'
    try:
        if name.endswith('.py'):
            sys.path[0] = name.rpartition('/')[0]
            runpy.run_path(name)
        else:
            runpy.run_module(name + '.__main__')
    except Stop:
        told = os.environ.get('OMP_WAIT_POLICY')
    print(name, told, flush=True)
    os._exit(0)
"""


def find_tools(repo):
    """Scripts that have a command line."""
    paths = sorted([*repo.glob('tools/**/*.py'), *repo.glob('demo/*.py')])
    return [path for path in paths if "__name__ == '__main__'" in path.read_text()]


def test_help_imports_nothing_slow(repo):
    lines = [str(path) for path in find_tools(repo)]
    assert len(lines) > 20
    command = repo / 'mmwsmots_cli.py'
    lines += [f'{command} {name}' for name in ('', *mmwsmots_cli.COMMANDS)]
    command = [sys.executable, '-c', CODE, *lines]
    output = subprocess.check_output(command, text=True, timeout=300)
    results = [json.loads(line) for line in output.splitlines() if line[:1] == '[']
    wanted = {line: [0, []] for line in lines}
    assert dict(zip(lines, results, strict=True)) == wanted
    assert output.count('usage: ') == len(lines)


def test_choices_are_those_of_the_package(repo):
    """They are written twice, so that the help need not import it."""
    tools = repo / 'tools'
    for name in ('label_masks.py', 'dataset_converters/mot2coco.py'):
        assert load_script(tools / name).FORMATS == FORMATS
    convert = load_script(tools / 'dataset_converters/convert_masks.py')
    assert convert.FORMATS == MASK_FORMATS
    assert tuple(WRITERS) == convert.TARGETS
    assert convert.WINNERS == WINNERS
    options = load_script(tools / 'analysis_tools/evaluation_options.py')
    assert tuple(BENCHMARKS) == options.BENCHMARKS
    assert tuple(IOU_THRESHOLDS) == options.PROTOCOLS
    search = load_script(tools / 'analysis_tools/search_tracker.py')
    assert tuple(BENCHMARKS) == search.BENCHMARKS


def test_torch_is_told_how_threads_wait_before_it_is_imported(repo):
    """Spinning makes a tool many times slower beside another process."""
    benchmarks = [path for path in repo.glob('benchmarks/*.py') if path.stem[0] != '_']
    names = [*map(str, find_tools(repo) + benchmarks)]
    names += ['benchmarks.accuracy', 'benchmarks.real']
    command = [sys.executable, '-c', UNTIL_TORCH, *names]
    output = subprocess.check_output(command, text=True, cwd=repo, timeout=300)
    told = dict(line.split(' ', 1) for line in output.splitlines())
    assert list(told) == names
    assert set(told.values()) == {'passive', 'without torch'}, told
