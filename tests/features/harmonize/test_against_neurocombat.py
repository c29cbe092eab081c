"""ComBat gives neuroCombat's numbers on the same matrix and design."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from radiogen.features.harmonize import ComBat
from tests.features.harmonize.cases import CASES, by_neurocombat, matrix

#: what is asked for is 1e-6; what is left is the order of sums
TOLERANCE = 1e-9


def by_radiogen(name: str) -> np.ndarray:
    options = dict(CASES[name])
    x, batch, covariates = matrix()
    wanted = options.pop("covariates")
    beside = covariates[wanted] if wanted else None
    return ComBat(**options).fit_transform(x, batch=batch, covariates=beside)


@pytest.mark.parametrize("name", list(CASES))
def test_equals_the_values_that_neurocombat_gave(name: str) -> None:
    stored = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
    expected = np.array([[float(v) for v in row] for row in stored[name]])
    found = by_radiogen(name)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    assert np.abs(found - matrix()[0]).max() > 0.1  # something was done


@pytest.mark.parametrize("name", list(CASES))
def test_equals_neurocombat_where_it_is_installed(name: str) -> None:
    pytest.importorskip("neuroCombat")
    np.testing.assert_allclose(by_radiogen(name), by_neurocombat(name), rtol=0, atol=TOLERANCE)


def test_equals_neurocombat_on_a_wide_matrix_where_it_is_installed() -> None:
    pytest.importorskip("neuroCombat")
    import contextlib
    import io

    import pandas as pd
    from neuroCombat import neuroCombat

    rng = np.random.default_rng(3)
    batch = np.array(["a", "b", "c", "d"])[rng.integers(0, 4, 90)]
    x = rng.normal(size=(90, 400)) * np.exp(rng.normal(size=400)) + pd.factorize(batch)[0][:, None] * rng.normal(size=400)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = neuroCombat(dat=x.T, covars=pd.DataFrame({"b": batch}), batch_col="b")["data"].T
    np.testing.assert_allclose(ComBat().fit_transform(x, batch=batch), expected, rtol=0, atol=1e-9)
