"""Small units to train on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from radiogen.models.fusion.examples import Examples, Labels, Pictures
from radiogen.models.fusion.spec import HeadSpec, InputSpec, NetSettings, Plan, TrainSettings

N = 48


def make(n: int = N, seed: int = 0, pictures: bool = False, size: int = 16) -> tuple[Plan, Examples, Labels]:
    """Two tables (and stills), two class heads and a survival head; a fifth of the second table is absent."""
    rng = np.random.default_rng(seed)
    clinical, swe = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    present = np.ones((n, 3 if pictures else 2), dtype=bool)
    present[:, 1] = rng.random(n) < 0.8
    tables = {"clinical": clinical, "swe": np.where(present[:, [1]], swe, np.nan)}
    inputs = [InputSpec("clinical", "table", columns=("a", "b", "c")), InputSpec("swe", "table", columns=("d", "e"))]
    shots: dict[str, Pictures] = {}
    if pictures:
        inputs.append(InputSpec("bmode", "image", size=(size, size)))
        owner = np.repeat(np.arange(n), rng.integers(1, 3, n))
        shots["bmode"] = Pictures(rng.integers(0, 256, (len(owner), 1, size, size), dtype=np.uint8), owner)
    score = clinical[:, 0] + 0.5 * rng.normal(size=n)
    time = rng.exponential(np.exp(-score)).round(1) + 0.1
    targets: dict[str, Any] = {
        "TP53": (score > 0).astype(int), "grade": np.digitize(score, [-0.5, 0.5]),
        "os": np.stack([time, (rng.random(n) < 0.7).astype(float)], axis=1),
    }  # fmt: skip
    known = {name: rng.random(n) < 0.9 for name in targets}
    heads = (HeadSpec("TP53", "binary", ("no", "yes")), HeadSpec("grade", "ordinal", ("1", "2", "3")), HeadSpec("os", "survival"))
    training = TrainSettings(epochs=3, batch_size=16, device="cpu", precision="float32", patience=5)
    plan = Plan(tuple(inputs), heads, NetSettings(width=8, hidden=8), training)
    return plan, Examples(np.arange(n).astype(str), plan.modalities, present, tables, shots), Labels(targets, known)


def with_training(plan: Plan, **changes: Any) -> Plan:
    """The plan with other settings of training."""
    return replace(plan, training=replace(plan.training, **changes))


def with_heads(plan: Plan, *names: str) -> Plan:
    """The plan with these heads alone."""
    return replace(plan, heads=tuple(h for h in plan.heads if h.name in names))


@pytest.fixture(scope="session")
def toy() -> Callable[..., tuple[Plan, Examples, Labels]]:
    """:func:`make`."""
    return make
