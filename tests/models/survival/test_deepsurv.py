"""DeepSurv: finds what is there, is reproducible, and answers or refuses on hard data."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.survival import DeepSurv, published
from radiogen.stats import concordance, cox_regression

SMALL = {"hidden": (8,), "epochs": 60, "patience": 20}


def _data(n: int, p: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Risk by the square of the first column: no linear model sees it."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, p))
    time, censor = random.exponential(np.exp(-1.5 * x[:, 0] ** 2)), random.exponential(1.0, n)
    return x, np.minimum(time, censor), (time <= censor).astype(int)


def _code(call: object, *args: object, **named: object) -> str:
    with pytest.raises(RadiogenError) as caught:
        call(*args, **named)  # type: ignore[operator]
    return caught.value.code


def _c(model: DeepSurv, x: np.ndarray, time: np.ndarray, event: np.ndarray) -> float:
    return concordance(time, event, model.predict_risk(x)).estimate


def test_finds_a_risk_that_is_not_linear() -> None:
    x, time, event = _data(800)
    model = DeepSurv(hidden=(32,), epochs=300, patience=50).fit(x[:600], time[:600], event[:600])
    truth = concordance(time[600:], event[600:], x[600:, 0] ** 2).estimate
    assert _c(model, x[600:], time[600:], event[600:]) > truth - 0.03 > 0.65
    assert abs(_c(DeepSurv(hidden=(), epochs=300).fit(x[:600], time[:600], event[:600]), x[600:], time[600:], event[600:]) - 0.5) < 0.1


def test_without_hidden_layers_it_is_the_cox_model() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(300, 2)) * [1, 5]
    time, event = np.ceil(4 * random.exponential(np.exp(-x @ [0.7, -0.1]))), random.integers(0, 2, 300)
    model = DeepSurv(hidden=(), l2=0.0, dropout=0.0, patience=0, epochs=1500, learning_rate=0.02, lr_decay=0.01, precision="float64")
    weight, _ = model.fit(x, time, event).members_[0].layers[0]
    cox = cox_regression(pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "t": time, "e": event}), "t", "e", ["a", "b"], ties="efron")
    assert weight[:, 0] / model.members_[0].scale == pytest.approx(np.asarray(cox.estimate), abs=1e-5)


def test_same_seed_same_bits_and_torch_is_left_alone() -> None:
    x, time, event = _data(150)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    settings = {**SMALL, "batch_norm": True, "dropout": 0.3, "ensemble": 2}
    one, two = (DeepSurv(**settings, random_state=4).fit(x, time, event) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(one.log_hazard(x), two.log_hazard(x))
    assert not np.array_equal(one.log_hazard(x), DeepSurv(**settings, random_state=5).fit(x, time, event).log_hazard(x))
    assert np.array_equal(pickle.loads(pickle.dumps(one)).log_hazard(x), one.log_hazard(x))  # noqa: S301


def test_two_threads_change_the_last_bits_at_most() -> None:
    x, time, event = _data(2000)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(DeepSurv(hidden=(16,), epochs=15, patience=0).fit(x, time, event).log_hazard(x))
    finally:
        torch.set_num_threads(before)
    assert np.abs(found[0] - found[1]).max() < 1e-5


def test_the_order_of_the_units_hardly_matters() -> None:
    x, time, event = _data(200)
    mixed = np.random.default_rng(0).permutation(200)
    settings = {"hidden": (8,), "epochs": 30, "patience": 0, "dropout": 0.0, "precision": "float64"}
    one = DeepSurv(**settings).fit(x, time, event).log_hazard(x)
    two = DeepSurv(**settings).fit(x[mixed], time[mixed], event[mixed]).log_hazard(x)
    assert one == pytest.approx(two, abs=1e-8)


def test_early_stopping_keeps_the_best_epoch() -> None:
    x, time, event = _data(150)
    model = DeepSurv(hidden=(64,), epochs=400, patience=15, l2=0.0).fit(x, time, event)
    losses = model.history_["validation_loss"]
    assert model.best_epochs_ == [int(losses.argmin()) + 1] and len(losses) == model.best_epochs_[0] + 15
    # training to that epoch with the same part held out, and no further, gives the same network
    again = DeepSurv(hidden=(64,), epochs=model.best_epochs_[0], patience=400, l2=0.0).fit(x, time, event)
    assert np.array_equal(again.log_hazard(x), model.log_hazard(x))


def test_groups_are_held_out_together() -> None:
    from radiogen.models.survival.netspec import held_out

    groups = np.repeat(np.arange(40), 3)
    event = np.tile([1, 0, 0], 40) * (groups < 20)
    held = held_out(event, groups, 0.25, np.random.default_rng(0))
    by_group = held.reshape(40, 3)
    assert (by_group.all(axis=1) == by_group.any(axis=1)).all()
    # a quarter of the groups with an event and of those without
    assert by_group[:20, 0].sum() == 5 and by_group[20:, 0].sum() == 5
    assert _code(held_out, event, np.zeros(120), 0.25, np.random.default_rng(0)) == "RG701"


def test_an_ensemble_is_the_mean_of_its_members() -> None:
    x, time, event = _data(120)
    many = DeepSurv(**SMALL, ensemble=3).fit(x, time, event)
    members = np.stack([net(x)[:, 0] - net(x)[:, 0].mean() for net in many.members_])
    assert many.log_hazard(x) == pytest.approx(members.mean(axis=0)) and many.log_hazard(x).mean() == pytest.approx(0, abs=1e-12)
    assert sorted(many.history_["member"].unique()) == [0, 1, 2]
    # the first member does not depend on how many there are
    assert np.array_equal(DeepSurv(**SMALL).fit(x, time, event).log_hazard(x), members[0])


def test_survival_falls_and_is_calibrated_on_the_training_units() -> None:
    x, time, event = _data(400)
    model = DeepSurv(hidden=(16,), epochs=100, patience=30).fit(x, time, event)
    at = np.quantile(time, [0.2, 0.5, 0.8])
    curve = model.predict_survival(x, at)
    assert (np.diff(curve, axis=1) <= 0).all() and (curve >= 0).all() and (curve <= 1).all()
    # Breslow's estimate makes the expected number of events the observed one
    own = -np.log(np.diag(model.predict_survival(x, time)))
    assert own.sum() == pytest.approx(event.sum(), rel=1e-6)


def test_minibatches_learn_too() -> None:
    x, time, event = _data(400)
    model = DeepSurv(hidden=(16,), epochs=60, batch_size=64, patience=0).fit(x, time, event)
    assert len(model.history_) == 60 and _c(model, x, time, event) > 0.65


def test_search_within_the_data() -> None:
    x, time, event = _data(150)
    model = DeepSurv.search(x, time, event, grid={"hidden": ((), (16,)), "l2": (0.1,)}, epochs=80, patience=0, dropout=0.0)
    assert model.hidden == (16,) and model.epochs == 80
    assert model.search_["loss"].is_monotonic_increasing and len(model.search_) == 2
    assert _code(DeepSurv.search, x, time, event, grid={}) == "RG708"
    assert _code(DeepSurv.search, x, time, event, grid={"wide": (1, 2)}) == "RG708"


def test_folds_of_a_search_keep_groups_and_spread_events() -> None:
    from radiogen.models.survival.search import fold_of

    groups, event = np.repeat(np.arange(12), 2), np.repeat([1, 0, 0, 0], 6)
    fold = fold_of(event, groups, 3, np.random.default_rng(0))
    assert (fold[::2] == fold[1::2]).all() and np.bincount(fold[event == 1]).tolist() == [2, 2, 2]
    assert _code(fold_of, event, groups, 4, np.random.default_rng(0)) == "RG603"


@pytest.mark.parametrize(
    ("name", "value"),
    [("hidden", (0,)), ("dropout", 1.0), ("l2", -1), ("learning_rate", 0), ("epochs", 2.5), ("batch_size", 1), ("activation", "sin"),
     ("optimizer", "lbfgs"), ("precision", "float16"), ("ties", "exact"), ("ensemble", 0), ("device", "abacus"), ("patience", -1),
     ("validation_share", 0.9), ("random_state", -1), ("hidden", "16")],
)  # fmt: skip
def test_parameters_out_of_range(name: str, value: object) -> None:
    assert _code(DeepSurv(**{**SMALL, name: value}).fit, *_data(30)) == "RG708"


# --- hard data ------------------------------------------------------------------------------------------------------------


def test_separation_gives_finite_log_hazards() -> None:
    time = np.arange(1.0, 41)
    model = DeepSurv(**SMALL).fit(-time[:, None], time, np.ones(40))
    assert np.isfinite(model.log_hazard(-time[:, None])).all() and _c(model, -time[:, None], time, np.ones(40)) > 0.95


def test_a_duplicate_and_a_constant_column_do_no_harm() -> None:
    x, time, event = _data(150)
    model = DeepSurv(**SMALL).fit(np.column_stack([x, x[:, 0], np.full(150, 7.1)]), time, event)
    assert np.isfinite(model.log_hazard(np.column_stack([x, x[:, 0], np.full(150, 7.1)]))).all()


def test_all_tied_has_no_order_to_learn() -> None:
    x, _, event = _data(60)
    model = DeepSurv(**{**SMALL, "l2": 20.0, "epochs": 500}).fit(x, np.full(60, 3.0), event)
    assert model.predict_survival(x, [2.9, 3.0])[:, 0] == pytest.approx(1.0)
    # at the one time that there is, survival is what Breslow's hazard of events / units gives where log-hazards are 0
    flat = DeepSurv(**{**SMALL, "l2": 1e4, "epochs": 500, "patience": 0}).fit(x, np.full(60, 3.0), event)
    assert flat.predict_survival(x, [3.0])[:, 0] == pytest.approx(np.exp(-event.mean()), rel=1e-3)


def test_few_events_and_heavy_censoring() -> None:
    x, time, _ = _data(100)
    five = np.zeros(100, dtype=int)
    five[np.argsort(time)[10:60:10]] = 1
    assert np.isfinite(DeepSurv(**SMALL).fit(x, time, five).predict_survival(x, [time.max()])).all()
    one = np.zeros(100, dtype=int)
    one[0] = 1
    assert _code(DeepSurv(**SMALL).fit, x, time, one) == "RG701"
    assert np.isfinite(DeepSurv(**{**SMALL, "patience": 0}).fit(x, time, one).log_hazard(x)).all()


def test_more_columns_than_units() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3000))
    time = random.exponential(np.exp(-x[:, 0]))
    model = DeepSurv(epochs=30).fit(x, time, np.ones(60))
    assert np.isfinite(model.log_hazard(x)).all() and model.n_features_in_ == 3000


def test_times_of_zero_and_extreme_values() -> None:
    x, time, event = _data(100)
    time[:10] = 0.0
    x[0, 0] = 1e12
    assert np.isfinite(DeepSurv(**SMALL).fit(x, time, event).predict_survival(x, [0.0, 1.0])).all()


def test_a_factor_of_forty_levels() -> None:
    random = np.random.default_rng(0)
    level = random.integers(0, 40, 300)
    x = np.eye(40)[level]
    time = random.exponential(np.exp(-np.linspace(-1.5, 1.5, 40)[level]))
    model = DeepSurv(**{**SMALL, "epochs": 200, "dropout": 0.0}).fit(x, time, np.ones(300))
    assert np.corrcoef(model.log_hazard(np.eye(40)), np.linspace(-1.5, 1.5, 40))[0, 1] > 0.5


def test_divergence_is_an_error() -> None:
    x, time, event = _data(100)
    wild = DeepSurv(hidden=(16, 16), optimizer="sgd", learning_rate=10.0, momentum=0.99, standardize=False, patience=0, epochs=200)
    assert _code(wild.fit, x * 1e6, time, event) == "RG704"


# --- the published data ---------------------------------------------------------------------------------------------------


def test_published_settings() -> None:
    assert published("metabric")["hidden"] == (41,) and published("whas")["epochs"] == 1200
    linear = DeepSurv(**published("linear"))
    assert linear.learning_rate == pytest.approx(0.0002921891348405711 * 2000) and linear.momentum == 0
    assert _code(published, "titanic") == "RG708"


@pytest.mark.slow
def test_metabric_reaches_the_published_c(shared: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(shared / "data" / "deepsurv" / "metabric_IHC4_clinical_train_test.h5") as file:
        train, test = ([file[part][key][:].astype(float) for key in "xte"] for part in ("train", "test"))
    from sksurv.metrics import concordance_index_censored

    found = []
    for seed in range(5):
        risk = DeepSurv(random_state=seed).fit(*train).predict_risk(test[0])
        # one of the times is 0
        found.append(concordance_index_censored(test[2] == 1, test[1], risk)[0])
    assert np.mean(found) >= 0.6434 - 0.01
