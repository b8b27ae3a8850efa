# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Blocks of code in the documents, and what must hold for a command in them."""

import argparse
import ast
import importlib.util
import inspect
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import mmdet.registry
from mmdet.registry import HOOKS, MODELS
from mmengine.config import Config
from mmengine.registry import Registry
from pip._internal.commands import create_command

# Programs that documents use beside the project's own.
PROGRAMS = {'cd', 'cp', 'export', 'ls', 'mkdir', 'source', 'unzip'}
KNOWN_VARIABLES = {'CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS', 'PYTHONPATH'}


class DocumentError(Exception):
    """What is wrong with a block, and where."""


class Block(NamedTuple):
    """A fenced block of code.

    Attributes:
        path (Path): The document.
        line (int): Line of its fence.
        language (str): 'bash', 'python' or another.
        text (str): Its content.
        base (str): Config that a fragment of a config belongs to: that of a comment
            ``<!-- base: CONFIG -->`` on the line above, else a Mask R-CNN.
    """

    path: Path
    line: int
    language: str
    text: str
    base: str = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'

    @property
    def name(self) -> str:
        """str: Document and line, for messages and test names."""
        return f'{self.path.name}:{self.line}'


class Command(NamedTuple):
    """A simple command of a shell.

    Attributes:
        env (dict[str, str]): Variables that are set for it.
        words (list[str]): Program and arguments.
    """

    env: dict[str, str]
    words: list[str]

    def __str__(self) -> str:
        return shlex.join(self.words)


def read_blocks(path: Path) -> list[Block]:
    """All fenced blocks of a Markdown file, also those in lists."""
    blocks, start, language, content = [], None, '', []
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        fence = re.match(r'\s*```\s*(.*)$', line)
        if fence is None:
            content.append(line)
        elif start is None:
            start, language, content = number, fence[1].strip(), []
        else:
            indent = min((len(x) - len(x.lstrip()) for x in content if x), default=0)
            text = '\n'.join(line[indent:] for line in content)
            block = Block(path, start, language, text)
            base = re.match(r'\s*<!-- base: (\S+) -->', ['', *lines][start - 1])
            blocks.append(block._replace(base=base[1]) if base else block)
            start = None
    if start is not None:
        raise DocumentError(f'{path.name}:{start}: the block has no end')
    return blocks


def split_commands(text: str) -> Iterator[Command]:
    """Simple commands of a bash block."""
    for line in text.replace('\\\n', ' ').splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=';&|>')
        lexer.whitespace_split = True
        words, redirected = [], False
        for word in [*lexer, ';']:
            if set(word) <= set(';&|'):
                if words:
                    yield _command(words)
                words = []
            elif set(word) == {'>'}:
                redirected = True
            elif redirected:
                redirected = False
            else:
                words.append(word)


def _command(words: list[str]) -> Command:
    env = {}
    while words and re.match(r'[A-Z_0-9]+=', words[0]):
        name, value = words.pop(0).split('=', 1)
        env[name] = value
    return Command(env, words or ['export'])


