# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest

from mmwsmots.fileio.mots_txt import MOTSObject
from mmwsmots.fileio.rle import mask_to_rle


@pytest.fixture(scope='session')
def make_object():
    """Factory of an object whose mask is a box, in a frame of 10 x 20 pixels."""

    def make(frame, track, box, cls=None, height=10, width=20):
        mask = np.zeros((height, width), dtype=bool)
        mask[box[1] : box[3], box[0] : box[2]] = True
        cls = track // 1000 if cls is None else cls
        return MOTSObject(frame, track, cls, height, width, mask_to_rle(mask))

    return make
