"""Games of two and three players, worked out by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.explain import cross_share, effects_matrix, exact_shapley, interaction_indices

# nobody, a, b, ab, c, ac, bc, abc
THREE = [0.0, 1.0, 2.0, 4.0, 0.0, 3.0, 2.0, 8.0]


def test_two_players():
    """a alone 1, b alone 2, both 5: a adds 1 first and 3 last, in the mean 2; together they add 2 beyond 1 + 2."""
    assert exact_shapley([0, 1, 2, 5]).tolist() == [2.0, 3.0]
    assert interaction_indices([0, 1, 2, 5])[0, 1] == 2.0


def test_three_players():
    """a: (1)/3 + ((4 - 2) + (3 - 0))/6 + (8 - 2)/3 = 19/6; b: 2/3 + (3 + 2)/6 + 5/3 = 19/6; c: 0 + (2 + 0)/6 + 4/3 = 10/6."""
    assert exact_shapley(THREE) == pytest.approx([19 / 6, 19 / 6, 10 / 6])


def test_interactions_of_three_players():
    """ab: ((4-1-2+0) + (8-3-2+0))/2 = 2; ac: ((3-1-0+0) + (8-4-2+2))/2 = 3; bc: ((2-2-0+0) + (8-4-3+1))/2 = 1."""
    expected = [[0, 2, 3], [2, 0, 1], [3, 1, 0]]
    assert interaction_indices(THREE) == pytest.approx(np.array(expected))


def test_share_of_interactions():
    """Main effects 19/6 - 5/2 = 4/6, 19/6 - 3/2 = 10/6, 10/6 - 2 = -2/6; 6 / (6 + 16/6) = 9/13."""
    matrix = effects_matrix(exact_shapley(THREE), interaction_indices(THREE))
    assert np.diag(matrix) == pytest.approx([4 / 6, 10 / 6, -2 / 6])
    assert matrix.sum(axis=1) == pytest.approx([19 / 6, 19 / 6, 10 / 6])
    assert float(cross_share(matrix)) == pytest.approx(9 / 13)


def test_an_additive_game_has_no_interaction():
    worth = np.array([0, 1, 2, 3, 4, 5, 6, 7.0])
    matrix = effects_matrix(exact_shapley(worth), interaction_indices(worth))
    assert float(cross_share(matrix)) == pytest.approx(0, abs=1e-12)
    assert np.isnan(cross_share(np.zeros((2, 2))))


def test_shapley_is_the_mean_over_all_orders():
    worth = np.random.default_rng(0).normal(size=(32, 3))
    expected = np.zeros((5, 3))
    for order in permutations(range(5)):
        seen = 0
        for player in order:
            expected[player] += worth[seen | 1 << player] - worth[seen]
            seen |= 1 << player
    assert exact_shapley(worth) == pytest.approx(expected / 120)


@pytest.mark.parametrize("rows", [1, 3, 6])
def test_coalitions_must_be_complete(rows):
    with pytest.raises(RadiogenError, match="coalitions") as error:
        exact_shapley(np.zeros(rows))
    assert error.value.code == "RG705"
