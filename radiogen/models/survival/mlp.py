"""A trained multilayer perceptron as plain arrays: predicts without torch, copies and pickles as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: constants of the self-normalising unit (Klambauer 2017, arXiv 1706.02515)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda z: np.maximum(z, 0.0),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))),
    "selu": lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0.0))),
    "tanh": np.tanh,
    "linear": lambda z: z,
}


@dataclass(frozen=True)
class Mlp:
    """Layers of weights and offsets with one activation between them.

    Parameters
    ----------
    layers : tuple of (ndarray of shape (inputs, outputs), ndarray of shape (outputs,))
        The last one is linear.
    activation : str
        A key of :data:`ACTIVATIONS`.
    centre, scale : ndarray, shape (p,)
        Predictors are taken as (x - centre) / scale.
    """

    layers: tuple[tuple[Floats, Floats], ...]
    activation: str
    centre: Floats
    scale: Floats

    def __call__(self, x: Floats) -> Floats:
        """Outputs of units.

        Parameters
        ----------
        x : ndarray, shape (n, p)

        Returns
        -------
        ndarray, shape (n, outputs)
        """
        # a thousand rows at a time stay in the processor's cache
        return np.concatenate([self._rows(x[first : first + 1024]) for first in range(0, len(x), 1024)])

    def _rows(self, x: Floats) -> Floats:
        value = (x - self.centre) / self.scale
        for k, (weight, offset) in enumerate(self.layers):
            value = value @ weight
            value += offset
            if k < len(self.layers) - 1:
                value = ACTIVATIONS[self.activation](value)
        return value


@dataclass(frozen=True)
class NetRisk:
    """Log-hazard of an ensemble of networks: the mean over them, each less its mean over the training units.

    Parameters
    ----------
    members : tuple of Mlp
        With one output each.
    centres : tuple of float
    """

    members: tuple[Mlp, ...]
    centres: tuple[float, ...]

    def __call__(self, x: Floats) -> Floats:
        """Log-hazards of units.

        Parameters
        ----------
        x : ndarray, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return np.asarray(np.mean([n(x)[:, 0] - c for n, c in zip(self.members, self.centres, strict=True)], axis=0))


def standardisation(x: Floats, wanted: bool) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the columns; 0 and 1 where not wanted, 1 for a constant column.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    wanted : bool

    Returns
    -------
    (ndarray of shape (p,), ndarray of shape (p,))
    """
    if not wanted:
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    centre, spread = x.mean(axis=0), x.std(axis=0)
    # rounding leaves a constant column a spread just above 0
    constant = spread <= 1e-10 * np.maximum(np.abs(centre), 1e-300)
    return centre, np.where(constant, 1.0, spread)
