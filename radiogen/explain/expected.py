"""Expected gradients over several inputs with one shared background."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution

if TYPE_CHECKING:
    import torch

    from radiogen.explain.paths import Scalar, Tensors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]


def expected_gradients(
    function: Callable[..., torch.Tensor],
    inputs: Any,
    background: Any,
    *,
    samples: int = 200,
    seed: int = 0,
    target: int | None = None,
    present: ArrayLike | None = None,
    background_present: ArrayLike | None = None,
    max_samples: int = 12_800,
    tolerance: float = 0.02,
    names: Sequence[str] | None = None,
    units: Sequence[Hashable] = (),
    scale: str = "",
    batch: int = 256,
) -> Attribution:
    """Expected gradients: integrated gradients averaged over baselines that are other units.

    Parameters
    ----------
    function : callable
        ``function(*inputs)`` on torch tensors to shape (n,) or (n, outputs); ``function(*inputs, present)`` where a presence
        is given.  A net stands in evaluation mode.
    inputs : array, tensor or tuple of them
        One or several inputs, each of shape (n, …).
    background : array, tensor or tuple of them
        As many, each of shape (b, …): units of the training data.  Every draw takes **one** of them for all inputs, so that
        the baseline is a patient and not a mixture of several.  More than ``samples`` are thinned out by ``seed``.
    samples : int, default 200
        Draws per unit at first, rounded up to a multiple of the background: every background unit is drawn equally often,
        at shares of the way that are stratified within it and over all of them.  200 is enough for most small nets.
    seed : int, default 0
        Every unit starts the stream anew, so that its attribution does not depend on the units beside it.
    target : int, optional
        Which output; needed where there are several.
    present : array of bool, shape (n, inputs), optional
        Who has which input.  An absent input gets NaN, and only background units that have all the inputs of the unit are
        drawn for it.
    background_present : array of bool, shape (b, inputs), optional
        Default all.
    max_samples : int, default 12800
        For units whose residual is too large, the pieces of paths where the gradient misses most of what the function gains
        are halved and taken anew at their middle, until it is small enough or the draws reach this number.
    tolerance : float, default 0.02
        A residual may be this share of ``|f(x) - E f|``.
    names, units : sequence, optional
        Of the inputs and of the rows.
    scale : str
        What the function gives, such as "log-odds".
    batch : int, default 256
        Rows that the function sees at once.

    Returns
    -------
    Attribution
        ``base`` is the mean prediction of the background units that were drawn.  ``extra["samples"]``: draws of each unit.

    Raises
    ------
    RadiogenError
        RG705 for shapes that do not fit, or a unit for which no background unit has all its inputs; RG708 for options out of
        range.

    References
    ----------
    Erion G, Janizek JD, Sturmfels P, Lundberg SM, Lee SI. Improving performance of deep learning models with axiomatic
    attribution priors and expected gradients. Nat Mach Intell 2021;3:620-631. doi:10.1038/s42256-021-00343-w

    Examples
    --------
    For a linear function it is exact: ``w * (x - mean)``.

    >>> import numpy as np
    >>> from radiogen.explain import expected_gradients
    >>> found = expected_gradients(lambda x: 2 * x[:, 0] - x[:, 1], np.array([[3.0, 1.0]]), np.array([[0.0, 0.0], [2.0, 4.0]]))
    >>> found.arrays[0].round(6).tolist(), found.base.tolist()
    ([[4.0, 1.0]], [0.0])
    """
    from radiogen.explain import paths

    if samples < 1 or max_samples < samples:
        raise fail("RG708", "`samples` must be at least 1 and at most `max_samples`", value=(samples, max_samples))
    x, other = paths.as_tensors(inputs, "inputs", function), paths.as_tensors(background, "background inputs", function)
    paths.same_shapes(x, other, "background")
    n = len(x[0])
    words, have = paths.input_names(names, len(x)), paths.presence_of(present, n, len(x))
    other = tuple(b.to(a.dtype) for a, b in zip(x, other, strict=True))
    others_have = paths.presence_of(background_present, len(other[0]), len(x))
    x, other = paths.without_absent(x, have), paths.without_absent(other, others_have)
    scalar = paths.Scalar(function, target, have is not None)
    prediction = paths.values_of(scalar, x, have, batch)
    found = []
    for i in range(n):
        own = tuple(t[i] for t in x)
        mask = None if have is None else have[i]
        rng = np.random.default_rng(seed)
        chosen = _usable(mask, others_have, len(other[0]), units[i] if len(units) else i)
        if len(chosen) > samples:
            chosen = np.sort(rng.choice(chosen, samples, replace=False))
        drawn = tuple(t[chosen.tolist()] for t in other)
        found.append(_one(scalar, own, drawn, mask, prediction[i], rng, samples, max_samples, tolerance, batch))
    values = [np.stack([f[0][k] for f in found]) for k in range(len(x))]
    method = (
        f"Expected gradients over {len(x)} input{'s' if len(x) > 1 else ''} with one shared background of "
        f"{len(other[0])} units, at least {samples} draws per unit."
    )
    return paths.wrapped(
        values, words, present=have, base=np.array([f[1] for f in found]), prediction=prediction, method=method, units=units,
        scale=scale, relative=tolerance, extra={"samples": np.array([f[2] for f in found])},
    )  # fmt: skip


def _usable(mask: torch.Tensor | None, others: torch.Tensor | None, rows: int, unit: Hashable) -> NDArray[np.int_]:
    """Background units that have every input of the unit."""
    if others is None:
        return np.arange(rows)
    fits = (others | ~mask).all(dim=1).numpy() if mask is not None else others.all(dim=1).numpy()
    if not fits.any():
        raise fail("RG705", f"no background unit has all the inputs of unit {unit}", value=unit)
    return np.flatnonzero(fits)


def _one(
    scalar: Scalar, own: Tensors, drawn: Tensors, mask: torch.Tensor | None, prediction: float, rng: np.random.Generator,
    samples: int, most: int, tolerance: float, batch: int,
) -> tuple[list[FloatArray], float, int]:  # fmt: skip
    """Attributions of one unit, its base, and the draws it took."""
    from radiogen.explain import paths

    b = len(drawn[0])
    drawn = paths.without_absent(drawn, None if mask is None else mask.expand(b, -1))
    start = paths.values_of(scalar, drawn, None if mask is None else mask.expand(b, -1), batch)
    fan = _Fan(scalar, own, drawn, mask, batch)
    strata = -(-samples // b)
    pieces = _first(fan, strata, rng, start, prediction)
    used, base = strata * b, float(start.mean())
    allowed = tolerance * abs(prediction - base)
    while abs(pieces.error.sum()) / b > allowed and used + 3 <= most:
        many = min(max(1, len(pieces.error) // 4), (most - used) // 3)
        pieces = _finer(fan, pieces, many)
        used += 3 * many
    return [total / b for total in fan.sums], base, used


@dataclass
class _Fan:
    """The paths from all background units to one unit, and the sums of what was found along them."""

    scalar: Scalar
    own: Tensors
    drawn: Tensors
    mask: torch.Tensor | None
    batch: int

    def __post_init__(self) -> None:
        self.sums = [np.zeros(tuple(t.shape)) for t in self.own]

    def points(self, index: IntArray, alphas: FloatArray) -> tuple[Tensors, Tensors, torch.Tensor | None]:
        """Starts, points at these shares of the way, and the presence."""
        import torch

        from radiogen.explain import paths

        start = tuple(t[torch.as_tensor(index)] for t in self.drawn)
        end = tuple(t.expand_as(s) for t, s in zip(self.own, start, strict=True))
        seen = None if self.mask is None else self.mask.expand(len(index), -1)
        return start, paths.along(start, end, torch.as_tensor(alphas)), seen

    def levels(self, index: IntArray, alphas: FloatArray) -> FloatArray:
        """The function at points of the paths."""
        from radiogen.explain import paths

        found = [np.zeros(0)]
        for first in range(0, len(index), self.batch):
            _, points, seen = self.points(index[first : first + self.batch], alphas[first : first + self.batch])
            found.append(paths.values_of(self.scalar, points, seen, self.batch))
        return np.concatenate(found)

    def add(self, index: IntArray, alphas: FloatArray, weights: FloatArray) -> FloatArray:
        """Add weighted ``(x - background) * gradient`` at points to the sums; the slopes along the paths there."""
        import torch

        from radiogen.explain import paths

        slopes = np.zeros(len(index))
        for first in range(0, len(index), self.batch):
            rows = slice(first, first + self.batch)
            start, points, seen = self.points(index[rows], alphas[rows])
            weight = torch.as_tensor(weights[rows])
            for total, slope, a, z in zip(
                self.sums, paths.gradients(self.scalar, points, seen), start, self.own, strict=True
            ):
                each = ((z - a).double() * slope.double()).cpu()
                slopes[rows] += each.reshape(len(each), -1).sum(dim=1).numpy()
                total += torch.tensordot(weight, each, dims=1).numpy()
        return slopes


@dataclass(frozen=True)
class _Pieces:
    """Pieces of the paths: background unit, limits, the function there, the point drawn in each, and the error.

    What the function gains over a piece is known; its difference from length times slope is the error of the draw.
    """

    index: IntArray
    low: FloatArray
    high: FloatArray
    low_level: FloatArray
    high_level: FloatArray
    point: FloatArray
    error: FloatArray

    def keep(self, rows: NDArray[np.bool_] | IntArray) -> tuple[NDArray, ...]:
        """The columns of some rows."""
        return tuple(getattr(self, f.name)[rows] for f in fields(self))


def _first(fan: _Fan, strata: int, rng: np.random.Generator, start: FloatArray, end: float) -> _Pieces:
    """Every path in as many strata, with places that are stratified over the paths too."""
    b = len(start)
    index = np.tile(np.arange(b), strata)
    step = np.repeat(np.arange(strata), b)
    places = np.concatenate([(rng.permutation(b) + rng.random(b)) / b for _ in range(strata)])
    inner = fan.levels(index[b:], step[b:] / strata).reshape(strata - 1, b)
    level = np.vstack([start[None], inner, np.full((1, b), end)])
    point = (step + places) / strata
    length = np.full(len(index), 1 / strata)
    gain = (level[1:] - level[:-1]).ravel()
    error = gain - length * fan.add(index, point, length)
    return _Pieces(index, step / strata, (step + 1) / strata, level[:-1].ravel(), level[1:].ravel(), point, error)


def _finer(fan: _Fan, pieces: _Pieces, many: int) -> _Pieces:
    """The pieces of the largest errors cut in halves, with a point in the middle of each."""
    worst = np.argsort(-np.abs(pieces.error), kind="stable")[:many]
    index, low, high, low_level, high_level, point, _ = pieces.keep(worst)
    fan.add(index, point, low - high)
    middle = (low + high) / 2
    level = fan.levels(index, middle)
    both = np.concatenate([index, index])
    lows, highs = np.concatenate([low, middle]), np.concatenate([middle, high])
    low_levels, high_levels = np.concatenate([low_level, level]), np.concatenate([level, high_level])
    # in the middle the error of a smooth function falls with the third power of the length
    points = (lows + highs) / 2
    error = high_levels - low_levels - (highs - lows) * fan.add(both, points, highs - lows)
    rest = np.ones(len(pieces.error), dtype=bool)
    rest[worst] = False
    new = (both, lows, highs, low_levels, high_levels, points, error)
    return _Pieces(*(np.concatenate([a, z]) for a, z in zip(pieces.keep(rest), new, strict=True)))
