"""Losses of discrete-time survival networks for torch; importing this module imports torch."""

from __future__ import annotations

from radiogen.errors import fail

try:
    import torch
    from torch import Tensor
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "survival networks need torch", fix="pip install torch (the CPU build is enough)") from error


def nnet_survival_loss(logits: Tensor, interval: Tensor, event: Tensor) -> Tensor:
    """Mean negative log-likelihood of Nnet-survival, with one or several causes.

    Parameters
    ----------
    logits : Tensor, shape (n, K, C)
        Of each of C causes in each of K intervals, against no event in it.  With one cause the hazard of an interval is the
        logistic function of its logit.
    interval : Tensor of int, shape (n,)
        Intervals survived, 0 to K: the event came in the interval of this number, counted from 0.
    event : Tensor of int, shape (n,)
        0 censored, otherwise the cause, 1 to C; an event needs an interval below K.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    RadiogenError
        RG705 for unusable shapes or values.

    References
    ----------
    Gensheimer MF, Narasimhan B. A scalable discrete-time survival model for neural networks. PeerJ 2019;7:e6257.
    doi:10.7717/peerj.6257

    Examples
    --------
    >>> import torch
    >>> loss = nnet_survival_loss(torch.zeros(2, 3, 1), torch.tensor([1, 3]), torch.tensor([1, 0]))
    >>> round(float(loss), 4) == round(2.5 * 0.693147, 4)
    True
    """
    _check(logits, interval, event)
    nothing = -torch.logsumexp(torch.nn.functional.pad(logits, (1, 0)), dim=2)
    survived = torch.arange(logits.shape[1], device=logits.device)[None, :] < interval[:, None]
    dead = torch.nonzero(event > 0)[:, 0]
    at = interval[dead]
    gained = (nothing * survived).sum() + (logits[dead, at, event[dead] - 1] + nothing[dead, at]).sum()
    return -gained / len(logits)


def deephit_loss(
    logits: Tensor, beyond: Tensor, interval: Tensor, event: Tensor, ranking: float = 0.2, width: float = 0.1
) -> Tensor:
    """DeepHit: mean negative log-likelihood and a penalty for pairs in the wrong order, with one or several causes.

    Parameters
    ----------
    logits : Tensor, shape (n, K, C)
        Of an event of cause c in interval k; their softmax with ``beyond`` is the distribution of the event.
    beyond : Tensor, shape (n,)
        Logit of no event within the K intervals.
    interval, event : Tensor of int, shape (n,)
        As in :func:`nnet_survival_loss`.
    ranking : float, default 0.2
        Factor of the penalty; 0 leaves the likelihood.
    width : float, default 0.1
        Differences of incidence are divided by it; it must be at least 0.02, so that nothing overflows.

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    RadiogenError
        RG705 for unusable shapes or values, RG708 for a width out of range.

    Notes
    -----
    A pair is a unit with an event of cause c in interval k and one that survived interval k.  Its penalty is
    exp((F_c(k | second) - F_c(k | first)) / width), and the mean over all pairs is taken.  Since exp of a difference is a
    product, sums over the second units are made once for each k and c: O(n K C), not O(n²).

    References
    ----------
    Lee C et al. DeepHit: a deep learning approach to survival analysis with competing risks. AAAI 2018.
    doi:10.1609/aaai.v32i1.11842

    Examples
    --------
    >>> import torch
    >>> loss = deephit_loss(torch.zeros(1, 2, 1), torch.zeros(1), torch.tensor([0]), torch.tensor([1]))
    >>> round(float(loss), 4)
    1.0986
    """
    _check(logits, interval, event)
    if not width >= 0.02:
        raise fail("RG708", "`width` must be at least 0.02.", value=width)
    n, intervals, causes = logits.shape
    log_mass = torch.log_softmax(torch.cat([logits.reshape(n, -1), beyond[:, None]], dim=1), dim=1)
    cells = log_mass[:, :-1].reshape(n, intervals, causes)
    dead, alive = torch.nonzero(event > 0)[:, 0], torch.nonzero(event == 0)[:, 0]
    likelihood = cells[dead, interval[dead], event[dead] - 1].sum()
    if len(alive):
        # a censored unit's event lies in an interval that it is not known to have survived, or beyond them all
        past = torch.arange(intervals, device=logits.device)[None, :, None] < interval[alive][:, None, None]
        left = cells[alive].masked_fill(past, -torch.inf).reshape(len(alive), -1)
        likelihood = likelihood + torch.logsumexp(torch.cat([left, log_mass[alive, -1:]], dim=1), dim=1).sum()
    loss = -likelihood / n
    if ranking and len(dead):
        loss = loss + ranking * _ranking(cells.exp().cumsum(1), interval, event, dead, width)
    return loss


def _ranking(incidence: Tensor, interval: Tensor, event: Tensor, dead: Tensor, width: float) -> Tensor:
    """Mean penalty over pairs of an event and a unit that survived its interval."""
    survived = (torch.arange(incidence.shape[1], device=incidence.device)[None, :] < interval[:, None]).to(incidence.dtype)
    # incidences lie between 0 and 1: exp of them over the width stays far below what float32 holds
    later = (torch.exp(incidence / width) * survived[:, :, None]).sum(0)
    at, cause = interval[dead], event[dead] - 1
    pairs = survived.sum(0)[at].sum()
    penalties = (torch.exp(-incidence[dead, at, cause] / width) * later[at, cause]).sum()
    return penalties / pairs.clamp_min(1.0)


def _check(logits: Tensor, interval: Tensor, event: Tensor) -> None:
    if logits.ndim != 3 or interval.shape != logits.shape[:1] or event.shape != logits.shape[:1] or not len(logits):
        shapes = [tuple(v.shape) for v in (logits, interval, event)]
        raise fail("RG705", "`logits` must have shape (n, K, C), `interval` and `event` (n,), n at least 1.", value=shapes)
    _, intervals, causes = logits.shape
    wrong = (interval < 0) | (interval > intervals) | (event < 0) | (event > causes) | ((event > 0) & (interval == intervals))
    if bool(wrong.any()):
        raise fail("RG705", f"`interval` must be 0 to {intervals}, below it for an event, and `event` 0 to {causes}.")
