# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmdet.structures import TrackDataSample

from tests.test_models.utils import build_model, random_batch


def test_same_tracks_for_any_split_of_the_video(repo):
    rcnn = 'model.detector.test_cfg.rcnn'
    model = build_model(repo, **{f'{rcnn}.score_thr': 0.0, f'{rcnn}.max_per_img': 8})
    model.eval()
    results = []
    for split in ([4], [1, 1, 1, 1], [3, 1], [1, 2, 1]):
        batch = model.data_preprocessor(random_batch([2], num_frames=4), False)
        frames = batch['data_samples'][0].video_data_samples
        first, tracks = 0, []
        for length in split:
            part = TrackDataSample()
            part.video_data_samples = frames[first : first + length]
            with torch.no_grad():
                model.predict(batch['inputs'][:, first : first + length], [part])
            first += length
        for frame in frames:
            pred = frame.pred_track_instances
            tracks.append((pred.instances_id.tolist(), pred.bboxes.tolist()))
        results.append(tracks)
    assert len(results[0][0][0]) > 0
    assert all(tracks == results[0] for tracks in results)
