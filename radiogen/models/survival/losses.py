"""Losses of survival networks for torch; importing this module imports torch.

The partial likelihood is computed in float64 whatever the network's precision, and on the processor whatever its device: n
numbers go there and n come back, which costs less than the many small kernels it replaces.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radiogen.errors import fail
from radiogen.models.survival.coxpass import CoxOrder, cox_order

try:
    import torch
    from torch import Tensor
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "survival networks need torch", fix="pip install torch (the CPU build is enough)") from error


class _Partial(torch.autograd.Function):
    """Value and gradient come from one pass, so that nothing is left to do on the way back."""

    @staticmethod
    def forward(ctx: Any, log_hazard: Tensor, order: CoxOrder) -> Tensor:
        """The mean negative log partial likelihood."""
        value, gradient = order.evaluate(log_hazard.detach().to("cpu", torch.float64).numpy())
        ctx.save_for_backward(torch.from_numpy(gradient).to(log_hazard.device, log_hazard.dtype))
        return torch.tensor(value, dtype=log_hazard.dtype, device=log_hazard.device)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:
        """The gradient that the forward pass has found."""
        (gradient,) = ctx.saved_tensors
        return gradient * outer[0], None


def _flat(log_hazard: Tensor) -> Tensor:
    if log_hazard.ndim == 2 and log_hazard.shape[1] == 1:
        log_hazard = log_hazard[:, 0]
    if log_hazard.ndim != 1 or not log_hazard.is_floating_point():
        raise fail("RG705", "`log_hazard` must hold floats of shape (n,) or (n, 1).", value=tuple(log_hazard.shape))
    return log_hazard


def _plain(values: Any) -> Any:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def cox_loss(
    log_hazard: Tensor, time: Any, event: Any, ties: str = "efron", strata: Any = None, weights: Any = None
) -> Tensor:
    """Mean negative log partial likelihood per event.

    Parameters
    ----------
    log_hazard : Tensor of float, shape (n,) or (n, 1)
        Finite; any size is safe, ±500 in float32 too.
    time : Tensor or array, shape (n,)
        Follow-up times, 0 or more, any unit.
    event : Tensor or array of 0 and 1, shape (n,)
    ties : {"efron", "breslow"}, default "efron"
        Efron's rule is the more exact of the two where several events share a time.
    strata : Tensor or array of int, shape (n,), optional
        Units are compared within their stratum only.
    weights : Tensor or array, shape (n,), optional
        Case weights, 0 or more; tied events of Efron's rule share their mean weight, as in R.  The mean is over the weights
        of the events.

    Returns
    -------
    Tensor, shape ()
        Of the type and on the device of ``log_hazard``.  0, with a gradient of 0, where there is no event: such a batch
        says nothing about hazards.

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays or a log-hazard that is not finite, RG402 for a negative time, RG708 for an unknown rule.

    Notes
    -----
    The risk set of an event at t holds the given units whose time is t or later, and no others.  On a mini-batch it is
    therefore the risk set *within the batch*, whose likelihood is another than that of the cohort: it is biased, the more
    so the smaller the batch, and a batch without events, or of one unit, teaches nothing.  Cohorts of tables are best given
    as a whole.  For repeated evaluation sort once with :func:`cox_order` and use :func:`ordered_cox_loss`.

    Second derivatives are not available.

    References
    ----------
    Efron B. The efficiency of Cox's likelihood function for censored data. JASA 1977;72:557. doi:10.1080/01621459.1977.10480613

    Examples
    --------
    >>> import torch
    >>> round(float(cox_loss(torch.zeros(3), [1, 2, 3], [1, 1, 0])), 4)
    0.8959
    """
    rows = None if strata is None else _plain(strata)
    cases = None if weights is None else _plain(weights)
    return ordered_cox_loss(log_hazard, cox_order(_plain(time), _plain(event), ties, rows, cases))


def ordered_cox_loss(log_hazard: Tensor, order: CoxOrder) -> Tensor:
    """:func:`cox_loss` of units that were sorted before; for training, where times stay and log-hazards change.

    Parameters
    ----------
    log_hazard : Tensor of float, shape (n,) or (n, 1)
        In the order of the times that :func:`cox_order` was given.
    order : CoxOrder

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.survival.coxpass import cox_order
    >>> round(float(ordered_cox_loss(torch.zeros(3), cox_order([1, 2, 3], [1, 1, 0]))), 4)
    0.8959
    """
    loss: Tensor = _Partial.apply(_flat(log_hazard), order)
    return loss
