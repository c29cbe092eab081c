"""Class activation maps: where in a picture a convolutional net saw what it says."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution, judge

if TYPE_CHECKING:
    import torch

FloatArray = NDArray[np.float64]
Kind = Literal["cam", "grad_cam", "grad_cam_plus_plus"]

_METHODS = {
    "cam": "Class activation map (CAM): feature maps weighted by the head's slope at their mean; the mean over pixels is the "
    "logit without its bias where the head is linear.",
    "grad_cam": "Grad-CAM: feature maps weighted by the mean gradient, negative values set to 0.",
    "grad_cam_plus_plus": "Grad-CAM++: feature maps weighted by positive gradients of weighted pixels, negative values set to 0.",
}
_WHERE = "The map shows where the net looked, not how much a place added to the prediction."


def cam(
    features: Callable[[Any], torch.Tensor], head: Callable[[torch.Tensor], torch.Tensor], x: Any, *, target: int | None = None,
    name: str = "picture", size: tuple[int, int] | None = None, units: Sequence[Hashable] = (), scale: str = "",
) -> Attribution:  # fmt: skip
    """Class activation map of a net whose head reads the mean of its feature map.

    Parameters
    ----------
    features : callable
        Pictures to the last feature map, torch, shape (n, D, h, w): ``net.feature_map``.
    head : callable
        The map's mean over pixels, shape (n, D), to logits, shape (n,) or (n, classes).
    x : array or tensor, shape (n, channels, rows, columns)
    target : int, optional
        Class; needed where there are several.
    name : str
        Of the input.
    size : (int, int), optional
        Rows and columns of the result; default those of the pictures.
    units : sequence, optional
        Ids.
    scale : str

    Returns
    -------
    Attribution
        ``values[name]`` of shape (n, rows, columns), upsampled bilinearly; ``extra["map"]`` as the net has it, (n, h, w).  The
        mean of ``extra["map"]`` is the logit without the bias (``base``) where the head is linear; the residual tells how
        much that misses elsewhere.

    Raises
    ------
    RadiogenError
        RG705 for a feature map of the wrong shape, RG708 for a class that is not there.

    References
    ----------
    Zhou B, Khosla A, Lapedriza A, Oliva A, Torralba A. Learning deep features for discriminative localization. CVPR 2016.
    doi:10.1109/CVPR.2016.319

    Examples
    --------
    One feature, the picture itself, and a head that doubles its mean and adds 1:

    >>> import numpy as np, torch
    >>> from radiogen.explain import cam
    >>> found = cam(lambda x: x, lambda pooled: 2 * pooled + 1, np.array([[[[0.0, 1.0], [2.0, 3.0]]]]))
    >>> found["map"].tolist(), found.base.tolist(), found.prediction.tolist(), found.adds_up
    ([[[0.0, 2.0], [4.0, 6.0]]], [1.0], [4.0], True)
    """
    return _picture_map("cam", features, head, x, target, name, size, units, scale)


def grad_cam(
    features: Callable[[Any], torch.Tensor], head: Callable[[torch.Tensor], torch.Tensor], x: Any, *, target: int | None = None,
    name: str = "picture", size: tuple[int, int] | None = None, units: Sequence[Hashable] = (), scale: str = "",
) -> Attribution:  # fmt: skip
    """Grad-CAM: where evidence **for** a class lies.

    Parameters
    ----------
    features, head, x, target, name, size, units, scale
        As in :func:`cam`; the head may be anything differentiable.

    Returns
    -------
    Attribution
        As of :func:`cam`, with ``extra["map"]`` not negative.  It does not add up and says so: the residual is the logit
        without its value at a map of zeros, less the sum of ``extra["map"]``.

    References
    ----------
    Selvaraju RR, Cogswell M, Das A, Vedantam R, Parikh D, Batra D. Grad-CAM: visual explanations from deep networks via
    gradient-based localization. Int J Comput Vis 2020;128:336-359. doi:10.1007/s11263-019-01228-7

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.explain import grad_cam
    >>> grad_cam(lambda x: x, lambda pooled: 2 * pooled, np.array([[[[-1.0, 1.0], [2.0, 3.0]]]]))["map"].tolist()
    [[[0.0, 0.5], [1.0, 1.5]]]
    """
    return _picture_map("grad_cam", features, head, x, target, name, size, units, scale)


def grad_cam_plus_plus(
    features: Callable[[Any], torch.Tensor], head: Callable[[torch.Tensor], torch.Tensor], x: Any, *, target: int | None = None,
    name: str = "picture", size: tuple[int, int] | None = None, units: Sequence[Hashable] = (), scale: str = "",
) -> Attribution:  # fmt: skip
    """Grad-CAM++, which finds several places of one kind better than Grad-CAM.

    Parameters
    ----------
    features, head, x, target, name, size, units, scale
        As in :func:`cam`; the head may be anything differentiable.

    Returns
    -------
    Attribution
        As of :func:`grad_cam`.  The weights of pixels are those of the paper's equation 19, in which powers of the first
        derivative stand for the higher ones (exact for an exponential of a piecewise linear net).

    References
    ----------
    Chattopadhay A, Sarkar A, Howlader P, Balasubramanian VN. Grad-CAM++: generalized gradient-based visual explanations for
    deep convolutional networks. WACV 2018. doi:10.1109/WACV.2018.00097

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.explain import grad_cam_plus_plus
    >>> found = grad_cam_plus_plus(lambda x: x, lambda pooled: 4 * pooled, np.array([[[[0.0, 1.0], [1.0, 0.0]]]]))
    >>> found["map"].tolist()
    [[[0.0, 1.0], [1.0, 0.0]]]
    """
    return _picture_map("grad_cam_plus_plus", features, head, x, target, name, size, units, scale)


def _picture_map(
    kind: Kind, features: Callable[[Any], torch.Tensor], head: Callable[[torch.Tensor], torch.Tensor], x: Any,
    target: int | None, name: str, size: tuple[int, int] | None, units: Sequence[Hashable], scale: str,
) -> Attribution:  # fmt: skip
    import torch

    pictures = torch.as_tensor(x)
    if not pictures.is_floating_point():
        pictures = pictures.to(torch.get_default_dtype())
    with torch.no_grad():
        maps = features(pictures)
    if maps.ndim != 4 or maps.shape[0] != pictures.shape[0]:
        raise fail("RG705", "`features` must give maps of shape (n, D, h, w)", value=tuple(maps.shape))
    logit = one_class(head, target)
    weighted, prediction, base = weigh(kind, maps.detach(), lambda m: logit(m.mean(dim=(2, 3))))
    return finish(kind, weighted, prediction, base, name, size or tuple(pictures.shape[-2:]), units, scale)  # type: ignore[arg-type]


def one_class(head: Callable[[torch.Tensor], torch.Tensor], target: int | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """The logit of one class, shape (n,)."""

    def logit(pooled: torch.Tensor) -> torch.Tensor:
        found = head(pooled)
        if found.ndim == 1:
            return found
        if target is None and found.shape[1] > 1:
            raise fail("RG708", f"the head has {found.shape[1]} classes: say which with `target`")
        at = 0 if target is None else target
        if not 0 <= at < found.shape[1]:
            raise fail("RG708", f"`target` must be from 0 to {found.shape[1] - 1}", value=at)
        return found[:, at]

    return logit


def weigh(
    kind: Kind, maps: torch.Tensor, logit: Callable[[torch.Tensor], torch.Tensor]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The weighted map, the logit, and the logit at a map of zeros.

    Parameters
    ----------
    kind : {"cam", "grad_cam", "grad_cam_plus_plus"}
    maps : tensor, shape (n, D, h, w)
    logit : callable
        Maps to shape (n,), each row from its own map.

    Returns
    -------
    (array (n, h, w), array (n,), array (n,))
    """
    import torch

    with torch.enable_grad():
        leaf = maps.detach().requires_grad_(True)
        found = logit(leaf)
        slopes = torch.zeros_like(leaf)
        if found.requires_grad:
            slopes = torch.autograd.grad(found.sum(), leaf, allow_unused=True)[0]
            slopes = torch.zeros_like(leaf) if slopes is None else slopes
    with torch.no_grad():
        base = logit(torch.zeros_like(maps))
    a, g = maps.detach().double(), slopes.double()
    if kind == "cam":
        # the slope at the pooled value is the sum of the slopes over pixels
        weighted = (g.sum(dim=(2, 3), keepdim=True) * a).sum(dim=1)
    elif kind == "grad_cam":
        weighted = (g.mean(dim=(2, 3), keepdim=True) * a).sum(dim=1).clamp(min=0)
    else:
        below = 2 * g**2 + a.sum(dim=(2, 3), keepdim=True) * g**3
        share = torch.where(below != 0, g**2 / torch.where(below != 0, below, 1.0), 0.0)
        weighted = ((share * g.clamp(min=0)).sum(dim=(2, 3), keepdim=True) * a).sum(dim=1).clamp(min=0)
    return weighted.cpu().numpy(), found.detach().double().cpu().numpy(), base.double().cpu().numpy()


