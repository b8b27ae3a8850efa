# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor, nn


class MeanLoss(nn.Module):
    """Base of losses that are the mean of terms, of this process or of all.

    Distributed training averages the processes' gradients: of sums divided by the mean
    count the average is the mean of all terms.

    Args:
        loss_weight (float): Factor on the loss.
        gather (bool): Whether the terms of all processes count. Then every process has
            to compute the loss, also without terms.
    """

    def __init__(self, loss_weight: float = 1.0, gather: bool = False) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.gather = gather

    def mean(self, total: Tensor, count: int | Tensor) -> Tensor:
        """Mean of ``count`` terms of this sum; of none 0, still part of the graph."""
        count = torch.as_tensor(count, dtype=torch.float32, device=total.device)
        smallest = 1.0
        if self.gather:
            all_reduce(count, 'mean')
            smallest = 1 / get_world_size()
        return self.loss_weight * (total / count.clamp(min=smallest))
