# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest
from rendered_mots.textures import (
    PatchSource,
    fractal_noise,
    list_images,
)


def test_noise_has_zero_mean_and_unit_deviation_and_is_smooth():
    noise = fractal_noise(np.random.default_rng(0), 64, 96, 4, 3)
    assert noise.shape == (64, 96)
    assert noise.mean() == pytest.approx(0, abs=1e-4)
    assert noise.std() == pytest.approx(1, rel=1e-3)
    assert np.abs(np.diff(noise, axis=1)).mean() < 0.5


@pytest.fixture
def frames(tmp_path):
    """A frame with a red upper and a blue lower half."""
    frame = np.zeros((120, 200, 3), np.uint8)
    frame[:60, :, 2] = np.random.default_rng(0).integers(100, 200, (60, 200))
    frame[60:, :, 0] = 150
    cv2.imwrite(str(tmp_path / '000000.png'), frame)
    return tmp_path


def test_patches_come_from_the_part_of_the_frame_that_shows_their_kind(frames):
    rng = np.random.default_rng(0)
    source = PatchSource(frames, rng)
    wall, road = source.patch(rng, 'wall', 64), source.patch(rng, 'road', 48)
    assert wall.shape == (64, 64, 3) and road.shape == (48, 48, 3)
    assert wall[..., 2].mean() > 80 and wall[..., 0].max() == 0
    assert road[..., 0].mean() > 140 and road[..., 2].max() == 0


def test_patches_tile_without_seams(frames):
    rng = np.random.default_rng(0)
    patch = PatchSource(frames, rng).patch(rng, 'wall', 64)
    assert np.abs(patch[:, 0] - patch[:, -1]).max() < 1e-3
    assert np.abs(patch[0] - patch[-1]).max() < 1e-3


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match='nowhere does not exist'):
        list_images(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='holds no jpg or png'):
        list_images(tmp_path)
    (tmp_path / 'broken.png').write_text('no picture')
    with pytest.raises(ValueError, match=r'broken\.png'):
        PatchSource(tmp_path, np.random.default_rng(0))
