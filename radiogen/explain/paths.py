"""Straight paths between two tuples of inputs, and the gradients along them; shared by both gradient methods."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution, judge

FloatArray = NDArray[np.float64]
Tensors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Scalar:
    """A torch function of several inputs, cut down to one number per row.

    Parameters
    ----------
    function : callable
        ``function(*inputs)``, or ``function(*inputs, present)`` where a presence is given, to shape (m,) or (m, outputs).
    target : int, optional
        Which output.
    with_present : bool
    """

    function: Callable[..., torch.Tensor]
    target: int | None
    with_present: bool

    def __call__(self, inputs: Tensors, present: torch.Tensor | None) -> torch.Tensor:
        if self.with_present and present is not None:
            found = self.function(*inputs, present.to(inputs[0].device))
        else:
            found = self.function(*inputs)
        rows = len(inputs[0])
        if found.shape[0] != rows or found.ndim > 2:
            raise fail("RG705", f"the function must give one row for each of {rows} inputs", value=tuple(found.shape))
        if found.ndim == 1:
            return found
        if self.target is None and found.shape[1] > 1:
            raise fail("RG708", f"the function has {found.shape[1]} outputs: say which with `target`")
        at = 0 if self.target is None else self.target
        if not 0 <= at < found.shape[1]:
            raise fail("RG708", f"`target` must be from 0 to {found.shape[1] - 1}", value=at)
        return found[:, at]


def as_tensors(inputs: Any, what: str, function: Any) -> Tensors:
    """A tuple of floating tensors of one length, of the net's precision where there is one; a single array is a tuple of one.

    Raises
    ------
    RadiogenError
        RG705 for inputs of several lengths, or none.
    """
    single = isinstance(inputs, np.ndarray | torch.Tensor)
    found = tuple(torch.as_tensor(i).detach() for i in ((inputs,) if single else inputs))
    if not found or len({len(t) for t in found}) != 1 or not len(found[0]):
        raise fail("RG705", f"{what} must be arrays of one length", value=[tuple(t.shape) for t in found])
    weight = next(function.parameters(), None) if isinstance(function, torch.nn.Module) else None
    if weight is not None:
        return tuple(t.to(weight.dtype).to(weight.device) for t in found)
    return tuple(t if t.is_floating_point() else t.to(torch.get_default_dtype()) for t in found)


def same_shapes(inputs: Tensors, others: Tensors, what: str) -> None:
    """RG705 where the tuples do not fit but for their lengths."""
    one, two = [tuple(t.shape[1:]) for t in inputs], [tuple(t.shape[1:]) for t in others]
    if one != two:
        raise fail("RG705", f"inputs and {what} must have the same shapes", value=[one, two])


def presence_of(present: Any, rows: int, inputs: int) -> torch.Tensor | None:
    """A presence as a tensor; RG705 where its shape does not fit."""
    if present is None:
        return None
    found = torch.as_tensor(np.asarray(present, dtype=bool))
    if tuple(found.shape) != (rows, inputs):
        raise fail("RG705", f"a presence must have the shape {(rows, inputs)}", value=tuple(found.shape))
    return found


def gradients(scalar: Scalar, points: Tensors, present: torch.Tensor | None) -> Tensors:
    """Gradient of each row's number at its own point; 0 for inputs that the function does not read."""
    leaves = tuple(p.detach().requires_grad_(True) for p in points)
    with torch.enable_grad():
        total = scalar(leaves, present).sum()
        if not total.requires_grad:
            return tuple(torch.zeros_like(leaf) for leaf in leaves)
        found = torch.autograd.grad(total, leaves, allow_unused=True)
    return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True))


def values_of(scalar: Scalar, inputs: Tensors, present: torch.Tensor | None, batch: int) -> FloatArray:
    """The function's numbers, without gradients, in batches."""
    parts = []
    with torch.no_grad():
        for first in range(0, len(inputs[0]), batch):
            rows = slice(first, first + batch)
            parts.append(scalar(tuple(t[rows] for t in inputs), None if present is None else present[rows]))
    return np.asarray(torch.cat(parts).double().cpu().numpy())


def along(start: Tensors, end: Tensors, alpha: torch.Tensor) -> Tensors:
    """Points of the paths at these shares of the way; ``alpha`` has one number per row."""
    return tuple(a + _wide(alpha, a) * (b - a) for a, b in zip(start, end, strict=True))


def _wide(weights: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return weights.to(like.dtype).to(like.device).reshape(-1, *([1] * (like.ndim - 1)))


def without_absent(inputs: Tensors, present: torch.Tensor | None) -> Tensors:
    """Absent inputs as zeros: what stands there may be NaN, and is never read."""
    if present is None:
        return inputs
    return tuple(torch.where(_wide(present[:, i], t) > 0, t, torch.zeros_like(t)) for i, t in enumerate(inputs))


def wrapped(
    values: Sequence[FloatArray], names: Sequence[str], *, present: torch.Tensor | None, base: FloatArray,
    prediction: FloatArray, method: str, units: Sequence[Hashable], scale: str, relative: float, extra: Mapping[str, Any],
) -> Attribution:  # fmt: skip
    """Arrays of attributions as one :class:`Attribution`, NaN where an input is absent."""
    parts: dict[str, FloatArray] = {}
    total = np.zeros(len(prediction))
    for i, (name, array) in enumerate(zip(names, values, strict=True)):
        total += array.reshape(len(array), -1).sum(axis=1)
        own = array.copy()
        if present is not None:
            own[~present[:, i].numpy()] = np.nan
        own.setflags(write=False)
        parts[name] = own
    residual = prediction - base - total
    ids = list(units) if len(units) else list(range(len(prediction)))
    size = float(np.abs(prediction).max()) if len(prediction) else 0.0
    fits, said = judge(residual, prediction - base, ids, relative=relative, absolute=1e-6 * max(size, 1e-6))
    return Attribution(
        method=method, values=parts, base=base, prediction=prediction, residual=residual, adds_up=fits, note=said,
        units=tuple(ids), scale=scale, extra=dict(extra),
    )  # fmt: skip


def input_names(names: Sequence[str] | None, inputs: int) -> list[str]:
    """Names of the inputs; default ``input_0`` …"""
    found = [f"input_{i}" for i in range(inputs)] if names is None else list(names)
    if len(found) != inputs or len(set(found)) < len(found):
        raise fail("RG705", f"{inputs} inputs need as many different names", value=found)
    return found
