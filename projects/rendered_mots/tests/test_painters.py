# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
from rendered_mots.camera import Camera
from rendered_mots.car_painter import CarPainter
from rendered_mots.pedestrian_painter import PedestrianPainter

SUN = np.array([0.5, 1.0, -0.4])


def fill_and_aspect(sprite):
    rows, cols = np.nonzero(sprite.alpha >= 0.5)
    height, width = np.ptp(rows) + 1, np.ptp(cols) + 1
    return len(rows) / (height * width), width / height


@pytest.mark.parametrize('track_id', range(1000, 1006))
def test_cars_have_the_proportions_of_their_view(track_id):
    camera = Camera.kitti(800, 240)
    painter = CarPainter(0, '0000', track_id)
    rear_fill, rear = fill_and_aspect(painter.sprite(camera, 0, 12, 0.0, SUN))
    side_fill, side = fill_and_aspect(painter.sprite(camera, 0, 12, np.pi / 2, SUN))
    length, width, height = painter.mesh.size
    assert rear == pytest.approx(width / height, rel=0.2)
    assert side == pytest.approx(length / height, rel=0.2)
    # Curved outlines, mirrors, and the road between the wheels: no filled boxes.
    assert 0.66 < rear_fill < 0.88
    assert 0.62 < side_fill < 0.84


def test_unhidden_cars_fill_their_boxes_as_in_kitti():
    """Upper quartiles of KITTI MOTS, cars of 60 rows or more, by width over height."""
    camera = Camera.kitti(1242, 375)
    rng = np.random.default_rng(0)
    pairs = []
    for track_id in range(1000, 1060):
        x, z = rng.choice([-3.5, 0, 3.5]), rng.uniform(9, 20)
        heading = rng.choice([0, np.pi, np.pi / 2]) + rng.normal(0, 0.1)
        painter = CarPainter(0, '0000', track_id)
        pairs.append(fill_and_aspect(painter.sprite(camera, x, z, heading, SUN)))
    fills, aspects = np.array(pairs).T
    for low, high, fill in ((0, 1.25, 0.81), (1.25, 1.7, 0.78), (1.7, 9, 0.75)):
        of_kind = fills[(low <= aspects) & (aspects < high)]
        assert len(of_kind) > 2
        assert np.median(of_kind) == pytest.approx(fill, abs=0.04)


def test_a_car_twice_as_far_is_half_as_high():
    camera = Camera.kitti(1200, 360)
    painter = CarPainter(0, '0000', 1003)
    heights = [
        np.ptp(np.nonzero(painter.sprite(camera, 0, z, 0.0, SUN).alpha >= 0.5)[0])
        for z in (12, 24)
    ]
    assert heights[0] / heights[1] == pytest.approx(2, rel=0.15)


def test_a_car_out_of_view_is_not_drawn():
    camera = Camera.kitti(400, 120)
    painter = CarPainter(0, '0000', 1000)
    assert painter.sprite(camera, 0, -8, 0.0, SUN) is None
    assert painter.sprite(camera, 60, 12, 0.0, SUN) is None


def test_a_car_has_parts():
    """Windows, tyres and lamps differ from the paint."""
    camera = Camera.kitti(800, 240)
    sprite = CarPainter(0, '0000', 1001).sprite(camera, 0, 8, 0.4, SUN)
    pixels = sprite.colour[sprite.alpha > 0.99]
    assert pixels.std(0).mean() > 20


def test_a_walker_swings_its_legs_and_one_who_stands_does_not():
    camera = Camera.kitti(800, 240)
    painter = PedestrianPainter(0, '0000', 2002)

    def widths(speed):
        sprites = [
            painter.sprite(camera, 0, 7, np.pi / 2, SUN, frame, speed)
            for frame in range(0, 14, 2)
        ]
        return [np.ptp(np.nonzero(s.alpha >= 0.5)[1]) + 1 for s in sprites]

    assert max(widths(0.13)) > 1.4 * min(widths(0.13))
    assert max(widths(0.0)) <= min(widths(0.0)) + 1


@pytest.mark.parametrize('track_id', range(2000, 2006))
def test_pedestrians_are_upright_and_fill_half_their_box(track_id):
    camera = Camera.kitti(800, 240)
    painter = PedestrianPainter(0, '0000', track_id)
    pairs = [
        fill_and_aspect(painter.sprite(camera, 0, 7, heading, SUN, 3, 0.13))
        for heading in np.arange(0, 2 * np.pi, np.pi / 4)
    ]
    fills, aspects = np.array(pairs).T
    assert 0.38 < fills.mean() < 0.66
    assert aspects.min() > 0.2 and aspects.max() < 0.8


def test_the_legs_end_at_the_road():
    camera = Camera.kitti(800, 240)
    sprite = PedestrianPainter(0, '0000', 2001).sprite(camera, 0, 8, 0.5, SUN, 0, 0.1)
    bottom = sprite.y + np.nonzero(sprite.alpha >= 0.5)[0].max()
    road = camera.project(np.array([0.0, 0.0, 8.0]))[1]
    assert abs(bottom - road) < 4
