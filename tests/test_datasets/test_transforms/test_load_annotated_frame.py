# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Broken and unusual frames in training."""

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config
from torch.utils.data import DataLoader

from benchmarks.common import find_transform
from mmwsmots.datasets.transforms.loading import FrameError
from mmwsmots.fileio.cocovid import CocoVIDBuilder

HEIGHT, WIDTH = 40, 64


@pytest.fixture
def clip(tmp_path):
    """Two frames with a box each, in a folder of any script."""
    root = tmp_path / 'Straße 東京 [1].2'
    rng = np.random.default_rng(0)
    builder = CocoVIDBuilder(dict(car=1, pedestrian=2))
    names = ['ü/0.png', 'ü/1.png']
    number = builder.add_video('ü', names, (HEIGHT, WIDTH))
    (root / 'ü').mkdir(parents=True)
    for i, name in enumerate(names):
        image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        cv2.imwrite(str(root / name), image)
        builder.add_object(number, i, 1, 7, bbox=[8, 10, 1, 1], area=1)
    builder.write(root / 'boxes.json')
    return root


def fail(samples):
    raise FrameError('a.png: no such picture')


def load(repo, root):
    """What the training pipeline makes of the clip; jitter and flips aside."""
    cfg = Config.fromfile(repo / 'configs/_base_/datasets/kitti_mots.py')
    cfg = cfg.train_dataloader.dataset
    cfg.update(data_root=f'{root}/', ann_file='boxes.json')
    cfg.data_prefix.img_path = ''
    find_transform(cfg.pipeline, 'ClipFrameSample').num_frames = 2
    resize = find_transform(cfg.pipeline, 'RandomResize')
    resize.scale, resize.ratio_range = (WIDTH, HEIGHT), (1, 1)
    find_transform(cfg.pipeline, 'RandomFlip').prob = 0.0
    return DATASETS.build(cfg)[0, 0]


def test_a_box_of_one_pixel_in_a_path_of_any_script(repo, clip):
    before = {path: path.read_bytes() for path in clip.rglob('*') if path.is_file()}
    data = load(repo, clip)
    for i in range(2):
        image = cv2.imdecode(np.frombuffer(before[clip / f'ü/{i}.png'], np.uint8), 1)
        frame = data['inputs'][i].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(frame, image)
        (box,) = data['data_samples'][i].gt_instances.bboxes.tolist()
        assert box == [8, 10, 9, 11]
    # Data may be read-only: nothing is written beside it, nothing changed.
    assert before == {p: p.read_bytes() for p in clip.rglob('*') if p.is_file()}


@pytest.mark.parametrize('kind', ['16 bit', '16-bit grey', 'grey', 'RGBA'])
def test_any_depth_and_number_of_channels(repo, clip, kind):
    color = cv2.imread(str(clip / 'ü/1.png'))
    grey = color[..., 0]
    picture = {
        '16 bit': color.astype(np.uint16) * 257,
        '16-bit grey': grey.astype(np.uint16) * 257,
        'grey': grey,
        'RGBA': np.dstack([color, grey]),
    }[kind]
    cv2.imwrite(str(clip / 'ü/1.png'), picture)
    frame = load(repo, clip)['inputs'][1].permute(1, 2, 0).numpy()
    expected = np.dstack([grey] * 3) if 'grey' in kind else color
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, expected)


def test_a_changed_size_is_named(repo, clip):
    cv2.imwrite(str(clip / 'ü/1.png'), np.zeros((30, 50, 3), np.uint8))
    message = r'ü/1\.png: the frame has the size 50 x 30, in the annotations 64 x 40'
    with pytest.raises(ValueError, match=message):
        load(repo, clip)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('share', [0.0, 0.5, 0.99])
def test_a_truncated_image_is_named(repo, clip, share, suffix):
    """OpenCV reads such a JPEG, its rest grey; the name does not say the kind."""
    image = cv2.imread(str(clip / 'ü/1.png'))
    data = cv2.imencode(suffix, image)[1].tobytes()
    (clip / 'ü/1.png').write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=r'ü/1\.png: the frame cannot be read'):
        load(repo, clip)


def test_a_missing_image_is_named(repo, clip):
    (clip / 'ü/1.png').unlink()
    with pytest.raises(FrameError, match=r'ü/1\.png: no such picture'):
        load(repo, clip)


def test_a_process_that_loads_data_says_one_sentence():
    loader = DataLoader([0], num_workers=1, collate_fn=fail)
    with pytest.raises(FrameError) as caught:
        next(iter(loader))
    assert str(caught.value) == 'a.png: no such picture'
