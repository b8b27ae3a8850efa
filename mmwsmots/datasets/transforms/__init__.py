# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .clip_frame_sample import ClipFrameSample
from .loading import LoadAnnotatedFrame, LoadMaskScores
from .pack_mots_inputs import PackMOTSDetInputs, PackMOTSInputs
from .random_shadow import RandomShadow

__all__ = [
    'ClipFrameSample',
    'LoadAnnotatedFrame',
    'LoadMaskScores',
    'PackMOTSDetInputs',
    'PackMOTSInputs',
    'RandomShadow',
]
