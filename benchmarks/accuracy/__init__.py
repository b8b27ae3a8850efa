# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Named recipes trained and measured on one rendered KITTI MOTS."""
