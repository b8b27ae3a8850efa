# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import multiprocessing
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from mots_sequence import FrameFiles, read_pngs

from mmwsmots.apis import (
    init_box_masker,
    released_masker,
    segment_boxes,
    segment_instances,
)
from mmwsmots.evaluation import evaluate_mots
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.load_script import load_script
from tests.small_masker import small_masker
from tests.small_model import SIZE, save_model, varied_model

WIDTH, HEIGHT = SIZE
NUM_FRAMES = 6


@pytest.fixture(scope='module')
def tool(repo):
    return load_script(repo / 'tools/label_masks.py')


@pytest.fixture(scope='module')
def model(repo):
    return varied_model(repo)


@pytest.fixture(scope='module')
def weights(model, tmp_path_factory):
    """Config and checkpoint of the model, as the command line takes them."""
    config, checkpoint = save_model(model, tmp_path_factory.mktemp('model'))
    return ['--config', config, '--checkpoint', checkpoint]


@pytest.fixture(scope='module')
def masker(repo, tmp_path_factory):
    """Config and checkpoint of a masker."""
    config, checkpoint = small_masker(repo, tmp_path_factory.mktemp('masker'))
    return ['--config', config, '--checkpoint', checkpoint]


def car(i):
    return [10 + 4 * i, 20, 40 + 4 * i, 50]


def person(i):
    return [60 - 3 * i, 10, 80 - 3 * i, 30]


