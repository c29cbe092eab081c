"""Integrated gradients from one baseline, over several inputs at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution

if TYPE_CHECKING:
    import torch


def integrated_gradients(
    function: Callable[..., torch.Tensor],
    inputs: Any,
    baseline: Any,
    steps: int = 64,
    *,
    target: int | None = None,
    present: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    units: Sequence[Hashable] = (),
    scale: str = "",
    batch: int = 256,
    tolerance: float = 0.02,
) -> Attribution:
    """Integrated gradients along the straight path from a baseline.

    Parameters
    ----------
    function : callable
        ``function(*inputs)`` on torch tensors to shape (n,) or (n, outputs); ``function(*inputs, present)`` where a presence
        is given.  A net stands in evaluation mode.
    inputs : array, tensor or tuple of them
        One or several inputs, each of shape (n, …).
    baseline : array, tensor or tuple of them
        As many, each of shape (n, …) or (1, …).  The attribution is relative to it: black pictures answer another question
        than the mean picture.  Where no baseline is neutral, use :func:`expected_gradients`.
    steps : int, default 64
        Nodes of the Gauss-Legendre rule, which is exact for paths that are polynomials of degree ``2 * steps - 1``.
    target : int, optional
        Which output; needed where there are several.
    present : array of bool, shape (n, inputs), optional
        Who has which input; an absent input is handed on as zeros with its presence, and gets NaN.
    names : sequence of str, optional
        Of the inputs.
    units : sequence, optional
        Ids.
    scale : str
        What the function gives, such as "log-odds".
    batch : int, default 256
        Rows that the function sees at once.
    tolerance : float, default 0.02
        A residual may be this share of ``|f(x) - f(baseline)|``.

    Returns
    -------
    Attribution
        ``values`` by input, ``arrays`` in the order of the inputs; the residual is ``f(x) - f(baseline) - sum``.

    Raises
    ------
    RadiogenError
        RG705 for shapes that do not fit, RG708 for steps or a target out of range.

    References
    ----------
    Sundararajan M, Taly A, Yan Q. Axiomatic attribution for deep networks. ICML 2017. doi:10.48550/arXiv.1703.01365

    Examples
    --------
    ``x1 * x2`` from 0 to (2, 3): each has half of 6.

    >>> import numpy as np
    >>> from radiogen.explain import integrated_gradients
    >>> found = integrated_gradients(lambda x: x[:, 0] * x[:, 1], np.array([[2.0, 3.0]]), np.zeros((1, 2)))
    >>> found.arrays[0].round(6).tolist(), found.adds_up
    ([[3.0, 3.0]], True)
    """
    import torch

    from radiogen.explain import paths

    if steps < 1:
        raise fail("RG708", "`steps` must be at least 1", value=steps)
    x, start = paths.as_tensors(inputs, "inputs", function), paths.as_tensors(baseline, "baselines", function)
    paths.same_shapes(x, start, "baselines")
    n = len(x[0])
    if len(start[0]) not in (1, n):
        raise fail("RG705", f"baselines must have 1 or {n} rows", value=len(start[0]))
    words, have = paths.input_names(names, len(x)), paths.presence_of(present, n, len(x))
    start = tuple(b.to(a.dtype).expand_as(a) for a, b in zip(x, start, strict=True))
    x, start = paths.without_absent(x, have), paths.without_absent(start, have)
    scalar = paths.Scalar(function, target, have is not None)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    sums = [torch.zeros(t.shape, dtype=torch.float64) for t in x]
    # all (unit, node) pairs, several at once
    pairs = np.arange(n * steps)
    for first in range(0, len(pairs), batch):
        unit, node = pairs[first : first + batch] // steps, pairs[first : first + batch] % steps
        rows = torch.as_tensor(unit)
        alpha = torch.as_tensor((nodes[node] + 1) / 2)
        weight = torch.as_tensor(weights[node] / 2)
        points = paths.along(tuple(t[rows] for t in start), tuple(t[rows] for t in x), alpha)
        slopes = paths.gradients(scalar, points, None if have is None else have[rows])
        for total, slope in zip(sums, slopes, strict=True):
            total.index_add_(0, rows, slope.double().cpu() * weight.reshape(-1, *([1] * (slope.ndim - 1))))
    values = [(s * (a - b).double().cpu()).numpy() for s, a, b in zip(sums, x, start, strict=True)]
    return paths.wrapped(
        values, words, present=have, base=paths.values_of(scalar, start, have, batch),
        prediction=paths.values_of(scalar, x, have, batch), units=units, scale=scale, relative=tolerance, extra={"steps": steps},
        method=f"Integrated gradients from a baseline, Gauss-Legendre rule with {steps} nodes.",
    )  # fmt: skip
