# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
from rendered_mots.compositor import blend_layers
from rendered_mots.pedestrian_painter import capsule_outlines
from rendered_mots.sensor import Sensor
from rendered_mots.sprite import Canvas, Sprite, frame_window


def flat(x, y, size, depth, track_id, value, alpha=1.0):
    cover = np.full((size, size), alpha, np.float32)
    return Sprite(
        x, y, cover[..., None] * np.full(3, value, 'f4'), cover, depth, track_id
    )


def test_canvas_coverage_is_the_area_of_the_polygon():
    canvas = Canvas((10, 20, 30, 40), factor=4)
    square = np.array([[[12.5, 22.25], [20.5, 22.25], [20.5, 30.25], [12.5, 30.25]]])
    canvas.paint(square, np.array([[10, 20, 30]]), np.array([1]))
    sprite = canvas.sprite(canvas.image[..., :3].astype(np.float32), 5.0, 7)
    assert (sprite.x, sprite.y) == (10, 20)
    # OpenCV draws the outline too: half a supersampled pixel on each side.
    assert sprite.alpha.sum() == pytest.approx(64, rel=0.08)
    assert sprite.alpha[5, 5] == 1 and sprite.alpha[15, 15] == 0
    assert sprite.colour[5, 5] == pytest.approx([10, 20, 30])


def test_the_nearer_layer_owns_the_pixel_and_half_coverage_is_the_limit():
    frame = np.zeros((20, 20, 3), np.float32)
    layers = [
        flat(2, 2, 8, 5.0, 1001, 100),
        flat(6, 6, 8, 9.0, 1002, 200),
        flat(0, 14, 4, 3.0, 2001, 50, alpha=0.49),
        flat(8, 2, 4, 2.0, 0, 30),
    ]
    labels = blend_layers(frame, layers, Sensor(0, '0000', 20))
    assert labels[4, 4] == 1001 and labels[8, 8] == 1001
    assert labels[12, 12] == 1002
    assert labels[15, 1] == 0
    assert labels[3, 9] == 0, 'scenery in front hides the object'
    assert frame[4, 4, 0] == pytest.approx(100, abs=1)


def test_windows_are_cut_to_the_frame():
    points = np.array([[-50.0, 3.2], [7.7, 400.0]])
    assert frame_window(points, 100, 50) == (0, 1, 10, 50)
    assert frame_window(points - [100, 0], 100, 50) is None


def test_capsules_contain_both_circles():
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, 10, (20, 2, 2))
    radii = rng.uniform(0.5, 3, (20, 2))
    centres[0, 1] = centres[0, 0]  # seen end on
    for outline, pair, radius in zip(capsule_outlines(centres, radii), centres, radii):
        edges = np.roll(outline, -1, 0) - outline
        normal = np.stack([edges[:, 1], -edges[:, 0]], -1)
        for centre, r in zip(pair, radius):
            reach = ((outline - centre) * normal).sum(1)
            reach /= np.maximum(np.linalg.norm(normal, axis=1), 1e-9)
            long = np.linalg.norm(edges, axis=1) > 1e-6
            # A polygon of 14 corners cuts a circle at 0.9 of its radius or more.
            assert (np.abs(reach[long]) > 0.8 * min(r, radius.min())).all()
