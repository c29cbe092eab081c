"""Shares of variance and principal components, by hand and against other implementations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.harmonize import principal_components, variance_explained
from tests.features.harmonize.cases import matrix


def test_share_by_hand() -> None:
    # 1, 3 and 5, 7: total 9 + 1 + 1 + 9 = 20, within 4, so 16 / 20; F = 16 / (4 / 2) = 8
    found = variance_explained(np.array([[1.0], [3], [5], [7]]), ["a", "a", "b", "b"]).iloc[0]
    assert found["share"] == pytest.approx(0.8) and found["partial"] == pytest.approx(0.8)
    assert found["f"] == pytest.approx(8) and found["n"] == 4
    assert found["adjusted"] == pytest.approx(1 - 0.2 * 3 / 2)


def test_equals_the_anova_of_nested_models() -> None:
    import statsmodels.formula.api as smf
    from statsmodels.stats.anova import anova_lm

    x, batch, covariates = matrix()
    found = variance_explained(x, batch, covariates)
    for j in (0, 5):
        data = covariates.assign(y=x[:, j], batch=batch)
        small, large = smf.ols("y ~ sex + age", data).fit(), smf.ols("y ~ sex + age + batch", data).fit()
        row = anova_lm(small, large).iloc[1]
        assert found["f"].iloc[j] == pytest.approx(row["F"]) and found["p"].iloc[j] == pytest.approx(row["Pr(>F)"])
        assert found["partial"].iloc[j] == pytest.approx((small.ssr - large.ssr) / small.ssr)
        assert found["share"].iloc[j] == pytest.approx((small.ssr - large.ssr) / large.centered_tss)


def test_gaps_and_constants() -> None:
    x, batch, _ = matrix()
    gone = np.column_stack([x[:, 0], np.full(26, 3.0), x[:, 1]])
    gone[[0, 9, 20], 2] = np.nan
    found = variance_explained(gone, batch)
    assert found["n"].to_list() == [26, 26, 23]
    assert found["reason"].to_list()[1] == "all values are equal" and np.isnan(found["share"].iloc[1])
    rows = ~np.isnan(gone[:, 2])
    alone = variance_explained(gone[rows][:, [2]], batch[rows])
    assert found["share"].iloc[2] == pytest.approx(alone["share"].iloc[0])


def test_chance_is_taken_off_by_the_adjustment() -> None:
    rng = np.random.default_rng(0)
    found = variance_explained(rng.normal(size=(40, 2000)), np.repeat(list("abcde"), 8))
    assert found["share"].mean() == pytest.approx(4 / 39, abs=0.005)  # (batches − 1) / (n − 1)
    assert found["adjusted"].median() < 0.01
    assert (found["p"] < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_one_batch_is_refused() -> None:
    with pytest.raises(RadiogenError) as error:
        variance_explained(np.ones((4, 1)), ["a"] * 4)
    assert error.value.code == "RG701"


def test_components_equal_scikit_learn_up_to_sign() -> None:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    x, _, _ = matrix()
    found = principal_components(pd.DataFrame(x, index=[f"u{i}" for i in range(26)]), 3)
    model = PCA(3).fit(StandardScaler().fit_transform(x))
    expected = model.transform(StandardScaler().fit_transform(x))
    np.testing.assert_allclose(np.abs(found.to_numpy()), np.abs(expected), atol=1e-10)
    np.testing.assert_allclose(found.attrs["share"], model.explained_variance_ratio_)
    assert list(found.index[:2]) == ["u0", "u1"]


def test_incomplete_and_constant_features_are_left_out_and_counted() -> None:
    x, _, _ = matrix()
    gone = np.column_stack([x, np.ones(26)])
    gone[3, 0] = np.nan
    found = principal_components(gone)
    assert found.attrs["features"] == 7 and found.attrs["left_out"] == 2
    np.testing.assert_allclose(found.to_numpy(), principal_components(x[:, 1:]).to_numpy())
