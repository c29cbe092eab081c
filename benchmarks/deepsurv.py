"""DeepSurv: how fast it trains beside other loops, and its concordance on the published splits.

    python -m benchmarks deepsurv                                    # speed
    python -m benchmarks deepsurv --rounds 5 --epochs 50 --hidden 32
    python -m benchmarks deepsurv --data ../shared/data/deepsurv     # concordance, five seeds

Speed: one network (layers, activation, dropout, Adam, rate, epochs, full batch, one thread) is trained on the same 8,000 units by
radiogen and by loops in torch.  The *plain* one sorts, takes the log of cumulated hazards and leaves the rest to autograd and
``torch.optim``.  Another takes the loss of torchsurv, where that is installed.  With ``--loader`` a third one hands the whole
batch out of a ``DataLoader`` once an epoch, as estimators in the manner of scikit-learn do; it is slow.  All take turns within
each round; the figure is the median over rounds of the ratio within a round, after one call of each, by the clock and, for
machines that others use too, by processor time.  Their concordances on other units must agree.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time as clock
import types
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from radiogen.models.survival import DeepSurv

_PUBLISHED = {
    "metabric": ("metabric_IHC4_clinical_train_test.h5", 0.6434), "support": ("support_train_test.h5", 0.6183),
    "linear": ("linear_survival_data.h5", 0.7740), "gaussian": ("gaussian_survival_data.h5", 0.6489),
}  # fmt: skip
_UNITS, _COLUMNS, _DROPOUT, _RATE = 8000, 14, 0.2, 0.01
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
Predict = Callable[[np.ndarray], np.ndarray]


def cohort(ties: bool, seed: int) -> Arrays:
    """8,000 units whose log-hazard is not linear; with ties, times are whole days."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(_UNITS, _COLUMNS))
    own = random.exponential(np.exp(-x[:, 0] - np.sin(2 * x[:, 1])))
    censor = random.exponential(2.0, _UNITS)
    time = np.minimum(own, censor)
    return x, np.ceil(200 * time) if ties else time, (own <= censor).astype(float)


def concordance(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> float:
    """Harrell's C; times of 0 are allowed."""
    from sksurv.metrics import concordance_index_censored

    return float(concordance_index_censored(event == 1, time, risk)[0])


def plain_loss(eta: Tensor, event: Tensor, time: Tensor) -> Tensor:
    """Negative log partial likelihood as most tutorials write it; ties are broken by chance."""
    order = torch.argsort(time, descending=True)
    eta, event = eta[order], event[order]
    return -(eta - torch.logcumsumexp(eta, 0))[event].mean()


def torchsurv_loss() -> Loss | None:
    """The loss of torchsurv; its metrics, which want torchvision, are not imported."""
    found = find_spec("torchsurv")
    if found is None or not found.submodule_search_locations:
        return None
    shell = types.ModuleType("torchsurv")
    shell.__path__ = list(found.submodule_search_locations)
    sys.modules["torchsurv"] = shell
    loss: Loss = importlib.import_module("torchsurv.loss.cox").neg_partial_log_likelihood
    return loss


def network(hidden: tuple[int, ...]) -> nn.Sequential:
    """The network that all train."""
    layers: list[nn.Module] = []
    before = _COLUMNS
    for width in hidden:
        layers += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(_DROPOUT)]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, 1))


