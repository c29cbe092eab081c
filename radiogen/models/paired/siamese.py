"""Networks that see two visits through one encoder; importing this module imports torch."""

from __future__ import annotations

from radiogen.errors import fail
from radiogen.models.tabular.table import check_range

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "the network needs torch", fix="pip install torch (the CPU build is enough)") from error


def compare(first: Tensor, second: Tensor, present: Tensor | None = None) -> Tensor:
    """What a head sees of two embeddings: the first, the second, their difference and its absolute value.

    Parameters
    ----------
    first, second : Tensor, shape (B, D)
    present : Tensor of bool, shape (B, 2), optional
        Visits that there are.  An absent visit's embedding and both differences are zero then, whatever stands there.

    Returns
    -------
    Tensor, shape (B, 4 D)

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.paired.siamese import compare
    >>> compare(torch.tensor([[1.0]]), torch.tensor([[3.0]])).tolist()
    [[1.0, 3.0, 2.0, 2.0]]
    """
    change = second - first
    if present is not None:
        zero = torch.zeros((), dtype=first.dtype, device=first.device)
        one, two = present[:, :1], present[:, 1:]
        first, second = torch.where(one, first, zero), torch.where(two, second, zero)
        change = torch.where(one & two, change, zero)
    return torch.cat([first, second, change, change.abs()], dim=1)


class SiameseNet(nn.Module):
    """Two pictures of one lesion through one backbone, compared.

    Parameters
    ----------
    backbone : Module
        Pictures (B × C × H × W) to embeddings (B × D), with D as its attribute ``features``; both visits share its weights.
    outputs : int, default 2
        Logits.
    dropout : float, default 0.2
    deltas : bool, default True
        Whether the head sees :math:`[e_1, e_2, e_2 - e_1, |e_2 - e_1|]`, or :math:`[e_1, e_2]` alone.

    Raises
    ------
    RadiogenError
        RG705 for a backbone without ``features`` and, on use, for pictures of different shapes; RG708 for an option out of
        range.

    Notes
    -----
    With ``present`` the head also hears which visits there are; numbers of an absent visit (zeros, NaN, anything) change neither
    the output nor a gradient.  The backbone is run on the visits one after the other, so that nothing of a layer that looks at
    its batch passes from one to the other.

    References
    ----------
    Bromley J et al. (1993) NeurIPS 6:737 (Siamese networks).

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from radiogen.models.paired.siamese import SiameseNet
    >>> eye = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)); eye.features = 3
    >>> SiameseNet(eye)(torch.zeros(5, 1, 4, 4), torch.ones(5, 1, 4, 4)).shape
    torch.Size([5, 2])
    """

    def __init__(self, backbone: nn.Module, outputs: int = 2, *, dropout: float = 0.2, deltas: bool = True) -> None:
        super().__init__()
        width = getattr(backbone, "features", None)
        if not isinstance(width, int) or width < 1:
            raise fail("RG705", "the backbone must say with `features` how many numbers it gives")
        check_range("outputs", outputs, 1, 100_000, whole=True)
        check_range("dropout", dropout, 0, 0.95)
        self.backbone = backbone
        self.deltas = deltas
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear((4 if deltas else 2) * width + 2, outputs))

    def embed(self, first: Tensor, second: Tensor, present: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The embeddings of both visits; those of absent ones are of a picture of zeros."""
        if first.shape != second.shape:
            raise fail("RG705", f"the visits have the shapes {tuple(first.shape)} and {tuple(second.shape)}")
        if present is not None:
            shape = (-1, *[1] * (first.ndim - 1))
            zero = torch.zeros((), dtype=first.dtype, device=first.device)
            first, second = (torch.where(present[:, i].reshape(shape), x, zero) for i, x in enumerate((first, second)))
        return self.backbone(first), self.backbone(second)

    def forward(self, first: Tensor, second: Tensor, present: Tensor | None = None) -> Tensor:
        """Logits, B × outputs; ``present`` is B × 2, default both visits of all."""
        if present is None:
            present = torch.ones(len(first), 2, dtype=torch.bool, device=first.device)
        if present.shape != (len(first), 2):
            raise fail("RG705", f"`present` needs two values per pair and has the shape {tuple(present.shape)}")
        seen = compare(*self.embed(first, second, present), present)
        if not self.deltas:
            seen = seen[:, : seen.shape[1] // 2]
        return self.head(torch.cat([seen, present.to(seen.dtype)], dim=1))