class _Parsed(BaseException):
    """Raised in place of a script's work, once it has read its options."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options


@contextmanager
def _parse_only() -> Iterator[None]:
    parse = argparse.ArgumentParser.parse_args

    def stop(parser, args=None, namespace=None):
        raise _Parsed(parse(parser, args, namespace))

    with mock.patch.object(argparse.ArgumentParser, 'parse_args', stop):
        yield


def parse_options(run: Callable[[], object], argv: list[str]) -> argparse.Namespace:
    """Let a script read its options and stop there.

    Args:
        run (Callable): Runs the script.
        argv (list[str]): Name and options.

    Returns:
        Namespace: The options as its own parser reads them.

    Raises:
        DocumentError: If it refuses them, or does not read options at all.
    """
    errors = StringIO()
    path = list(sys.path)
    try:
        with _parse_only(), redirect_stderr(errors), mock.patch('sys.argv', argv):
            sys.path.insert(0, str(Path(argv[0]).parent))
            run()
    except _Parsed as parsed:
        return parsed.options
    except SystemExit as stop:
        if stop.code == 0:  # --help
            return argparse.Namespace()
        message = errors.getvalue().strip().splitlines() or ['it ended']
        raise DocumentError(f'{shlex.join(argv)}: {message[-1]}') from None
    finally:
        sys.path[:] = path
    if len(argv) > 1:
        raise DocumentError(f'{argv[0]} takes no options, got {argv[1:]}')
    return argparse.Namespace()


def check_command(command: Command, repo: Path) -> None:
    """Check that a command exists, takes its options and names existing configs.

    The working directory must come from :func:`make_sandbox`. Data and results may be
    missing; checkpoints are made up.

    Args:
        command (Command): What a document tells to type.
        repo (Path): The checkout.

    Raises:
        DocumentError: If it does not work.
    """
    words = expand(command.words)
    for word in words:
        _check_config(word)
        if word.endswith('.pth') and not Path(word).exists():
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
    _check_variables(command, repo)
    program, *arguments = words
    if program in ('python', 'python3'):
        _check_python(arguments, repo)
    elif program == 'make':
        # Only says what it would do.
        check = ['make', '--dry-run', '--no-print-directory', *arguments]
        result = subprocess.run(check, cwd=repo, capture_output=True, text=True)
        # A file of the target's name, without a rule, satisfies make.
        if result.returncode != 0 or 'Nothing to be done' in result.stdout:
            raise DocumentError(f'{command}: {result.stdout}{result.stderr}')
    elif program == 'pip':
        _check_pip(arguments)
    elif program == 'mim':
        _check_mim(command, arguments, repo)
    elif program.endswith('.sh'):
        _check_launcher(program, arguments, repo)
    elif program not in PROGRAMS:
        raise DocumentError(f'{command}: no check is known for {program}')


def expand(words: list[str]) -> list[str]:
    """Patterns of existing files become the files, as in a shell."""
    found = []
    for word in words:
        is_pattern = '*' in word and '=' not in word and not word.startswith('/')
        paths = sorted(Path().glob(word)) if is_pattern else []
        found += [str(path) for path in paths] or [word]
    return found


def _check_config(word: str) -> None:
    """Configs must exist, wherever a word names one."""
    name = re.search(r'configs/[\w./-]+\.py$', word)
    if name and not Path(name[0]).is_file():
        raise DocumentError(f'{word}: no such config')


def _check_variables(command: Command, repo: Path) -> None:
    """Variables must be read by something."""
    for name in set(command.env) - KNOWN_VARIABLES:
        files = [repo / 'Makefile', *(repo / 'tests').glob('*.py')]
        for folder in ('configs', 'tools', 'mmwsmots'):
            files += [
                f for end in ('py', 'sh') for f in (repo / folder).rglob(f'*.{end}')
            ]
        if not any(re.search(rf'\b{name}\b', file.read_text()) for file in files):
            raise DocumentError(f'{name}={command.env[name]}: nothing reads {name}')


def _check_python(arguments: list[str], repo: Path) -> None:
    if arguments[0] == '-m':
        _check_module(arguments[1], arguments[2:], repo)
        return
    if not Path(arguments[0]).is_file():
        raise DocumentError(f'{arguments[0]}: no such script')
    script = str(Path(arguments[0]).resolve())
    args = parse_options(
        lambda: runpy.run_path(script, run_name='__main__'), [script, *arguments[1:]]
    )
    if getattr(args, 'cfg_options', None) and 'config' in args:
        for key in args.cfg_options:
            _check_key(key, args.config, args.cfg_options)


def _check_key(key: str, config: str, options: dict) -> None:
    """A key of ``--cfg-options`` is in the config or an option of a component."""
    node = Config.fromfile(config)
    *parents, last = key.split('.')
    for name in parents:
        if name not in node:
            raise DocumentError(f'{key}: {config} has no {name}')
        node = node[name]
    if last in node or last == '_delete_':
        return
    # A component may be replaced by another in the same command.
    kind = options.get('.'.join([*parents, 'type']), node.get('type'))
    classes = [
        registry.get(kind)
        for registry in vars(mmdet.registry).values()
        if isinstance(registry, Registry) and kind is not None
    ]
    parameters = [inspect.signature(c).parameters for c in classes if c is not None]
    if not any(last in names for names in parameters):
        raise DocumentError(f'{key}: not in {config} and no option of the component')


def _check_module(name: str, arguments: list[str], repo: Path) -> None:
    """A module that is run: ours reads its options, pytest's files must be there."""
    if name == 'pytest':
        for path in (word for word in arguments if '/' in word):
            if not (repo / path).exists():
                raise DocumentError(f'python -m pytest: {path} does not exist')
        return
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f'{name}.__main__')
    if spec is None or name.split('.')[0] not in ('mmwsmots', 'benchmarks'):
        raise DocumentError(f'python -m {name}: no such module of the project')
    if '__main__' not in Path(spec.origin).read_text():
        raise DocumentError(f'python -m {name}: does nothing when it is run')
    parse_options(
        lambda: runpy.run_module(name, run_name='__main__'), [spec.origin, *arguments]
    )


