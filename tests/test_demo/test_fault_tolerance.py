# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Odd pictures, full disks and crowded frames."""

import multiprocessing
import resource
import signal

import cv2
import numpy as np
import pytest
import torch

from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio import FrameReader, VideoWriter
from mmwsmots.fileio.mots_txt import MOTSObject, read_mots_txt, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from mmwsmots.models.trackers import IoUCosineMatcher
from tests.small_model import SIZE
from tests.test_demo.test_mots_demo import (  # noqa: F401  (fixtures)
    demo,
    files,
    long_clip,
    model,
    run,
    save_often,
)

WIDTH, HEIGHT = SIZE


def grey(rng):
    return rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8)


@pytest.mark.parametrize('kind', ['16 bit', '16-bit grey', 'grey', 'RGBA'])
def test_any_depth_and_number_of_channels(tmp_path, kind):
    image = grey(np.random.default_rng(0))
    color = np.dstack([image, 255 - image, image // 2])
    expected = color if kind in ('16 bit', 'RGBA') else np.dstack([image] * 3)
    picture = {
        '16 bit': color.astype(np.uint16) * 257,
        '16-bit grey': image.astype(np.uint16) * 257,
        'grey': image,
        'RGBA': np.dstack([color, grey(np.random.default_rng(1))]),
    }[kind]
    cv2.imwrite(str(tmp_path / '0.png'), picture)
    (frame,) = FrameReader(tmp_path)
    assert frame.dtype == np.uint8
    np.testing.assert_array_equal(frame, expected)


def test_a_path_in_any_script_and_pictures_of_many_kinds(
    demo,  # noqa: F811
    files,  # noqa: F811
    tmp_path,
):
    folder = tmp_path / 'Straße 東京 [1].2'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i, dtype in enumerate((np.uint8, np.uint16, np.uint8)):
        picture = grey(rng).astype(dtype) * (257 if dtype == np.uint16 else 1)
        cv2.imwrite(str(folder / f'ü{i}.png'), picture)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    out = tmp_path / 'Ergebniß'
    run(demo, folder, files, out)
    assert sorted(path.name for path in out.iterdir()) == [
        f'{folder.name}.mp4',
        f'{folder.name}.txt',
    ]
    assert {obj.frame_id for obj in read_mots_txt(out / f'{folder.name}.txt')} == {
        0,
        1,
        2,
    }
    # Data may be read-only: nothing is written beside it.
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def run_on_a_small_disk(num_bytes, *args):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, num_bytes))
    run(*args)


@pytest.mark.parametrize('num_bytes', [200, 4000])
def test_a_full_disk_leaves_the_earlier_results(
    demo,  # noqa: F811
    files,  # noqa: F811
    long_clip,  # noqa: F811
    tmp_path,
    save_often,  # noqa: F811
    capfd,
    num_bytes,
):
    """A file may not grow beyond some bytes, as on a full disk."""
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'long.txt').write_text('earlier\n')
    context = multiprocessing.get_context('fork')
    args = (num_bytes, demo, long_clip, files, out, '--no-video', '--overwrite')
    process = context.Process(target=run_on_a_small_disk, args=args)
    process.start()
    process.join(300)
    assert process.exitcode == 1
    error = capfd.readouterr().err
    assert 'error: [Errno 27]' in error and 'Traceback' not in error
    assert (out / 'long.txt').read_text() == 'earlier\n'
    assert {path.name for path in out.iterdir()} <= {
        'long.txt',
        'long.txt.part',
        'long.state.part',
    }


def write_video_on_a_small_disk(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    rng = np.random.default_rng(0)
    refused = pytest.raises(OSError, match=r'v\.mp4: .* frames could be written, is')
    with refused, VideoWriter(path, 10) as video:
        for _ in range(20):
            video.write(rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))


def test_a_full_disk_is_noticed_by_the_video(tmp_path):
    path = tmp_path / 'v.mp4'
    path.write_bytes(b'earlier')
    context = multiprocessing.get_context('fork')
    process = context.Process(target=write_video_on_a_small_disk, args=(path,))
    process.start()
    process.join(300)
    assert process.exitcode == 0
    assert path.read_bytes() == b'earlier'
    assert list(tmp_path.iterdir()) == [path]


def test_500_objects_of_one_pixel(tmp_path):
    """From the tracker through the files to the numbers."""
    places = np.stack(np.divmod(np.arange(500) * 4, WIDTH), axis=1)[:, ::-1]
    bboxes = torch.from_numpy(np.hstack([places, places + 1])).float()
    rng = np.random.default_rng(0)
    embeds = torch.from_numpy(rng.normal(size=(500, 8))).float()
    tracker = IoUCosineMatcher(motion='kalman')
    objects = []
    for frame_id in range(3):
        order = torch.from_numpy(rng.permutation(500))
        ids = tracker.match(bboxes[order], torch.zeros(500), embeds[order], frame_id)
        if frame_id == 0:
            number = torch.empty(500, dtype=torch.long)
            number[order] = ids
        assert torch.equal(ids, number[order])
        for identity, index in zip(ids.tolist(), order.tolist()):
            mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
            mask[places[index][1], places[index][0]] = True
            rle = mask_to_rle(mask)
            objects.append(MOTSObject(frame_id, 1001 + identity, 1, *mask.shape, rle))
    write_mots_txt(tmp_path / 'gt/0000.txt', objects)
    write_mots_txt(tmp_path / 'results/0000.txt', objects[::-1])
    car = evaluate_mots(tmp_path / 'gt', tmp_path / 'results', {'0000': 3})['car']
    assert (car['TP'], car['FP'], car['FN'], car['IDS']) == (1500, 0, 0, 0)
