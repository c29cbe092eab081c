"""Folds keep groups whole and strata even; seeds depend on the task alone."""

from __future__ import annotations

import numpy as np

from radiogen.analysis.folds import inner_splits, make_folds, outer_splits, task_seed


def test_strata_are_spread_as_evenly_as_they_allow() -> None:
    strata = np.repeat([0, 1, 2], [23, 11, 5])
    fold = make_folds(strata, np.arange(39), 5, seed=3)
    for stratum, least, most in ((0, 4, 5), (1, 2, 3), (2, 1, 1)):
        counts = np.bincount(fold[strata == stratum], minlength=5)
        assert (counts.min(), counts.max()) == (least, most)
    assert np.ptp(np.bincount(fold)) <= 1


def test_a_group_is_in_one_fold() -> None:
    r = np.random.default_rng(0)
    groups, strata = r.integers(0, 40, 100), r.integers(0, 2, 100)
    fold = make_folds(strata, groups, 4, seed=1)
    assert all(len(set(fold[groups == g])) == 1 for g in groups)
    assert np.bincount(fold).min() >= 20


def test_every_unit_is_tested_once_per_repeat_and_inner_folds_stay_inside() -> None:
    strata = np.tile([0, 1, 1], 20)
    splits = outer_splits(strata, np.arange(60) // 2, folds=5, repeats=2, inner_folds=3, seed=9)
    for repeat in (0, 1):
        tested = np.concatenate([s.test for s in splits if s.repeat == repeat])
        assert sorted(tested) == list(range(60))
    for s in splits:
        assert not set(s.train // 2) & set(s.test // 2)
        assert sorted(np.concatenate([b for _, b in s.inner])) == list(range(len(s.train)))
        for a, b in s.inner:
            assert not set(s.train[a] // 2) & set(s.train[b] // 2)


def test_seed_of_a_task_does_not_depend_on_other_tasks() -> None:
    assert task_seed(1, "fit", 2, 3, "clinical", "forest") == task_seed(1, "fit", 2, 3, "clinical", "forest")
    keys = [("fit", 0, 0, "a"), ("fit", 0, 1, "a"), ("fit", 1, 0, "a"), ("fit", 0, 0, "b"), ("outer", 0)]
    assert len({task_seed(1, *k) for k in keys} | {task_seed(2, *keys[0])}) == 6


def test_inner_folds_without_units_are_left_out() -> None:
    made = inner_splits(np.array([0, 1]), np.array([0, 1]), 3, seed=0)
    assert [list(b) for _, b in made] and all(len(a) == 1 and len(b) == 1 for a, b in made)
