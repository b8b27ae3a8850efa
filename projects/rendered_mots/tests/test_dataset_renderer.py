# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import shutil

import cv2
import numpy as np
import pytest
from rendered_mots import render_dataset

from mmwsmots.fileio.mots_txt import MOTSObject, read_mots_txt, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

SMALL = dict(frames=3, size=(208, 64), num_sequences=1)


def content(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """Small data sets of the seeds 0 and 1; only to be read or copied."""
    root = tmp_path_factory.mktemp('small')
    for seed in (0, 1):
        render_dataset(root / str(seed), workers=1, seed=seed, **SMALL)
    return root


@pytest.fixture
def annotations(tmp_path):
    return write_annotations(tmp_path)


@pytest.fixture(scope='module')
def annotated(tmp_path_factory):
    """The annotations and what is rendered of them; only to be read."""
    root = tmp_path_factory.mktemp('annotated')
    folder = write_annotations(root)
    return folder, root / 'all', render_dataset(root / 'all', folder)


def write_annotations(root):
    """Two sequences of 200 x 80: one car, and one that a seqmap makes longer."""
    folder = root / 'gt' / 'instances_txt'
    mask = np.zeros((80, 200), bool)
    mask[40:60, 50:90] = True
    rle = mask_to_rle(mask)
    for name, frames in (('0003', (0, 1)), ('0007', (2,))):
        objects = [MOTSObject(f, 1000, 1, 80, 200, rle) for f in frames]
        write_mots_txt(folder / f'{name}.txt', objects)
    (root / 'gt' / 'seqmaps').mkdir()
    (root / 'gt' / 'seqmaps' / 'val.seqmap').write_text('0007 empty 000000 000004\n')
    # The test split has other sequences under the same names.
    (root / 'gt' / 'seqmaps' / 'test.seqmap').write_text('0003 empty 000000 000090\n')
    return folder


def test_layout_and_sizes(tmp_path):
    options = {**SMALL, 'num_sequences': 2}
    names = render_dataset(tmp_path / 'out', scale=0.5, **options)
    assert names == ['0000', '0001']
    for name in names:
        folder = tmp_path / 'out' / 'training' / 'image_02' / name
        files = sorted(path.name for path in folder.iterdir())
        assert files == ['000000.png', '000001.png', '000002.png']
        assert cv2.imread(str(folder / files[0])).shape == (32, 104, 3)
        objects = read_mots_txt(tmp_path / 'out' / 'instances_txt' / f'{name}.txt')
        assert {(obj.height, obj.width) for obj in objects} == {(32, 104)}
        assert {obj.frame_id for obj in objects} <= {0, 1, 2}
    assert [path.name for path in tmp_path.iterdir()] == ['out']


def test_the_number_of_processes_changes_nothing(small, tmp_path, monkeypatch):
    monkeypatch.setattr('rendered_mots.dataset_renderer.CHUNK', 2)
    render_dataset(tmp_path / 'two', workers=2, **SMALL)
    one, two = content(small / '0'), content(tmp_path / 'two')
    assert len(one) == 4
    assert one == two


def test_opencv_threads_of_the_caller_are_no_trouble(tmp_path):
    """Forking beside OpenCV's running thread pool must not hang, nor change it."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    cv2.resize(np.zeros((2000, 2000, 3), np.float32), (1500, 1500))
    try:
        render_dataset(tmp_path / 'out', workers=2, **SMALL)
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(before)


def test_another_seed_is_another_data_set(small):
    first, second = content(small / '0'), content(small / '1')
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_a_stride_keeps_every_kth_frame_of_the_annotation(tmp_path, annotated):
    annotations, rendered, _ = annotated
    render_dataset(tmp_path / 'some', annotations, frame_stride=2)
    whole, some = content(rendered), content(tmp_path / 'some')
    frames = [name for name in some if name.endswith('.png') and '0007' in name]
    assert len(frames) == 3
    objects = read_mots_txt(tmp_path / 'some' / 'instances_txt' / '0007.txt')
    assert [obj.frame_id for obj in objects] == [1]
    source = 'training/image_02/0007/00000{}.png'
    assert some[source.format(1)] == whole[source.format(2)]


def test_annotated_sequences_are_as_long_as_the_seqmap_or_their_last_object(annotated):
    annotations, out, names = annotated
    assert names == ['0003', '0007']
    for name, frames in (('0003', 2), ('0007', 5)):
        folder = out / 'training' / 'image_02' / name
        assert len(list(folder.iterdir())) == frames
        rendered = read_mots_txt(out / 'instances_txt' / f'{name}.txt')
        assert rendered == read_mots_txt(annotations / f'{name}.txt')


def test_an_empty_annotation_needs_a_length(tmp_path, annotations):
    write_mots_txt(annotations / '0009.txt', [])
    with pytest.raises(ValueError, match=r'0009\.txt is empty'):
        render_dataset(tmp_path / 'out', annotations, sequences=['0009'])
    write_mots_txt(annotations / '0007.txt', [])
    render_dataset(tmp_path / 'out', annotations, sequences=['0007'], size=(208, 64))
    folder = tmp_path / 'out' / 'training' / 'image_02' / '0007'
    assert len(list(folder.iterdir())) == 5
    assert read_mots_txt(tmp_path / 'out' / 'instances_txt' / '0007.txt') == []


def test_real_frames_lend_their_texture(small, tmp_path):
    (tmp_path / 'frames').mkdir()
    rng = np.random.default_rng(0)
    magenta = np.add(rng.integers(0, 80, (120, 300, 3)), [170, 0, 170])
    cv2.imwrite(str(tmp_path / 'frames' / 'a.png'), magenta)
    render_dataset(tmp_path / 'with', backgrounds=tmp_path / 'frames', **SMALL)
    means = []
    for folder in (tmp_path / 'with', small / '0'):
        path = folder / 'training' / 'image_02' / '0000' / '000000.png'
        blue, green, red = cv2.imread(str(path)).astype(float).mean((0, 1))
        means.append((blue + red) / 2 - green)
    assert means[0] > means[1] + 15


def test_an_earlier_data_set_is_kept_unless_overwriting(small, tmp_path):
    out = shutil.copytree(small / '0', tmp_path / 'out')
    before = content(out)
    with pytest.raises(ValueError, match='is not empty'):
        render_dataset(out, seed=1, **SMALL)
    assert content(out) == before
    (out / 'notes.txt').write_text('mine')
    render_dataset(out, seed=1, overwrite=True, **SMALL)
    after = content(out)
    assert after.keys() == before.keys() | {'notes.txt'}
    assert all(after[name] != data for name, data in before.items())


def test_a_failure_leaves_nothing_behind(small, tmp_path, annotations, monkeypatch):
    out = shutil.copytree(small / '0', tmp_path / 'out')
    before = content(out)

    def fail(path, *_):
        raise OSError(f'disk full at {path}')

    monkeypatch.setattr('cv2.imwrite', fail)
    with pytest.raises(OSError, match='disk full'):
        render_dataset(out, overwrite=True, **SMALL)
    assert content(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ['gt', 'out']


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(workers=0), 'workers must be >= 1, got 0'),
        (dict(scale=0.0), 'scale must be > 0'),
        (dict(scale=float('nan')), 'scale must be > 0'),
        (dict(frames=0), 'frames must be >= 1'),
        (dict(frame_stride=0), 'frame_stride must be >= 1'),
        (dict(num_sequences=0), 'num_sequences must be >= 1'),
        (dict(seed=-1), 'seed must be >= 0'),
        (dict(focal_ratio=0.0), 'focal_ratio must be in 0.1..10, got 0.0'),
        (dict(size=(100, 40), scale=0.5), '50 x 20 pixels are too small'),
        (dict(sequences=['0001', '0001']), 'named twice'),
        (dict(sequences=['../0001']), r'"\.\./0001" is no name'),
        (dict(sequences=['0001'], num_sequences=2), 'not both'),
        (dict(backgrounds='nowhere'), 'backgrounds folder nowhere does not exist'),
        (dict(annotations='nowhere'), 'annotations folder nowhere does not exist'),
    ],
)
def test_bad_options(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        render_dataset(tmp_path / 'out', **options)
    assert not any(tmp_path.iterdir())


def test_bad_annotations(tmp_path, annotations):
    out = tmp_path / 'out'
    with pytest.raises(ValueError, match='sequence 0042 has no annotation'):
        render_dataset(out, annotations, sequences=['0042'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'holds no SSSS\.txt'):
        render_dataset(out, tmp_path / 'empty')
    (annotations.parent / 'seqmaps' / 'val.seqmap').write_text(
        '0007 empty 000000 000001\n'
    )
    with pytest.raises(ValueError, match=r'0007\.txt: frame 2 is beyond the seqmap'):
        render_dataset(out, annotations)
    (annotations / '0003.txt').write_text('0 1000 1 80 200\n')
    with pytest.raises(ValueError, match=r'0003\.txt, line 1'):
        render_dataset(out, annotations)
    assert not out.exists()
