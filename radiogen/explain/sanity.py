"""Whether an attribution depends on what a net has learnt: it is compared with that of nets whose weights are random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import Attribution

if TYPE_CHECKING:
    from torch import nn

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class SanityCheck:
    """Agreement of an attribution with that of nets whose layers were made random one after the other.

    Parameters
    ----------
    table : DataFrame
        One row per step: ``layers`` (how many are random), ``layer`` (the last one made so), ``spearman`` and
        ``spearman_absolute`` (rank correlation with the trained net's attribution, and of the absolute values; means over
        units and repeats).
    passed : bool
        Whether both are at most the threshold in absolute value once all layers are random; never of an attribution that is
        the same everywhere.
    note : str
    method : str
    """

    table: pd.DataFrame
    passed: bool
    note: str
    method: str

    def __repr__(self) -> str:
        return f"{self.method}\n{self.note}\n{self.table.to_string(index=False)}"

    def _repr_html_(self) -> str:
        said = f"<p>{escape(self.method)}</p>\n<p>{escape(self.note)}</p>\n"
        return said + self.table.to_html(index=False, escape=True)


def weight_randomisation(
    explain: Callable[[nn.Module], Attribution | FloatArray | tuple[FloatArray, ...]],
    model: nn.Module,
    *,
    layers: Sequence[str] | None = None,
    repeats: int = 3,
    seed: int = 0,
    threshold: float = 0.7,
) -> SanityCheck:
    """Cascading randomisation of a net's layers, from the output to the input.

    Parameters
    ----------
    explain : callable
        A net to its attribution (values of shape (n, …)) of fixed units.
    model : nn.Module
        The trained net; it is copied and stays as it is.
    layers : sequence of str, optional
        Names of modules from the input to the output; default all that hold weights, in the order in which they were defined.
    repeats : int, default 3
        Random nets; correlations are averaged.
    seed : int, default 0
    threshold : float, default 0.7
        Correlation with the attribution of a wholly random net above which the attribution is said not to depend on the
        weights.  Attributions that multiply by the input keep some correlation; those of an edge detector keep 1.

    Returns
    -------
    SanityCheck

    Raises
    ------
    RadiogenError
        RG708 for a layer that is not there, or a net without weights.

    References
    ----------
    Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity checks for saliency maps. NeurIPS 2018.
    doi:10.48550/arXiv.1810.03292

    Examples
    --------
    >>> import numpy as np, torch
    >>> from radiogen.explain import weight_randomisation
    >>> edges = lambda net: np.abs(np.diff(np.arange(12.0).reshape(2, 6) ** 2, axis=1))
    >>> weight_randomisation(edges, torch.nn.Linear(6, 1)).passed
    False
    """
    import torch

    names = _layers(model, layers)
    own = _values(explain(model))
    found = np.zeros((repeats, len(names), 2))
    for r in range(repeats):
        # torch's generator is the caller's: it is put back
        with torch.random.fork_rng():
            torch.manual_seed(int(np.random.default_rng([seed, r]).integers(2**31)))
            found[r] = _cascade(explain, model, names[::-1], own)
    mean = found.mean(axis=0)
    table = pd.DataFrame({
        "layers": np.arange(1, len(names) + 1), "layer": names[::-1], "spearman": mean[:, 0], "spearman_absolute": mean[:, 1],
    })  # fmt: skip
    last = float(np.abs(mean[-1]).max())
    flat = all(float(np.nanmax(row, initial=-np.inf)) <= float(np.nanmin(row, initial=np.inf)) for row in own)
    passed = last <= threshold and not flat
    note = "The attribution is the same everywhere: it shows nothing, and nothing can be said of it." if flat else (
        f"The correlation with the attribution of random nets is {last:.2f}: "
        + ("the attribution depends on what was learnt." if passed else "the attribution hardly depends on what was learnt.")
    )
    method = f"Cascading randomisation of {len(names)} layers from the output on, mean of {repeats} random nets."
    return SanityCheck(table=table, passed=passed, note=note, method=method)


def _layers(model: nn.Module, layers: Sequence[str] | None) -> list[str]:
    known = [n for n, m in model.named_modules() if any(True for _ in m.parameters(recurse=False))]
    if not known:
        raise fail("RG708", "the net has no weights")
    for name in layers or ():
        if name not in known:
            raise fail("RG708", f"there is no layer '{name}' with weights; there are {', '.join(known)}", value=name)
    return list(layers) if layers is not None else known


def _cascade(explain: Callable[[nn.Module], Any], model: nn.Module, names: list[str], own: list[FloatArray]) -> FloatArray:
    """Correlations after each layer."""
    from copy import deepcopy

    net = deepcopy(model)
    modules = dict(net.named_modules())
    rows = []
    for name in names:
        _randomise(modules[name])
        other = _values(explain(net))
        rows.append((_agreement(own, other), _agreement([np.abs(a) for a in own], [np.abs(a) for a in other])))
    return np.array(rows)


def _randomise(module: nn.Module) -> None:
    """Weights as before training; those without a start of their own are drawn with their own mean and spread."""
    import torch

    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
        return
    with torch.no_grad():
        for weight in module.parameters(recurse=False):
            spread = weight.std().item() if weight.numel() > 1 else abs(weight.item())
            weight.copy_(weight.mean() + spread * torch.randn_like(weight))


def _values(found: Any) -> list[FloatArray]:
    """One flat row of numbers per unit."""
    arrays = found.arrays if isinstance(found, Attribution) else found if isinstance(found, tuple) else (found,)
    flat = [np.asarray(a, dtype=float).reshape(len(a), -1) for a in arrays]
    return list(np.concatenate(flat, axis=1))


def _agreement(own: list[FloatArray], other: list[FloatArray]) -> float:
    """Mean over units of the rank correlation; 0 where one side is constant."""
    from scipy.stats import rankdata

    found = []
    for a, b in zip(own, other, strict=True):
        known = ~np.isnan(a) & ~np.isnan(b)
        ranks = rankdata(a[known]), rankdata(b[known])
        spread = ranks[0].std() * ranks[1].std() if known.sum() > 1 else 0.0
        found.append(float(np.cov(*ranks, bias=True)[0, 1] / spread) if spread > 0 else 0.0)
    return float(np.mean(found))
