# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import pytest

from mmwsmots.datasets import ClipSampler, KITTIMOTSDataset


@pytest.fixture
def ann_file(tmp_path):
    """Two videos of 7 and 5 frames, one object in each frame."""
    data = dict(
        categories=[dict(id=1, name='car'), dict(id=2, name='pedestrian')],
        videos=[],
        images=[],
        annotations=[],
    )
    for video_id, length in ((1, 7), (2, 5)):
        size = dict(width=64, height=48)
        data['videos'].append(dict(id=video_id, name=f'{video_id:04d}', **size))
        for frame_id in range(length):
            number = len(data['images']) + 1
            image = dict(id=number, video_id=video_id, frame_id=frame_id, **size)
            data['images'].append(dict(image, file_name=f'{number}.png'))
            data['annotations'].append(
                dict(
                    id=number,
                    image_id=number,
                    video_id=video_id,
                    category_id=1,
                    instance_id=video_id,
                    bbox=[4, 4, 20, 20],
                    area=400,
                    iscrowd=0,
                )
            )
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps(data))
    return str(path)


def test_an_epoch_has_a_share_of_the_frames_as_keys(ann_file):
    dataset = KITTIMOTSDataset(ann_file=ann_file)
    sampler = ClipSampler(dataset, num_frames=3, seed=0)
    seen = set()
    for epoch in range(30):
        sampler.set_epoch(epoch)
        keys = list(sampler)
        assert len(keys) == len(sampler) == 4  # 12 frames, clips of 3
        assert len(set(keys)) == 4
        seen |= set(keys)
    assert seen == {(0, i) for i in range(7)} | {(1, i) for i in range(5)}


def test_refused_for_testing(ann_file):
    dataset = KITTIMOTSDataset(ann_file=ann_file, test_mode=True)
    with pytest.raises(ValueError, match='training'):
        ClipSampler(dataset)
