"""Exact Shapley values and interaction indices of a game whose coalitions have all been played.

A coalition is a number whose bit ``m`` says whether player ``m`` takes part, so that the worths of all coalitions of ``M``
players are an array of ``2**M`` rows.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail

FloatArray = NDArray[np.float64]


def players_of(worth: FloatArray) -> int:
    """Number of players of an array of worths; RG705 where its length is no power of two."""
    players = max(len(worth), 1).bit_length() - 1
    if len(worth) != 1 << players or players < 1:
        raise fail("RG705", f"a game has 2, 4, 8 … coalitions, not {len(worth)}")
    return players


def members(players: int) -> NDArray[np.bool_]:
    """Who takes part in each coalition, shape (2**players, players)."""
    return ((np.arange(1 << players)[:, None] >> np.arange(players)) & 1).astype(bool)


def exact_shapley(worth: ArrayLike) -> FloatArray:
    """Shapley values from the worth of every coalition.

    Parameters
    ----------
    worth : array, shape (2**M, …)
        Row ``S`` is the worth of the coalition of the players whose bits are set in ``S``; row 0 is that of nobody.

    Returns
    -------
    array, shape (M, …)
        They sum to ``worth[-1] - worth[0]``.

    Raises
    ------
    RadiogenError
        RG705 where the number of rows is no power of two.

    References
    ----------
    Shapley LS. A value for n-person games. Contributions to the Theory of Games II 1953:307-317.
    doi:10.1515/9781400881970-018

    Examples
    --------
    Two players who are worth 1 and 2 alone and 5 together:

    >>> from radiogen.explain.games import exact_shapley
    >>> exact_shapley([0, 1, 2, 5]).tolist()
    [2.0, 3.0]
    """
    v = np.asarray(worth, dtype=float)
    players = players_of(v)
    inside = members(players)
    sizes = inside.sum(axis=1)
    weight = np.array([factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)])
    return np.stack([_gain(v, np.flatnonzero(~inside[:, m]), m, weight, sizes) for m in range(players)])


def _gain(v: FloatArray, without: NDArray[Any], player: int, weight: FloatArray, sizes: NDArray[Any]) -> FloatArray:
    """Weighted mean over coalitions without a player of what the player adds to them."""
    return np.asarray(np.tensordot(weight[sizes[without]], v[without | (1 << player)] - v[without], axes=1))


def interaction_indices(worth: ArrayLike) -> FloatArray:
    """Pairwise Shapley interaction indices.

    ``I_ij`` is the mean over coalitions, with Shapley's weights, of what two players add together beyond what each adds
    alone.

    Parameters
    ----------
    worth : array, shape (2**M, …)
        As in :func:`exact_shapley`.

    Returns
    -------
    array, shape (M, M, …)
        Symmetric; the diagonal is 0.

    References
    ----------
    Grabisch M, Roubens M. An axiomatic approach to the concept of interaction among players in cooperative games.
    Int J Game Theory 1999;28:547-565. doi:10.1007/s001820050125

    Examples
    --------
    >>> from radiogen.explain.games import interaction_indices
    >>> float(interaction_indices([0, 1, 2, 5])[0, 1])
    2.0
    """
    v = np.asarray(worth, dtype=float)
    players = players_of(v)
    inside = members(players)
    sizes = inside.sum(axis=1)
    found = np.zeros((players, players, *v.shape[1:]))
    for i in range(players):
        for j in range(i + 1, players):
            without = np.flatnonzero(~inside[:, i] & ~inside[:, j])
            a, b = 1 << i, 1 << j
            change = v[without | a | b] - v[without | a] - v[without | b] + v[without]
            weight = [factorial(s) * factorial(players - s - 2) / factorial(players - 1) for s in sizes[without]]
            found[i, j] = found[j, i] = np.tensordot(np.asarray(weight), change, axes=1)
    return found


def effects_matrix(shapley: ArrayLike, interactions: ArrayLike) -> FloatArray:
    """Main effects on the diagonal and half of each interaction on both sides of it: the rows sum to the Shapley values.

    Parameters
    ----------
    shapley : array, shape (M, …)
    interactions : array, shape (M, M, …)

    Returns
    -------
    array, shape (M, M, …)

    Examples
    --------
    >>> from radiogen.explain.games import effects_matrix
    >>> effects_matrix([2.0, 3.0], [[0.0, 2.0], [2.0, 0.0]]).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    own, half = np.asarray(shapley, dtype=float), np.asarray(interactions, dtype=float) / 2
    matrix = half.copy()
    at = np.arange(len(own))
    matrix[at, at] = own - half.sum(axis=1)
    return matrix


def cross_share(matrix: ArrayLike) -> FloatArray:
    """Share of the behaviour of a model that is interaction: the absolute off-diagonal effects over all absolute effects.

    Parameters
    ----------
    matrix : array, shape (M, M, …)
        Of :func:`effects_matrix`, or its absolute values averaged over units; NaN is left out.

    Returns
    -------
    array, shape (…)
        NaN where no effect differs from 0.

    References
    ----------
    Wenderoth L, Hemker K, Simidjievski N, Jamnik M. Measuring cross-modal interactions in multimodal models. AAAI 2025.
    doi:10.48550/arXiv.2412.15828

    Examples
    --------
    >>> from radiogen.explain.games import cross_share
    >>> float(cross_share([[1.0, 1.0], [1.0, 2.0]]))
    0.4
    """
    size = np.abs(np.asarray(matrix, dtype=float))
    at = np.arange(len(size))
    total = np.nansum(size, axis=(0, 1))
    main = np.nansum(size[at, at], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, 1 - main / total, np.nan))
