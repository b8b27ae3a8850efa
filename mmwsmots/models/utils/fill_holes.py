# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import torch
from scipy.ndimage import binary_fill_holes
from torch import Tensor

FILLED = 0.1  # logit of a filled cell: another object's claim on it is stronger


def fill_holes(logits: Tensor, mask_thr: float = 0.5) -> Tensor:
    """Fill the holes of masks: background that does not reach the side of the grid.

    Few objects have holes, and annotated outlines leave them out; those of a mask that
    follows the colours of an image are mostly windows, wheels and prints on clothes.

    Args:
        logits (Tensor): Foreground logits, shape (N, h, w).
        mask_thr (float): Probability at which masks are cut. Defaults to 0.5.

    Returns:
        Tensor: Logits (N, h, w), in holes just above the threshold.
    """
    threshold = logits.new_tensor(mask_thr).logit()
    masks = (logits > threshold).cpu().numpy()
    # Cells touch at their sides: one layer in a stack of planes does not join masks.
    structure = np.zeros((3, 3, 3), dtype=bool)
    structure[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    filled = binary_fill_holes(np.pad(masks, ((0, 0), (1, 1), (1, 1))), structure)
    holes = torch.from_numpy(filled[:, 1:-1, 1:-1] & ~masks).to(logits.device)
    return torch.where(holes, threshold + FILLED, logits)
