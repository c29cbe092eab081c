"""A trained network, or an ensemble of them, ready to predict; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.fusion.batch import to_batch
from radiogen.models.fusion.examples import BoolArray, Examples, FloatArray
from radiogen.models.fusion.heads import probabilities
from radiogen.models.fusion.spec import HeadSpec, Plan
from radiogen.models.training.data import without_hidden
from radiogen.models.training.seeds import Purpose, generator

#: columns of :attr:`Trained.history`
HISTORY = ("member", "epoch", "part", "head", "loss", "learning_rate")
#: units predicted at a time, without and with pictures
_TABLES, _PICTURES = 4096, 64


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks of one plan; made by :func:`radiogen.models.training.train`.

    Parameters
    ----------
    plan : Plan
    nets : list of FusionNet
        The members of the ensemble.
    history : DataFrame
        Learning curves: ``member``, ``epoch`` (from 0), ``part`` (``"train"``, with dropout and augmentation, or
        ``"validation"``), ``head`` (or ``"total"``, the weighted sum), ``loss``, ``learning_rate``.
    temperature : dict of str to float
        By head: logits are divided by it before they become probabilities.
    seeds : tuple of int
        From which the members' weights started.
    notes : tuple of str
        What could not be done as asked, and why.
    seconds : DataFrame
        ``member``, ``epoch``, ``seconds`` of wall-clock time.
    """

    plan: Plan
    nets: list[Any]
    history: pd.DataFrame
    temperature: dict[str, float]
    seeds: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: pd.DataFrame = field(default_factory=pd.DataFrame)

    def predict(self, examples: Examples, present: BoolArray | None = None) -> dict[str, FloatArray]:
        """What the ensemble says, in full precision and without regard to who else is asked for.

        Parameters
        ----------
        examples : Examples
            Prepared as those it was trained on.
        present : array of bool, shape (n, modalities), optional
            Hides modalities further.

        Returns
        -------
        dict of str to array, shape (n, classes) or (n, 1)
            By head: probabilities, averaged over members after the temperature; the mean log-hazard of a survival head.
            Rows of units with fewer than ``min_modalities`` are NaN.

        Raises
        ------
        RadiogenError
            RG705 for examples with other modalities.
        """
        return {name: p.mean(axis=0) for name, p in self.members(examples, present).items()}

    def members(self, examples: Examples, present: BoolArray | None = None) -> dict[str, FloatArray]:
        """As :meth:`predict`, of each member: shape (members, n, classes), for :func:`ensemble_uncertainty`."""
        shown = examples if present is None else examples.with_present(present)
        few = shown.present.sum(axis=1) < self.plan.net.min_modalities
        raw = [self._logits(net, shown) for net in self.nets]
        return {head.name: _said([r[head.name] for r in raw], head, self.temperature[head.name], few) for head in self.plan.heads}

    def logits(self, examples: Examples, present: BoolArray | None = None) -> dict[str, FloatArray]:
        """What the heads give before the temperature, averaged over members, for any subset of modalities.

        Parameters
        ----------
        examples, present
            As of :meth:`predict`.

        Returns
        -------
        dict of str to array, shape (n, outputs)
            No unit is refused: with nothing present stands what the network says of someone of whom it knows nothing.
        """
        shown = examples if present is None else examples.with_present(present)
        raw = [self._logits(net, shown) for net in self.nets]
        return {head.name: np.mean([r[head.name].numpy() for r in raw], axis=0, dtype=np.float64) for head in self.plan.heads}

    def samples(self, examples: Examples, passes: int = 20, *, seed: int = 0) -> dict[str, FloatArray]:
        """Monte-Carlo dropout: predictions with dropout left on.

        Parameters
        ----------
        examples : Examples
        passes : int, default 20
            Of each member.
        seed : int, default 0

        Returns
        -------
        dict of str to array, shape (members × passes, n, classes) or (…, n, 1)
            For :func:`ensemble_uncertainty`.

        Raises
        ------
        RadiogenError
            RG708 for fewer than one pass.

        Notes
        -----
        Within a pass the same units of a layer are left out for everyone, so that every pass is one thinned network, and a
        unit's numbers do not depend on the others beside it.

        References
        ----------
        Gal Y, Ghahramani Z (2016) ICML 1050-1059, doi 10.48550/arXiv.1506.02142.
        """
        if isinstance(passes, bool) or passes < 1:
            raise fail("RG708", "`passes` must be at least 1.", value=passes)
        few = examples.present.sum(axis=1) < self.plan.net.min_modalities
        raw = []
        for number, net in enumerate(self.nets):
            for k in range(passes):
                with _thinned(net, generator(seed, Purpose.SAMPLES, number, k)):
                    raw.append(self._logits(net, examples))
        return {head.name: _said([r[head.name] for r in raw], head, self.temperature[head.name], few) for head in self.plan.heads}

    def _logits(self, net: nn.Module, examples: Examples) -> dict[str, Tensor]:
        if examples.modalities != self.plan.modalities:
            raise fail("RG705", f"the network knows the modalities {', '.join(self.plan.modalities)}", value=examples.modalities)
        if not len(examples):
            return {head.name: torch.zeros(0, head.outputs) for head in self.plan.heads}
        device = next(net.parameters()).device
        each = _PICTURES if examples.pictures else _TABLES
        net.eval()
        parts = []
        with torch.no_grad():
            for at in range(0, len(examples), each):
                batch = to_batch(examples, np.arange(at, min(at + each, len(examples))))
                outputs = net(without_hidden(batch, self.plan).to(device))
                parts.append({name: out.float().cpu() for name, out in outputs.items()})
        return {name: torch.cat([p[name] for p in parts]) for name in parts[0]}

    def __repr__(self) -> str:
        heads = ", ".join(h.name for h in self.plan.heads)
        return f"<Trained {len(self.nets)} × {self.plan.net.fusion} fusion of {', '.join(self.plan.modalities)}: {heads}>"


def _said(raw: list[Tensor], head: HeadSpec, temperature: float, few: BoolArray) -> FloatArray:
    scale = 1.0 if head.kind == "survival" else temperature
    found = np.stack([probabilities(r / scale, head).numpy() for r in raw]).astype(np.float64)
    found[:, few] = np.nan
    return found


@contextmanager
def _thinned(net: nn.Module, rng: np.random.Generator) -> Iterator[None]:
    """A network in evaluation of which dropout leaves out one draw of features, the same for whatever passes through."""
    hooks = []
    for module in net.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d) and module.p > 0:
            hooks.append(module.register_forward_hook(_mask(module, int(rng.integers(2**31)))))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _mask(module: Any, seed: int) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    axis = -1 if isinstance(module, nn.Dropout) else 1

    def hook(_: nn.Module, __: Any, out: Tensor) -> Tensor:
        # drawn anew from one seed: however often the layer is passed, the same features are left out
        kept = np.random.default_rng(seed).random(out.shape[axis]) >= module.p
        scale = torch.from_numpy((kept / (1 - module.p)).astype(np.float32)).to(out.device, out.dtype)
        return out * scale.reshape([-1 if k == axis % out.dim() else 1 for k in range(out.dim())])

    return hook
