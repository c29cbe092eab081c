"""The network: an encoder for each input, a fusion for whichever of them a unit has, and heads."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.fusion.batch import Batch
from radiogen.models.fusion.early import EarlyEncoder
from radiogen.models.fusion.encoders import PictureReader, make_encoder
from radiogen.models.fusion.heads import make_head
from radiogen.models.fusion.joins import make_join
from radiogen.models.fusion.late import LateHeads
from radiogen.models.fusion.spec import Plan, check_plan

_LATE = ("late", "stacked")


class FusionNet(nn.Module):
    """A network of several inputs and several heads that takes any subset of its modalities.

    What a unit does not have has no influence at all: hiding a modality gives exactly what a unit gets that never had it.
    A unit's prediction does not depend on the units beside it.

    Parameters
    ----------
    plan : Plan
        The weights start from torch's global generator; seed it before.

    Raises
    ------
    RadiogenError
        RG705 for names that repeat, a table without columns or classes that do not fit their head.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.batch import Batch
    >>> from radiogen.models.fusion.network import FusionNet
    >>> from radiogen.models.fusion.spec import HeadSpec, InputSpec, Plan
    >>> plan = Plan((InputSpec("clinical", "table", columns=("age", "grade")), InputSpec("swe", "table", columns=("mean_kpa",))),
    ...             (HeadSpec("TP53", "binary", ("wild type", "mutated")),))
    >>> net = FusionNet(plan).eval()
    >>> batch = Batch(torch.tensor([[True, False]]), {"clinical": torch.zeros(1, 2), "swe": torch.full((1, 1), torch.nan)})
    >>> logits = net(batch)["TP53"]
    >>> logits.shape, bool(logits.isfinite().all())
    (torch.Size([1, 1]), True)
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        check_plan(plan.inputs, plan.heads)
        for spec in plan.inputs:
            if spec.kind == "table" and not spec.columns:
                raise fail("RG705", f"the table '{spec.name}' has no columns", value=spec.name)
        self.plan = plan
        #: for each input the column of its modality in ``present``
        self.of = [plan.modalities.index(spec.modality) for spec in plan.inputs]
        net, inputs = plan.net, len(plan.inputs)
        self.early = EarlyEncoder(plan.inputs, net) if net.fusion == "early" else None
        self.encoders = nn.ModuleList() if self.early is not None else _encoders(plan)
        self.late = LateHeads(self.of, net.width, plan.heads, net.fusion == "stacked") if net.fusion in _LATE else None
        self.join: Any = None
        if self.early is None and self.late is None:
            self.join = make_join(net.fusion, inputs, net.width, net.hidden, len(plan.heads), net.dropout)
        joined = self.early or self.join
        self.heads = nn.ModuleList() if joined is None else nn.ModuleList(make_head(h, joined.features) for h in plan.heads)

    def forward(self, batch: Batch, present: Tensor | None = None) -> dict[str, Tensor]:
        """Logits of units.

        Parameters
        ----------
        batch : Batch
        present : Tensor of bool, shape (B, modalities), optional
            Modalities that may be seen; what is absent from the batch stays absent.

        Returns
        -------
        dict of str to Tensor, shape (B, outputs)
            By head: a logit, a logit per class, cumulative logits, or a log-hazard.  Of a unit with nothing present they are
            finite and the same for all such units.
        """
        batch = batch.hide(present)
        if self.early is not None:
            vector = self.early(batch, self._shown(batch))
            logits = [head(vector) for head in self.heads]
        else:
            tokens, has = self._tokens(batch)
            if self.late is not None:
                logits = self.late(tokens, has)
            else:
                read = self.join(tokens, has)
                logits = [head(read[:, k]) for k, head in enumerate(self.heads)]
        return {head.name: logit for head, logit in zip(self.plan.heads, logits, strict=True)}

    def embed(self, batch: Batch, present: Tensor | None = None) -> dict[str, Tensor]:
        """The vectors that stand for the inputs, before they meet.

        Parameters
        ----------
        batch : Batch
        present : Tensor of bool, shape (B, modalities), optional

        Returns
        -------
        dict of str to Tensor, shape (B, width)
            By input, zeros where a unit has it not.  Early fusion has but one vector, called ``"early"``.
        """
        batch = batch.hide(present)
        if self.early is not None:
            return {"early": self.early(batch, self._shown(batch))}
        tokens, _ = self._tokens(batch)
        return {spec.name: tokens[:, k] for k, spec in enumerate(self.plan.inputs)}

    def shares(self, batch: Batch, present: Tensor | None = None) -> dict[str, Tensor]:
        """How much each head takes from each input by the network's own weights; no attribution, but quick to look at.

        Parameters
        ----------
        batch : Batch
        present : Tensor of bool, shape (B, modalities), optional

        Returns
        -------
        dict of str to Tensor, shape (B, inputs)
            By head, 0 of absent inputs: gates averaged over dimensions, or weights of the late fusions, whose sum over the
            present inputs is 1; or attention weights, whose sum is less by what a head leaves to the token of no input.

        Raises
        ------
        RadiogenError
            RG708 for a fusion that has no such weights (early, concat, bilinear).
        """
        fusion, join = self.plan.net.fusion, self.join
        if self.late is None and fusion not in ("gated", "attention"):
            raise fail("RG708", f"the fusion '{fusion}' has no weights of inputs", value=fusion)
        tokens, has = self._tokens(batch.hide(present))
        if self.late is not None:
            weights = self.late.weights(has)
        elif fusion == "gated":
            weights = join.gates(tokens, has).mean(2)[:, None].expand(-1, len(self.plan.heads), -1)
        else:
            weights = join.weights(tokens, has)
        return {head.name: weights[:, k] for k, head in enumerate(self.plan.heads)}

    def readers(self) -> dict[str, PictureReader]:
        """What reads the pictures, by input (names of stacked inputs joined by ``+``).

        Each has a ``backbone`` to freeze and to explain, and ``read``, whose results may be kept while it is frozen.
        """
        return {m.name: m for m in self.modules() if isinstance(m, PictureReader)}

    def _shown(self, batch: Batch) -> Tensor:
        if batch.present.shape[1] != len(self.plan.modalities):
            raise fail("RG705", f"`present` needs {len(self.plan.modalities)} modalities", value=batch.present.shape[1])
        return batch.present[:, self.of]

    def _tokens(self, batch: Batch) -> tuple[Tensor, Tensor]:
        shown = self._shown(batch)
        read = [encoder(batch, shown[:, k]) for k, encoder in enumerate(self.encoders)]
        return torch.stack([t for t, _ in read], 1), torch.stack([h for _, h in read], 1)


def _encoders(plan: Plan) -> nn.ModuleList:
    return nn.ModuleList(make_encoder(spec, plan.net) for spec in plan.inputs)
