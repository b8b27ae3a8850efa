# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import sys
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData

from mmwsmots.apis import MOTSInferencer, VideoTracker, set_classes, to_supervision
from mmwsmots.fileio.mots_txt import read_mots_txt
from tests.small_model import SIZE, small_config

STREET = ('person', 'bicycle', 'car', 'motorcycle', 'bus', 'лодка')


@pytest.fixture(scope='module')
def inferencer(repo):
    torch.manual_seed(0)
    cfg = small_config(repo)
    set_classes(cfg, STREET)
    return MOTSInferencer(cfg, device='cpu')


@pytest.fixture(scope='module')
def frames():
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (2, SIZE[1], SIZE[0], 3), dtype=np.uint8))


@pytest.fixture(scope='module')
def expected(inferencer, frames):
    """Lines of the text file."""
    tracker = VideoTracker(inferencer.model, len(frames))
    return [obj for frame in frames for obj in tracker.track(frame)]


def test_samples_of_each_frame(inferencer, frames, expected):
    samples = inferencer(frames)
    assert [type(sample) for sample in samples] == [TrackDataSample] * len(frames)
    found = [sample[0].pred_track_instances for sample in samples]
    masks = [mask for instances in found for mask in instances.masks.numpy()]
    assert len(masks) == len(expected) > 0
    assert all((mask == obj.mask).all() for mask, obj in zip(masks, expected))
    assert samples[0][0].classes == STREET


def test_written_files(inferencer, frames, expected, tmp_path):
    folder = tmp_path / 'clip'
    folder.mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f'{number:06d}.png'), frame)
    out = tmp_path / 'out'
    paths = inferencer(folder, out_dir=out)
    assert paths == [out / 'clip.txt', out / 'clip.mp4']
    objects = read_mots_txt(paths[0], check_ids=False, class_ids=None)
    assert objects == expected
    assert (out / 'labels.txt').read_text(encoding='utf-8').split() == list(STREET)
    video = cv2.VideoCapture(str(paths[1]))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == len(frames)
    # Other frames of the same name do not replace them unasked.
    with pytest.raises(FileExistsError, match=r'clip\.txt: exists already'):
        inferencer(frames[:1], out_dir=out, name='clip')
    assert read_mots_txt(paths[0], check_ids=False, class_ids=None) == objects
    options = dict(with_video=False, overwrite=True)
    assert inferencer(frames[:1], out, 'clip', **options) == paths[:1]
    (first,) = inferencer(frames[:1])
    assert len(paths[0].read_text().splitlines()) == len(first[0].pred_track_instances)
    assert not paths[1].exists()  # the video was of the others
    # A folder keeps the meaning of its numbers.
    (out / 'labels.txt').write_text('person\ncar\n')
    with pytest.raises(ValueError, match='the files there have the classes person, c'):
        inferencer(folder, out_dir=out, overwrite=True)
    (out / 'labels.txt').unlink()  # without it they are KITTI MOTS's
    (out / 'other.txt').touch()
    with pytest.raises(ValueError, match='there have the classes car, pedestrian, th'):
        inferencer(folder, out_dir=out, overwrite=True)


@pytest.mark.parametrize(
    ('inputs', 'message'),
    [
        (None, 'the video has ended'),
        (7, 'got int'),
        ([None], 'nothing could be read'),
        ([np.zeros((4, 4))], r'got \(4, 4\) float64'),
    ],
)
def test_what_is_no_video(inferencer, inputs, message):
    with pytest.raises(ValueError, match=message):
        inferencer(inputs)


def test_files_that_are_not_there(inferencer, tmp_path):
    for inputs in (tmp_path / 'absent.mp4', [tmp_path / 'absent.png']):
        with pytest.raises(FileNotFoundError, match='absent'):
            inferencer(inputs)


@pytest.fixture
def sample():
    """Two objects of a frame."""
    sample = DetDataSample(metainfo=dict(classes=('boat', 'лодка')))
    masks = torch.zeros((2, 8, 9), dtype=torch.bool)
    masks[0, 1:3, 2:5], masks[1, 4:, 5:] = True, True
    sample.pred_track_instances = InstanceData(
        bboxes=torch.tensor([[2.0, 1, 5, 3], [5, 4, 9, 8]]),
        labels=torch.tensor([1, 0]),
        scores=torch.tensor([0.5, 0.75]),
        masks=masks,
        instances_id=torch.tensor([4, 0]),
    )
    return sample


class Detections:
    """Keeps what it was made of, as supervision's does."""

    def __init__(self, xyxy, mask, confidence, class_id, tracker_id, data):
        for name, value in list(locals().items())[1:]:
            setattr(self, name, value)


@pytest.fixture
def supervision(monkeypatch):
    try:
        import supervision
    except ImportError:
        supervision = ModuleType('supervision')
        supervision.Detections = Detections
        monkeypatch.setitem(sys.modules, 'supervision', supervision)
    return supervision


def test_detections_of_supervision(supervision, sample):
    track_sample = TrackDataSample()
    track_sample.video_data_samples = [sample]
    for given in (sample, track_sample):
        found = to_supervision(given)
        assert isinstance(found, supervision.Detections)
        assert found.xyxy.tolist() == [[2, 1, 5, 3], [5, 4, 9, 8]]
        assert (found.mask == sample.pred_track_instances.masks.numpy()).all()
        assert found.confidence.tolist() == [0.5, 0.75]
        assert found.class_id.tolist() == [1, 0]
        assert found.tracker_id.tolist() == [4, 0]
        assert found.data['class_name'].tolist() == ['лодка', 'boat']


def test_detections_of_an_empty_frame(supervision, sample):
    sample.pred_track_instances = sample.pred_track_instances[:0]
    found = to_supervision(sample)
    assert found.xyxy.shape == (0, 4) and found.mask.shape == (0, 8, 9)


def test_supervision_is_asked_for(monkeypatch, sample):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(ImportError, match='pip install supervision'):
        to_supervision(sample)


def test_a_sample_without_tracks(supervision):
    with pytest.raises(ValueError, match='no pred_track_instances'):
        to_supervision(DetDataSample())
