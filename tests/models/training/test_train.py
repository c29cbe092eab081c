"""Training is repeatable, resumable and indifferent to what it must not see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radiogen.errors import RadiogenError
from radiogen.models.fusion.examples import Labels
from radiogen.models.fusion.network import FusionNet
from radiogen.models.fusion.spec import FUSIONS
from radiogen.models.training import train
from tests.models.training.conftest import make, with_heads, with_training


class KilledError(Exception):
    """Stands for a kill."""


def killer(after: int) -> Any:
    def progress(done: int, total: int, label: str) -> None:
        if done == after:
            raise KilledError

    return progress


def weights(trained: Any) -> list[torch.Tensor]:
    return [w for net in trained.nets for w in net.state_dict().values()]


def same(a: Any, b: Any) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def test_one_seed_one_network_and_torch_is_left_alone() -> None:
    plan, examples, labels = make()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = train(plan, examples, labels, np.arange(len(examples)), seed=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(6)
    again = train(plan, examples, labels, np.arange(len(examples)), seed=1)
    assert same(first, again)
    assert not same(first, train(plan, examples, labels, np.arange(len(examples)), seed=2))


@pytest.mark.parametrize("changes", [
    {"balance": "sampling", "loss": "focal"}, {"balance": "weights", "optimizer": "adam", "schedule": "step", "step_epochs": 1},
])  # fmt: skip
def test_killed_and_resumed_is_the_same_bit_by_bit(tmp_path: Path, changes: dict[str, Any]) -> None:
    plan, examples, labels = make()
    plan = with_training(with_heads(plan, "TP53", "grade"), epochs=4, ensemble=2, **changes)
    groups = np.arange(len(examples)) // 2
    whole = train(plan, examples, labels, groups, seed=3)
    path = tmp_path / "run.safetensors"
    for after in (2, 5):  # once within each member
        with pytest.raises(KilledError):
            train(plan, examples, labels, groups, seed=3, checkpoint=path, progress=killer(after))
    resumed = train(plan, examples, labels, groups, seed=3, checkpoint=path)
    assert same(whole, resumed)
    assert whole.history.equals(resumed.history)
    assert whole.temperature == resumed.temperature
    # nothing is left to do, and nothing is done
    assert len(train(plan, examples, labels, groups, seed=3, checkpoint=path).seconds) == 0


def test_resumed_with_pictures_and_survival(tmp_path: Path) -> None:
    plan, examples, labels = make(n=24, pictures=True)
    path = tmp_path / "run.safetensors"
    whole = train(plan, examples, labels, np.arange(24), seed=3)
    with pytest.raises(KilledError):
        train(plan, examples, labels, np.arange(24), seed=3, checkpoint=path, progress=killer(2))
    assert same(whole, train(plan, examples, labels, np.arange(24), seed=3, checkpoint=path))


def test_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    plan, examples, labels = make()
    plan, path, groups = with_training(plan, epochs=1), tmp_path / "run.safetensors", np.arange(len(examples))
    train(plan, examples, labels, groups, seed=3, checkpoint=path)
    other = {k: v.copy() for k, v in examples.tables.items()}
    other["clinical"][0, 0] += 1
    cases: list[tuple[Any, Any, Any, int]] = [
        (with_training(plan, learning_rate=0.1), examples, labels, 3), (plan, examples, labels, 4),
        (plan, replace(examples, tables=other), labels, 3),
        (plan, examples, Labels({**labels.targets, "TP53": 1 - np.asarray(labels.targets["TP53"])}, labels.known), 3),
    ]  # fmt: skip
    for p, e, y, seed in cases:
        with pytest.raises(RadiogenError) as caught:
            train(p, e, y, groups, seed=seed, checkpoint=path)
        assert caught.value.code == "RG720"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(RadiogenError) as caught:
        train(plan, examples, labels, groups, seed=3, checkpoint=path)
    assert caught.value.code == "RG721"


def test_what_is_absent_or_not_known_decides_nothing() -> None:
    plan, examples, labels = make(pictures=True)
    groups = np.arange(len(examples))
    present = examples.present.copy()
    present[::3, 2] = False
    examples = replace(examples, present=present)
    hidden = examples.pictures["bmode"].pixels.copy()
    hidden[~present[examples.pictures["bmode"].owner, 2]] = 255
    tables = {**examples.tables, "swe": np.where(examples.present[:, [1]], examples.tables["swe"], 1e6)}
    other = replace(examples, tables=tables, pictures={"bmode": replace(examples.pictures["bmode"], pixels=hidden)})
    unknown = {k: np.where(labels.known[k] if np.ndim(t) == 1 else labels.known[k][:, None], t, 0) for k, t in labels.targets.items()}
    a = train(plan, examples, labels, groups, seed=1)
    assert same(a, train(plan, other, Labels(unknown, labels.known), groups, seed=1))


def test_better_than_chance_and_early_stopping_keeps_the_best() -> None:
    plan, examples, labels = make(n=120)
    plan = with_training(with_heads(plan, "TP53"), epochs=60, patience=4, learning_rate=0.02)
    trained = train(plan, examples, labels, np.arange(120), seed=1)
    curve = trained.history.query("part == 'validation' and head == 'total'")
    assert len(curve) < 60
    assert len(curve) == curve["loss"].argmin() + 1 + 4
    truth = np.asarray(labels.targets["TP53"])
    assert ((trained.predict(examples)["TP53"][:, 1] > 0.5) == truth).mean() > 0.8
    assert curve["loss"].min() < np.log(2)


def test_patience_0_trains_every_epoch_on_everyone() -> None:
    plan, examples, labels = make()
    trained = train(with_training(plan, patience=0), examples, labels, np.arange(len(examples)), seed=1)
    assert set(trained.history["part"]) == {"train"}
    assert trained.history["epoch"].max() == 2
    assert any("patience" in note for note in trained.notes) and set(trained.temperature.values()) == {1.0}


def test_few_groups_are_trained_without_validation() -> None:
    plan, examples, labels = make()
    trained = train(plan, examples, labels, np.arange(len(examples)) % 5, seed=1)
    assert "validation" not in set(trained.history["part"])
    assert any("5 groups" in note for note in trained.notes)


def test_rows_and_validation_that_are_given() -> None:
    plan, examples, labels = make()
    plan = with_heads(plan, "TP53")
    rows, beside = np.arange(30), np.arange(30, 48)
    trained = train(plan, examples, labels, np.arange(48), seed=1, rows=rows, validation=beside)
    tables = {k: t.copy() for k, t in examples.tables.items()}
    for t in tables.values():
        t[30:] = 0.0
    blind = train(with_training(plan, patience=0), replace(examples, tables=tables), labels, np.arange(48), seed=1, rows=rows)
    part = "part == 'train'"
    assert trained.history.query(part).reset_index(drop=True).equals(blind.history.query(part).reset_index(drop=True))
    with pytest.raises(RadiogenError) as caught:
        train(plan, examples, labels, np.arange(48) // 4, seed=1, rows=rows, validation=beside)
    assert caught.value.code == "RG705"


def test_all_censored_batches_and_batches_of_one() -> None:
    plan, examples, labels = make(n=20)
    os = np.array(labels.targets["os"])
    os[:, 1] = 0
    censored = Labels({**labels.targets, "os": os}, labels.known)
    trained = train(with_training(plan, batch_size=1), examples, censored, np.arange(20), seed=1)
    assert np.isfinite(trained.history["loss"]).all()
    assert (trained.history.query("head == 'os'")["loss"] == 0).all()
    lone = train(with_training(with_heads(plan, "TP53"), batch_size=1), examples, labels, np.arange(20), seed=1)
    assert np.isfinite(lone.history["loss"]).all()


def test_what_cannot_be_learnt_is_refused() -> None:
    plan, examples, labels = make()
    plan = with_heads(plan, "TP53")
    groups = np.arange(len(examples))
    one = Labels({"TP53": np.zeros(48, dtype=int)}, labels.known)
    broken = {**examples.tables, "clinical": np.full((48, 3), np.inf)}
    cases: list[tuple[str, Any]] = [
        ("RG701", lambda: train(plan, examples, one, groups, seed=1)),
        ("RG705", lambda: train(plan, examples, labels, groups[:-1], seed=1)),
        ("RG705", lambda: train(plan, replace(examples, tables=broken), labels, groups, seed=1)),
        ("RG705", lambda: train(plan, replace(examples, tables={}), labels, groups, seed=1)),
        ("RG705", lambda: train(plan, examples, Labels({}, {}), groups, seed=1)),
        ("RG708", lambda: train(plan, examples, labels, groups, seed=-1)),
        ("RG723", lambda: train(with_training(plan, device="cuda:63"), examples, labels, groups, seed=1)),
        ("RG723", lambda: train(with_training(plan, device="abacus"), examples, labels, groups, seed=1)),
    ]
    for code, call in cases:
        with pytest.raises(RadiogenError) as caught:
            call()
        assert caught.value.code == code


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    plan, examples, labels = make()
    net = FusionNet(plan)
    with torch.no_grad():
        next(net.heads[0].parameters()).fill_(float("nan"))
    with pytest.raises(RadiogenError) as caught:
        train(plan, examples, labels, np.arange(48), seed=1, net=net)
    assert caught.value.code == "RG722"


def test_a_network_to_begin_with_is_copied() -> None:
    plan, examples, labels = make()
    torch.manual_seed(0)
    net = FusionNet(plan)
    before = [w.clone() for w in net.state_dict().values()]
    trained = train(plan, examples, labels, np.arange(48), seed=1, net=net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.state_dict().values(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(before, trained.nets[0].state_dict().values(), strict=True))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_is_trained(fusion: str) -> None:
    plan, examples, labels = make(n=24, pictures=True)
    inputs = tuple(replace(i, aligned="plane") if i.kind == "image" else i for i in plan.inputs)
    twin = replace(inputs[-1], name="kpa", modality="kpa", physical=True)
    plan = replace(with_heads(plan, "TP53"), inputs=(*inputs, twin), net=replace(plan.net, fusion=fusion))
    present = np.concatenate([examples.present, examples.present[:, :1]], axis=1)
    pictures = {**examples.pictures, "kpa": examples.pictures["bmode"]}
    examples = replace(examples, modalities=plan.modalities, present=present, pictures=pictures)
    trained = train(with_training(plan, epochs=1, freeze_epochs=-1), examples, labels, np.arange(24), seed=1, net=FusionNet(plan))
    assert np.isfinite(trained.history["loss"]).all()
    # of a unit that has one modality alone there is a prediction too
    lone = np.zeros_like(present)
    lone[:, 3] = True
    assert np.isfinite(trained.predict(examples, lone)["TP53"]).all()
