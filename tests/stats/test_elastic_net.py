"""Cox models with an elastic-net penalty: by hand, optimality conditions, and what is refused (glmnet's digits: test_oracle.py)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError
from radiogen.stats._glmnet_order import _singleton
from radiogen.stats._partial import objective, risk_sets


@pytest.fixture(scope="module")
def d() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 6)) + 0.5 * rng.normal(size=(150, 1))
    time = np.ceil(10 * rng.exponential(np.exp(-0.7 * x[:, 0] + 0.5 * x[:, 1])))
    frame = pd.DataFrame(x * [1, 10, 0.1, 1, 1, 1], columns=[f"x{k}" for k in range(6)])
    return frame.assign(t=time, e=(rng.random(150) < 0.7).astype(int))


X = [f"x{k}" for k in range(6)]


@pytest.mark.parametrize("ratio", [1.0, 0.4])
@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_the_slope_equals_the_penalty(d: pd.DataFrame, ratio: float, ties: str) -> None:
    got = stats.cox_elastic_net(d, "t", "e", X, [0.2, 0.05, 0.005], l1_ratio=ratio, ties=ties)
    scale = d[X].std(ddof=0).to_numpy()
    z = ((d[X] - d[X].mean()) / scale).to_numpy()
    function = objective(risk_sets(d["t"].to_numpy(float), d["e"].to_numpy() == 1, z, ties=ties))
    for strength in got.coefficients.columns:
        b = got.coefficients[strength].to_numpy() * scale
        slope = function(b)[1] / len(d) - strength * (1 - ratio) * b
        inside = b != 0
        np.testing.assert_allclose(slope[inside], strength * ratio * np.sign(b[inside]), atol=1e-10)
        assert (np.abs(slope[~inside]) <= strength * ratio + 1e-10).all()


def test_the_default_path_starts_empty_and_ends_near_the_model_without_penalty(d: pd.DataFrame) -> None:
    path = stats.cox_elastic_net(d, "t", "e", X).coefficients
    assert path.shape == (6, 50) and (path.iloc[:, 0] == 0).all() and (path.iloc[:, 1] != 0).any()
    full = stats.cox_regression(d, "t", "e", X, ties="breslow").estimate
    tiny = stats.cox_elastic_net(d, "t", "e", X, 1e-9).coefficients.iloc[:, 0]
    np.testing.assert_allclose(tiny, full, rtol=1e-5)


def test_one_covariate_by_hand() -> None:
    # two units, the first has the event: loglik(b) = -log(1 + exp(-2b)) for the standardised covariate 1 and -1.
    # At lambda 0.25: 2 / (1 + exp(2b)) / 2 = 0.25, so b = log(3) / 2; the covariate's own deviation is 1/2
    f = pd.DataFrame({"t": [1, 2], "e": [1, 0], "x": [1, 0]})
    got = stats.cox_elastic_net(f, "t", "e", ["x"], [0.25, 0.5]).coefficients.loc["x"]
    assert got.tolist() == pytest.approx([np.log(3), 0])


def test_more_terms_than_units_and_collinear_columns(d: pd.DataFrame) -> None:
    few = d.iloc[:12].assign(**{f"n{k}": np.random.default_rng(k).normal(size=12) for k in range(20)}, again=d["x0"][:12])
    got = stats.cox_elastic_net(few, "t", "e", [c for c in few if c not in ("t", "e")], [0.1, 0.02])
    assert np.isfinite(got.coefficients).all(axis=None)
    assert stats.cox_elastic_net(d.assign(c=1), "t", "e", ["x0", "c"], 0.01).notes == ("Constant, and left at 0: c.",)


def test_the_unstable_order_is_an_order() -> None:
    rng = np.random.default_rng(2)
    for size in (1, 2, 11, 12, 40, 300):
        values = rng.integers(0, 30, size).astype(float)
        order = _singleton(values.tolist())
        assert sorted(order) == list(range(size)) and (np.diff(values[order]) >= 0).all()


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("RG708", {"penalties": [0.0]}), ("RG708", {"penalties": 0.1, "l1_ratio": 0}), ("RG708", {"ties": "exact"}),
        ("RG705", {"penalties": [np.nan]}), ("RG705", {"penalties": "a"}), ("RG705", {"covariates": "x0"}), ("RG705", {"covariates": []}),
    ],
)  # fmt: skip
def test_refused(d: pd.DataFrame, code: str, options: dict[str, object]) -> None:
    with pytest.raises(RadiogenError) as caught:
        stats.cox_elastic_net(d, "t", "e", **{"covariates": X, **options})
    assert caught.value.code == code
