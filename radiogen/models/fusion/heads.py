"""From what a head reads to its logits, its probabilities and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiogen.errors import fail
from radiogen.models.fusion.batch import LabelBatch
from radiogen.models.fusion.spec import HeadSpec, TrainSettings


class OrdinalHead(nn.Module):
    """Cumulative logits of ordered classes: logit P(y > k) = s − θₖ with cut-points θ₀ < θ₁ < …

    Parameters
    ----------
    features : int
    classes : int
        K; K - 1 cut-points, which start where all classes are equally likely.

    References
    ----------
    McCullagh P. Regression models for ordinal data. JRSS B 1980;42:109-142. doi:10.1111/j.2517-6161.1980.tb01109.x.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.score = _quiet(nn.Linear(features, 1, bias=False))
        start = torch.logit(torch.arange(1, classes) / classes)
        self.first = nn.Parameter(start[:1].clone())
        self.log_gaps = nn.Parameter(torch.log(torch.diff(start)))

    @property
    def cuts(self) -> Tensor:
        """Cut-points, shape (K - 1,), ascending whatever the parameters are."""
        return torch.cat([self.first, self.first + torch.cumsum(torch.exp(self.log_gaps), 0)])

    def forward(self, x: Tensor) -> Tensor:
        return self.score(x) - self.cuts


def make_head(spec: HeadSpec, features: int) -> nn.Module:
    """The layer that gives a head's logits.

    Parameters
    ----------
    spec : HeadSpec
    features : int
        Length of what it reads.

    Returns
    -------
    nn.Module
        B × features to B × ``spec.outputs``.

    Raises
    ------
    RadiogenError
        RG705 for classes that do not fit the kind.

    Examples
    --------
    >>> from radiogen.models.fusion.heads import make_head
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> make_head(HeadSpec("grade", "ordinal", ("1", "2", "3")), 8).cuts.shape
    torch.Size([2])
    """
    n = len(spec.classes)
    fits = {"binary": n == 2, "multiclass": n >= 2, "ordinal": n >= 2, "survival": n == 0}
    if not fits[spec.kind]:
        raise fail("RG705", f"the {spec.kind} head '{spec.name}' cannot have {n} classes", value=spec.name)
    if spec.kind == "ordinal":
        return OrdinalHead(features, n)
    # the partial likelihood knows no constant
    return _quiet(nn.Linear(features, spec.outputs, bias=spec.kind != "survival"))


