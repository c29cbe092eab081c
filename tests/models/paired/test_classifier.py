"""The paired classifier: what each mode sees, and patients with one visit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from radiogen.errors import RadiogenError
from radiogen.models import PairedClassifier
from radiogen.models.paired.classifier import MODES
from radiogen.stats import roc_auc

QUICK = {"hidden": 8, "epochs": 40, "calibration_folds": 0}


@pytest.fixture(scope="module")
def change() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The class follows from the change of the first column, which is small beside what the patients differ by."""
    rng = np.random.default_rng(0)
    before = 3 * rng.normal(size=(240, 3))
    after = before + rng.normal(size=(240, 3))
    return before, after, (after[:, 0] > before[:, 0]).astype(int)


def test_modes_that_see_the_change_find_it(change: tuple) -> None:
    before, after, y = change
    auc = {}
    for mode in MODES:
        model = PairedClassifier(mode, **{**QUICK, "epochs": 80}).fit((before[:140], after[:140]), y[:140])
        auc[mode] = roc_auc(y[140:], model.predict_proba((before[140:], after[140:]))[:, 1]).estimate
    assert auc["delta"] > 0.95 and auc["siamese"] > 0.8
    assert auc["before"] < 0.65 and auc["after"] < 0.75


def test_one_visit_is_enough_where_the_mode_allows(change: tuple) -> None:
    before, after, y = change
    nothing = np.full_like(after[:6], np.nan)
    for mode, first_alone, second_alone in (
        ("siamese", True, True), ("both", True, True), ("delta", False, False), ("before", True, False), ("after", False, True),
    ):  # fmt: skip
        model = PairedClassifier(mode, **{**QUICK, "epochs": 5}).fit((before, after), y)
        assert bool(np.isfinite(model.predict_proba((before[:6], None))).all()) is first_alone
        assert bool(np.isfinite(model.predict_proba((None, after[:6]))).all()) is second_alone
        assert np.array_equal(model.predict_proba((before[:6], nothing)), model.predict_proba((before[:6], None)), equal_nan=True)
        mixed = np.where(np.arange(6)[:, None] < 3, after[:6], np.nan)
        together = model.predict_proba((before[:6], mixed))
        alone = np.concatenate([model.predict_proba((before[i : i + 1], mixed[i : i + 1])) for i in range(6)])
        assert np.allclose(together, alone, atol=1e-12, equal_nan=True)
        if not first_alone:
            with pytest.raises(RadiogenError, match="RG705"):
                model.predict((before[:6], None))


def test_training_with_visits_that_were_not_made(change: tuple) -> None:
    before, after, y = (a.copy() for a in change)
    after[::3] = np.nan
    for mode in MODES:
        model = PairedClassifier(mode, **{**QUICK, "epochs": 5}).fit((before, after), y)
        found = model.predict_proba((before, after))
        lacking = ~np.isfinite(found).all(axis=1)
        assert lacking.tolist() == ([i % 3 == 0 for i in range(240)] if mode in ("delta", "after") else [False] * 240)


def test_no_change_is_no_change(change: tuple) -> None:
    before, after, y = change
    model = PairedClassifier("delta", **QUICK).fit((before, after), y)
    still = model.predict_proba((before[:9], before[:9]))
    assert np.ptp(still, axis=0).max() < 1e-12


def test_manners_seed_and_state(change: tuple) -> None:
    before, after, y = change
    names = ["a", "b", "c"]
    first, second = pd.DataFrame(before, columns=names), pd.DataFrame(after[:, ::-1], columns=names[::-1])
    model = PairedClassifier(**{**QUICK, "epochs": 5, "calibration_folds": 2})
    state = torch.get_rng_state()
    frames = model.fit((first, second), y).predict_proba((first, second))
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(clone(model).fit((before, after), y).predict_proba((before, after)), frames)
    back = PairedClassifier.from_state(*model.state())
    assert np.array_equal(back.predict_proba((first, second)), frames)
    assert model.predict((first, second)).shape == (240,)


def test_refusals(change: tuple) -> None:
    before, after, y = change
    hole = after.copy()
    hole[2, 1] = np.nan
    model = PairedClassifier(**{**QUICK, "epochs": 2})
    fitted = clone(model).fit((before, after), y)
    moved = pd.DataFrame(before, index=np.arange(240) + 1)
    for bad, code in (
        (lambda: model.fit((before, hole), y), "RG705"), (lambda: model.fit((before, after[:5]), y), "RG705"),
        (lambda: model.fit(before, y), "RG705"), (lambda: model.fit((before, None), y), "RG705"),
        (lambda: model.fit((pd.DataFrame(before), moved), y), "RG705"), (lambda: model.set_params(mode="x").fit((before, after), y), "RG708"),
        (lambda: fitted.predict_proba((None, None)), "RG705"), (lambda: fitted.predict_proba((before[:, :2], None)), "RG705"),
        (lambda: PairedClassifier("after").fit((before, np.full_like(after, np.nan)), y), "RG701"),
    ):  # fmt: skip
        with pytest.raises(RadiogenError) as error:
            bad()
        assert error.value.code == code
