"""Features of two values in the screen: the tests of one pair, done for all of them at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radiogen import stats
from radiogen.stats import _effects, screening
from radiogen.stats._fisher_kernels import fisher_tables
from tests.stats.r_answers import close

N = 120


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rare and frequent findings, with gaps; targets of every kind, also ones that lose a level beside some features."""
    rng = np.random.default_rng(0)
    features = pd.DataFrame({f"f{k}": (rng.random(N) < rng.uniform(0.01, 0.6)).astype(float) for k in range(30)})
    features.iloc[:, 15:] = features.iloc[:, 15:].mask(rng.random((N, 15)) < 0.1)
    features["text"] = np.where(rng.random(N) < 0.5, "a", "b")
    features["truth"] = rng.random(N) < 0.5
    features["codes"] = rng.choice([2, 7], N)
    features["constant"] = 1
    targets = pd.DataFrame({
        "two": (rng.random(N) < 0.3).astype(int), "gaps": np.where(rng.random(N) < 0.1, None, rng.choice(["x", "y"], N)),
        "three": rng.choice(list("abc"), N), "rare": np.where(rng.random(N) < 0.02, "q", rng.choice(list("ab"), N)),
        "number": np.where(rng.random(N) < 0.05, np.nan, np.round(rng.normal(size=N), 1)), "one": 1,
    })  # fmt: skip
    return features, targets


def test_all_at_once_is_one_by_one() -> None:
    features, targets = frames()
    got = stats.association_screen(features, targets)
    rows = [
        screening._single(screening._variable(k, features[k]), screening._variable(t, targets[t]), 0.95)
        for t in targets for k in features
    ]  # fmt: skip
    want = pd.DataFrame(rows)
    for column in ("test", "effect_name", "contrast", "note", "n"):
        assert got[column].tolist() == want[column].tolist(), column
    for column in ("statistic", "p", "effect", "lower", "upper"):
        np.testing.assert_allclose(got[column].astype(float), want[column].astype(float), rtol=1e-9, err_msg=column)
    assert set(got["test"]) == {"Fisher exact", "chi-squared", "Wilcoxon rank-sum", "not tested"}


def test_fisher_of_many_tables_by_hand() -> None:
    # 3 1 / 1 3: 16 of 70 groups of four share three, one all four: p = 2 (16 + 1) / 70
    p, ratio, lower, upper = fisher_tables(np.array([[3, 1, 1, 3]]), 0.025)[0]
    close(p, 34 / 70)
    # R prints 6.408309; at the limits the tail from 3 on (up to 3) has 2.5 %, of weights 1, 16 r, 36 r², 16 r³ and r⁴
    close(ratio, 6.408309, rel=1e-6)
    for r, tail in ((lower, [3, 4]), (upper, [0, 1, 2, 3])):
        weights = np.array([1, 16, 36, 16, 1]) * r ** np.arange(5)
        close(weights[tail].sum() / weights.sum(), 0.025, rel=1e-9)
    one = fisher_tables(np.array([[4, 0, 0, 4]]), 0.025)[0]
    close(one[0], 2 / 70)
    assert one[1] == np.inf and one[3] == np.inf and one[2] > 1


def test_fisher_of_tables_with_tiny_p() -> None:
    for cells in ([450, 20, 30, 500], [5, 900, 60, 35], [1, 999, 1, 0]):
        table = np.array(cells).reshape(2, 2)
        p, _, lower, upper = _effects.fisher_table(table, 0.95)
        got = fisher_tables(np.array([cells]), 0.025)[0]
        close([got[0], got[2], got[3]], [p, lower, upper], rel=1e-10, absolute=0)
        close(got[1], _effects.fisher_ratio_of_r(table), rel=1e-4)
