"""Logistic and multinomial regression with the elastic-net penalty, many settings at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: shares of the L1 penalty that are tried
L1_RATIOS = (0.1, 0.5, 1.0)
#: penalty strengths tried per share
N_LAMBDA = 12


@dataclass(frozen=True)
class Penalty:
    """One setting of the elastic net.

    Parameters
    ----------
    strength : float
        Weight of the penalty, on the scale of the mean log-likelihood (as in R's glmnet).
    l1_ratio : float
        Share of the L1 part, 0 < ``l1_ratio`` <= 1.
    """

    strength: float
    l1_ratio: float


def penalty_grid(
    x: FloatArray, y: FloatArray, l1_ratios: tuple[float, ...] = L1_RATIOS, n_lambda: int = N_LAMBDA
) -> tuple[Penalty, ...]:
    """Penalties from the smallest that empties the model down to a weak one.

    Parameters
    ----------
    x : array, shape (n, p)
        Standardised predictors.
    y : array, shape (n, K)
        Class indicators; K = 1 for two classes.
    l1_ratios, n_lambda
        Shares of the L1 part; strengths per share.

    Returns
    -------
    tuple of Penalty
        Per share, from strong to weak: down to 1 % of the strongest where there are more units than
        predictors, else 5 %, as glmnet does it.
    """
    gradient = np.abs(x.T @ (y - y.mean(axis=0))).max() / len(x)
    smallest = 0.01 if len(x) > x.shape[1] else 0.05
    shrink = np.geomspace(1.0, smallest, n_lambda)
    return tuple(Penalty(float(gradient / r * s), r) for r in l1_ratios for s in shrink)


def fit_elastic_net(
    x: FloatArray,
    y: FloatArray,
    penalties: tuple[Penalty, ...],
    *,
    tolerance: float = 1e-5,
    max_iter: int = 3000,
) -> tuple[FloatArray, FloatArray]:
    """Minimise mean negative log-likelihood plus elastic-net penalty, for all penalties at once.

    Parameters
    ----------
    x : array, shape (n, p)
        Standardised predictors.
    y : array, shape (n, K)
        Class indicators: K = 1, logistic; K > 1, multinomial.
    penalties : tuple of Penalty, length S
    tolerance : float
        The fit ends when no coefficient moves by more than this in one step.
    max_iter : int

    Returns
    -------
    intercepts : array, shape (S, K)
    coefficients : array, shape (S, K, p)

    Notes
    -----
    Accelerated proximal gradient descent with restarts: the settings share each pass over
    the data, and those that have converged leave the batch.  Intercepts are not penalised.

    References
    ----------
    O'Donoghue and Candès (2015), Adaptive restart for accelerated gradient schemes.
    doi:10.1007/s10208-013-9150-3

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    >>> y = np.array([[0.0], [1.0], [0.0], [1.0]])
    >>> b0, b = fit_elastic_net(x, y, (Penalty(10.0, 1.0),))
    >>> float(b0[0, 0]), float(b[0, 0, 0])
    (0.0, 0.0)
    """
    n, p = x.shape
    k = y.shape[1]
    design = np.hstack([np.ones((n, 1)), x])
    gram = x.T @ x if p <= n else x @ x.T
    curvature = max(float(np.linalg.eigvalsh(gram)[-1]) / n, 1.0) * (0.25 if k == 1 else 0.5)
    l1 = np.array([s.strength * s.l1_ratio for s in penalties])
    l2 = np.array([s.strength * (1 - s.l1_ratio) for s in penalties])
    step = 1.0 / (curvature + l2)
    share = np.clip(y.mean(axis=0), 1e-9, 1 - 1e-9)
    start = np.zeros((len(penalties), k, p + 1))
    start[:, :, 0] = np.log(share / (1 - share)) if k == 1 else np.log(share)
    result = start.copy()
    live = np.arange(len(penalties))
    old, ahead, t = start.copy(), start.copy(), np.ones(len(penalties))
    target = y.T @ design / n
    for _ in range(max_iter):
        eta = ahead.reshape(-1, p + 1) @ design.T
        mean = _mean(eta.reshape(len(live), k, n))
        gradient = (mean.reshape(-1, n) @ design).reshape(ahead.shape) / n - target
        gradient[:, :, 1:] += l2[live, None, None] * ahead[:, :, 1:]
        width = step[live, None, None]
        new = ahead - width * gradient
        shrunk = np.abs(new[:, :, 1:]) - width * l1[live, None, None]
        new[:, :, 1:] = np.sign(new[:, :, 1:]) * np.maximum(shrunk, 0.0)
        move = new - old
        # momentum that points uphill is dropped
        t = np.where(((ahead - new) * move).sum(axis=(1, 2)) > 0, 1.0, t)
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = new + ((t - 1) / t_next)[:, None, None] * move
        old, t = new, t_next
        done = np.maximum(np.abs(move), np.abs(ahead - new)).max(axis=(1, 2)) < tolerance
        if done.any():
            result[live[done]] = new[done]
            live, old, ahead, t = live[~done], old[~done], ahead[~done], t[~done]
            if not len(live):
                break
    if len(live):
        result[live] = old
    return result[:, :, 0], result[:, :, 1:]


def _mean(eta: FloatArray) -> FloatArray:
    """Expected class indicators from linear predictors, shape (S, K, n)."""
    if eta.shape[1] == 1:
        return np.asarray(0.5 * (1 + np.tanh(0.5 * eta)))
    shifted = np.exp(eta - eta.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def predict_elastic_net(x: FloatArray, intercepts: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Class probabilities for every setting.

    Parameters
    ----------
    x : array, shape (n, p)
    intercepts : array, shape (S, K)
    coefficients : array, shape (S, K, p)

    Returns
    -------
    array, shape (S, n, classes)
        Two classes where K = 1.
    """
    settings, k, p = coefficients.shape
    eta = (coefficients.reshape(-1, p) @ x.T).reshape(settings, k, len(x)) + intercepts[:, :, None]
    mean = _mean(eta)
    if k == 1:
        mean = np.concatenate([1 - mean, mean], axis=1)
    return np.asarray(mean.transpose(0, 2, 1))
