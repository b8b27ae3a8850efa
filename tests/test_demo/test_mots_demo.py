# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import multiprocessing
import time

import cv2
import numpy as np
import pytest
import torch

from mmwsmots.apis import init_mots_model
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.features import refuses_code
from tests.load_script import load_script
from tests.quiet_run import run_script
from tests.small_model import SIZE, save_model, small_config, track_by_mmdet

WIDTH, HEIGHT = SIZE


@pytest.fixture(scope='module')
def demo(repo):
    return load_script(repo / 'demo/mots_demo.py')


@pytest.fixture(scope='module')
def model(repo):
    torch.manual_seed(0)
    return init_mots_model(small_config(repo))


@pytest.fixture(scope='module')
def files(model, tmp_path_factory):
    """Config and checkpoint of the model, as the command line takes them."""
    return [*map(str, save_model(model, tmp_path_factory.mktemp('model')))]


@pytest.fixture
def clip(tmp_path):
    """A folder of four frames: coloured squares that move."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    for i in range(4):
        image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        image[20:50, 10 + 4 * i : 40 + 4 * i] = (30, 200, 90)
        image[10:30, 60 - 3 * i : 80 - 3 * i] = (200, 60, 30)
        cv2.imwrite(str(folder / f'{i:06d}.png'), image)
    return folder


def run(demo, clip, files, out, *options):
    demo.main([str(clip), *files, '--out', str(out), '--device', 'cpu', *options])


def test_folder_in_text_and_video_out(repo, model, clip, files, tmp_path):
    out = tmp_path / 'new/out'
    run_script(repo / 'demo/mots_demo.py', clip, *files, '--out', out)
    assert sorted(p.name for p in out.iterdir()) == ['clip.mp4', 'clip.txt']
    objects = read_mots_txt(out / 'clip.txt')  # checks overlap and ids
    assert {obj.frame_id for obj in objects} == {0, 1, 2, 3}
    ids = {}
    for i, frame in enumerate(FrameReader(clip)):
        expected = track_by_mmdet(model, frame, i, 4)
        lines = [obj for obj in objects if obj.frame_id == i]
        assert len(lines) == len(expected) > 0
        for obj, mask, label, key in zip(
            lines, expected.masks, expected.labels, expected.instances_id
        ):
            assert (obj.mask == mask.numpy()).all()
            assert obj.class_id == label + 1
            assert ids.setdefault(int(key), obj.track_id) == obj.track_id
    assert len(set(ids.values())) == len(ids)
    drawn = list(FrameReader(out / 'clip.mp4'))
    assert [frame.shape for frame in drawn] == [(HEIGHT, WIDTH, 3)] * 4
    for frame, image in zip(drawn, FrameReader(clip)):
        assert np.abs(frame.astype(int) - image).mean() > 5


def test_video_in(demo, clip, files, tmp_path):
    video = cv2.VideoWriter(
        str(tmp_path / 'drive.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 8, SIZE
    )
    for frame in FrameReader(clip):
        video.write(frame)
    video.release()
    run(demo, tmp_path / 'drive.avi', files, tmp_path / 'out')
    assert {obj.frame_id for obj in read_mots_txt(tmp_path / 'out/drive.txt')} == set(
        range(4)
    )
    result = FrameReader(tmp_path / 'out/drive.mp4')
    assert (len(list(result)), result.fps) == (4, 8)


def test_a_video_that_is_cut_off(demo, clip, files, tmp_path):
    path = tmp_path / 'drive.avi'
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 8, SIZE)
    for frame in FrameReader(clip):
        video.write(frame)
    video.release()
    path.write_bytes(b'00dc'.join(path.read_bytes().split(b'00dc')[:4]))
    with pytest.raises(SystemExit, match=r'drive\.avi: only . of the 4 frames'):
        run(demo, path, files, tmp_path / 'out')
    frames = {obj.frame_id for obj in read_mots_txt(tmp_path / 'out/drive.txt')}
    assert frames == set(range(len(list(FrameReader(path)))))


def test_no_video_and_a_threshold_that_nothing_passes(demo, clip, files, tmp_path):
    run(demo, clip, files, tmp_path / 'out', '--no-video', '--score-thr', '1')
    assert [p.name for p in (tmp_path / 'out').iterdir()] == ['clip.txt']
    assert (tmp_path / 'out/clip.txt').read_text() == ''


def test_earlier_results_stay_unless_told_otherwise(demo, clip, files, tmp_path):
    out = tmp_path / 'out'
    run(demo, clip, files, out)
    earlier = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(earlier) == {'clip.txt', 'clip.mp4'}
    for options in ([], ['--resume'], ['--no-video'], ['--score-thr', '1']):
        with pytest.raises(SystemExit, match=r'clip\.txt: exists already; --overwrite'):
            run(demo, clip, files, out, *options)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == earlier
    run(demo, clip, files, out, '--overwrite', '--no-video', '--score-thr', '1')
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {'clip.txt': b''}


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda clip: clip.rename(clip.with_name('gone')), 'clip: no such video file'),
        (
            lambda clip: [p.unlink() for p in clip.iterdir()],
            'clip: the folder contains',
        ),
        (
            lambda clip: (clip / '000002.png').write_text('?'),
            '000002.png: the frame cannot be read',
        ),
        (
            lambda clip: cv2.imwrite(
                str(clip / '000003.png'), np.zeros((50, 70, 3), np.uint8)
            ),
            '000003.png: the frame has the size 70 x 50, the first one 96 x 64',
        ),
    ],
    ids=['missing', 'empty', 'unreadable', 'sizes'],
)
def test_bad_input(demo, clip, files, tmp_path, spoil, message):
    spoil(clip)
    with pytest.raises(SystemExit) as caught:
        run(demo, clip, files, tmp_path / 'out')
    assert message in caught.value.code
    assert not (tmp_path / 'out').exists()


def test_failure_on_the_way_leaves_no_results(demo, clip, files, tmp_path):
    # The header is in order, the pixels are cut off: found when it is its turn.
    data = (clip / '000002.png').read_bytes()
    (clip / '000002.png').write_bytes(data[: len(data) // 2])
    with pytest.raises(SystemExit) as caught:
        run(demo, clip, files, tmp_path / 'out')
    assert '000002.png: the frame cannot be read' in caught.value.code
    assert list((tmp_path / 'out').iterdir()) == []


def test_bad_model(demo, clip, files, tmp_path):
    config = tmp_path / 'other.py'
    config.write_text("model = dict(type='MaskRCNN')")
    for pair, message in [
        ([str(config), files[1]], 'other.py: model.type must be MOTSNet, got MaskRCNN'),
        ([str(tmp_path / 'no.py'), files[1]], 'no.py: no such config file'),
        ([files[0], str(tmp_path / 'no.pth')], 'no.pth: no such checkpoint file'),
    ]:
        with pytest.raises(SystemExit) as caught:
            run(demo, clip, pair, tmp_path / 'out')
        assert message in caught.value.code
    assert not (tmp_path / 'out').exists()


@refuses_code
def test_a_checkpoint_cannot_run_code(demo, clip, files, tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path / 'pwned').write_text, ('ran',)

    torch.save(dict(state_dict=Payload()), tmp_path / 'evil.pth')
    with pytest.raises(SystemExit) as caught:
        run(demo, clip, [files[0], str(tmp_path / 'evil.pth')], tmp_path / 'out')
    assert 'evil.pth holds more than tensors' in caught.value.code
    assert not (tmp_path / 'pwned').exists()


@pytest.fixture
def long_clip(tmp_path):
    """A folder of fourteen frames of noise that moves."""
    folder = tmp_path / 'long'
    folder.mkdir()
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for i in range(14):
        cv2.imwrite(str(folder / f'{i}.png'), np.roll(image, 3 * i, axis=1))
    return folder


@pytest.fixture
def save_often(demo, monkeypatch):
    monkeypatch.setattr(demo, 'SAVE_INTERVAL', 3)


def same_video(path, other):
    frames, others = list(FrameReader(path)), list(FrameReader(other))
    return len(frames) == len(others) and np.array_equal(frames, others)


def test_killed_and_resumed(demo, long_clip, files, tmp_path, save_often):
    """Killed with -9 at a random moment, then again on the way."""
    run(demo, long_clip, files, tmp_path / 'whole')
    rng = np.random.default_rng()
    out = tmp_path / 'out'
    context = multiprocessing.get_context('fork')
    args = (demo, long_clip, files, out, '--resume')
    for _ in range(2):
        process = context.Process(target=run, args=args)
        process.start()
        deadline = time.monotonic() + 60
        while process.is_alive() and time.monotonic() < deadline:
            state = out / 'long.state.part'
            if state.exists():
                time.sleep(rng.uniform(0, 0.4))
                break
            time.sleep(0.01)
        process.kill()
        process.join()
    assert (out / 'long.state.part').exists()  # it was killed in time
    run(*args)
    assert sorted(p.name for p in out.iterdir()) == ['long.mp4', 'long.txt']
    expected = (tmp_path / 'whole/long.txt').read_text()
    assert (out / 'long.txt').read_text() == expected != ''
    assert same_video(out / 'long.mp4', tmp_path / 'whole/long.mp4')


def test_a_bad_frame_is_repaired_and_the_run_resumed(
    demo, long_clip, files, tmp_path, save_often
):
    run(demo, long_clip, files, tmp_path / 'whole', '--no-video')
    data = (long_clip / '11.png').read_bytes()
    (long_clip / '11.png').write_bytes(data[: len(data) // 2])
    with pytest.raises(SystemExit) as caught:
        run(demo, long_clip, files, tmp_path / 'out', '--no-video')
    assert '11.png: the frame cannot be read' in caught.value.code
    (long_clip / '11.png').write_bytes(data)
    run(demo, long_clip, files, tmp_path / 'out', '--no-video', '--resume')
    assert (tmp_path / 'out/long.txt').read_text() == (
        tmp_path / 'whole/long.txt'
    ).read_text()


def test_another_threshold_is_not_resumed(demo, long_clip, files, tmp_path, save_often):
    (long_clip / '11.png').write_bytes((long_clip / '11.png').read_bytes()[:200])
    with pytest.raises(SystemExit):
        run(demo, long_clip, files, tmp_path / 'out')
    before = sorted((p.name, p.read_bytes()) for p in (tmp_path / 'out').iterdir())
    assert [name for name, _ in before] == ['long.state.part', 'long.txt.part']
    with pytest.raises(SystemExit, match='--resume goes on with it, --overwrite start'):
        run(demo, long_clip, files, tmp_path / 'out')
    with pytest.raises(SystemExit) as caught:
        run(demo, long_clip, files, tmp_path / 'out', '--resume', '--score-thr', '0.5')
    assert 'belongs to another video, config, checkpoint' in caught.value.code
    assert before == sorted(
        (p.name, p.read_bytes()) for p in (tmp_path / 'out').iterdir()
    )