def finish(
    kind: Kind, weighted: FloatArray, prediction: FloatArray, base: FloatArray, name: str, size: tuple[int, int],
    units: Sequence[Hashable], scale: str, total: FloatArray | None = None, more: Mapping[str, Any] | None = None,
) -> Attribution:  # fmt: skip
    """The map at the size of the picture, with its residual."""
    if total is None:
        total = weighted.mean(axis=(1, 2)) if kind == "cam" else weighted.sum(axis=(1, 2))
    residual = prediction - base - total
    ids = list(units) if len(units) else list(range(len(weighted)))
    fits, said = judge(residual, prediction - base, ids, relative=1e-4, absolute=1e-5)
    note = said if kind == "cam" else " ".join(p for p in (_WHERE, said) if p)
    shown = enlarged(weighted, size)
    for array in (shown, weighted):
        array.setflags(write=False)
    return Attribution(
        method=_METHODS[kind], values={name: shown}, base=base, prediction=prediction, residual=residual,
        adds_up=fits and kind == "cam", note=note, units=tuple(ids), scale=scale,
        extra={"map": weighted, "kind": kind, **(more or {})},
    )  # fmt: skip


def enlarged(maps: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Maps of shape (n, h, w) at another size, bilinear between the centres of their cells."""
    import torch
    from torch.nn.functional import interpolate

    found = interpolate(torch.as_tensor(maps)[:, None], size=tuple(size), mode="bilinear", align_corners=False)
    return np.array(found[:, 0].numpy())
