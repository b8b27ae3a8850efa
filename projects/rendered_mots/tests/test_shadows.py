# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from rendered_mots.shadows import cast_shadows


def test_a_shadow_takes_its_share_of_the_light():
    frame = np.full((40, 60, 3), 200, np.float32)
    square = np.array([[10.0, 10], [30, 10], [30, 30], [10, 30]])
    cast_shadows(frame, [square], strength=0.5, sigma=1.0)
    assert np.allclose(frame[15:25, 15:25], 100, atol=0.5)
    assert (frame[:5] == 200).all() and (frame[:, 40:] == 200).all()
    edge = frame[20, :, 0]
    assert 100 < edge[10] < 200  # soft
    before = frame.copy()
    cast_shadows(frame, [], strength=0.5, sigma=1.0)
    assert (frame == before).all()
