"""Late fusion: every input predicts for itself, and the predictions of the present modalities are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from radiogen.models.fusion.heads import make_head
from radiogen.models.fusion.pooling import masked_softmax
from radiogen.models.fusion.spec import HeadSpec


class LateHeads(nn.Module):
    """Heads of every input; their logits are averaged over the present modalities.

    The inputs of one modality share its weight equally, so that a modality with three views does not count three times.
    With nothing present the logits are those that the heads give to a vector of zeros, averaged.

    Parameters
    ----------
    of : sequence of int
        For each input the number of its modality.
    width : int
    heads : sequence of HeadSpec
    learnt : bool
        False: present modalities count alike.  True: their weights are a softmax, over those present, of one learnt number
        per modality and head, which starts at 0.

    References
    ----------
    Wolpert DH. Stacked generalization. Neural Netw 1992;5:241-259. doi:10.1016/S0893-6080(05)80023-1.
    Breiman L. Stacked regressions. Mach Learn 1996;24:49-64. doi:10.1007/BF00117832 (weights that are not negative).
    """

    def __init__(self, of: Sequence[int], width: int, heads: Sequence[HeadSpec], learnt: bool) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.ModuleList(make_head(head, width) for head in heads) for _ in of)
        self.number = len(heads)
        self.scores = nn.Parameter(torch.zeros(len(heads), max(of) + 1), requires_grad=learnt)
        self.register_buffer("member", torch.eye(max(of) + 1)[list(of)], persistent=False)

    def weights(self, has: Tensor) -> Tensor:
        """How much each input counts for each head, shape (B, heads, inputs): 0 of absent inputs, sum 1 over those present."""
        there = has.to(self.scores.dtype)
        inputs_there = there @ self.member
        of_modality = masked_softmax(self.scores, (inputs_there > 0)[:, None])
        share = there / (inputs_there @ self.member.T).clamp_min(1)
        return (of_modality @ self.member.T) * share[:, None]

    def forward(self, tokens: Tensor, has: Tensor) -> list[Tensor]:
        """Logits of each head (B × outputs), from tokens (B × inputs × width) and who has what (B × inputs)."""
        weights = self.weights(has)
        # absent tokens are zeros: where nobody is there, all inputs count alike and give their heads' constants
        weights = torch.where(has.any(1)[:, None, None], weights, 1 / has.shape[1])
        logits = [torch.stack([own[h](tokens[:, k]) for k, own in enumerate(self.heads)], 1) for h in range(self.number)]
        return [torch.einsum("bi,bio->bo", weights[:, h].to(logit.dtype), logit) for h, logit in enumerate(logits)]
