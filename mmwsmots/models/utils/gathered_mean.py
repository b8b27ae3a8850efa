# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor


def gathered_mean(total: Tensor, count: int | Tensor, gather: bool) -> Tensor:
    r"""Mean of terms, of this process or of all.

    Distributed training averages the gradients of W processes. The mean of the means is
    not the mean: a process with few terms gives each of them more weight. Divided by
    the mean count instead, :math:`T_r / (\frac{1}{W} \sum_s n_s)`, the average over
    processes is the mean of all terms, :math:`\sum_r T_r / \sum_s n_s`.

    ``total`` is the sum of this process's terms, a scalar, ``count`` their number; 0
    gives 0, as part of the graph. With ``gather`` every process has to call this, also
    without terms.
    """
    count = torch.as_tensor(count, dtype=torch.float32, device=total.device)
    if not gather:
        return total / count.clamp(min=1)
    count = count.clone()
    all_reduce(count, 'mean')
    return total / count.clamp(min=1 / get_world_size())
