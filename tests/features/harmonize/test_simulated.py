"""What ComBat must do on simulated scanners: take the batch away, leave biology, and invent nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radiogen.features.harmonize import ComBat, variance_explained

EFFECT = 0.8


def scanners(
    seed: int, n: int = 400, p: int = 100, *, gain: float = 0.15, multiplied: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features of n lesions of four scanners with gains and offsets; a marker shifts them and is commoner in some.

    A gain multiplies the marker's effect as it multiplies all of tissue, or, as ComBat's own model has it, only the noise.
    """
    rng = np.random.default_rng(seed)
    scanner = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    marker = (rng.uniform(size=n) < np.array([0.3, 0.5, 0.6, 0.4])[scanner]).astype(float)
    noise, shift = rng.normal(size=(n, p)), EFFECT * marker[:, None]
    offset, gains = rng.normal(0, 1.5, (4, p)), np.exp(rng.normal(0, gain, (4, p)))
    measured = (noise + shift) * gains[scanner] if multiplied else noise * gains[scanner] + shift
    return measured + offset[scanner], np.array(list("ABCD"))[scanner], marker, noise + shift


def effect(x: np.ndarray, marker: np.ndarray) -> float:
    """Mean difference in units of the spread within groups, over features."""
    groups = [x[marker == m] for m in (0, 1)]
    spread = np.sqrt((groups[0].var(axis=0, ddof=1) + groups[1].var(axis=0, ddof=1)) / 2)
    return float(((groups[1].mean(axis=0) - groups[0].mean(axis=0)) / spread).mean())


@pytest.mark.parametrize("options", [{}, {"reference": "A"}, {"empirical_bayes": False}])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_batch_goes_and_biology_stays(options: dict, seed: int) -> None:
    x, batch, marker, tissue = scanners(seed)
    kept = pd.DataFrame({"marker": marker})
    before = variance_explained(x, batch, kept)["partial"]
    found = ComBat(**options).fit_transform(x, batch=batch, covariates=kept)
    after = variance_explained(found, batch, kept)["partial"]
    assert before.mean() > 0.3
    assert after.max() < 0.01
    assert effect(found, marker) > 0.95 * effect(tissue, marker)
    assert effect(x, marker) < 0.8 * effect(tissue, marker)  # what the scanners had hidden


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_under_its_own_model_the_effect_is_kept_in_its_unit(seed: int) -> None:
    x, batch, marker, tissue = scanners(seed, gain=0.4, multiplied=False)
    found = ComBat().fit_transform(x, batch=batch, covariates=pd.DataFrame({"marker": marker}))
    gap = [(m[marker == 1].mean(axis=0) - m[marker == 0].mean(axis=0)).mean() for m in (found, tissue)]
    assert gap[0] == pytest.approx(gap[1], rel=0.05)


def test_the_non_parametric_form_needs_many_features() -> None:
    """Its prior is the other features: a scanner that treats one unlike all others is not taken from that one."""
    x, batch, marker, tissue = scanners(1, n=200, p=800)
    kept = pd.DataFrame({"marker": marker})
    found = ComBat(parametric=False).fit_transform(x, batch=batch, covariates=kept)
    after = variance_explained(found, batch, kept)["partial"]
    assert after.mean() < 0.01 < after.max()
    assert effect(found, marker) > 0.95 * effect(tissue, marker)


def test_without_the_covariate_part_of_biology_goes_too() -> None:
    x, batch, marker, _ = scanners(1)
    lost = effect(ComBat().fit_transform(x, batch=batch), marker)
    kept = effect(ComBat().fit_transform(x, batch=batch, covariates=pd.DataFrame({"marker": marker})), marker)
    assert lost < kept


def out_of_fold(x: np.ndarray, batch: np.ndarray, y: np.ndarray, seed: int) -> float:
    """AUC of a ridge model, everything fitted in the training folds."""
    data = pd.DataFrame(x, columns=[f"f{i}" for i in range(x.shape[1])]).assign(scanner=batch)
    score = np.zeros(len(y))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y):
        model = make_pipeline(ComBat("scanner"), StandardScaler(), LogisticRegression(C=0.01))
        score[test] = model.fit(data.iloc[train], y[train]).predict_proba(data.iloc[test])[:, 1]
    return float(roc_auc_score(y, score))


def null_cohort(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An outcome that no feature knows, and that is commoner on some scanners than on others."""
    rng = np.random.default_rng(seed)
    scanner = rng.choice(3, 180, p=[0.6, 0.3, 0.1])
    y = (rng.uniform(size=180) < np.array([0.3, 0.5, 0.7])[scanner]).astype(int)
    x = rng.normal(size=(180, 40)) * np.array([1.0, 1.5, 0.7])[scanner][:, None] + rng.normal(size=(3, 40))[scanner]
    return x, np.array(list("ABC"))[scanner], y


def test_a_null_outcome_stays_null_when_fitted_in_training_folds() -> None:
    areas = np.array([out_of_fold(*null_cohort(seed), seed) for seed in range(16)])
    # the mean of 16 areas has a standard error of about 0.01 under the null
    assert abs(areas.mean() - 0.5) < 3.5 * areas.std(ddof=1) / 16**0.5
    assert areas.std(ddof=1) < 0.08


def test_without_harmonisation_the_scanner_gives_the_outcome_away() -> None:
    areas = []
    for seed in range(8):
        x, _, y = null_cohort(seed)
        score = np.zeros(len(y))
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(x[train], y[train])
            score[test] = model.predict_proba(x[test])[:, 1]
        areas.append(roc_auc_score(y, score))
    assert np.mean(areas) > 0.58
