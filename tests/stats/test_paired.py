"""McNemar, Cochran, proportions and AUCs of several classes: by hand and against R."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats.roc import components
from tests.stats.binary_data import answers, close


def test_mcnemar_by_hand() -> None:
    # 6 right by A alone, 1 by B alone: P(at most 1 of 7) = 8/128, twice
    a = np.r_[np.ones(6), np.zeros(1), np.ones(5), np.zeros(3)]
    b = np.r_[np.zeros(6), np.ones(1), np.ones(5), np.zeros(3)]
    r = stats.mcnemar_test(a, b)
    close([r.p, r.statistic, r.estimate], [16 / 128, 6, 5 / 15])
    assert [r[k] for k in ("both", "a_only", "b_only", "neither")] == [5, 6, 1, 3]
    close(r["odds_ratio"], 6)
    chi = stats.mcnemar_test(a, b, exact=False)
    close([chi.statistic, stats.mcnemar_test(a, b, exact=False, correct=False).statistic], [16 / 7, 25 / 7])


def test_newcombes_interval_for_paired_proportions() -> None:
    # Newcombe 1998, table III, method 10: cells 36, 12, 2, 0 of 50 give 0.0569 to 0.3404
    a = np.r_[np.ones(36), np.ones(12), np.zeros(2)]
    b = np.r_[np.ones(36), np.zeros(12), np.ones(2)]
    r = stats.mcnemar_test(a, b)
    close([r.lower, r.upper], [0.0569, 0.3404], rel=0, absolute=5e-5)


def test_mcnemar_and_cochran_against_r(shared: Path) -> None:
    want = answers()["paired"]
    a, b, c = want["a"], want["b"], want["c"]
    r, plain = stats.mcnemar_test(a, b, exact=False), stats.mcnemar_test(a, b, exact=False, correct=False)
    close([r.statistic, r.p, plain.statistic, plain.p], [want[k] for k in ("chisq", "p", "chisq_plain", "p_plain")])
    close(stats.mcnemar_test(a, b).p, want["exact"])
    q = stats.cochran_q(np.column_stack([a, b, c]))
    close([q.statistic, q.p], [want["cochran"], want["cochran_p"]])
    # for two it is McNemar's test without correction
    close(stats.cochran_q(np.column_stack([a, b])).statistic, plain.statistic)
    folder = shared / "reference" / "r"
    d, key = pd.read_csv(folder / "metabric.csv"), json.loads((folder / "metabric.json").read_text())["mcnemar"]
    right = [(d[m] > d[m].median()) == (d["y"] == 1) for m in ("m1", "m2")]
    first, second = stats.mcnemar_test(*right), stats.mcnemar_test(*right, exact=False)
    close([second.statistic, second.p, first.p], [key["chisq"], key["p"], key["exact_p"]])
    assert [first[k] for k in ("neither", "a_only", "b_only", "both")] == key["table"]


def test_cochran_by_hand() -> None:
    # columns 5, 3, 1 of 6; rows 2, 1, 3, 1, 2, 0: 2 (3 * 35 - 81) / (27 - 19)
    r = stats.cochran_q(pd.DataFrame([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0]], columns=list("abc")))
    close([r.statistic, r.df], [6, 2])
    assert r.label == ["a", "b", "c"] and r.events.tolist() == [5, 3, 1]
    assert "rough" in r.notes[0]


def test_agreement_everywhere_is_no_evidence() -> None:
    assert stats.mcnemar_test([1, 0, 1], [1, 0, 1]).p == 1
    assert stats.mcnemar_test([1, 0, 1], [1, 0, 1], exact=False).p == 1
    assert stats.mcnemar_test([1, 0, 1], [1, 0, 1])["odds_ratio"] is None
    assert stats.cochran_q(np.ones((5, 3))).p == 1


def test_proportions_against_r() -> None:
    want = answers()["proportions"]
    r = stats.compare_proportions(want["k"], want["n"])
    close([r.statistic, r.p, r.df], [want["chisq"], want["p"], 3])
    close([r.lower[0], r.upper[0]], want["wilson"])
    k, n = want["k"][2:], want["n"][2:]
    plain, yates = stats.compare_proportions(k, n), stats.compare_proportions(k, n, correct=True)
    close([plain.statistic, plain.p, yates.statistic, yates.p], [want[w] for w in ("plain", "plain_p", "yates", "yates_p")])
    close(stats.compare_proportions(k, n, test="fisher").p, want["fisher_p"], rel=1e-7)
    exact = stats.proportion_interval(want["k"][0], want["n"][0], "exact")
    close([exact.lower, exact.upper], want["exact"])


def test_newcombes_interval_for_independent_proportions() -> None:
    # Newcombe 1998, table II, method 10: 56/70 against 48/80 and 9/10 against 3/10
    for k, n, wanted in (([56, 48], [70, 80], (0.0524, 0.3339)), ([9, 3], [10, 10], (0.1705, 0.8090))):
        r = stats.compare_proportions(k, n)
        close([r.lower[0], r.upper[0]], wanted, rel=0, absolute=5e-5)
    # the logarithm of the ratio 2 has variance 1/40 - 1/100 + 1/20 - 1/100
    r = stats.compare_proportions([40, 20], [100, 100])
    close(r.lower[1], 2 * np.exp(-1.959963984540054 * np.sqrt(0.055)))
    close(r.estimate[2], (40 / 60) / (20 / 80))


def test_a_ratio_with_a_zero_says_why_it_has_no_interval() -> None:
    r = stats.compare_proportions([0, 5], [10, 10])
    assert r.estimate[1] == 0 and np.isnan(r.lower[1]) and any(note.startswith("ratio") for note in r.notes)
    assert stats.compare_proportions([0, 0], [10, 10]).p == 1


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("RG705", lambda: stats.mcnemar_test([1, 0], [1, 0, 1])), ("RG705", lambda: stats.mcnemar_test([1, 2], [1, 0])),
        ("RG705", lambda: stats.mcnemar_test([1, np.nan], [1, 0])), ("RG705", lambda: stats.cochran_q([1, 0, 1])),
        ("RG705", lambda: stats.cochran_q([[1], [0]])), ("RG705", lambda: stats.cochran_q([[1, 3], [0, 1]])),
        ("RG705", lambda: stats.cochran_q([[1, 0], [0, 1]], names=["a"])), ("RG705", lambda: stats.compare_proportions([5], [9])),
        ("RG705", lambda: stats.compare_proportions([5, 12], [9, 9])), ("RG701", lambda: stats.compare_proportions([0, 1], [0, 9])),
        ("RG708", lambda: stats.compare_proportions([5, 2, 1], [9, 9, 9], test="fisher")),
        ("RG708", lambda: stats.compare_proportions([5, 2], [9, 9], test="z")),
        ("RG708", lambda: stats.roc_auc_multiclass([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], scheme="ovo")),
    ],
)  # fmt: skip
def test_refused(code: str, make) -> None:
    with pytest.raises(RadiogenError) as caught:
        make()
    assert caught.value.code == code


# -- areas under the curve --------------------------------------------------------------


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_components_are_the_counts_of_pairs(digits: int) -> None:
    rng = np.random.default_rng(digits)
    y, s = rng.random(70) < 0.4, np.round(rng.normal(size=70), digits)
    wins = (s[y][:, None] > s[~y][None, :]) + 0.5 * (s[y][:, None] == s[~y][None, :])
    auc, v10, v01 = components(y, s)
    close(auc, wins.mean())
    close(v10, wins.mean(axis=1))
    close(v01, wins.mean(axis=0))


def test_one_versus_one_by_hand() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 200)
    p = 0.7 * rng.dirichlet(np.ones(4), 200) + 0.3 * np.eye(4)[y]
    r = stats.roc_auc_multiclass(y, p, scheme="one-vs-one")
    assert r.label[0] == "0 vs 1" and len(r.label) == 7
    close(r.estimate[-1], roc_auc_score(y, p, multi_class="ovo"))
    for k, (a, b) in enumerate(combinations(range(4), 2)):
        own = np.isin(y, (a, b))
        first = stats.roc_auc(y[own] == a, p[own, a])
        second = stats.roc_auc(y[own] == b, p[own, b])
        close(r.estimate[k], (first.estimate + second.estimate) / 2)
        assert r.se[k] <= (first.se + second.se) / 2 + 1e-12
    # with two classes all forms are one
    two = y < 2
    q = p[two, 1] / p[two, :2].sum(axis=1)
    close(stats.roc_auc_multiclass(y[two], q, scheme="one-vs-one").se, np.full(2, stats.roc_auc(y[two], q).se))


def test_standard_error_of_the_pairs_is_the_bootstraps() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 240)
    p = 0.7 * rng.dirichlet(np.ones(3), 240) + 0.3 * np.eye(3)[y]
    r = stats.roc_auc_multiclass(y, p, scheme="one-vs-one")
    boot = stats.bootstrap_ci(lambda a, b: stats.roc_auc_multiclass(a, b, scheme="one-vs-one").estimate, (y, p), "percentile", 400)
    close(r.se, boot.se, rel=0.15)
