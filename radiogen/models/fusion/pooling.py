"""Attention over a varying number of things: pictures of a unit, frames of a loop, inputs of a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over what the mask leaves; zero elsewhere, and everywhere where it leaves nothing.

    Parameters
    ----------
    scores : Tensor
    mask : Tensor of bool
        Broadcast to the shape of the scores; True takes part.
    dim : int, default -1

    Returns
    -------
    Tensor
        Weights ≥ 0 with the sum 1 (0 where nothing takes part); scores that are masked have exactly no influence.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.pooling import masked_softmax
    >>> masked_softmax(torch.tensor([1.0, 1.0, 9.0]), torch.tensor([True, True, False]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    # the least number in place of -inf: a row without anyone stays finite, in the gradient too
    least = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~mask, least), dim) * mask


def places(owner: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """Each thing's number among those of its owner, counted from 0 in their order, and how many each owner has.

    Parameters
    ----------
    owner : Tensor of int64, shape (m,)
    units : int
        B.

    Returns
    -------
    place : Tensor of int64, shape (m,)
    count : Tensor of int64, shape (B,)

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.pooling import places
    >>> places(torch.tensor([2, 0, 2]), 3)
    (tensor([0, 0, 1]), tensor([1, 0, 2]))
    """
    count = torch.bincount(owner, minlength=units)
    order = torch.argsort(owner, stable=True)
    start = torch.cumsum(count, 0) - count
    place = torch.empty_like(owner)
    place[order] = torch.arange(len(owner), device=owner.device) - start[owner[order]]
    return place, count


def by_owner(values: Tensor, owner: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """Things laid side by side for each owner.

    Parameters
    ----------
    values : Tensor, shape (m, width)
    owner : Tensor of int64, shape (m,)
    units : int
        B.

    Returns
    -------
    padded : Tensor, shape (B, L, width)
        L is the largest number that one owner has; the rest is 0.
    mask : Tensor of bool, shape (B, L)
        True where a thing lies.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.pooling import by_owner
    >>> by_owner(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 2, 0]), 3)[0].squeeze(-1)
    tensor([[1., 3.],
            [0., 0.],
            [2., 0.]])
    """
    place, count = places(owner, units)
    longest = int(count.max()) if len(owner) else 0
    padded = values.new_zeros(units, longest, values.shape[-1]).index_put((owner, place), values)
    return padded, torch.arange(longest, device=owner.device) < count[:, None]


class GatedPool(nn.Module):
    """Gated attention pooling of a set.

    The weight of an element h is softmax(wᵀ(tanh(V h) ⊙ σ(U h))) over the elements of its set; the set's vector is the
    weighted mean of its elements.

    Parameters
    ----------
    width : int
        Numbers of one element.
    hidden : int
        Rows of V and U.

    References
    ----------
    Ilse M, Tomczak JM, Welling M. Attention-based deep multiple instance learning. ICML 2018. arXiv:1802.04712.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.pooling import GatedPool
    >>> pool = GatedPool(width=4, hidden=2)
    >>> pool(torch.ones(3, 5, 4), torch.ones(3, 5, dtype=torch.bool)).shape
    torch.Size([3, 4])
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.content = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def weights(self, values: Tensor, mask: Tensor) -> Tensor:
        """Weights of the elements, shape (B, L); zero where the mask is False."""
        scores = self.score(torch.tanh(self.content(values)) * torch.sigmoid(self.gate(values)))
        return masked_softmax(scores.squeeze(-1), mask)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """Sets (B × L × width, B × L) to vectors (B × width); an empty set gives zeros."""
        return torch.einsum("bl,blw->bw", self.weights(values, mask), values)
