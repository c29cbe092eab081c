"""What was planted is found again, and nothing is found where nothing was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from radiogen.simulate.appearance import FEATURES
from radiogen.simulate.build import draw_features, draw_truth
from radiogen.simulate.effects import DEFAULT, NULL, Effects
from radiogen.simulate.outcome import SCALE_MONTHS, SHAPE
from radiogen.simulate.patients import (
    HER2_RICH,
    LUMINAL_A,
    LUMINAL_B_NEG,
    LUMINAL_B_POS,
    TRIPLE_NEGATIVE,
    UNCLASSIFIED,
    centres,
    st_gallen_2013,
)  # fmt: skip

N, SEED = 2000, 2024
#: standard errors allowed: about 25 estimates are compared, and at 3.7 (two-sided p 0.0002)
#: a right simulation fails any of them for fewer than 1 seed in 150
BOUND = 3.7


@pytest.fixture(scope="module")
def planted() -> pd.DataFrame:
    return draw_truth(N, SEED, DEFAULT)


@pytest.fixture(scope="module")
def null() -> pd.DataFrame:
    return draw_truth(N, SEED, NULL)


def regress(y: np.ndarray, causes: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """Least squares: name -> (coefficient, standard error)."""
    design = np.column_stack([np.ones(len(y)), *causes.values()])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    variance = ((y - design @ beta) ** 2).sum() / (len(y) - design.shape[1])
    errors = np.sqrt(variance * np.diag(inverse))
    return {k: (float(beta[i + 1]), float(errors[i + 1])) for i, k in enumerate(causes)}


def log_feature(truth: pd.DataFrame, modality: str, name: str) -> np.ndarray:
    """A recorded feature brought back to units of its latent trait."""
    feature = next(f for f in FEATURES[modality] if f.name == name)
    (loading,) = feature.latents.values()
    values = draw_features(truth, modality, SEED)[name].to_numpy(float)
    return np.asarray((np.log(values) if feature.log else values) / loading)


def within(estimate: tuple[float, float], size: float) -> bool:
    """Within BOUND standard errors, and precise enough for that to mean something."""
    return abs(estimate[0] - size) < BOUND * estimate[1] and estimate[1] < 0.2


@pytest.mark.parametrize(
    ("modality", "feature", "causes"),
    [
        ("swe", "swe_mean_kpa", {"mut_TP53": DEFAULT.tp53_on_stiffness, "size_z": DEFAULT.size_on_stiffness}),
        ("bmode", "bmode_margin_irregularity",
         {"mut_TP53": DEFAULT.tp53_on_margin, "luminal_score": DEFAULT.subtype_on_margin}),
        ("bmode", "bmode_heterogeneity_db", {"mut_TP53": DEFAULT.tp53_on_texture}),
        ("bmode", "bmode_posterior_db", {"luminal_score": DEFAULT.subtype_on_shadow, "mut_TP53": 0.0}),
        ("ceus", "ceus_peak_enhancement_au", {"mut_PIK3CA": DEFAULT.pik3ca_on_ceus_peak, "mut_TP53": 0.0}),
        ("ceus", "ceus_time_to_peak_s", {"mut_PIK3CA": DEFAULT.pik3ca_on_ceus_time}),
        ("doppler", "doppler_vascularity_index_pct",
         {"her2": DEFAULT.her2_on_vascularity, "size_z": DEFAULT.size_on_vascularity}),
    ],
)  # fmt: skip
def test_effects_on_features_are_recovered(
    planted: pd.DataFrame, modality: str, feature: str, causes: dict[str, float]
) -> None:
    columns = {k: planted[k].to_numpy(float) for k in causes}
    found = regress(log_feature(planted, modality, feature), {**columns, "beta": (planted["scanner"] == "Beta").to_numpy(float)})
    for name, size in causes.items():
        assert within(found[name], size), (name, found[name], size)
    # the scanner's shift is recovered too
    model = next(f for f in FEATURES[modality] if f.name == feature)
    assert within(found["beta"], model.beta / next(iter(model.latents.values())))


def test_estimates_are_unbiased_over_cohorts() -> None:
    # one cohort can hide a bias of three standard errors; twenty cannot
    causes = {
        "stiffness": {"mut_TP53": DEFAULT.tp53_on_stiffness, "size_z": DEFAULT.size_on_stiffness},
        "margin": {"mut_TP53": DEFAULT.tp53_on_margin, "luminal_score": DEFAULT.subtype_on_margin},
        "texture": {"mut_TP53": DEFAULT.tp53_on_texture},
        "peak": {"mut_PIK3CA": DEFAULT.pik3ca_on_ceus_peak},
        "vascularity": {"her2": DEFAULT.her2_on_vascularity, "size_z": DEFAULT.size_on_vascularity},
    }
    z: dict[str, list[float]] = {}
    for seed in range(20):
        truth = draw_truth(400, seed, DEFAULT)
        for latent, sizes in causes.items():
            columns = {k: truth[k].to_numpy(float) for k in sizes}
            for name, (estimate, error) in regress(truth[f"latent_{latent}"].to_numpy(float), columns).items():
                z.setdefault(f"{latent} on {name}", []).append((estimate - sizes[name]) / error)
    for pair, values in z.items():
        assert abs(np.mean(values)) * np.sqrt(20) < BOUND, pair
        assert 0.0005 < stats.chi2.cdf(np.sum(np.square(values)), 20) < 0.9995, pair


def test_effects_on_mutations_are_recovered(planted: pd.DataFrame) -> None:
    import statsmodels.api as sm

    design = sm.add_constant(pd.DataFrame({"er": planted["er"].astype(float), "grade": planted["grade"].astype(float)}))
    fit = sm.Logit(planted["mut_TP53"].astype(float), design).fit(disp=0)
    assert within((fit.params["er"], fit.bse["er"]), DEFAULT.er_on_tp53)
    assert within((fit.params["grade"], fit.bse["grade"]), DEFAULT.grade_on_tp53)
    pik = sm.Logit(planted["mut_PIK3CA"].astype(float), design[["const", "er"]]).fit(disp=0)
    assert within((pik.params["er"], pik.bse["er"]), DEFAULT.er_on_pik3ca)
    assert 0.31 < planted["mut_TP53"].mean() < 0.39
    assert 0.29 < planted["mut_PIK3CA"].mean() < 0.37


def cox(truth: pd.DataFrame) -> pd.DataFrame:
    from lifelines import CoxPHFitter

    data = pd.DataFrame(
        {
            "age": truth["age"] / 10.0,
            "nodes": (truth["node_status"] == "positive").astype(float),
            "size": truth["size_mm"] / 10.0,
            "stiffness": truth["latent_stiffness"],
            "time": truth["os_months"],
            "event": truth["os_status"],
        }
    )
    fitter = CoxPHFitter().fit(data, "time", "event")
    summary: pd.DataFrame = fitter.summary
    summary.attrs["p"] = float(fitter.log_likelihood_ratio_test().p_value)
    return summary


def test_effects_on_death_are_recovered_and_follow_up_is_realistic(planted: pd.DataFrame) -> None:
    found = cox(planted)
    sizes = {
        "age": DEFAULT.age_on_death, "nodes": DEFAULT.nodes_on_death, "size": DEFAULT.size_on_death,
        "stiffness": DEFAULT.stiffness_on_death,
    }  # fmt: skip
    for name, size in sizes.items():
        assert within((found.loc[name, "coef"], found.loc[name, "se(coef)"]), size), name
    assert 0.55 < 1 - planted["os_status"].mean() < 0.70


@pytest.mark.parametrize("effects", [DEFAULT, NULL], ids=["default", "null"])
def test_times_to_death_follow_the_weibull_of_the_truth(effects: Effects) -> None:
    # (t / scale)^shape · exp(lp) is a standard exponential number
    truth = draw_truth(N, SEED, effects)
    unit = (truth["death_months"] / SCALE_MONTHS) ** SHAPE * np.exp(truth["lp_os"])
    assert stats.kstest(unit, "expon").pvalue > 0.01
    assert (truth["relapse_months"].dropna() < truth.loc[truth["relapse_months"].notna(), "death_months"]).all()


def test_in_a_null_cohort_nothing_tells_of_death_or_mutations(null: pd.DataFrame) -> None:
    found = cox(null)
    assert found.attrs["p"] > 0.01
    assert (found["z"].abs() < 3).all()
    assert (null["lp_os"] == 0).all()
    for gene in ("TP53", "PIK3CA", "GATA3", "CDH1", "PTEN"):
        assert null[f"lp_{gene}"].nunique() == 1
    assert 0.55 < 1 - null["os_status"].mean() < 0.72
    across = ["grade", "size_mm", "er", "her2", "ki67_percent", "mut_TP53", "mut_PIK3CA", "latent_stiffness",
              "latent_margin", "latent_diameter_mm", "latent_vascularity", "latent_peak", "os_months"]  # fmt: skip
    correlation = null[across].astype(float).corr().to_numpy()
    # 78 pairs at a standard error of 1/sqrt(2000): none beyond four of them
    assert np.abs(correlation - np.eye(len(across))).max() < 4 / np.sqrt(N)


def association_p(effects: Effects, cohorts: int = 40, n: int = 150) -> list[float]:
    """Rank tests of one feature per modality, mutually independent under the null, against TP53."""
    picked = {
        "bmode": "bmode_margin_irregularity", "swe": "swe_mean_kpa", "doppler": "doppler_vascularity_index_pct",
        "ceus": "ceus_peak_enhancement_au",
    }  # fmt: skip
    found = []
    for seed in range(1, cohorts + 1):
        truth = draw_truth(n, seed, effects)
        for modality, name in picked.items():
            use = truth["tested"] & truth[f"has_{modality}"]
            values, mutated = draw_features(truth, modality, seed).loc[use, name], truth.loc[use, "mut_TP53"]
            found.append(float(stats.mannwhitneyu(values[mutated], values[~mutated]).pvalue))
    return found


def test_associations_are_uniform_under_the_null_and_not_otherwise() -> None:
    assert stats.kstest(association_p(NULL), "uniform").pvalue > 0.01
    assert stats.kstest(association_p(DEFAULT, cohorts=10), "uniform").pvalue < 1e-4


def test_cox_is_uniform_under_the_null() -> None:
    p = [cox(draw_truth(150, seed, NULL)).attrs["p"] for seed in range(1, 26)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_null_keeps_scanners_and_missing_values_and_they_tell_nothing(null: pd.DataFrame) -> None:
    beta = (null["scanner"] == "Beta").to_numpy(float)
    shift = regress(np.log(draw_features(null, "swe", SEED)["swe_mean_kpa"].to_numpy(float)), {"beta": beta})["beta"]
    assert within(shift, 0.15) and shift[0] > 4 * shift[1]
    assert null.loc[null["centre"] == "A", "has_ceus"].mean() > null.loc[null["centre"] == "B", "has_ceus"].mean() + 0.1
    for column in ("has_swe", "has_doppler", "has_ceus", "tested"):
        for outcome in ("os_status", "mut_TP53"):
            table = pd.crosstab(null[column], null[outcome])
            assert stats.chi2_contingency(table, correction=False).pvalue > 0.001


def test_one_patient_in_every_four_is_of_centre_b() -> None:
    place = centres(3, 40)
    assert [place[i : i + 4].count("B") for i in range(0, 40, 4)] == [1] * 10
    assert len({tuple(place[i : i + 4]) for i in range(0, 40, 4)}) > 1
    assert centres(3, 22) == place[:22]


def test_subtypes_follow_the_rule_at_its_boundaries() -> None:
    rows = [  # er, pr, her2, ki67, pr percent, subtype
        (True, True, False, 19, 20, LUMINAL_A), (True, True, False, 20, 20, LUMINAL_B_NEG),
        (True, True, False, 19, 19, LUMINAL_B_NEG), (True, False, False, 5, 0, LUMINAL_B_NEG),
        (True, True, True, 5, 90, LUMINAL_B_POS), (False, True, False, 5, 90, UNCLASSIFIED),
        (False, False, True, 50, 0, HER2_RICH), (False, False, False, 50, 0, TRIPLE_NEGATIVE),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["er", "pr", "her2", "ki67_percent", "pr_percent", "subtype"])
    assert list(st_gallen_2013(frame)) == list(frame["subtype"])
