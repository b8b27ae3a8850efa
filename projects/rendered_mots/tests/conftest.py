# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest
from rendered_mots.procedural_scene import ProceduralScene


@pytest.fixture(scope='session')
def scene():
    """A short drive at a small size."""
    return ProceduralScene(5, '0000', 20, (416, 128))


@pytest.fixture(scope='session')
def clip(scene):
    """Image and objects of some of its frames."""
    return {frame: scene.render(frame) for frame in (0, 4, 8, 12, 16)}
