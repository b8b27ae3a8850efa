# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor, nn


def gather_rows(rows: Tensor, counts: list[int]) -> Tensor:
    """Concatenate the rows of all ranks, ``counts[r]`` of them from rank r.

    Every rank computes the same loss of all rows, so its own rows' gradient is complete
    without communication. The factor is there as training averages the gradients.
    """
    padded = F.pad(rows.detach(), (0, 0, 0, max(counts) - len(rows)))
    parts = [part[:n] for part, n in zip(all_gather(padded), counts)]
    if rows.requires_grad:
        parts[get_rank()] = rows = rows.clone()
        rows.register_hook(lambda grad: grad * get_world_size())
    return torch.cat(parts)


@MODELS.register_module()
class HardTripletLoss(nn.Module):
    r"""Hard-triplet loss on the cosine distance (Hermans et al.; Ruiz et al. eq. 2).

    .. math::
        L_T = \frac{1}{|R|} \sum_{a \in R} \max\Big(
        \max_{p: id_p = id_a} d(p, a) - \min_{n: id_n \ne id_a} d(n, a)
        + \alpha, 0 \Big), \quad d = 1 - \cos

    Anchors without a negative are left out of R. An anchor is its own positive. A
    vector shorter than 1e-6 is at distance 1 from all others, without gradient.

    Args:
        margin (float): :math:`\alpha`.
        loss_weight (float): Factor on the loss.
        gather (bool): Whether R is the set of all ranks, whose identities must then be
            numbered alike, instead of each rank's own.
    """

    def __init__(
        self, margin: float = 0.2, loss_weight: float = 1.0, gather: bool = False
    ) -> None:
        super().__init__()
        self.margin = margin
        self.loss_weight = loss_weight
        self.gather = gather

    def forward(
        self, embeddings: Tensor, ids: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Scalar, float32 or above; without a valid anchor 0, still part of the graph.

        Of embeddings (N, D), integer identities (N, ) and, if negatives are to be of
        the anchor's class, classes (N, ); other shapes are a ValueError. N may be 0 and
        may differ by rank.
        """
        labels = torch.zeros_like(ids) if labels is None else labels
        for name, values in dict(ids=ids, labels=labels).items():
            if values.shape != embeddings.shape[:1]:
                raise ValueError(
                    f'{name} must have shape ({len(embeddings)}, ), one per '
                    f'embedding, got {tuple(values.shape)}'
                )
        with torch.autocast(embeddings.device.type, enabled=False):
            dtype = torch.promote_types(embeddings.dtype, torch.float32)
            embeddings = embeddings.to(dtype)
            keys = torch.stack([ids.long(), labels.long()], dim=1)
            if self.gather and get_world_size() > 1:
                counts = torch.cat(all_gather(ids.new_tensor([len(ids)]))).tolist()
                if max(counts) > 0:
                    embeddings = gather_rows(embeddings, counts)
                    keys = gather_rows(keys, counts)
            return self.loss_weight * self._loss(embeddings, *keys.unbind(dim=1))

    def _loss(self, embeddings: Tensor, ids: Tensor, labels: Tensor) -> Tensor:
        """Unweighted loss of one set of embeddings."""
        same_id = ids[:, None] == ids
        negatives = ~same_id & (labels[:, None] == labels)
        valid = negatives.any(dim=1)
        if not valid.any():
            return embeddings.sum() * 0
        norms = embeddings.norm(dim=1, keepdim=True)
        units = torch.where(norms <= 1e-6, 0, embeddings / norms.clamp(min=1e-6))
        dists = 1 - units @ units.T
        itself = torch.eye(len(dists), dtype=torch.bool, device=dists.device)
        dists = dists.masked_fill(itself, 0)[valid]  # exactly
        farthest = dists.masked_fill(~same_id[valid], -torch.inf).amax(dim=1)
        nearest = dists.masked_fill(~negatives[valid], torch.inf).amin(dim=1)
        return (farthest - nearest + self.margin).clamp(min=0).mean()
