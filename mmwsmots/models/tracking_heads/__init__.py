# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .hard_triplet_embed_head import HardTripletEmbedHead, HardTripletTrackHead

__all__ = ['HardTripletEmbedHead', 'HardTripletTrackHead']
