# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import argparse

import cv2
import numpy as np
import pytest
import torch

from benchmarks.real.recipes import SAM2

from .conftest import HEIGHT, WIDTH, disk, picture

SIDE = 64


@pytest.fixture
def recipe(tmp_path):
    """A random model of a few thousand weights, saved and read back."""
    transformers = pytest.importorskip('transformers')
    try:
        transformers.Sam2Model  # noqa: B018
        transformers.Sam2Processor  # noqa: B018
    except (AttributeError, ImportError) as error:
        pytest.skip(f'no Sam2Model: {error}')
    torch.manual_seed(0)
    width = 16
    backbone = dict(
        hidden_size=8,
        image_size=[SIDE, SIDE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 1, 1],
        global_attention_blocks=[3],
        window_size_per_stage=[8, 4, 4, 4],
    )
    config = transformers.Sam2Config(
        vision_config=dict(
            backbone_config=dict(model_type='sam2_hiera_det_model', **backbone),
            backbone_channel_list=[64, 32, 16, 8],
            backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
            fpn_hidden_size=width,
        ),
        prompt_encoder_config=dict(hidden_size=width, image_size=SIDE),
        mask_decoder_config=dict(
            hidden_size=width, mlp_dim=16, num_attention_heads=2, iou_head_hidden_dim=16
        ),
    )
    model = transformers.Sam2Model(config)
    size = dict(height=SIDE, width=SIDE)
    images = transformers.Sam2ImageProcessor(size=size, mask_size=size)
    processor = transformers.Sam2Processor(images, target_size=SIDE)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    return SAM2(argparse.Namespace(sam_weights=tmp_path, device='cpu', recipe='sam2'))


def test_one_mask_for_each_box(recipe):
    frame = picture([disk(15, 20, 9), disk(45, 25, 8)])
    boxes = np.array([[6.0, 11, 25, 30], [37, 17, 54, 34], [0, 0, WIDTH, HEIGHT]])
    labels = ['car', 'person', 'kite']
    masks, confidences = recipe.masks(frame, boxes, labels)
    assert masks.shape == (3, HEIGHT, WIDTH)
    assert masks.dtype == bool
    assert confidences.shape == (3,)
    assert ((confidences >= 0) & (confidences <= 1)).all()
    # Prompts do not see one another: row n belongs to box n.
    for row in range(3):
        alone, _ = recipe.masks(frame, boxes[[row]], labels[row : row + 1])
        assert (alone[0] == masks[row]).mean() > 0.999

    # The same by hand: RGB, boxes in pixels of the model's picture.
    rgb = cv2.resize(frame[..., ::-1], (SIDE, SIDE)).astype(np.float32) / 255
    rgb = (rgb - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    pixels = torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]
    scale = np.array([SIDE / WIDTH, SIDE / HEIGHT] * 2)
    with torch.no_grad():
        outputs = recipe.model(
            pixel_values=pixels,
            input_boxes=torch.from_numpy((boxes * scale).astype(np.float32))[None],
            multimask_output=False,
        )
    for row, logits in enumerate(outputs.pred_masks[0, :, 0].numpy()):
        expected = cv2.resize(logits, (WIDTH, HEIGHT)) > 0
        assert (masks[row] == expected).mean() > 0.97
    expected = outputs.iou_scores[0, :, 0].clamp(0, 1).numpy()
    assert confidences == pytest.approx(expected, abs=0.01)
