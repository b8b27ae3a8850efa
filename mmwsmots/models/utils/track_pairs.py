# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from torch import Tensor


def track_pairs(ids: list[Tensor], frame_ids: list[int], max_gap: int = 1) -> Tensor:
    """Pair the RoIs of one identity in neighbouring frames of a batch.

    The k-th RoI of an identity in a frame goes with its k-th in the next.

    Args:
        ids (list[Tensor]): Identity of each RoI, one tensor (P_i, ) for each of the
            images, which lie clip after clip in temporal order.
        frame_ids (list[int]): Frame number of each image.
        max_gap (int): Largest difference of the frame numbers. Defaults to 1.

    Returns:
        Tensor: Rows of both RoIs in the concatenated batch, shape (2, K), long.
    """
    pairs = []
    start = 0
    for i in range(len(ids) - 1):
        first, second = ids[i], ids[i + 1]
        if 0 < frame_ids[i + 1] - frame_ids[i] <= max_gap:
            same = first[:, None] == second
            same &= _ranks(first)[:, None] == _ranks(second)
            offsets = torch.tensor([start, start + len(first)], device=first.device)
            pairs.append(same.nonzero() + offsets)
        start += len(first)
    if not pairs:
        return ids[0].new_zeros((2, 0), dtype=torch.long)
    return torch.cat(pairs).T


def _ranks(ids: Tensor) -> Tensor:
    """How many equal values stand before each."""
    return (ids[:, None] == ids).tril(diagonal=-1).sum(dim=1)
