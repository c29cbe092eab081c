"""ComBat worked by hand, on new units, with gaps, in pipelines, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from radiogen.errors import RadiogenError
from radiogen.features.harmonize import ComBat
from tests.features.harmonize.cases import CASES, matrix

# one feature: scanner a has 1 and 3, scanner b 11 and 15.  Means 2 and 13, grand mean 7.5, variance within
# (1 + 1 + 4 + 4) / 4 = 2.5; squared scales (1 + 1) / 2.5 = 0.8 and (4 + 4) / 2.5 = 3.2
HAND = np.array([[1.0], [3.0], [11.0], [15.0]])
SCANNER = np.array(["a", "a", "b", "b"])


def code(call) -> str:
    with pytest.raises(RadiogenError) as error:
        call()
    return error.value.code


def test_by_hand_without_empirical_bayes() -> None:
    found = ComBat(empirical_bayes=False).fit(HAND, batch=SCANNER)
    np.testing.assert_allclose(found.gamma_.to_numpy().ravel(), [-5.5 / 2.5**0.5, 5.5 / 2.5**0.5])
    np.testing.assert_allclose(found.delta_.to_numpy().ravel(), [0.8, 3.2])
    # 7.5 ± 1 / √0.8 and 7.5 ± 2 / √3.2, which are the same
    np.testing.assert_allclose(found.transform(HAND, batch=SCANNER).ravel(), [7.5 - 1.25**0.5, 7.5 + 1.25**0.5] * 2)


def test_by_hand_mean_only() -> None:
    found = ComBat(empirical_bayes=False, mean_only=True).fit_transform(HAND, batch=SCANNER)
    np.testing.assert_allclose(found.ravel(), [6.5, 8.5, 5.5, 9.5])


def test_by_hand_to_a_reference() -> None:
    found = ComBat(empirical_bayes=False, reference="a").fit_transform(HAND, batch=SCANNER)
    # in units of a's own spread (variance 1) b has the squared scale 8: 2 ± 2 / √8
    np.testing.assert_allclose(found.ravel(), [1, 3, 2 - 0.5**0.5, 2 + 0.5**0.5])


def test_a_new_unit_is_mapped_by_what_its_scanner_taught() -> None:
    fitted = ComBat(empirical_bayes=False).fit(HAND, batch=SCANNER)
    # 5 on scanner a: 7.5 + (5 − 2) / √0.8
    assert fitted.transform(np.array([[5.0]]), batch=["a"])[0, 0] == pytest.approx(7.5 + 3 / 0.8**0.5)


def test_a_new_unit_keeps_its_covariate() -> None:
    # exactly x = 10 + 2 age on scanner a and 5 more on b, with noise ± 1 that age does not see
    age = np.array([1.0, 1, 2, 2, 1, 1, 2, 2])
    noise = np.array([1.0, -1] * 4)
    scanner = np.repeat(["a", "b"], 4)
    x = (10 + 2 * age + 5 * (scanner == "b") + noise)[:, None]
    fitted = ComBat(empirical_bayes=False).fit(x, batch=scanner, covariates=pd.DataFrame({"age": age}))
    found = fitted.transform(np.array([[12.0 + 6], [17.0 + 6]]), batch=["a", "b"], covariates=pd.DataFrame({"age": [4.0, 4.0]}))
    # two units of age 4 that lie on the line of their scanner meet on the line between them: 18 + 2.5
    np.testing.assert_allclose(found.ravel(), [20.5, 20.5])


@pytest.mark.parametrize("name", list(CASES))
def test_units_in_parts_are_what_they_are_together(name: str) -> None:
    options = dict(CASES[name])
    x, batch, covariates = matrix()
    wanted = options.pop("covariates")
    fitted = ComBat(**options).fit(x, batch=batch, covariates=covariates[wanted] if wanted else None)
    whole = fitted.transform(x, batch=batch, covariates=covariates[wanted] if wanted else None)
    for i in (0, 9, 25):
        alone = fitted.transform(x[[i]], batch=batch[[i]], covariates=covariates[wanted].iloc[[i]] if wanted else None)
        np.testing.assert_allclose(alone[0], whole[i], rtol=1e-12)


def test_the_outcome_is_never_looked_at() -> None:
    x, batch, _ = matrix()
    y = np.random.default_rng(0).integers(0, 2, len(x))
    without, with_ = ComBat().fit(x, batch=batch), ComBat().fit(x, y, batch=batch)
    pd.testing.assert_frame_equal(without.gamma_, with_.gamma_)
    np.testing.assert_array_equal(without.transform(x, batch=batch), ComBat().fit_transform(x, 1 - y, batch=batch))


def test_the_reference_batch_is_the_same_to_the_last_bit() -> None:
    x, batch, _ = matrix()
    found = ComBat(reference="b").fit_transform(x, batch=batch)
    np.testing.assert_array_equal(found[batch == "b"], x[batch == "b"])
    assert np.abs(found[batch == "a"] - x[batch == "a"]).min() > 0


# -- frames and pipelines -------------------------------------------------------------


def frame() -> pd.DataFrame:
    x, batch, covariates = matrix()
    found = pd.DataFrame(x, columns=[f"f{i}" for i in range(8)], index=[f"u{i}" for i in range(len(x))])
    return found.assign(scanner=batch, age=covariates["age"].to_numpy(), sex=covariates["sex"].to_numpy())


def test_columns_of_a_frame_are_what_is_passed_beside() -> None:
    data = frame()
    by_columns = ComBat("scanner", ["sex", "age"]).fit_transform(data)
    features = data.drop(columns=["scanner", "sex", "age"])
    beside = ComBat().fit_transform(features, batch=data["scanner"], covariates=data[["sex", "age"]])
    pd.testing.assert_frame_equal(by_columns, beside)
    assert list(by_columns.columns) == [f"f{i}" for i in range(8)] and list(by_columns.index) == list(data.index)


def test_in_a_pipeline() -> None:
    data = frame()
    y = np.random.default_rng(1).integers(0, 2, len(data))
    combat = ComBat("scanner", ["sex", "age"], mean_only=True)
    assert clone(combat).get_params() == combat.get_params()
    model = make_pipeline(combat, LogisticRegression()).set_output(transform="pandas").fit(data, y)
    assert model.predict_proba(data).shape == (26, 2)
    assert list(model[0].get_feature_names_out()) == [f"f{i}" for i in range(8)]
    assert list(model[-1].feature_names_in_) == [f"f{i}" for i in range(8)]
    assert model[0].n_features_in_ == 11


def test_labels_of_batches_are_compared_as_text() -> None:
    x, batch, _ = matrix()
    number = pd.Series(pd.factorize(batch)[0]).astype(float)
    fitted = ComBat().fit(x, batch=number)
    assert fitted.batches_ == ("0", "1", "2") and fitted.sizes_ == (7, 8, 11)
    np.testing.assert_array_equal(fitted.transform(x, batch=number.astype(int)), fitted.transform(x, batch=number))


# -- batches that training lacks ------------------------------------------------------


def test_an_unseen_batch_is_refused() -> None:
    x, batch, _ = matrix()
    fitted = ComBat().fit(x, batch=batch)
    with pytest.raises(RadiogenError, match="'d' is not among those of training \\(a, b, c\\)") as error:
        fitted.transform(x[:2], batch=["a", "d"])
    assert error.value.code == "RG709"


def test_an_unseen_batch_is_estimated_from_its_own_rows() -> None:
    x, batch, _ = matrix()
    fitted = ComBat(empirical_bayes=False, unseen="estimate").fit(x, batch=batch)
    new = x[batch == "c"] * 3 + 40
    found = fitted.transform(new, batch=["d"] * len(new))
    # whatever an unseen scanner adds and multiplies, its units come out as they would with any other gain
    np.testing.assert_allclose(found, fitted.transform(x[batch == "c"], batch=["e"] * len(new)), atol=1e-9)
    # known batches in the same call are not touched by it
    both = fitted.transform(np.vstack([x[:3], new]), batch=[*batch[:3], *["d"] * len(new)])
    np.testing.assert_allclose(both[:3], fitted.transform(x[:3], batch=batch[:3]), rtol=1e-12)
    np.testing.assert_allclose(both[3:], found, rtol=1e-12)


def test_an_unseen_batch_keeps_what_its_covariates_explain() -> None:
    rng = np.random.default_rng(5)
    age, scanner = rng.uniform(30, 80, 400), rng.choice(["a", "b"], 400)
    x = age[:, None] * 0.1 + rng.normal(size=(400, 30)) + (scanner == "b")[:, None]
    older = rng.uniform(60, 90, 200)
    new = older[:, None] * 0.1 + rng.normal(size=(200, 30)) - 4
    kept = ComBat(unseen="estimate").fit(x, batch=scanner, covariates=pd.DataFrame({"age": age}))
    found = kept.transform(new, batch=["c"] * 200, covariates=pd.DataFrame({"age": older}))
    gap = found.mean() - kept.transform(x, batch=scanner, covariates=pd.DataFrame({"age": age})).mean()
    assert gap == pytest.approx(0.1 * (older.mean() - age.mean()), abs=0.05)
    lost = ComBat(unseen="estimate").fit(x, batch=scanner).transform(new, batch=["c"] * 200)
    assert abs(lost.mean() - x.mean()) < 0.1  # without the covariate the difference of age is taken for the scanner


def test_too_few_rows_of_an_unseen_batch_are_refused() -> None:
    x, batch, _ = matrix()
    fitted = ComBat(unseen="estimate").fit(x, batch=batch)
    assert code(lambda: fitted.transform(x[:9], batch=["d"] * 9)) == "RG709"
    assert fitted.transform(x[:10], batch=["d"] * 10).shape == (10, 8)


# -- gaps, constants ------------------------------------------------------------------


def test_gaps_stay_gaps_and_a_feature_is_fitted_on_its_own_rows() -> None:
    x, batch, covariates = matrix()
    gone = x.copy()
    gone[[1, 12], 0] = np.nan
    gone[20, 3] = np.nan
    options = {"empirical_bayes": False}
    found = ComBat(**options).fit_transform(gone, batch=batch, covariates=covariates)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(gone))
    rows = ~np.isnan(gone[:, 0])
    alone = ComBat(**options).fit_transform(gone[rows][:, [0]], batch=batch[rows], covariates=covariates[rows])
    np.testing.assert_allclose(found[rows, 0], alone[:, 0], rtol=1e-10)
    whole = ComBat(**options).fit_transform(x, batch=batch, covariates=covariates)
    np.testing.assert_allclose(found[:, [1, 2, 4]], whole[:, [1, 2, 4]], rtol=1e-12)


def test_gaps_with_empirical_bayes_change_the_others_little() -> None:
    x, batch, _ = matrix()
    gone = x.copy()
    gone[5, 2] = np.nan
    for parametric in (True, False):
        found = ComBat(parametric=parametric).fit_transform(gone, batch=batch)
        whole = ComBat(parametric=parametric).fit_transform(x, batch=batch)
        assert np.isnan(found).sum() == 1
        assert np.nanmax(np.abs(found - whole)) < 0.6 and np.nanmedian(np.abs(found - whole)) < 0.02


def test_a_scanner_that_never_measured_a_feature() -> None:
    x, batch, _ = matrix()
    gone = x.copy()
    gone[batch == "b", 4] = np.nan
    fitted = ComBat().fit(gone, batch=batch)
    assert np.isnan(fitted.transform(gone, batch=batch)[batch == "b", 4]).all()
    assert code(lambda: fitted.transform(x, batch=batch)) == "RG709"


def test_a_feature_that_no_training_unit_has_stays_as_it_is() -> None:
    x, batch, _ = matrix()
    fitted = ComBat().fit(np.column_stack([x, np.full(26, np.nan)]), batch=batch)
    found = fitted.transform(np.column_stack([x, np.arange(26.0)]), batch=batch)
    np.testing.assert_array_equal(found[:, 8], np.arange(26.0))
    np.testing.assert_allclose(found[:, :8], ComBat().fit_transform(x, batch=batch), rtol=1e-12)
    assert fitted.unchanged_ == ("x8",)


def test_arrays_become_frames_where_that_is_asked_for_and_labels_stay() -> None:
    x, batch, _ = matrix()
    framed = ComBat().set_output(transform="pandas").fit(x, batch=batch).transform(x, batch=batch)
    assert list(framed.columns) == [f"x{i}" for i in range(8)]
    numbered = ComBat().fit_transform(pd.DataFrame(x), batch=batch)
    assert list(numbered.columns) == list(range(8))


def test_a_constant_feature_stays_as_it_is() -> None:
    x, batch, _ = matrix()
    with_constant = np.insert(x, 2, 7.0, axis=1)
    for parametric in (True, False):
        fitted = ComBat(parametric=parametric).fit(with_constant, batch=batch)
        found = fitted.transform(with_constant, batch=batch)
        assert fitted.unchanged_ == ("x2",)
        np.testing.assert_array_equal(found[:, 2], 7.0)
        # nor does it have a part in the priors of the others
        np.testing.assert_allclose(np.delete(found, 2, axis=1), ComBat(parametric=parametric).fit_transform(x, batch=batch), rtol=1e-10)


def test_a_feature_that_is_nothing_but_the_batch_loses_it() -> None:
    x, batch, _ = matrix()
    level = pd.Series(batch).map({"a": 1.0, "b": 2.0, "c": 4.0}).to_numpy()
    found = ComBat().fit_transform(np.column_stack([x, level]), batch=batch)[:, -1]
    np.testing.assert_allclose(found, (7 * 1 + 8 * 2 + 11 * 4) / 26)


def test_a_long_batch_does_not_underflow_the_likelihood() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 5)) * 10
    batch = np.repeat(["a", "b"], 1500)
    x[batch == "b"] += 5
    found = ComBat(parametric=False).fit_transform(x, batch=batch)
    assert np.isfinite(found).all() and abs(found[batch == "a"].mean() - found[batch == "b"].mean()) < 0.3


# -- refusals -------------------------------------------------------------------------


def test_what_is_refused() -> None:
    x, batch, covariates = matrix()
    data = frame()
    assert code(lambda: ComBat().fit(x)) == "RG708"
    assert code(lambda: ComBat("scanner").fit(data, batch=batch)) == "RG708"
    assert code(lambda: ComBat("scanner", ["age"]).fit(data, covariates=covariates)) == "RG708"
    assert code(lambda: ComBat("scanner").fit(x)) == "RG708"
    assert code(lambda: ComBat("centre").fit(data)) == "RG203"
    assert code(lambda: ComBat("scanner", "age").fit(data)) == "RG708"
    assert code(lambda: ComBat("scanner").fit(data)) == "RG705"  # the column sex is text
    assert code(lambda: ComBat().fit(x, batch=batch[:-1])) == "RG705"
    assert code(lambda: ComBat().fit(x, batch=["a"] * 26)) == "RG701"
    assert code(lambda: ComBat().fit(x, batch=[None, *batch[1:]])) == "RG705"
    assert code(lambda: ComBat().fit(np.where(x == x[3, 3], np.inf, x), batch=batch)) == "RG705"
    assert code(lambda: ComBat().fit(x[:, :1], batch=batch)) == "RG701"  # nothing to share information with
    assert code(lambda: ComBat(reference="z").fit(x, batch=batch)) == "RG709"
    assert code(lambda: ComBat(unseen="guess").fit(x, batch=batch)) == "RG708"
    assert code(lambda: ComBat(min_rows=1).fit(x, batch=batch)) == "RG708"
    assert code(lambda: ComBat().fit(data[["f0", "f1"]], batch=data["scanner"].iloc[::-1])) == "RG705"
    fitted = ComBat().fit(x, batch=batch)
    assert code(lambda: fitted.transform(x[:, :7], batch=batch)) == "RG705"


def test_one_unit_of_a_batch_is_refused_unless_only_means_are_moved() -> None:
    x, batch, _ = matrix()
    single = batch.copy()
    single[0] = "z"
    assert code(lambda: ComBat().fit(x, batch=single)) == "RG701"
    assert np.isfinite(ComBat(mean_only=True).fit_transform(x, batch=single)).all()


def test_batch_and_covariate_that_cannot_be_told_apart_are_refused() -> None:
    x, batch, covariates = matrix()
    tumour = pd.DataFrame({"age": covariates["age"], "malignant": batch == "a"})
    with pytest.raises(RadiogenError, match="'malignant'") as error:
        ComBat().fit(x, batch=batch, covariates=tumour)
    assert error.value.code == "RG710"
    assert code(lambda: ComBat().fit(x, batch=batch, covariates=pd.DataFrame({"one": np.ones(26)}))) == "RG710"
    twice = covariates.assign(again=2 * covariates["age"] + 3)
    assert code(lambda: ComBat().fit(x, batch=batch, covariates=twice)) == "RG710"
    nearly = tumour.assign(malignant=(batch == "a") ^ (np.arange(26) == 3))
    assert np.isfinite(ComBat().fit_transform(x, batch=batch, covariates=nearly)).all()


def test_covariates_of_new_units_are_those_of_training() -> None:
    x, batch, covariates = matrix()
    fitted = ComBat().fit(x, batch=batch, covariates=covariates)
    assert code(lambda: fitted.transform(x, batch=batch)) == "RG705"
    assert code(lambda: fitted.transform(x, batch=batch, covariates=covariates.assign(sex="?"))) == "RG221"
    assert code(lambda: fitted.transform(x, batch=batch, covariates=covariates.assign(age=np.nan))) == "RG705"