def _quiet(layer: nn.Linear) -> nn.Linear:
    """Weights of zero: an untrained network says the same of all units, and no random opinion has to be unlearnt."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def log_probabilities(outputs: Tensor, head: HeadSpec) -> Tensor:
    """Logarithms of the classes' probabilities, without loss where they are near 0 or 1.

    Parameters
    ----------
    outputs : Tensor, shape (n, outputs)
        Logits of one head; of an ordinal head logit P(y > k), descending.
    head : HeadSpec
        Not of survival.

    Returns
    -------
    Tensor, shape (n, classes)

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.heads import log_probabilities
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> log_probabilities(torch.tensor([[0.0]]), HeadSpec("TP53", "binary", ("wild type", "mutated"))).exp()
    tensor([[0.5000, 0.5000]])
    """
    if head.kind == "survival":
        raise fail("RG705", f"the survival head '{head.name}' has no classes", value=head.name)
    logits = outputs.float()
    if head.kind == "multiclass":
        return torch.log_softmax(logits, 1)
    # P(y > k-1) - P(y > k) = σ(a) - σ(b) = σ(a) σ(-b) (1 - exp(b - a)); the outer classes have one factor alone
    above = functional.pad(functional.logsigmoid(logits), (1, 0))
    below = functional.pad(functional.logsigmoid(-logits), (0, 1))
    gaps = (logits[:, :-1] - logits[:, 1:]).clamp_min(1e-7)
    return above + below + functional.pad(torch.log(-torch.expm1(-gaps)), (1, 1))


def probabilities(outputs: Tensor, head: HeadSpec) -> Tensor:
    """What a head says.

    Parameters
    ----------
    outputs : Tensor, shape (n, outputs)
        Logits of this head.
    head : HeadSpec

    Returns
    -------
    Tensor, shape (n, classes)
        Probabilities; of a survival head the log-hazard, shape (n, 1).

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.heads import probabilities
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> probabilities(torch.tensor([[0.0, 0.0]]), HeadSpec("subtype", "multiclass", ("luminal", "basal")))
    tensor([[0.5000, 0.5000]])
    """
    return outputs.float() if head.kind == "survival" else log_probabilities(outputs, head).exp()


def total_loss(
    outputs: Mapping[str, Tensor], labels: LabelBatch, heads: Sequence[HeadSpec], settings: TrainSettings,
    class_weights: Mapping[str, Tensor] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    """The loss of all heads: the weighted sum of each head's mean over the units whose label is known.

    Parameters
    ----------
    outputs : mapping of str to Tensor, shape (B, outputs)
        Logits by head.
    labels : LabelBatch
    heads : sequence of HeadSpec
    settings : TrainSettings
        ``loss``, ``focal_gamma`` and ``ties``.
    class_weights : mapping of str to Tensor, shape (classes,), optional
        By head.  The weighted losses are divided by the number of units, not by the sum of their weights: with weights of
        mean 1 over the training units a step then does not depend on which classes its batch happens to hold.

    Returns
    -------
    loss : Tensor, scalar
    by_head : dict of str to Tensor
        Losses before the heads' weights, detached; of heads without a known label in the batch 0.

    References
    ----------
    Lin T-Y, et al. Focal loss for dense object detection. ICCV 2017. doi:10.1109/ICCV.2017.324, arXiv:1708.02002.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.batch import LabelBatch
    >>> from radiogen.models.fusion.heads import total_loss
    >>> from radiogen.models.fusion.spec import HeadSpec, TrainSettings
    >>> labels = LabelBatch({"TP53": torch.tensor([1, 0])}, {"TP53": torch.tensor([True, False])})
    >>> head = HeadSpec("TP53", "binary", ("wild type", "mutated"))
    >>> loss, _ = total_loss({"TP53": torch.zeros(2, 1)}, labels, [head], TrainSettings())
    >>> round(float(loss), 4)
    0.6931
    """
    losses = {}
    for head in heads:
        known = labels.known[head.name]
        own, target = outputs[head.name][known], labels.targets[head.name][known]
        if head.kind == "survival":
            losses[head.name] = _survival_loss(own, target, settings)
        else:
            weights = None if class_weights is None else class_weights.get(head.name)
            losses[head.name] = _class_loss(own, target, head, settings, weights)
    total = torch.stack([head.weight * losses[head.name] for head in heads]).sum()
    return total, {name: loss.detach() for name, loss in losses.items()}


def _class_loss(own: Tensor, target: Tensor, head: HeadSpec, settings: TrainSettings, weights: Tensor | None) -> Tensor:
    if not len(own):
        return own.float().sum()  # 0, with its place in the graph
    log_p = log_probabilities(own, head).gather(1, target[:, None]).squeeze(1)
    loss = -log_p
    if settings.loss == "focal":
        # away from 0, where a power below 1 has an infinite slope
        loss = loss * (-torch.expm1(log_p)).clamp_min(1e-12) ** settings.focal_gamma
    if weights is not None:
        loss = loss * weights.to(loss)[target]
    return loss.mean()


def _survival_loss(own: Tensor, target: Tensor, settings: TrainSettings) -> Tensor:
    if not len(own):
        return own.float().sum()
    from radiogen.models.survival.losses import cox_loss

    return cox_loss(own.float().squeeze(1), target[:, 0], target[:, 1], ties=settings.ties)
