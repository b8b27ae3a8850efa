# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .hard_triplet_embed_head import HardTripletEmbedHead
from .hard_triplet_track_head import HardTripletTrackHead

__all__ = ['HardTripletEmbedHead', 'HardTripletTrackHead']
