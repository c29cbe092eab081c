"""The networks on graphs; importing this module imports torch and torch-geometric."""

from __future__ import annotations

from radiogen.errors import fail
from radiogen.models.tabular.descent import mlp

try:
    import torch
    from torch import Tensor, nn
    from torch_geometric.nn import AttentionalAggregation, GATv2Conv, SAGEConv
except ImportError as error:  # pragma: no cover - the environment of the tests has both
    raise fail("RG902", "networks on graphs need torch-geometric", fix="pip install torch-geometric") from error


def message_layer(layer: str, hidden: int, heads: int) -> nn.Module:
    """One round of messages from sources to targets; what a unit is itself is added by the caller.

    Without dropout of attention: a unit that is its own only neighbour, as in a control, would lose its whole message by it.
    """
    if layer == "gatv2":
        return GATv2Conv((hidden, hidden), hidden // heads, heads=heads, add_self_loops=False)
    return SAGEConv((hidden, hidden), hidden, root_weight=False)


class NeighbourNet(nn.Module):
    """Units, each with k neighbours: an encoder, one round of messages, a linear head."""

    def __init__(self, columns: int, classes: int, hidden: int, layer: str, heads: int, dropout: float) -> None:
        super().__init__()
        self.encoder = mlp(columns, hidden, dropout)
        self.message = message_layer(layer, hidden, heads)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, classes))

    def forward(self, source: Tensor, target: Tensor, neighbours: Tensor) -> Tensor:
        """Logits of encoded targets, whose neighbours are rows of the encoded sources."""
        n, k = neighbours.shape
        edges = torch.stack([neighbours.reshape(-1), torch.arange(n).repeat_interleave(k)])
        return self.head(self.norm(target + self.message((source, target), edges)))


class RegionNet(nn.Module):
    """Graphs of regions: an encoder, rounds of GATv2 along the edges, attention pooling, a linear head."""

    def __init__(self, features: int, classes: int, hidden: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.encoder = mlp(features, hidden, dropout)
        self.messages = nn.ModuleList(message_layer("gatv2", hidden, heads) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(layers))
        self.gate = nn.Linear(hidden, 1)
        self.pool = AttentionalAggregation(self.gate)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))

    def states(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """The regions after all messages."""
        state = self.encoder(nodes)
        # a region without a neighbour still hears itself
        own = torch.arange(len(nodes)).repeat(2, 1)
        edges = torch.cat([edges, own], dim=1)
        for message, norm in zip(self.messages, self.norms, strict=True):
            state = torch.relu(norm(state + message((state, state), edges)))
        return state

    def forward(self, nodes: Tensor, edges: Tensor, graph: Tensor, graphs: int) -> Tensor:
        """Logits of each graph; ``graph`` is the number of the graph of each region."""
        return self.head(self.pool(self.states(nodes, edges), graph, dim_size=graphs))
