# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import zlib

import numpy as np


def generator(seed: int, *keys) -> np.random.Generator:
    """Random generator that depends on the seed and a key only.

    Every random choice of the renderer comes from such a generator, keyed by what
    it decides (sequence, frame, identity, ...), never by the order of the work:
    so one frame looks the same whichever process draws it.

    Args:
        seed (int): Seed of the whole data set, >= 0.
        *keys: Strings and numbers that name the choice.

    Returns:
        np.random.Generator: A fresh generator.
    """
    return np.random.default_rng([seed, zlib.crc32(repr(keys).encode())])