def loop(data: Arrays, hidden: tuple[int, ...], epochs: int, loss: Loss, loader: bool = False) -> Predict:
    """Train in the usual way."""
    torch.manual_seed(0)
    x, time, event = torch.from_numpy(data[0]).float(), torch.from_numpy(data[1]), torch.from_numpy(data[2]).bool()
    net = network(hidden)
    steps = torch.optim.Adam(net.parameters(), _RATE)
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, event, time), batch_size=_UNITS)
    net.train()
    for _ in range(epochs):
        for own, status, times in batches if loader else [(x, event, time)]:
            steps.zero_grad()
            loss(net(own)[:, 0], status, times).backward()
            steps.step()
    net.eval()

    def predict(new: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(net(torch.from_numpy(new).float())[:, 0].numpy(), dtype=float)

    return predict


def ours(data: Arrays, hidden: tuple[int, ...], epochs: int) -> Predict:
    """Train with radiogen: the baseline hazard is part of the time."""
    model = DeepSurv(
        hidden=hidden, dropout=_DROPOUT, learning_rate=_RATE, lr_decay=0.0, l2=0.0, epochs=epochs, patience=0, device="cpu"
    )
    return model.fit(*data).predict_risk


def ways_to_train(
    data: Arrays, hidden: tuple[int, ...], epochs: int, torchsurv: Loss | None, loader: bool
) -> dict[str, Callable[[], Predict]]:
    """Name of a way -> what trains so."""
    ways: dict[str, Callable[[], Predict]] = {
        "radiogen": lambda: ours(data, hidden, epochs),
        "plain": lambda: loop(data, hidden, epochs, plain_loss),
    }
    if loader:
        ways["loader"] = lambda: loop(data, hidden, epochs, plain_loss, loader=True)
    if torchsurv is not None:
        ways["torchsurv"] = lambda: loop(data, hidden, epochs, torchsurv)
    return ways


def speed(rounds: int, epochs: int, hidden: tuple[int, ...], loader: bool) -> list[dict[str, object]]:
    """Seconds and ratios, with and without ties."""
    lines: list[dict[str, object]] = []
    torchsurv = torchsurv_loss()
    for ties in (False, True):
        data, new = cohort(ties, 1), cohort(ties, 2)
        ways = ways_to_train(data, hidden, epochs, torchsurv, loader)
        quality = {name: concordance(new[1], new[2], train()(new[0])) for name, train in ways.items()}
        if max(quality.values()) - min(quality.values()) > 0.01:
            raise AssertionError(f"concordances differ: {quality}")
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, train in ways.items():
                start, busy = clock.perf_counter(), clock.process_time()
                train()
                taken[name].append((clock.perf_counter() - start, clock.process_time() - busy))
        for name in ways:
            pairs = list(zip(taken[name], taken["radiogen"], strict=True))
            lines.append({
                "ties": ties, "loop": name, "epochs": epochs, "hidden": list(hidden),
                "seconds": statistics.median(t for t, _ in taken[name]),
                "ratio": statistics.median(a[0] / b[0] for a, b in pairs),
                "cpu_ratio": statistics.median(a[1] / b[1] for a, b in pairs), "concordance": quality[name],
            })  # fmt: skip
    return lines


def accuracy(folder: Path, seeds: int) -> list[dict[str, object]]:
    """Mean concordance on the published test parts, with the defaults."""
    import h5py

    lines: list[dict[str, object]] = []
    for name, (file, wanted) in _PUBLISHED.items():
        with h5py.File(folder / file) as content:
            train, test = ([content[part][key][:].astype(float) for key in "xte"] for part in ("train", "test"))
        start = clock.perf_counter()
        found = [concordance(test[1], test[2], DeepSurv(random_state=k).fit(*train).predict_risk(test[0])) for k in range(seeds)]
        lines.append({
            "data": name, "published": wanted, "mean": float(np.mean(found)), "lowest": min(found), "highest": max(found),
            "seconds": (clock.perf_counter() - start) / seeds,
        })  # fmt: skip
    return lines


def main(argv: list[str]) -> int:
    """Print the lines, and write them where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks deepsurv", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the published splits: measure concordance instead of speed")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--hidden", type=int, nargs="*", default=[64, 64])
    parser.add_argument("--loader", action="store_true", help="also a loop over a DataLoader")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    if options.data:
        lines = accuracy(options.data, options.seeds)
    else:
        lines = speed(options.rounds, options.epochs, tuple(options.hidden), options.loader)
    for line in lines:
        sys.stdout.write("  ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in line.items()) + "\n")
    if options.json:
        options.json.write_text(json.dumps(lines, indent=1), encoding="utf-8")
    return 0
