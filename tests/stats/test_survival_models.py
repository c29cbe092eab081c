"""Log-rank variants, proportional hazards, cut-points, groups, interaction, landmark and screening by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from radiogen import stats
from radiogen.errors import RadiogenError

RNG = np.random.default_rng(12)
N = 120
X = RNG.normal(size=N)
TRUE, FREE = RNG.exponential(np.exp(-0.7 * X)), RNG.exponential(1.5, N)
T, E = np.minimum(TRUE, FREE).round(2) + 0.01, TRUE <= FREE
G = RNG.choice(list("abc"), N)
D = pd.DataFrame({"t": T, "e": E.astype(int), "x": X, "g": G, "z": RNG.normal(size=N), "arm": RNG.integers(0, 2, N)})


def test_gehan_by_hand() -> None:
    # weights 4, 3, 2, 1: U = 4(1 - 1/2) + 3(1 - 1/3) = 4 for a; V = 16/4 + 9·2/9 = 6
    r = stats.log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], list("aabb"), weight="gehan")
    assert r.statistic == pytest.approx(16 / 6)
    assert r.table["observed"].tolist() == [7, 3]


def test_tarone_ware_and_peto_by_hand() -> None:
    r = stats.log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], list("aabb"), weight="tarone-ware")
    assert r.statistic == pytest.approx((2 / 2 + np.sqrt(3) * 2 / 3) ** 2 / (4 / 4 + 3 * 2 / 9))
    # Π(1 - 1/(n + 1)) = 4/5, 4/5·3/4
    r = stats.log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], list("aabb"), weight="peto")
    assert r.statistic == pytest.approx((0.8 / 2 + 0.6 * 2 / 3) ** 2 / (0.64 / 4 + 0.36 * 2 / 9))


def test_late_weights_by_hand() -> None:
    # gamma 1: weights 1 - S(t-) = 0, 1/4, 1/2, 3/4; only the second time has variance
    r = stats.log_rank_test([1, 2, 3, 4], [1, 1, 1, 1], list("aabb"), gamma=1)
    assert r.statistic == pytest.approx((2 / 3) ** 2 / (2 / 9))


def test_stratified_log_rank_by_hand() -> None:
    # two strata of one event each with one of each group at risk: O - E = ½ and ½, V = ¼ + ¼
    r = stats.log_rank_test([1, 2, 1, 2], [1, 0, 1, 0], list("abab"), strata=[0, 0, 1, 1])
    assert r.statistic == pytest.approx(1 / 0.5)


def test_trend_of_two_groups_is_the_log_rank_test() -> None:
    two = np.where(G == "a", "a", "b")
    assert stats.log_rank_test(T, E, two, trend=True).statistic == pytest.approx(stats.log_rank_test(T, E, two).statistic)
    # scores count up to a linear change
    one, other = (stats.log_rank_test(T, E, G, trend=s) for s in ([0, 1, 2], [5, 7, 9]))
    assert one.statistic == pytest.approx(other.statistic)
    assert one.df == 1


def test_pairwise_with_holm(monkeypatch: pytest.MonkeyPatch) -> None:
    r = stats.log_rank_test(T, E, G, pairwise="holm")
    assert r.pairs[["group_1", "group_2"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    use = G != "c"
    assert r.pairs.loc[0, "p"] == pytest.approx(stats.log_rank_test(T[use], E[use], G[use]).p)
    from radiogen.stats.logrank import _adjusted

    # R: p.adjust(c(.01, .2, .03, .04), "holm")
    assert _adjusted(np.array([0.01, 0.2, 0.03, 0.04]), "holm").tolist() == pytest.approx([0.04, 0.2, 0.09, 0.09])
    assert _adjusted(np.array([0.01, np.nan, 0.5]), "bonferroni")[[0, 2]].tolist() == [0.02, 1.0]


def test_schoenfeld_residuals_by_hand() -> None:
    # x of the events 1, 0, 1 (the last alone); at beta the first risk set has the mean (e + e)/(2e + 1)
    d = pd.DataFrame({"t": [1, 2, 3], "e": [1, 1, 1], "x": [1.0, 0.0, 1.0]})
    beta = stats.cox_regression(d, "t", "e", ["x"]).estimate[0]
    h = np.exp(beta)
    r = stats.schoenfeld_residuals(d, "t", "e", ["x"], scaled=False)["x"]
    np.testing.assert_allclose(r, [1 - 2 * h / (2 * h + 1), -h / (h + 1), 0], atol=1e-9)
    assert r.sum() == pytest.approx(0, abs=1e-8)


def test_ph_test_finds_what_changes() -> None:
    rng = np.random.default_rng(1)
    x = np.repeat([0, 1], 400)
    # the hazard ratio is 4 before time 1 and 1/4 after it
    first = rng.exponential(1 / np.where(x == 1, 2.0, 0.5))
    t = np.where(first < 1, first, 1 + rng.exponential(1 / np.where(x == 1, 0.25, 1.0)))
    d = pd.DataFrame({"t": t, "e": 1, "x": x, "noise": rng.normal(size=800)})
    r = stats.proportional_hazards_test(d, "t", "e", ["x", "noise"])
    assert r.p[0] < 1e-10 < 1e-3 < r.p[1]


def test_royston_d_ignores_all_but_order() -> None:
    one, two = stats.royston_d(T, E, X), stats.royston_d(T, E, np.exp(3 * X))
    assert one.estimate == pytest.approx(two.estimate)
    assert one["r2"] == pytest.approx(one.estimate**2 * np.pi / 8 / (np.pi**2 / 6 + one.estimate**2 * np.pi / 8))
    assert one["r2_lower"] < one["r2"] < one["r2_upper"]


def test_log_rank_scores_by_hand() -> None:
    from radiogen.stats.cutpoints import log_rank_scores

    # event less cumulative 1/3, 1/3 + 0, 1/3 + 1
    np.testing.assert_allclose(log_rank_scores(np.array([1.0, 2, 3]), np.array([True, False, True])), [2 / 3, -1 / 3, -1 / 3])


def test_exact_cutpoint_against_all_permutations() -> None:
    """HL bounds the permutation p-value from above; permutation comes near it."""
    x, t, e = np.arange(7.0), np.array([5.0, 7, 6, 2, 3, 1, 4]), np.ones(7)
    from radiogen.stats import cutpoints

    scores = cutpoints._integers(cutpoints.log_rank_scores(t, e == 1))
    sizes = cutpoints._sizes(x, 0.1, 0.9)
    seen = cutpoints._standardised(scores, sizes).max()
    every = [cutpoints._standardised(np.array(p), sizes).max() for p in itertools.permutations(scores)]
    # the bound is for values above b, so what ties with the observed maximum is not in it
    exact = np.mean(np.array(every) > seen * (1 + 1e-12))
    bound = stats.maximally_selected_cutpoint(x, t, e, "HL").p
    assert exact <= bound < exact + 0.1
    drawn = stats.maximally_selected_cutpoint(x, t, e, "permutation", n_perm=4000).p
    whole = cutpoints.log_rank_scores(t, e == 1)
    reached = np.mean([cutpoints._standardised(np.array(p), sizes).max() for p in itertools.permutations(whole)] >= (
        cutpoints._standardised(whole, sizes).max() * (1 - 1e-12)))  # fmt: skip
    assert drawn == pytest.approx(reached, abs=0.02)


def test_sum_distribution_by_hand() -> None:
    from radiogen.stats.cutpoints import _sum_distributions

    share = _sum_distributions(np.array([0, 1, 2]))
    assert share[1].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert share[2].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert share.sum(axis=1).tolist() == pytest.approx([1, 1, 1, 1])


def test_cutpoint_profile_and_groups() -> None:
    r = stats.maximally_selected_cutpoint(X, T, E)
    best = r.profile.loc[r.profile["statistic"].idxmax()]
    assert (best["cutpoint"], best["statistic"]) == (r.estimate, r.statistic)
    assert r["p_uncorrected"] < r.p
    groups = stats.risk_groups(X, "maximally_selected", time=T, event=E)
    assert (np.asarray(groups.groups) == np.where(r.estimate >= X, "low", "high")).all()
    assert groups.p[0] == pytest.approx(r.p)


def test_xtile_finds_steps() -> None:
    x = np.arange(90.0)
    t = np.repeat([30.0, 10.0, 1.0], 30) + RNG.random(90)
    r = stats.xtile(x, t, np.ones(90), n_perm=200)
    assert r.cutpoints == (29.0, 59.0)
    assert r.p[0] == pytest.approx(1 / 201)
    assert r.profile["statistic"].max() == r.statistic[0]


def test_three_group_statistic_is_kruskal_wallis_of_the_scores() -> None:
    from scipy.stats import kruskal

    from radiogen.stats.cutpoints import _three_groups

    ranks = RNG.permutation(30).astype(float)
    got = _three_groups(ranks[None], np.array([8, 20]), np.array([0]), np.array([1]))
    assert got[0, 0] == pytest.approx(kruskal(ranks[:8], ranks[8:20], ranks[20:]).statistic)


def test_risk_groups() -> None:
    r = stats.risk_groups([1, 2, 3, 4, 5, 6], "tertiles")
    assert list(r.groups) == ["low", "low", "intermediate", "intermediate", "high", "high"]
    assert list(r.assign([0, 3.4, 99])) == ["low", "intermediate", "high"]
    fixed = stats.risk_groups([1, 5], "cutpoint", cutpoints=5, labels=["good", "poor"])
    assert list(fixed.groups) == ["good", "good"]
    assert stats.risk_groups(X, "cox").extra["sizes"] == {"1": 20, "2": 40, "3": 40, "4": 20}


def test_interaction_parts() -> None:
    r = stats.interaction_test(D, "t", "e", "arm", "g", adjust=["x"])
    assert r.df == 2
    assert r.subgroups["label"].tolist() == ["All", "g: a", "g: b", "g: c"]
    assert r.subgroups["events"].tolist()[0] == r.subgroups["events"][1:].sum() == E.sum()
    use = D[D["g"] == "b"]
    alone = stats.cox_regression(use, "t", "e", ["arm", "x"])
    assert r.subgroups.loc[2, "estimate"] == pytest.approx(np.exp(alone.estimate[0]))
    main = stats.cox_regression(D, "t", "e", ["arm", "g", "x"]).loglik[1]
    both = D.assign(**{"p": D["arm"] * (D["g"] == "b"), "q": D["arm"] * (D["g"] == "c")})
    assert r.statistic == pytest.approx(2 * (stats.cox_regression(both, "t", "e", ["arm", "g", "x", "p", "q"]).loglik[1] - main))


def test_interaction_subgroup_without_treatment_is_named() -> None:
    d = D.assign(arm=np.where(D["g"] == "a", 0, D["arm"]))
    r = stats.interaction_test(d, "t", "e", "arm", "g")
    assert r.df == 1
    assert "not estimable" in r.notes[0] and "arm:g" in r.notes[0]
    row = r.subgroups.set_index("label").loc["g: a"]
    assert np.isnan(row["estimate"]) and "constant" in row["note"]


def test_landmark_by_hand() -> None:
    d = pd.DataFrame({"t": [1.0, 3, 5, 9], "e": [1, 0, 1, 1], "r": [0.5, np.nan, 2, 4]})
    r = stats.landmark(d, "t", "e", at=3, window=4, occurred="r")
    # the event at 1 and the censoring at 3 are gone; 5 becomes 2, 9 is cut at 4
    assert r.frame[["t", "e", "r_by_landmark"]].to_numpy().tolist() == [[2, 1, 1], [4, 0, 0]]
    assert (r["excluded_events"], r["excluded_censored"]) == ([1], [1])
    two = stats.landmark(d, "t", "e", at=[0, 3])
    assert (two.frame["landmark"].tolist(), two.n.tolist()) == ([0, 0, 0, 0, 3, 3], [4, 2])


def test_cox_screen_equals_cox_regression() -> None:
    features = D[["x", "z"]].assign(half=np.where(np.arange(N) % 5 == 0, np.nan, D["z"] + D["x"]), one=1.0, sure=np.where(E, 1.0, 0.0) - T)
    features["flag"] = (X > 0).astype(int)
    for adjust in (None, D[["arm", "g"]]):
        got = stats.cox_screen(features, T, E, adjust=adjust).set_index("feature")
        for name in ("x", "z", "half", "flag"):
            d = D.assign(f=features[name]).dropna()
            fit = stats.cox_regression(d, "t", "e", ["f", *([] if adjust is None else ["arm", "g"])])
            row = got.loc[name]
            assert row["log_hr"] == pytest.approx(fit.estimate[0], rel=1e-8)
            assert row["se"] == pytest.approx(fit.se[0], rel=1e-6)
            assert row["p"] == pytest.approx(fit.p[0], rel=1e-6)
            assert (row["n"], row["events"]) == (fit.n, fit.events)
        assert got.loc["one", "test"] == "not tested" and got.loc["one", "note"]
    tests = stats.cox_regression(D, "t", "e", ["x"]).tests.set_index("test")["statistic"]
    for name in ("score", "likelihood ratio"):
        screen = stats.cox_screen(features[["x"]], T, E, test=name)
        assert screen.loc[0, "statistic"] == pytest.approx(tests[name], rel=1e-8)


def test_cox_screen_of_separation_and_copies() -> None:
    t, e = np.arange(1.0, 13), np.ones(12)
    got = stats.cox_screen(pd.DataFrame({"sep": (t < 7).astype(float)}), t, e)
    assert np.isnan(got.loc[0, "effect"]) and "no maximum" in got.loc[0, "note"]
    assert got.loc[0, "test"] == "Cox, score"
    assert got.loc[0, "p"] == pytest.approx(stats.log_rank_test(t, e, t < 7).p)
    copy = stats.cox_screen(pd.DataFrame({"copy": 2 * X}), T, E, adjust=pd.DataFrame({"x": X}))
    assert "linear combination" in copy.loc[0, "note"] and np.isnan(copy.loc[0, "p"])


def test_cox_screen_per_sd_and_max_t() -> None:
    got = stats.cox_screen(D[["x", "z"]], T, E, per="sd", n_perm=200)
    plain = stats.cox_screen(D[["x", "z"]], T, E)
    assert got.loc[0, "log_hr"] == pytest.approx(plain.loc[0, "log_hr"] * X.std(ddof=1))
    assert got["p"].tolist() == pytest.approx(plain["p"].tolist())
    assert got.loc[0, "p_max_t"] == pytest.approx(1 / 201)
    assert got.loc[1, "p_max_t"] > 0.01


def test_predict_risk_by_hand_and_new_levels() -> None:
    # no covariate effect asked: two equal groups; hazard by Breslow at x mean
    fit = stats.cox_regression(D, "t", "e", ["x", "g"])
    again = fit.predict_linear(D)
    np.testing.assert_allclose(again, fit.linear_predictor, atol=1e-12)
    assert (np.diff(fit.predict_risk(D, [0.2, 0.5, 1.0]), axis=1) > 0).all()
    with pytest.raises(RadiogenError) as caught:
        fit.predict_risk(pd.DataFrame({"x": [0.0], "g": ["new"]}), 1)
    assert caught.value.code == "RG705"
