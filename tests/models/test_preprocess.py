"""Preprocessing: by hand, and only from the rows that it was fitted on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.models import Preprocessor, class_response, survival_response


def test_median_scale_and_reference_by_hand() -> None:
    train = pd.DataFrame({"x": [1.0, 2.0, np.nan, 6.0, 1.0], "g": pd.Categorical(list("abbab"), categories=["b", "a", "c"])})
    p = Preprocessor().fit(train)
    assert p.names == ["x", "g=a"] and p.reference == {"g": "b"}
    # median of 1 1 2 6 is 1.5; the column 1 2 1.5 6 1 has mean 2.3 and variance 3.56
    z = p.transform(pd.DataFrame({"x": [np.nan, 100.0], "g": ["c", "a"]}))
    assert z[:, 0] == pytest.approx([(1.5 - 2.3) / 3.56**0.5, (100 - 2.3) / 3.56**0.5])
    # a level that training did not have is the reference
    assert z[:, 1] == pytest.approx([(0 - 0.4) / 0.24**0.5, (1 - 0.4) / 0.24**0.5])


def test_one_indicator_for_a_modality_that_was_not_done() -> None:
    r = np.random.default_rng(0)
    frame = pd.DataFrame(r.normal(size=(20, 4)), columns=["m1", "m2", "m3", "other"])
    frame.iloc[:6, :3] = np.nan
    frame.iloc[10:12, 3] = np.nan  # two are too few for an indicator
    p = Preprocessor().fit(frame)
    assert p.names == ["m1", "m2", "m3", "other", "m1 (missing)"]
    assert (p.transform(frame)[:6, 4] > 0).all() and (p.transform(frame)[6:, 4] < 0).all()


def test_filters_drop_only_what_they_may() -> None:
    r = np.random.default_rng(1)
    a, b = r.normal(size=50), r.normal(size=50)
    near = a + 0.01 * r.normal(size=50)
    frame = pd.DataFrame({"clin": a, "copy": near, "f_b": b, "f_copy": near, "f_const": 1.0, "f_b2": -b})
    assert Preprocessor(["f_b", "f_copy", "f_const", "f_b2"]).fit(frame).names == ["clin", "copy", "f_b"]


def test_the_screen_keeps_what_is_related_to_the_response() -> None:
    r = np.random.default_rng(2)
    frame = pd.DataFrame(r.normal(size=(60, 30)), columns=[f"f{i}" for i in range(30)])
    y = (frame["f17"] + 0.3 * r.normal(size=60) > 0).to_numpy().astype(int)
    p = Preprocessor(list(frame.columns[1:]), keep=3).fit(frame, class_response(y, 2))
    assert p.names[0] == "f0" and "f17" in p.names and len(p.names) == 4
    # the squared correlations with the class, from numpy
    strength = frame.iloc[:, 1:].corrwith(pd.Series(y)).abs().sort_values(ascending=False)
    assert set(p.names[1:]) == set(strength.index[:3])


def test_martingale_residuals_by_hand() -> None:
    # hazards: 1/4 at 1; 1/2 at 3 (two at risk); residual = event - cumulative hazard
    found = survival_response(np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0]))[:, 0]
    assert found == pytest.approx([0.75, -0.25, 0.25, -0.75])


def test_columns_that_do_not_vary_become_one_column_of_zeros() -> None:
    p = Preprocessor().fit(pd.DataFrame({"x": [1.0, 1.0], "g": ["a", "a"]}))
    assert p.transform(pd.DataFrame({"x": [5.0, np.nan], "g": ["b", "a"]})).tolist() == [[0.0], [0.0]]
    p = Preprocessor().fit(pd.DataFrame({"x": [np.nan, np.nan]}))
    assert p.transform(pd.DataFrame({"x": [5.0]})).tolist() == [[0.0]]


def test_what_cannot_be_used_is_refused() -> None:
    with pytest.raises(RadiogenError) as error:
        Preprocessor().fit(pd.DataFrame({"x": [1.0, np.inf]}))
    assert error.value.code == "RG705"
