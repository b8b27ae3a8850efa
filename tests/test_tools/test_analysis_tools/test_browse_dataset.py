# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
import torch
from explain_masks import explain_masks
from mask_panel import draw_panel
from pycocotools import mask as mask_utils

from mmwsmots.apis import init_mots_model
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import CLASS_IDS, read_mots_txt
from tests.quiet_run import run_script
from tests.small_model import save_model, small_config

NAME, LENGTH = '0014', 10


@pytest.fixture(scope='module')
def model(repo):
    torch.manual_seed(0)
    return init_mots_model(small_config(repo))


@pytest.fixture
def browse(tool, model, clips, tmp_path):
    """Run the tool on a real sequence, or without its masks."""

    def run(*args, with_masks=True, kind='KITTIMOTSDataset', script=None):
        builder = CocoVIDBuilder(CLASS_IDS)
        objects = read_mots_txt(clips.root / f'gt/{NAME}.txt')
        names = [f'{NAME}/{number:06d}.png' for number in range(LENGTH)]
        video = builder.add_video(NAME, names, objects[0][3:5])
        for obj in objects:
            fields = dict(
                bbox=mask_utils.toBbox(obj.coco_rle),
                area=mask_utils.area(obj.coco_rle),
            )
            if with_masks:
                size = [obj.height, obj.width]
                fields['segmentation'] = dict(size=size, counts=obj.rle)
            if obj.class_id == 10:
                builder.add_object(video, obj.frame_id, None, obj.track_id, **fields)
            else:
                builder.add_object(
                    *(video, obj.frame_id, obj.class_id, obj.track_id), **fields
                )
        builder.write(tmp_path / 'annotations.json')
        config, checkpoint = save_model(model, tmp_path)
        with config.open('a') as file:
            file.write(
                f"\nval_dataloader.update(dataset=dict(type='{kind}', "
                f"data_root='{tmp_path}/', ann_file='annotations.json', "
                f"data_prefix=dict(img_path='{clips.root}/frames')))\n"
            )
        args = [str(config), str(checkpoint), '--out', str(tmp_path / 'out'), *args]
        if script is None:
            tool('browse_dataset').main(args)
        else:
            run_script(script, *args)
        return {path.name: path for path in (tmp_path / 'out').iterdir()}, objects

    return run


def test_pictures_show_the_annotated_objects(repo, browse, model, clips):
    args = ['--num-images', '2', '--max-objects', '2', '--cell', '60']
    script = repo / 'tools/analysis_tools/browse_dataset.py'
    pictures, objects = browse(*args, '--device', 'cpu', script=script)
    assert sorted(pictures) == ['0014_000000.png', '0014_000009.png']
    now = [o for o in objects if o.frame_id == 9 and o.class_id != 10]
    boxes = mask_utils.toBbox([obj.coco_rle for obj in now]).astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    explained = explain_masks(
        model,
        clips.root / f'frames/{NAME}/000009.png',
        boxes,
        [obj.class_id - 1 for obj in now],
        np.stack([obj.mask for obj in now]),
    )
    largest = sorted(
        range(len(now)), key=lambda i: -np.prod(boxes[i, 2:] - boxes[i, :2])
    )[:2]
    for number, index in enumerate(largest, 1):
        explained['names'][index] = f'{number}: {explained["names"][index]}'
    expected = draw_panel([(explained, index) for index in largest], cell=60)
    picture = cv2.imread(str(pictures['0014_000009.png']))
    assert (picture[-len(expected) :] == expected).all()
    # Above it the frame, which is of one colour, with the boxes.
    overview = picture[: -len(expected)]
    assert overview.shape[1] == expected.shape[1]
    assert overview.shape[0] == pytest.approx(
        explained['image'].shape[0] * overview.shape[1] / explained['image'].shape[1],
        abs=1,
    )
    assert 0 < (overview != 90).mean() < 0.3


def test_boxes_without_masks_have_no_truth(browse):
    args = ['--match', '*/00000[3-4].png', '--max-objects', '1', '--cell', '60']
    pictures, _ = browse(*args, with_masks=False)
    assert sorted(pictures) == ['0014_000003.png', '0014_000004.png']
    picture = cv2.imread(str(pictures['0014_000003.png']))
    # Frame, heat map, pseudo label and prediction.
    assert picture.shape[1] == 4 * 62 + 2


@pytest.mark.parametrize(
    ('args', 'kind', 'message'),
    [
        (['--match', '9/*'], 'KITTIMOTSDataset', r'error: no image .* matches "9/\*"'),
        (['--split', 'train'], 'KITTIMOTSDataset', r'error: .*boxes\.json'),
        (
            [],
            'CocoDataset',
            r'small\.py: val_dataloader\.dataset must be',
        ),
    ],
)
def test_bad_choices_are_named(browse, tmp_path, args, kind, message):
    with pytest.raises(SystemExit, match=message):
        browse(*args, kind=kind)
    assert not (tmp_path / 'out').exists()


def test_bad_files_are_named(tool, tmp_path, repo):
    main = tool('browse_dataset').main
    config = str(repo / 'configs/wsmots/wsmots-masker_mnv2_fpn_clip.py')
    with pytest.raises(SystemExit, match=r'gone\.pth: no such checkpoint file'):
        main([config, str(tmp_path / 'gone.pth'), '--out', str(tmp_path)])
    with pytest.raises(SystemExit, match=r'gone\.py: no such config file'):
        main([str(tmp_path / 'gone.py'), 'x.pth', '--out', str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_masks_of_every_coding(tool):
    decode = tool('browse_dataset').decode
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:7] = True
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    runs = [int(n) for n in (13, 3, 3, 3, 3, 3, 3, 3, 3, 3, 8)]
    for coding in (
        rle,
        dict(rle, counts=rle['counts'].decode()),
        dict(size=[6, 8], counts=runs),
        [[2, 1, 7, 1, 7, 4, 2, 4]],
    ):
        assert (decode(coding, 6, 8) == mask).all()
