"""Temperature scaling: probabilities of a network brought to the frequencies of its validation part; imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from radiogen.models.fusion.heads import log_probabilities
from radiogen.models.fusion.spec import HeadSpec

#: fewest known labels that a temperature is fitted to; one number learnt from fewer does harm
FEWEST = 20
#: temperatures lie between these; classes that a small validation part separates would ask for none at all
LEAST, MOST = 0.2, 10.0


def fit_temperature(logits: Sequence[Tensor], target: Tensor, head: HeadSpec) -> float:
    """The number by which logits are divided so that the labels of the validation part are most likely.

    Parameters
    ----------
    logits : sequence of Tensor, shape (n, outputs)
        One per network; their probabilities are averaged.
    target : Tensor of int, shape (n,)
        Class numbers.
    head : HeadSpec
        Not of survival: hazards have no frequency to be brought to.

    Returns
    -------
    float
        1.0 where there are fewer than 20 labels or only one class among them; else from 0.2 to 10.

    References
    ----------
    Guo C et al. (2017) ICML 1321-1330, doi 10.48550/arXiv.1706.04599.  One temperature after averaging: Rahaman R,
    Thiery AH (2021) NeurIPS 34, doi 10.48550/arXiv.2007.08792.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.fusion.spec import HeadSpec
    >>> from radiogen.models.training.calibration import fit_temperature
    >>> logits = torch.full((40, 1), 2.0)                      # sure of the second class: odds of e² = 7.4
    >>> target = torch.tensor([1] * 30 + [0] * 10)             # but the odds are 3
    >>> round(fit_temperature([logits], target, HeadSpec("a", "binary", ("no", "yes"))), 3)     # 2 / log(3)
    1.82
    """
    if head.kind == "survival" or len(target) < FEWEST or len(torch.unique(target)) < 2:
        return 1.0
    members = [member.double().cpu() for member in logits]
    at = target.cpu()[:, None]

    def loss(log_temperature: float) -> float:
        return float(-_log_mean([log_probabilities(m / np.exp(log_temperature), head) for m in members]).gather(1, at).mean())

    found = minimize_scalar(loss, bounds=(np.log(LEAST), np.log(MOST)), method="bounded", options={"xatol": 1e-7})
    return float(np.exp(found.x))


def _log_mean(members: Sequence[Tensor]) -> Tensor:
    return torch.logsumexp(torch.stack(list(members)), 0) - float(np.log(len(members)))
