"""Losses that bear wrong labels; importing this module imports torch."""

from __future__ import annotations

from radiogen.errors import fail
from radiogen.models.tabular.table import check_range, check_word

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "the network needs torch", fix="pip install torch (the CPU build is enough)") from error

ROBUST = ("none", "smoothing", "gce", "forward")


def noisy_loss(
    logits: Tensor, codes: Tensor, robust: str = "none", *, noise_rate: float | Tensor = 0.0, q: float = 0.7
) -> Tensor:
    """The loss of each unit, where its label may be wrong.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
    codes : Tensor of int, shape (n,)
    robust : {"none", "smoothing", "gce", "forward"}, default "none"
        Cross-entropy; cross-entropy against labels softened by the noise rate; generalised cross-entropy
        :math:`(1 - p_y^q) / q`, which needs no rate; or the likelihood of the label as it was observed,
        :math:`-\\ln \\sum_k p_k T_{ky}`, with the probability :math:`T_{ky}` that class k is labelled y.
    noise_rate : float or Tensor, shape (K,), default 0
        Share of labels that are wrong, one for all or one per class; wrong labels fall
        on the other classes evenly.  Below (K - 1) / K, where labels would say nothing.
    q : float, default 0.7
        From 0 (cross-entropy) to 1 (mean absolute error); of ``"gce"`` alone.

    Returns
    -------
    Tensor, shape (n,)

    Raises
    ------
    RadiogenError
        RG708 for an unknown loss, or a rate or q out of range.

    References
    ----------
    Szegedy C et al. (2016) CVPR 2818, doi 10.1109/CVPR.2016.308 (smoothing); Zhang Z, Sabuncu M (2018) NeurIPS 31,
    arXiv 1805.07836; Patrini G et al. (2017) CVPR 2233, doi 10.1109/CVPR.2017.240 (forward correction).

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.weak.losses import noisy_loss
    >>> sure_and_wrong = torch.tensor([[8.0, 0.0]]), torch.tensor([1])
    >>> [round(float(noisy_loss(*sure_and_wrong, kind, noise_rate=0.2)), 2) for kind in ("none", "smoothing", "gce", "forward")]
    [8.0, 6.4, 1.42, 1.61]
    """
    check_word("noise_robust", robust, ROBUST)
    check_range("q", q, 0, 1)
    classes = logits.shape[1]
    rate = torch.as_tensor(noise_rate, dtype=logits.dtype)
    if rate.shape not in ((), (classes,)) or not bool(((rate >= 0) & (rate < (classes - 1) / classes)).all()):
        text = f"the noise rate is one number, or one per class, from 0 to below {(classes - 1) / classes:g}"
        raise fail("RG708", text, value=noise_rate)
    log_p = functional.log_softmax(logits, dim=1)
    truth = functional.one_hot(codes, classes).to(logits.dtype)
    if robust == "none" or (robust == "gce" and q == 0):
        return -(truth * log_p).sum(dim=1)
    if robust == "gce":
        return (1 - ((truth * log_p).sum(dim=1) * q).exp()) / q
    # row k: how class k is labelled
    labelled = torch.eye(classes, dtype=logits.dtype)
    flip = rate.expand(classes)[:, None]
    labelled = (1 - flip) * labelled + flip / (classes - 1) * (1 - labelled)
    if robust == "forward":
        return -(log_p[:, :, None] + labelled.log()[None]).logsumexp(dim=1).gather(1, codes[:, None])[:, 0]
    return -(labelled[codes] * log_p).sum(dim=1)
