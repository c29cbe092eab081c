"""The model ``fusion`` inside the nested engine: what it sees, how it is fitted on one split, what each modality contributed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.analysis.folds import Split, task_seed
from radiogen.analysis.preparation import NOTHING
from radiogen.cohort.learning import NetworkSection
from radiogen.models.fusion.examples import Examples, Labels, Pictures
from radiogen.models.fusion.spec import HeadSpec, InputSpec, Plan, split_settings

if TYPE_CHECKING:
    from radiogen.analysis.network_pictures import Shown
    from radiogen.analysis.preparation import Preparation
    from radiogen.models.fusion.crossfit import CrossFitted

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]

#: keys of the section that say what is seen, not how it is learnt
_SEEN = {"pictures", "view", "size", "frames", "features", "backbone", "weights", "also"}


@dataclass(frozen=True)
class Seen:
    """What networks may see of the units of one frame.

    Parameters
    ----------
    blocks : mapping of str to tuple of str
        Columns of each block of inputs.
    pictures : mapping of str to Shown
        By name of the input; owners are positions in the frame.
    """

    blocks: Mapping[str, tuple[str, ...]]
    pictures: Mapping[str, Shown] = field(default_factory=dict)


@dataclass(frozen=True)
class CurveScale:
    """How curves of loops become numbers of the size of one; learnt from training units.

    Parameters
    ----------
    mean : array, shape (columns,)
        Takes the place of a curve that is not known.
    top : float
        The largest absolute value of the training units.
    """

    mean: FloatArray
    top: float

    @classmethod
    def of(cls, curves: FloatArray) -> CurveScale:
        """From the curves of the training units; NaN where not known."""
        known = np.isfinite(curves)
        count = np.maximum(known.sum(axis=0), 1)
        top = float(np.abs(curves[known]).max()) if known.any() else 1.0
        return cls(np.where(known, curves, 0.0).sum(axis=0) / count, top or 1.0)

    def __call__(self, curves: FloatArray) -> FloatArray:
        """Curves as shares of the top."""
        return np.where(np.isfinite(curves), curves, self.mean) / self.top


@dataclass(frozen=True)
class Units:
    """Units before preparation: raw predictors, batches and covariates, pictures, and curves of loops, in one order.

    A curve that is not known is NaN.
    """

    frame: pd.DataFrame
    context: pd.DataFrame
    pictures: Mapping[str, Pictures] = field(default_factory=dict)
    curves: Mapping[str, FloatArray] = field(default_factory=dict)

    def take(self, rows: IntArray) -> Units:
        """The units at these positions."""
        return Units(
            self.frame.iloc[rows], self.context.iloc[rows], {k: p.of(rows) for k, p in self.pictures.items()},
            {k: c[rows] for k, c in self.curves.items()},
        )  # fmt: skip


@dataclass(frozen=True)
class Networks:
    """What an analysis needs beyond its design to fit networks.

    Parameters
    ----------
    section : NetworkSection
    seen : Seen
    heads : tuple of HeadSpec
        The target first, then what is learnt beside it.
    labels : Labels
        Of all units of the design, by head.
    """

    section: NetworkSection
    seen: Seen
    heads: tuple[HeadSpec, ...]
    labels: Labels


def units_of(shown: Mapping[str, Shown], frame: pd.DataFrame, context: pd.DataFrame) -> Units:
    """All units of a frame with their pictures."""
    return Units(
        frame, context, {name: s.pictures for name, s in shown.items()},
        {name: s.curve for name, s in shown.items() if s.curve is not None},
    )  # fmt: skip


@dataclass(frozen=True)
class Assembler:
    """From units to examples, with a preparation fitted on training rows.

    Parameters
    ----------
    preparation : Preparation
    inputs : tuple of InputSpec
    sources : mapping of str to tuple of str
        Predictors of each block.
    scales : mapping of str to CurveScale
        By input that is a loop.
    pictured : frozenset of str
        Blocks of which pictures alone are seen: their features say nothing of presence.
    """

    preparation: Preparation
    inputs: tuple[InputSpec, ...]
    sources: Mapping[str, tuple[str, ...]]
    scales: Mapping[str, CurveScale] = field(default_factory=dict)
    pictured: frozenset[str] = frozenset()

    def __call__(self, units: Units) -> Examples:
        """Standardised tables, pictures, and who has what."""
        x = self.preparation.transform(units.frame, units.context)
        place = {name: i for i, name in enumerate(self.preparation.names)}
        tables = {
            # where no column of a block is left, a column of zeros stands for it
            i.name: np.zeros((len(x), 1)) if i.columns == (NOTHING,) else x[:, [place[c] for c in i.columns]]
            for i in self.inputs if i.kind == "table"
        }  # fmt: skip
        pictures = {i.name: units.pictures[i.name] for i in self.inputs if i.kind != "table"}
        tables |= {i.name: self.scales[i.name](units.curves[i.name]) for i in self.inputs if i.kind == "cine" and i.columns}
        modalities = tuple(dict.fromkeys(i.modality for i in self.inputs))
        present = np.column_stack([self._present(m, units) for m in modalities])
        return Examples(units.frame.index.to_numpy(dtype=str), modalities, present, tables, pictures)

    def _present(self, modality: str, units: Units) -> NDArray[np.bool_]:
        """A modality is there where a value of it is known and, if its pictures are seen, a picture."""
        there = np.ones(len(units.frame), dtype=bool)
        own = () if modality in self.pictured else self.sources[modality]
        if own:
            there &= units.frame[list(own)].notna().any(axis=1).to_numpy()
        for spec in self.inputs:
            if spec.modality == modality and spec.kind != "table":
                there &= np.isin(np.arange(len(units.frame)), units.pictures[spec.name].owner)
        return there


def assemble(
    preparation: Preparation, seen: Seen, label_blocks: Sequence[str], section: NetworkSection, training: Units
) -> Assembler:
    """The inputs of a network on these blocks, with the columns that a fitted preparation left.

    Every block is an input even where no column of it is left: all members of an ensemble know the same modalities.

    Parameters
    ----------
    preparation : Preparation
        Fitted on the columns of these blocks.
    seen : Seen
    label_blocks : sequence of str
        Blocks of inputs of this network.
    section : NetworkSection
    training : Units
        Of which the scales of curves are learnt.
    """
    inputs: list[InputSpec] = []
    pictured = set()
    for block in label_blocks:
        shown = [s.spec for s in seen.pictures.values() if s.spec.modality == block]
        own = frozenset(seen.blocks[block])
        columns = tuple(n for n in preparation.names if source_column(n, own))
        if shown and not section.features:
            pictured.add(block)
        elif columns or not shown:
            inputs.append(InputSpec(block, "table", columns=columns or (NOTHING,)))
        inputs += shown
    scales = {i.name: CurveScale.of(training.curves[i.name]) for i in inputs if i.kind == "cine" and i.columns}
    return Assembler(preparation, tuple(inputs), {b: tuple(seen.blocks[b]) for b in label_blocks}, scales, frozenset(pictured))


def source_column(name: str, columns: Collection[str]) -> str | None:
    """The one of these columns that a column of the matrix was made from (``grade=3``, ``age (missing)``), or None."""
    bare = name.removesuffix(" (missing)")
    found = [c for c in (name, bare) if c in columns]
    found += [bare[:i] for i, sign in enumerate(bare) if sign == "=" and bare[:i] in columns]
    return found[0] if found else None


@dataclass(frozen=True)
class NetworkFit:
    """What a network gave for one split."""

    fitted: CrossFitted
    inner: FloatArray
    settings: dict[str, Any]


def fit_network(
    networks: Networks, units: Units, labels: Labels, groups: IntArray, split: Split, label: str, seed: int,
    prepare: Callable[[IntArray], Preparation],
) -> NetworkFit:
    """Train one network per inner fold of a split, each with its own preparation.

    Parameters
    ----------
    networks : Networks
    units : Units
        The training part.
    labels : Labels
        Of the training part.
    groups : array of int
    split : Split
        Its inner folds are positions within the training part.
    label : str
        The set of inputs.
    seed : int
    prepare : callable
        From positions in the training part to a preparation fitted on them.
    """
    from radiogen.models.fusion.crossfit import Part, cross_fit

    net, training = split_settings(_options(networks.section))
    blocks = label.split(" + ")
    parts = []
    for train, validation in split.inner:
        made = assemble(prepare(train), networks.seen, blocks, networks.section, units.take(train))
        plan = Plan(made.inputs, networks.heads, replace(net, min_modalities=min(net.min_modalities, len(blocks))), training)
        parts.append(Part(made, plan, made(units), train, validation))
    seeds = [task_seed(seed, "member", k) for k in range(len(parts))]
    fitted, inner = cross_fit(parts, labels, groups, seeds=seeds)
    return NetworkFit(fitted, inner, {"fusion": net.fusion, "members": len(fitted.members)})


def _options(section: NetworkSection) -> dict[str, Any]:
    return {k: v for k, v in section.model_dump().items() if k not in _SEEN}


def filled(prediction: FloatArray, empty: FloatArray) -> FloatArray:
    """Predictions, with those of units that have too few modalities replaced by what is expected of anybody."""
    return np.where(np.isnan(prediction).any(axis=1, keepdims=True), empty[None, :], prediction)
