# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
from rendered_mots.camera import CAMERA_HEIGHT, Camera


def test_projects_as_kitti_does():
    """A point at the camera's height lies on the horizon, focal length 721."""
    camera = Camera.kitti(1242, 375)
    assert camera.focal == pytest.approx(721, rel=0.01)
    points = camera.to_camera(np.array([[2.0, CAMERA_HEIGHT, 10.0], [0, 0, 10.0]]))
    pixels = camera.project(points)
    assert pixels[0] == pytest.approx([621 + 0.2 * camera.focal, camera.cy])
    below = camera.focal * CAMERA_HEIGHT / 10
    assert pixels[1] == pytest.approx([621, camera.cy + below])
    assert camera.depth_of_row(pixels[1, 1]) == pytest.approx(10)


def test_moving_and_turning_the_camera_moves_the_scene_against_it():
    point = np.array([1.0, 0.5, 12.0])
    at_rest = Camera.kitti(400, 120).to_camera(point)
    moved = Camera.kitti(400, 120, x=0.3, z=2.0).to_camera(point)
    assert moved == pytest.approx(at_rest - [0.3, 0, 2.0])
    turned = Camera.kitti(400, 120, yaw=np.arctan2(1, 12)).to_camera(point)
    assert turned == pytest.approx([0, 0.5, np.hypot(1, 12)])


def test_focal_ratio_is_in_widths_of_the_frame():
    assert Camera.kitti(600, 200, focal_ratio=0.9).focal == pytest.approx(540)