@pytest.fixture
def clip(tmp_path):
    """A folder of frames with two squares that move and meet."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(NUM_FRAMES):
        image = rng.integers(60, 120, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        for (x1, y1, x2, y2), color in ((car(i), (30, 200, 90)), (person(i), 240)):
            image[y1:y2, x1:x2] = color
        cv2.imwrite(str(folder / f'{i}.png'), image)
    return folder


def kitti_line(frame_id, track_id, name, box):
    numbers = ' '.join(map(str, box))
    return f'{frame_id} {track_id} {name} 0 0 0 {numbers} 1 1 1 0 0 9 0\n'


@pytest.fixture
def boxes(tmp_path):
    """KITTI labels of the two, a van, and a region that is not annotated."""
    lines = []
    for i in range(NUM_FRAMES):
        lines += [
            kitti_line(i, 7, 'Car', car(i)),
            kitti_line(i, 0, 'Pedestrian', person(i)),
            kitti_line(i, 9, 'Van', [80, 40, 96, 64]),
            kitti_line(i, -1, 'DontCare', [0, 0, 96, 15]),
        ]
    path = tmp_path / 'boxes.txt'
    path.write_text(''.join(lines))
    return path


def run(tool, *args):
    tool.main([str(arg) for arg in (*args, '--device', 'cpu')])


def fail(tool, *args):
    """The message of a run that is to fail."""
    with pytest.raises(SystemExit) as caught:
        run(tool, *args)
    return caught.value.code


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_boxes_in_masks_out(tool, model, weights, clip, boxes, tmp_path, capsys):
    out = tmp_path / 'new/out'
    run(tool, clip, boxes, *weights, '--out', out)
    assert sorted(files(out)) == [
        'annotations/clip.json',
        *(f'instances/clip/{i:06d}.png' for i in range(NUM_FRAMES)),
        'instances_txt/clip.txt',
        'overlays/clip.mp4',
        'reports/clip.json',
    ]
    objects = read_mots_txt(out / 'instances_txt/clip.txt')  # disjoint, ids of classes
    assert [(obj.frame_id, obj.track_id) for obj in objects] == [
        (i, track_id) for i in range(NUM_FRAMES) for track_id in (1007, 2000, 10000)
    ]
    # The masks are those of the boxes, and the ignore region is what they leave.
    coco = json.loads((out / 'annotations/clip.json').read_text())
    scores = {}
    for ann in coco['annotations']:
        scores[ann['image_id'] - 1, ann['track_id']] = ann.get('score')
    for i, frame in enumerate(FrameReader(clip)):
        bboxes, labels = np.array([car(i), person(i)]), np.array([0, 1])
        expected = segment_boxes(model, frame, bboxes, labels)
        found = {obj.track_id: obj.mask for obj in objects if obj.frame_id == i}
        assert (found[1007] == expected[0]).all() and expected[0].any()
        assert (found[2000] == expected[1]).all() and expected[1].any()
        ignored = np.zeros((HEIGHT, WIDTH), dtype=bool)
        ignored[:15] = True
        assert (found[10000] == (ignored & ~expected.any(axis=0))).all()
        confidences = segment_instances(model, frame, bboxes, labels).scores.tolist()
        assert scores[i, 7] == pytest.approx(confidences[0], abs=1e-4)
        assert scores[i, 0] == pytest.approx(confidences[1], abs=1e-4)
        assert 0 < scores[i, 7] < 1
    # 16-bit pictures and JSON say the same.
    pngs = read_pngs(FrameFiles(out / 'instances/clip'))
    assert sorted(pngs.objects) == sorted(objects)
    things = [ann for ann in coco['annotations'] if not ann['iscrowd']]
    lines = [obj for obj in objects if obj.class_id != 10]
    assert [ann['segmentation']['counts'] for ann in things] == [o.rle for o in lines]
    assert [ann['category_id'] for ann in things] == [o.class_id for o in lines]
    x1, y1, x2, y2 = car(2)
    assert things[4]['bbox'] == [x1, y1, x2 - x1, y2 - y1]
    names = [image['file_name'] for image in coco['images']]
    assert names == [f'clip/{i}.png' for i in range(NUM_FRAMES)]
    # TrackEval takes it as truth and as result.
    truth = out / 'instances_txt'
    table = evaluate_mots(truth, truth, {'clip': NUM_FRAMES})
    assert table['car']['TP'] == table['pedestrian']['TP'] == NUM_FRAMES
    # What was left out is told, what to look at comes first.
    report = json.loads((out / 'reports/clip.json').read_text())
    assert report['num_masks'] == 2 * NUM_FRAMES
    assert (report['left_out'], report['not_done']) == ({'Van': NUM_FRAMES}, [])
    lowest = report['review_first'][0]
    assert lowest['confidence'] == min(score for score in scores.values() if score)
    assert 'left out: 6 boxes of class Van, see --class-map' in capsys.readouterr().out
    drawn = list(FrameReader(out / 'overlays/clip.mp4'))
    assert len(drawn) == NUM_FRAMES
    for image, frame in zip(drawn, FrameReader(clip)):
        assert np.abs(image.astype(int) - frame).mean() > 5


def test_class_map(tool, weights, clip, boxes, tmp_path, capsys):
    out = tmp_path / 'out'
    pairs = '--class-map', 'van=car', 'pedestrain=car'
    run(tool, clip, boxes, *weights, '--out', out, *pairs)
    objects = read_mots_txt(out / 'instances_txt/clip.txt')
    assert {obj.track_id for obj in objects} == {1007, 1009, 2000, 10000}
    note = "--class-map: no box has the class pedestrain, did you mean 'Pedestrian'?"
    assert f'note: {note}' in capsys.readouterr().out


def test_mot_challenge_sequence(tool, weights, clip, boxes, tmp_path):
    """Named after the sequence; its frames are found in the folder img1."""
    folder = tmp_path / '0002/img1'
    folder.mkdir(parents=True)
    (clip / '0.png').rename(folder / '000001.png')
    boxes.write_text(kitti_line(0, 7, 'Car', car(0)))
    out = tmp_path / 'out'
    run(tool, folder, boxes, *weights, '--out', out)
    coco = json.loads((out / 'annotations/0002.json').read_text())
    assert [video['name'] for video in coco['videos']] == ['0002']
    assert [image['file_name'] for image in coco['images']] == ['img1/000001.png']


def test_video_and_mot_text(tool, weights, clip, boxes, tmp_path):
    """A video and another format give the masks of the same boxes."""
    video = cv2.VideoWriter(
        str(tmp_path / 'drive.avi'), cv2.VideoWriter_fourcc(*'FFV1'), 8, SIZE
    )
    for frame in FrameReader(clip):
        video.write(frame)
    video.release()
    lines = [f'{i + 1},7,{10 + 4 * i},20,30,30,1,1,1\n' for i in range(NUM_FRAMES)]
    mot = tmp_path / 'mot.txt'
    mot.write_text(''.join(lines))
    out = tmp_path / 'out'
    args = (tmp_path / 'drive.avi', mot, *weights, '--class-name', 'car', '--out', out)
    run(tool, *args)
    run(tool, clip, boxes, *weights, '--out', tmp_path / 'folder')
    objects = read_mots_txt(out / 'instances_txt/drive.txt')
    expected = read_mots_txt(tmp_path / 'folder/instances_txt/clip.txt')
    # Without the person, who may have been in front.
    first = next(obj for obj in expected if obj.track_id == 1007)
    assert objects[0] == first
    assert [obj.track_id for obj in objects] == [1007] * NUM_FRAMES
    assert FrameReader(out / 'overlays/drive.mp4').fps == 8


def test_what_cannot_be_done_is_reported(tool, weights, clip, boxes, tmp_path, capsys):
    data = (clip / '2.png').read_bytes()
    (clip / '2.png').write_bytes(data[: len(data) // 2])
    with boxes.open('a') as file:
        file.write(kitti_line(1, 5, 'Car', [200, 10, 220, 30]))
        file.write(kitti_line(3, 5, 'Car', [30, 10, 30, 30]))
        file.write(kitti_line(4, 6, 'Car', [12.1, 22, 12.3, 30]))  # no pixel centre
        file.write(kitti_line(8, 5, 'Car', [20, 10, 30, 30]))
    out = tmp_path / 'out'
    run(tool, clip, boxes, *weights, '--out', out)
    report = json.loads((out / 'reports/clip.json').read_text())
    problems = [(p['frame_id'], p['where'], p['reason']) for p in report['not_done']]
    line = 4 * NUM_FRAMES
    assert problems == [
        (1, f'line {line + 1}', problems[0][2]),
        (2, '', 'the frame cannot be read, or has another size than the first'),
        (2, 'line 9', 'the frame cannot be read'),
        (2, 'line 10', 'the frame cannot be read'),
        (3, f'line {line + 2}', problems[4][2]),
        (4, f'line {line + 3}', 'its mask is empty'),
        (8, f'line {line + 4}', 'there is no such frame, the video has 6'),
    ]
    outside = 'the box x 200, y 10, w 20, h 20 has no pixel in the 96 x 64 frame'
    assert problems[0][2] == outside
    assert f'not done: frame 1, line {line + 1}: {outside}' in capsys.readouterr().out
    # The other frames are done; of the bad one nothing is known.
    objects = read_mots_txt(out / 'instances_txt/clip.txt')
    assert {obj.frame_id for obj in objects} == set(range(NUM_FRAMES))
    (region,) = [obj for obj in objects if obj.frame_id == 2]
    assert region.track_id == 10000 and region.mask.all()
    assert sorted(read_pngs(FrameFiles(out / 'instances/clip')).objects) == sorted(
        objects
    )
    assert len(list(FrameReader(out / 'overlays/clip.mp4'))) == NUM_FRAMES


def test_nothing_is_replaced_silently(tool, weights, clip, boxes, tmp_path):
    out = tmp_path / 'out'
    args = (clip, boxes, *weights, '--out', out)
    (out / 'annotations').mkdir(parents=True)
    (out / 'annotations/clip.json').write_text('of somebody')
    for option in ([], ['--resume']):
        message = fail(tool, *args, *option)
        assert 'clip.json: exists already; --overwrite replaces it' in message
    assert list(files(out)) == ['annotations/clip.json']
    run(tool, *args, '--overwrite')
    before = files(out)
    assert len(before) == 4 + NUM_FRAMES
    for option in ([], ['--resume']):
        message = fail(tool, *args, *option)
        assert 'clip.txt: exists already; --overwrite replaces it' in message
    assert files(out) == before
    (out / 'instances/clip/000099.png').write_text('of a longer clip')
    (out / 'adapt/clip').mkdir(parents=True)
    (out / 'adapt/clip/iter_9.pth').write_bytes(Path(weights[3]).read_bytes())
    run(tool, *args, '--overwrite', '--checkpoint', out / 'adapt/clip/iter_9.pth')
    (out / 'adapt/clip/iter_9.pth').unlink()  # it was not replaced, but used
    assert files(out) == before


def test_killed_and_resumed(tool, weights, clip, boxes, tmp_path, monkeypatch):
    """Killed with -9 on the way, then again; the result is that of one run."""
    monkeypatch.setattr(tool, 'SAVE_INTERVAL', 1)
    args = [clip, boxes, *weights, '--out']
    run(tool, *args, tmp_path / 'whole')
    out = tmp_path / 'out'
    state = out / 'instances_txt/clip.state.part'
    context = multiprocessing.get_context('fork')
    kills = 0
    for option in ([], ['--resume'], ['--resume']):
        before = state.read_bytes() if state.exists() else b''
        process = context.Process(target=run, args=(tool, *args, out, *option))
        process.start()
        deadline = time.monotonic() + 120
        while process.is_alive() and time.monotonic() < deadline:
            if state.exists() and state.read_bytes() != before:
                break
            time.sleep(0.002)
        process.kill()
        process.join()
        kills += state.exists()
        if not state.exists():
            break
    assert kills > 0  # it was killed in time
    assert not (out / 'instances/clip').exists()
    if state.exists():
        assert 'interrupted run; --resume goes on with it' in fail(tool, *args, out)
        assert 'another video, config, checkpoint' in fail(
            tool, *args, out, '--resume', '--class-map', 'van=car'
        )
        run(tool, *args, out, '--resume')
    expected = files(tmp_path / 'whole')
    assert files(out) == expected


def test_detections_are_tracked_first(tool, weights, clip, tmp_path, capsys):
    """Boxes of a detector, with scores and no identities; and no video."""
    lines = []
    for i in range(NUM_FRAMES):
        for x1, y1, x2, y2, score in ((*car(i), 0.9), (*person(i), 0.1)):
            lines.append(f'{i + 1},-1,{x1},{y1},{x2 - x1},{y2 - y1},{score},-1,-1,-1\n')
    boxes, out = tmp_path / 'det.txt', tmp_path / 'out'
    boxes.write_text(''.join(lines))
    run(tool, clip, boxes, *weights, '--class-name', 'car', '--out', out, '--no-video')
    objects = read_mots_txt(out / 'instances_txt/clip.txt')
    assert [(o.frame_id, o.track_id) for o in objects] == [
        (i, 1001) for i in range(NUM_FRAMES)
    ]
    assert not (out / 'overlays').exists()
    printed = capsys.readouterr().out
    assert f'1 tracks; {NUM_FRAMES} boxes of a score below 0.3' in printed
    assert 'frame 1 of det.txt is 0.png, found by order' in printed


def test_boxes_of_any_class(tool, masker, clip, boxes, tmp_path, capsys):
    """The masker takes all of them; numbers and names of the classes are told."""
    boxes.write_text(boxes.read_text().replace('Van', 'лодка'))
    out = tmp_path / 'out'
    run(tool, clip, boxes, *masker, '--out', out)
    assert (out / 'labels.txt').read_text() == 'car\npedestrian\nлодка\n'
    objects = read_mots_txt(out / 'instances_txt/clip.txt', class_ids=[1, 2, 3, 10])
    assert [(obj.frame_id, obj.track_id) for obj in objects] == [
        (i, track_id)
        for i in range(NUM_FRAMES)
        for track_id in (1007, 2000, 3009, 10000)
    ]
    model = init_box_masker(masker[1], masker[3])
    for i, frame in enumerate(FrameReader(clip)):
        bboxes = np.array([car(i), person(i), [80, 40, 96, 64]])
        expected = segment_instances(model, frame, bboxes)
        found = [obj.mask for obj in objects[4 * i : 4 * i + 3]]
        assert (np.array(found) == expected.masks.numpy()).all()
    # The next video of the folder has one class more, and the numbers stay.
    folder = tmp_path / 'other'
    folder.mkdir()
    (clip / '0.png').rename(folder / '0.png')
    lines = kitti_line(0, 5, 'Tram', car(0)) + kitti_line(0, 4, 'car', person(0))
    boxes.write_text(lines)
    run(tool, folder, boxes, *masker, '--out', out)
    assert (out / 'labels.txt').read_text() == 'car\npedestrian\nлодка\nTram\n'
    objects = read_mots_txt(out / 'instances_txt/other.txt', class_ids=[1, 4])
    assert [obj.track_id for obj in objects] == [4005, 1004]
    coco = json.loads((out / 'annotations/other.json').read_text())
    names = {category['id']: category['name'] for category in coco['categories']}
    tracks = {ann['track_id']: names[ann['category_id']] for ann in coco['annotations']}
    assert tracks == {5: 'Tram', 4: 'car'}
    scores = [ann['segmentation']['score'] for ann in coco['annotations']]
    assert scores == [ann['score'] for ann in coco['annotations']]
    # A third one in another case.
    (tmp_path / 'third').mkdir()
    (clip / '1.png').rename(tmp_path / 'third/0.png')
    boxes.write_text(lines.replace('Tram', 'TRAM'))
    run(tool, tmp_path / 'third', boxes, *masker, '--out', out)
    objects = read_mots_txt(out / 'instances_txt/third.txt', class_ids=[1, 4])
    assert [obj.track_id for obj in objects] == [4005, 1004]
    boxes.write_text(lines)
    # Only some of them.
    capsys.readouterr()
    out = tmp_path / 'cars'
    run(tool, folder, boxes, *masker, '--out', out, '--classes', 'Car')
    objects = read_mots_txt(out / 'instances_txt/other.txt')
    assert [obj.track_id for obj in objects] == [1004]
    assert not (out / 'labels.txt').exists()
    assert 'left out: 1 boxes of class Tram' in capsys.readouterr().out


def test_more_classes_than_pictures_can_tell(tool, masker, clip, tmp_path, capsys):
    """Text and JSON have all of them, and it is said before anything is labelled."""
    names = [f'kind{i}' for i in range(70)]
    boxes = [[8 * (i // 6), 20, 8 * (i // 6) + 8, 50] for i in range(70)]
    lines = [kitti_line(i % 6, i, names[i], box) for i, box in enumerate(boxes)]
    boxes, out = tmp_path / 'boxes.txt', tmp_path / 'out'
    boxes.write_text(''.join(lines))
    run(tool, clip, boxes, *masker, '--out', out, '--no-video')
    assert 'no pictures: the ids of 70 classes' in capsys.readouterr().out
    assert not list(out.glob('instances/*'))
    objects = read_mots_txt(out / 'instances_txt/clip.txt', False, class_ids=None)
    assert max(obj.class_id for obj in objects) > 65
    labels = (out / 'labels.txt').read_text().splitlines()
    assert labels == [*names[:9], 'ignore', *names[9:]]


def test_an_identity_has_one_class(tool, masker, clip, tmp_path):
    boxes = tmp_path / 'boxes.txt'
    lines = kitti_line(0, 7, 'Car', car(0)) + kitti_line(1, 7, 'Cyclist', car(1))
    boxes.write_text(lines)
    message = fail(tool, clip, boxes, *masker, '--out', tmp_path / 'out')
    assert f'{boxes}, line 2: id 7 is a Cyclist, on line 1 a car' in message
    run(tool, clip, boxes, *masker, '--out', tmp_path, '--class-map', 'cyclist=car')


def test_default_is_the_masker_of_the_project(
    tool, repo, clip, boxes, tmp_path, monkeypatch
):
    def init_box_masker(config, checkpoint, device):
        assert Path(config.filename).parent == repo / 'configs/masker'
        assert (Path(config.filename), checkpoint) == released_masker()
        raise ValueError('right')

    monkeypatch.setattr(tool, 'init_box_masker', init_box_masker)
    assert fail(tool, clip, boxes, '--out', tmp_path / 'out') == 'error: right'


@pytest.mark.parametrize('stage', ['boxes', 'labels'])
def test_adapt(tool, repo, clip, boxes, tmp_path, capfd, stage):
    """Few iterations of the real recipe; interrupted, it goes on."""
    config, checkpoint = small_masker(repo, tmp_path, stage)
    out = tmp_path / 'out'
    masker = ['--config', config, '--checkpoint', checkpoint]
    args = [clip, boxes, '--adapt', 2, '--out', out, *masker]
    run(tool, *args)
    objects = read_mots_txt(
        out / 'instances_txt/clip.txt', class_ids=[1, 2, 3, 10], check_ids=False
    )
    assert {obj.track_id for obj in objects} == {1007, 2000, 3009, 10000}
    coco = json.loads((out / 'adapt/clip/boxes.json').read_text())
    assert len(coco['annotations']) == 4 * NUM_FRAMES
    assert not any('segmentation' in ann for ann in coco['annotations'])
    labelled = out / 'adapt/clip/run/masks.json'
    assert labelled.exists() == (stage == 'labels')
    first = out / 'adapt/clip/run/first_stage/iter_2.pth'
    assert first.exists() == (stage == 'labels')
    log = capfd.readouterr()
    assert 'Iter(train) [2/2]' in log.out + log.err
    # Killed after the training: it is not done again.
    shutil.rmtree(out / 'instances')
    for folder in ('instances_txt', 'annotations', 'overlays', 'reports'):
        shutil.rmtree(out / folder)
    assert 'interrupted run; --resume goes on' in fail(tool, *args)
    weights = out / 'adapt/clip/run/iter_2.pth'
    again = [*args, '--checkpoint', weights, '--overwrite']
    assert 'iter_2.pth: --overwrite would remove it' in fail(tool, *again)
    other = [*args[:3], 3, *args[4:], '--resume']
    assert 'belongs to other frames, boxes or settings' in fail(tool, *other)
    capfd.readouterr()
    run(tool, *args, '--resume')
    log = capfd.readouterr()
    assert 'Iter(train)' not in log.out + log.err
    assert objects == read_mots_txt(
        out / 'instances_txt/clip.txt', class_ids=[1, 2, 3, 10], check_ids=False
    )


def test_only_a_masker_adapts(tool, weights, clip, boxes, tmp_path):
    args = clip, boxes, *weights, '--out', tmp_path / 'out', '--adapt', 2
    assert '--adapt trains a BoxMasker, this is none' in fail(tool, *args)


def test_real_frames(tool, weights, shared_data, tmp_path):
    source = shared_data / 'davis_car_shadow'
    folder = tmp_path / 'davis'
    folder.mkdir()
    for path in sorted((source / 'images').iterdir())[:3]:
        (folder / path.name).symlink_to(path)
    boxes = tmp_path / 'boxes.txt'
    boxes.write_text(''.join((source / 'boxes.txt').open().readlines()[:3]))
    out = tmp_path / 'out'
    run(tool, folder, boxes, *weights, '--class-name', 'car', '--out', out)
    objects = read_mots_txt(out / 'instances_txt/davis.txt')
    assert [(obj.frame_id, obj.track_id) for obj in objects] == [
        (i, 1001) for i in range(3)
    ]
    x, y, w, h = np.loadtxt(boxes, delimiter=',')[1, 2:6].astype(int)
    mask = objects[1].mask
    assert mask.shape == (480, 854)
    assert mask[y : y + h, x : x + w].sum() == mask.sum() > 0


def test_bad_input(tool, weights, clip, boxes, tmp_path):
    out = ['--out', tmp_path / 'out']
    good = boxes.read_text()
    assert 'gone: no such video file' in fail(
        tool, clip / 'gone', boxes, *weights, *out
    )
    assert 'no such file of boxes' in fail(tool, clip, clip / 'gone', *weights, *out)
    boxes.write_text(good + 'half a line\n')
    assert 'boxes.txt, line 25: expected 17' in fail(tool, clip, boxes, *weights, *out)
    boxes.write_text(good.replace(' Car', ' Tram').replace('Pedestrian', 'Cyclist'))
    message = fail(tool, clip, boxes, *weights, *out)
    assert 'no box of the classes car, pedestrian; there are Tram (6)' in message
    boxes.write_text(good + kitti_line(2, 7, 'Pedestrian', [1, 1, 2, 2]))
    message = fail(tool, clip, boxes, *weights, *out)
    assert 'boxes.txt, line 25: duplicate id 7 in frame 2' in message
    boxes.write_text(good)
    no_file = '--checkpoint', clip / 'no.pth'
    message = fail(tool, clip, boxes, *weights, *out, *no_file)
    assert 'no.pth: no such file' in message
    message = fail(tool, clip, boxes, *weights, *out, '--class-name', 'car')
    assert 'class_name is for MOTChallenge text' in message
    message = fail(tool, clip, boxes, *weights, *out, '--score-thr', '0.5')
    assert 'boxes.txt: --score-thr is for boxes without identities' in message
    message = fail(tool, clip, boxes, *weights, *out, '--video-name', 'other')
    assert '--video-name chooses among the videos of a file, a kitti file' in message
    for path in clip.iterdir():
        path.write_bytes(b'no picture')
    assert 'no frame can be read' in fail(tool, clip, boxes, *weights, *out)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--config', 'a.py'], '--config and --checkpoint belong together'),
        (['--checkpoint', 'a.pth'], '--config and --checkpoint belong together'),
        (['--adapt', '0'], 'expected a whole number >= 1, got "0"'),
        (['--class-map', 'van='], 'expected NAME=CLASS, got "van="'),
        (['--adapt', '5', '--resume', '--overwrite'], 'not allowed with argument'),
    ],
)
def test_bad_options(tool, options, message, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['frames', 'boxes', '--out', 'out', *options])
    assert message in capsys.readouterr().err
