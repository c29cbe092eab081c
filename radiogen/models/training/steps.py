"""The gradient of one step, from a batch at once or from pieces of it; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from radiogen.models.fusion.batch import Batch

#: from logits by head to the loss and the losses of the heads
LossOf = Callable[[dict[str, Tensor]], tuple[Tensor, dict[str, Tensor]]]


def reseed(seed: int) -> None:
    """Set the generators that dropout and initial weights draw from.

    ``torch.manual_seed`` does the same and, where CUDA is not in use, keeps a record of every call for later.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


def backward(net: nn.Module, batch: Batch, loss_of: LossOf, autocast: Any) -> dict[str, Tensor]:
    """Add the gradient of a batch to the network's.

    Parameters
    ----------
    net : nn.Module
    batch : Batch
    loss_of : callable
        Logits by head to (loss, losses by head).
    autocast : context manager
        Around the forward pass.

    Returns
    -------
    dict of str to Tensor
        Losses by head.
    """
    with autocast:
        outputs = net(batch)
    loss, by_head = loss_of(outputs)
    if loss.requires_grad:
        loss.backward()
    return by_head


def backward_in_pieces(
    net: nn.Module, make: Callable[[int], Batch], seeds: Sequence[int], loss_of: LossOf, autocast: Any
) -> dict[str, Tensor]:
    """Add the gradient of a loss over many units, of which a few at a time fit into memory.

    The loss of a survival head joins all units in its risk sets, so that it cannot be summed over pieces.  All logits are
    computed without keeping what the gradient needs; the loss gives its gradient by each logit; then every piece is
    computed again, with the same dropout, and that gradient is passed down.  The result is the gradient of the whole.

    Parameters
    ----------
    net : nn.Module
        Without normalisation over units: that would see pieces.
    make : callable
        Number of a piece to its batch; the same batch each time.
    seeds : sequence of int
        Of torch's generator, one per piece.
    loss_of : callable
        Logits by head, of all units, to (loss, losses by head).
    autocast : context manager

    Returns
    -------
    dict of str to Tensor
        Losses by head.

    References
    ----------
    Gao L et al. (2021) RepL4NLP 316-321, doi 10.18653/v1/2021.repl4nlp-1.31 (gradients of a loss over a batch in pieces).
    """
    pieces: list[dict[str, Tensor]] = []
    with torch.no_grad():
        for number, seed in enumerate(seeds):
            reseed(seed)
            with autocast:
                pieces.append(net(make(number)))
    outputs = {name: torch.cat([p[name] for p in pieces]).detach().requires_grad_() for name in pieces[0]}
    loss, by_head = loss_of(outputs)
    if not loss.requires_grad:
        return by_head
    loss.backward()
    at = 0
    for number, seed in enumerate(seeds):
        reseed(seed)
        with autocast:
            again = net(make(number))
        size = len(next(iter(again.values())))
        pairs = [(again[name], grad[at : at + size]) for name, out in outputs.items() if (grad := out.grad) is not None]
        pairs = [(out, grad) for out, grad in pairs if out.requires_grad]
        if pairs:
            torch.autograd.backward([out for out, _ in pairs], [grad for _, grad in pairs])
        at += size
    return by_head
