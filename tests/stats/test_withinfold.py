"""Concordance within folds: by hand, and against DeLong's test and Harrell's C where there is one fold."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.stats import concordance, concordance_difference, delong_test, roc_auc, withinfold


def auc(positive: list[int], score: list[float], fold: list[int], unit: list[int]) -> withinfold.Concordance:
    found = withinfold.fold_auc(
        np.array(positive, dtype=bool), np.array(score), np.array(fold), np.array(unit), np.arange(max(unit) + 1)
    )
    assert found is not None
    return found


def test_two_folds_by_hand() -> None:
    # fold 0: positives .9 .2, negative .5 -> 1 of 2 pairs; fold 1: positive .1, negatives .0 .3 -> 1 of 2;
    # pooled, .9 .2 .1 against .5 .0 .3 would be 3 + 1 + 1 = 5 of 9
    found = auc([1, 1, 0, 1, 0, 0], [0.9, 0.2, 0.5, 0.1, 0.0, 0.3], [0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5])
    assert found.estimate == pytest.approx(2 / 4)
    # pairs won less half of the pairs a unit is in, over 4 pairs: .5 -.5 0 0 .5 -.5, over 4; three units a class: × 3 / 2
    assert found.se**2 == pytest.approx(1.5 * (4 * 0.25) / 16)


def test_folds_are_weighted_by_pairs() -> None:
    # fold 0: 1 pair, lost; fold 1: 2 × 2 pairs, all won
    found = auc([1, 0, 1, 1, 0, 0], [0.0, 1.0, 0.8, 0.9, 0.1, 0.2], [0, 0, 1, 1, 1, 1], list(range(6)))
    assert found.estimate == pytest.approx(4 / 5)


def test_an_offset_between_folds_changes_nothing() -> None:
    r = np.random.default_rng(0)
    y, s, f = r.integers(0, 2, 60), r.normal(size=60), np.repeat([0, 1, 2], 20)
    a = auc(list(y), list(s), list(f), list(range(60)))
    b = auc(list(y), list(s + 100 * f), list(f), list(range(60)))
    assert (a.estimate, a.se) == (b.estimate, b.se)


def test_constant_predictions_are_half_and_have_no_interval() -> None:
    # the fold with more positives has the smaller constant, as a model of the other folds would have it
    found = auc([1, 1, 0, 0, 1, 0, 0, 0], [0.3] * 4 + [0.5] * 4, [0] * 4 + [1] * 4, list(range(8)))
    assert found.estimate == 0.5
    assert np.isnan([found.lower, found.upper, found.p]).all()
    assert found.degenerate


def test_one_fold_is_delong() -> None:
    r = np.random.default_rng(1)
    y = r.integers(0, 2, 50)
    a, b = y + r.normal(size=50), 0.5 * y + r.normal(size=50).round(1)
    mine = [auc(list(y), list(s), [0] * 50, list(range(50))) for s in (a, b)]
    expected = roc_auc(y, a)
    assert (mine[0].estimate, mine[0].se) == pytest.approx((expected.estimate, expected.se))
    assert (mine[0].lower, mine[0].upper) == pytest.approx((expected.lower, expected.upper))
    test, d = delong_test(y, a, b), withinfold.difference(*mine)
    assert (d.estimate, d.statistic, d.p, d.lower) == pytest.approx((test.estimate, test.statistic, test.p, test.lower))


def test_repeats_of_the_same_scores_add_no_information() -> None:
    r = np.random.default_rng(2)
    y, s = r.integers(0, 2, 40), r.normal(size=40)
    once = auc(list(y), list(s), [0] * 40, list(range(40)))
    thrice = auc(list(y) * 3, list(s) * 3, [0] * 40 + [1] * 40 + [2] * 40, list(range(40)) * 3)
    assert (thrice.estimate, thrice.se) == pytest.approx((once.estimate, once.se))


def test_groups_are_taken_as_dependent() -> None:
    y, s, unit = np.array([1, 0] * 20), np.arange(40) % 7 + 0.0, np.arange(40)
    alone = withinfold.fold_auc(y == 1, s, np.zeros(40, int), unit, unit)
    doubled = withinfold.fold_auc(np.tile(y == 1, 2), np.tile(s, 2), np.zeros(80, int), np.arange(80), np.tile(unit, 2))
    assert alone is not None and doubled is not None
    # every unit twice in one group: the variance stays, but for the factor n / (n - 1)
    assert doubled.se == pytest.approx(alone.se * np.sqrt((40 / 39) / (20 / 19)))


def test_mean_roc_has_the_reported_area() -> None:
    r = np.random.default_rng(3)
    fold = np.repeat([0, 1, 2], [20, 17, 23])
    y, s = r.random(60) < 0.4, r.normal(size=60).round(1)
    fpr, tpr = withinfold.mean_roc(y, s, fold)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(fpr) >= 0).all() and (np.diff(tpr) >= -1e-12).all()
    area = float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))
    assert area == pytest.approx(auc(list(y), list(s), list(fold), list(range(60))).estimate, abs=1e-9)


def test_one_fold_is_harrell() -> None:
    r = np.random.default_rng(4)
    t, e, fold, unit = r.integers(1, 15, 60) + 0.0, r.integers(0, 2, 60), np.zeros(60, int), np.arange(60)
    a, b = -t + 5 * r.normal(size=60).round(), r.normal(size=60)
    mine = [withinfold.fold_harrell(t, e, s, fold, unit, unit) for s in (a, b)]
    expected = concordance(t, e, a)
    assert mine[0] is not None and mine[1] is not None
    assert (mine[0].estimate, mine[0].se) == pytest.approx((expected.estimate, expected.se))
    test, d = concordance_difference(t, e, a, b), withinfold.difference(mine[0], mine[1])
    assert (d.estimate, d.p) == pytest.approx((test.estimate, test.p))


def test_harrell_in_two_folds_by_hand() -> None:
    # fold 0: times 1* 2* 3, risks 3 1 2: pairs (1,2) right, (1,3) right, (2,3) wrong; fold 1: times 1* 2, risks 0 1: wrong
    t, e = np.array([1.0, 2, 3, 1, 2]), np.array([1, 1, 0, 1, 0])
    found = withinfold.fold_harrell(t, e, np.array([3.0, 1, 2, 0, 1]), np.array([0, 0, 0, 1, 1]), np.arange(5), np.arange(5))
    assert found is not None
    assert found.estimate == pytest.approx(2 / 4)


def test_a_fold_without_comparable_pairs_is_passed_over() -> None:
    t, e, fold = np.array([1.0, 2, 5, 6, 7, 7]), np.array([1, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    found = withinfold.fold_harrell(t, e, np.array([2.0, 1, 1, 2, 1, 2]), fold, np.arange(6), np.arange(6))
    assert found is not None
    assert found.estimate == 1.0
    assert withinfold.fold_harrell(t[2:], e[2:], np.ones(4), fold[2:], np.arange(4), np.arange(4)) is None
