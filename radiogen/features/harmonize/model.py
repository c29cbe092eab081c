"""The numbers of ComBat: standardisation, batch effects, their priors, and what is left after shrinkage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: a feature whose spread within batches is below this share of its size has none
_FLAT = 1e-12
#: the fixed point of the parametric adjustment is found in tens of steps, or not at all
_STEPS = 10_000
#: rows of the matrix of likelihoods that are held at a time
_ROWS = 256


@dataclass(frozen=True)
class Standard:
    """Mean, covariate effects and spread of each feature, in which batches are compared.

    Parameters
    ----------
    mean : ndarray, length p
        Grand mean: of the batches weighted by their size, or of the reference batch.
    effects : ndarray, shape (m, p)
        Of the covariates.
    spread : ndarray, length p
        Standard deviation within batches, pooled; 1 where there is none.
    flat : ndarray of bool, length p
        Features that do not vary within batches.
    """

    mean: Floats
    effects: Floats
    spread: Floats
    flat: NDArray[np.bool_]

    def scaled(self, x: Floats, covariates: Floats) -> Floats:
        """Residuals from mean and covariates in units of the spread."""
        return (x - self.mean - covariates @ self.effects) / self.spread

    def restored(self, z: Floats, covariates: Floats) -> Floats:
        """The way back."""
        return z * self.spread + self.mean + covariates @ self.effects


def standardise(x: Floats, batches: Floats, covariates: Floats, reference: int | None, names: tuple[str, ...]) -> Standard:
    """Least squares of every feature on batch and covariates; features with gaps by their own complete rows.

    Raises
    ------
    RadiogenError
        RG710 where the known values of a feature do not tell batches and covariates apart.
    """
    p, m = x.shape[1], covariates.shape[1]
    mean, effects, variance = np.full(p, np.nan), np.zeros((m, p)), np.full(p, np.nan)
    for known, columns in _patterns(x):
        if not known.any():
            mean[columns], variance[columns] = 0.0, 0.0
            continue
        part, rows = x[np.ix_(known, columns)], batches[known]
        there = np.flatnonzero(rows.any(axis=0))
        design = np.hstack([rows[:, there], covariates[known]])
        beta, residual = _least_squares(design, part, names[columns[0]])
        own = beta[: len(there)]
        base = np.flatnonzero(there == reference)
        if reference is not None and not len(base):
            name = names[columns[0]]
            raise fail("RG701", f"the feature '{name}' has no value in the reference batch", column=name)
        counts = rows[:, there].sum(axis=0)
        mean[columns] = own[base[0]] if len(base) else counts @ own / counts.sum()
        effects[:, columns] = beta[len(there) :]
        used = rows[:, reference] == 1 if reference is not None else np.ones(len(rows), dtype=bool)
        variance[columns] = (residual[used] ** 2).mean(axis=0)
    size = np.nanmax(np.abs(np.where(np.isnan(x), 0.0, x)), axis=0, initial=0.0)
    flat = np.sqrt(variance) <= _FLAT * size
    return Standard(mean, effects, np.where(flat, 1.0, np.sqrt(variance)), flat)


def _patterns(x: Floats) -> list[tuple[NDArray[np.bool_], Ints]]:
    """Rows with a value, and the features that have their values there."""
    known = ~np.isnan(x)
    if known.all():
        return [(np.ones(len(x), dtype=bool), np.arange(x.shape[1]))]
    groups: dict[bytes, list[int]] = {}
    for j in range(x.shape[1]):
        groups.setdefault(known[:, j].tobytes(), []).append(j)
    return [(known[:, columns[0]], np.array(columns)) for columns in groups.values()]


def _least_squares(design: Floats, x: Floats, name: str) -> tuple[Floats, Floats]:
    scale = np.sqrt((design**2).mean(axis=0))
    scale[scale == 0] = 1.0
    beta, _, rank, _ = np.linalg.lstsq(design / scale, x, rcond=1e-9)
    if rank < design.shape[1]:
        raise fail("RG710", f"the known values of '{name}' do not tell batches and covariates apart", column=name)
    return beta / scale[:, None], x - design @ (beta / scale[:, None])


@dataclass(frozen=True)
class Options:
    """How batch effects are estimated; see :class:`radiogen.features.harmonize.ComBat`."""

    parametric: bool
    mean_only: bool
    empirical_bayes: bool
    tolerance: float


def batch_effect(z: Floats, flat: NDArray[np.bool_], options: Options) -> tuple[Floats, Floats]:
    """Location and squared scale of one batch, for each feature.

    Parameters
    ----------
    z : ndarray, shape (n, p)
        Standardised features of the batch's units.
    flat : ndarray of bool, length p
        Features that do not vary within batches: they have no part in the priors, and their location alone is used.
    options : Options

    Returns
    -------
    gamma, delta : ndarray, length p
        NaN in ``gamma`` where the batch has no value of the feature.
    """
    known = ~np.isnan(z)
    n = known.sum(axis=0).astype(float)
    filled = np.where(known, z, 0.0)
    with np.errstate(all="ignore"):
        gamma = filled.sum(axis=0) / n
        square = (np.where(known, z - gamma, 0.0) ** 2).sum(axis=0)
        delta = np.ones_like(gamma) if options.mean_only else square / (n - 1)
    # one value, or equal ones, say nothing of the scale
    delta = np.where((n < 2) | (delta == 0) | flat, 1.0, delta)
    used = ~flat & (n > 0)
    if not options.empirical_bayes or not used.any():
        return gamma, delta
    if used.sum() < 2:
        raise fail("RG701", "empirical Bayes shares information between features and needs at least 2 of them",
                   fix="Use `empirical_bayes=False`.")  # fmt: skip
    if options.parametric:
        found = _parametric(gamma[used], delta[used], n[used], square[used], options)
    else:
        found = _empirical(gamma[used], delta[used], n[used], square[used])
    gamma[used], delta[used] = found
    return gamma, delta


def _parametric(gamma: Floats, delta: Floats, n: Floats, square: Floats, options: Options) -> tuple[Floats, Floats]:
    """Normal and inverse gamma priors, by the moments of the batch's own estimates over features."""
    centre, spread = gamma.mean(), gamma.var(ddof=1)
    if options.mean_only:
        # Johnson's posterior for one observation of variance 1, as neuroCombat and sva take it
        return (spread * gamma + centre) / (spread + 1), np.ones_like(gamma)
    m, s2 = delta.mean(), delta.var(ddof=1)
    if s2 == 0:
        raise fail("RG704", "the scales of a batch do not differ between features, so that they have no prior",
                   fix="Use `mean_only=True` or `empirical_bayes=False`.")  # fmt: skip
    a, b = (2 * s2 + m**2) / s2, (m * s2 + m**3) / s2
    location, scale = gamma.copy(), delta.copy()
    for _ in range(_STEPS):
        new_location = (spread * n * gamma + scale * centre) / (spread * n + scale)
        sums = square + n * (gamma - new_location) ** 2
        new_scale = (0.5 * sums + b) / (n / 2 + a - 1)
        with np.errstate(all="ignore"):
            # the rule of sva and neuroCombat, by which the results are the same to the last digits
            change = max(
                np.fmax.reduce(np.abs(new_location - location) / location), np.fmax.reduce(np.abs(new_scale - scale) / scale)
            )
        location, scale = new_location, new_scale
        if not change > options.tolerance:
            return location, scale
    raise fail("RG704", f"the adjustment of a batch did not settle in {_STEPS:,} steps",
               fix="Use `parametric=False` or `empirical_bayes=False`.")  # fmt: skip


def _empirical(gamma: Floats, delta: Floats, n: Floats, square: Floats) -> tuple[Floats, Floats]:
    """The other features' estimates as prior, weighted by the likelihood of this feature's values."""
    p = len(gamma)
    location, scale = np.empty(p), np.empty(p)
    logs = np.log(2 * np.pi * delta)
    for start in range(0, p, _ROWS):
        rows = np.arange(start, min(start + _ROWS, p))
        sums = square[rows, None] + n[rows, None] * (gamma[rows, None] - gamma[None, :]) ** 2
        # in logarithms: products of likelihoods of a few hundred units fall below the smallest number
        weight = -0.5 * n[rows, None] * logs[None, :] - sums / (2 * delta[None, :])
        weight[np.arange(len(rows)), rows] = -np.inf
        weight = np.exp(weight - weight.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        location[rows], scale[rows] = weight @ gamma, weight @ delta
    return location, scale