def _check_pip(arguments: list[str]) -> None:
    name, *options = arguments
    errors = StringIO()
    try:
        with redirect_stderr(errors):
            create_command(name).parser.parse_args(options)
    except (SystemExit, KeyError):
        message = errors.getvalue().strip().splitlines() or ['no such command']
        raise DocumentError(f'pip {name}: {message[-1]}') from None


def _check_mim(command: Command, arguments: list[str], repo: Path) -> None:
    """``mim train|test|run mmwsmots NAME [options]`` runs a script of ``tools``."""
    verb, package, name, *options = [*arguments, '', '', ''][: max(3, len(arguments))]
    if verb not in ('run', 'test', 'train') or package != 'mmwsmots':
        raise DocumentError(f'{command}: no check is known for it')
    if verb == 'run':
        scripts = list((repo / 'tools').rglob(f'{name}.py'))
    else:
        scripts = [repo / 'tools' / f'{verb}.py']
        options.insert(0, f'configs/wsmots/{name}')
        _check_config(options[0])
    if len(scripts) != 1:
        raise DocumentError(f'{command}: {len(scripts)} scripts named {name}.py')
    _check_python([str(scripts[0]), *options], repo)


def _check_launcher(program: str, arguments: list[str], repo: Path) -> None:
    """``dist_X.sh CONFIG [CHECKPOINT] GPUS [options of X.py]``."""
    match = re.fullmatch(r'tools/dist_(train|test)\.sh', program)
    if match is None or not os.access(program, os.X_OK):
        raise DocumentError(f'{program}: no such script, or no check is known for it')
    num_files = dict(train=1, test=2)[match[1]]
    gpus = arguments[num_files : num_files + 1]
    if not gpus or not gpus[0].isdecimal():
        raise DocumentError(f'{program}: expected the number of GPUs, got {gpus}')
    options = [*arguments[:num_files], *arguments[num_files + 1 :]]
    _check_python([f'tools/{match[1]}.py', *options, '--launcher', 'pytorch'], repo)


def run_command(command: Command) -> None:
    """Run a script of the project for real, in this process: mmdet imports slowly."""
    program, script, *arguments = expand(command.words)
    assert program == 'python', command
    path = list(sys.path)
    argv = [script, *arguments]
    try:
        with mock.patch.dict(os.environ, command.env), mock.patch('sys.argv', argv):
            sys.path.insert(0, str(Path(script).resolve().parent))
            runpy.run_path(script, run_name='__main__')
    except SystemExit as stop:
        if stop.code not in (None, 0):
            raise DocumentError(f'{command}: {stop.code}') from None
    finally:
        sys.path[:] = path


def is_config(text: str) -> bool:
    """Whether a Python block is a config: it assigns nothing but plain values."""
    for statement in ast.parse(text).body:
        if not isinstance(statement, ast.Assign):
            return False
        for node in ast.walk(statement.value):
            if isinstance(node, ast.Call) and ast.unparse(node.func) != 'dict':
                return False
    return True


def check_python(block: Block) -> None:
    """Build the model and hooks of a config; run other code. In a sandbox."""
    if not is_config(block.text):
        exec(compile(block.text, block.name, 'exec'), {'__name__': 'document'})
        return
    text = block.text
    if '_base_' not in text:
        text = f'_base_ = {block.base!r}\n{text}'
    path = Path('configs/wsmots/from_a_document.py')
    path.write_text(text)
    cfg = Config.fromfile(path)
    MODELS.build(cfg.model)
    for hook in cfg.get('custom_hooks', []):
        HOOKS.build(hook)


def check_block(block: Block, repo: Path) -> None:
    """Check a block of any language.

    Raises:
        DocumentError: If it would not work for a reader.
    """
    if block.language == 'python':
        check_python(block)
    elif block.language == 'bash':
        commands = list(split_commands(block.text))
        if not commands:
            raise DocumentError('the block has no command')
        for command in commands:
            check_command(command, repo)
    elif block.language in ('sh', 'shell', 'console', 'py'):
        raise DocumentError(f'write bash or python, not {block.language}')


def make_sandbox(folder: Path, repo: Path) -> Path:
    """A folder like a checkout: configs to change, the rest of the code as links."""
    shutil.copytree(repo / 'configs', folder / 'configs')
    for name in ('benchmarks', 'demo', 'mmwsmots', 'projects', 'tools'):
        (folder / name).symlink_to(repo / name)
    packages = Path(sysconfig.get_path('purelib'))
    venv = folder / '.venv/lib' / packages.parent.name
    venv.mkdir(parents=True)
    (venv / 'site-packages').symlink_to(packages)
    return folder
