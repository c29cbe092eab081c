"""The network on two tables; importing this module imports torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from radiogen.models.paired.siamese import compare
from radiogen.models.tabular.descent import mlp


class Encoder(nn.Module):
    """A linear map plus a perceptron: through the linear part a change of the features is a change of the embedding."""

    def __init__(self, columns: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(columns, hidden)
        self.bent = nn.Sequential(mlp(columns, hidden, 0.0), nn.Linear(hidden, hidden))

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings, B × hidden."""
        return self.linear(x) + self.bent(x)


class PairNet(nn.Module):
    """One encoder for both visits, and a linear head.

    Parameters
    ----------
    columns, classes, hidden : int
    dropout : float
    kind : {"siamese", "both", "one"}
        Embeddings and differences; embeddings alone; or the first view alone.
    """

    def __init__(self, columns: int, classes: int, hidden: int, dropout: float, kind: str) -> None:
        super().__init__()
        self.kind = kind
        # no dropout before the comparison: two draws would make a change where there is none
        self.encoder = mlp(columns, hidden, 0.0) if kind == "one" else Encoder(columns, hidden)
        width = {"siamese": 4 * hidden + 2, "both": 2 * hidden + 2, "one": hidden}[kind]
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, first: Tensor, second: Tensor, present: Tensor) -> Tensor:
        """Logits; ``present`` is B × 2."""
        if self.kind == "one":
            return self.head(self.encoder(first))
        seen = compare(self.encoder(first), self.encoder(second), present)
        if self.kind == "both":
            seen = seen[:, : seen.shape[1] // 2]
        return self.head(torch.cat([seen, present.to(seen.dtype)], dim=1))
