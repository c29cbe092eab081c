"""What an analysis is run on: which units, which columns in which sets of inputs, and who was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.cohort.frames import safe_name
from radiogen.errors import fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort
    from radiogen.cohort.endpoint import Target

FIXED_BLOCKS = ("clinical", "markers", "mutations", "subtype")


@dataclass(frozen=True)
class Design:
    """Units, predictors and the sets of inputs that are compared on the same units and folds.

    Parameters
    ----------
    frame : DataFrame, index unit id
        All predictors of all units analysed.
    sets : dict of str to tuple of str
        Label of a set of inputs to its columns: each block alone, then all together.
    base : str
        The label that the others are compared with: the clinical block, else the first.
    screened : frozenset of str
        Columns that filters and screens may drop: the features of modalities.
    group : array of int, shape (n,)
        Units of one number stay in one fold.
    external : array of bool, shape (n,)
        Units set aside for validation.
    flow : DataFrame
        ``step``, ``scope`` (``"cohort"`` for who was left out, ``"external"`` for who was set aside),
        ``reason``, ``n``.
    start : int
        Units in the cohort.
    notes : tuple of str
    """

    frame: pd.DataFrame
    sets: dict[str, tuple[str, ...]]
    base: str
    screened: frozenset[str]
    group: NDArray[np.int_]
    external: NDArray[np.bool_]
    flow: pd.DataFrame
    start: int
    notes: tuple[str, ...]

    @property
    def development(self) -> NDArray[np.int_]:
        """Positions of development units."""
        return np.flatnonzero(~self.external)

    @property
    def blocks(self) -> list[str]:
        """Labels of the single blocks."""
        names = list(self.sets)
        return names if len(names) == 1 else names[:-1]

    @property
    def together(self) -> str:
        """Label of all inputs together."""
        return list(self.sets)[-1]


def default_inputs(cohort: Cohort) -> tuple[str, ...]:
    """The clinical predictors, if there are any, and every modality that has features."""
    clinical = ("clinical",) if cohort.predictors else ()
    return (*clinical, *cohort.modalities)


def make_design(
    cohort: Cohort,
    inputs: Sequence[str] | None,
    known: pd.Series,
    outcome: str,
    *,
    forbidden: Sequence[str] = (),
    target: Target | None = None,
    missing_modality: str = "complete",
) -> Design:
    """Choose units and predictors of an analysis.

    Parameters
    ----------
    cohort : Cohort
    inputs : sequence of str or None
        Blocks; None means :func:`default_inputs`.
    known : Series of bool, index unit id
        Whether the outcome is known.
    outcome : str
        Its name, for the flow.
    forbidden : sequence of str
        Columns that may not be predictors, besides the source columns of all endpoints and
        ``exclude_predictors``.
    target : Target, optional
        Blocks that determine it are refused.
    missing_modality : {"complete", "impute"}
        Whether a unit needs at least one known value of every block.

    Returns
    -------
    Design

    Raises
    ------
    RadiogenError
        RG109, RG706 for inputs that do not exist or have no features, RG408 for inputs that
        determine the target, RG701 if nobody or no predictor is left, RG708 for a wrong option.
    """
    if missing_modality not in ("complete", "impute"):
        raise fail("RG708", "`missing_modality` must be 'complete' or 'impute'.", value=missing_modality)
    names = _names(cohort, inputs)
    notes = [
        f"The modality {m} has images and no features yet; it is not among the inputs."
        for m in cohort.config.modalities
        if inputs is None and m not in cohort.modalities
    ]
    if target is not None:
        _refuse_blocks(cohort, names, target)
    blocks, left_out = _blocks(cohort, names, {*forbidden, *_never(cohort)}, target)
    unwanted = [c for c in left_out if c in cohort.config.exclude_predictors]
    if unwanted:
        notes.append(f"Left out of the predictors by `exclude_predictors`: {', '.join(unwanted)}.")
    if made := [c for c in left_out if c not in unwanted]:
        notes.append(f"Left out of the predictors because an outcome is made from them: {', '.join(made)}.")
    flow: list[tuple[str, str, str, int]] = []
    keep = known.reindex(cohort.index).to_numpy(dtype=bool)
    _lose(flow, outcome, f"{outcome} not known", ~keep)
    if missing_modality == "complete":
        for name, frame in blocks.items():
            some = frame.notna().any(axis=1).to_numpy()
            _lose(flow, name, _lost_reason(name), keep & ~some)
            keep &= some
    keep = _apart(cohort, keep, flow)
    external = cohort.units["external"].to_numpy(dtype=bool)
    if external[keep].any():
        flow.append(("external", "external", "set aside for external validation", int(external[keep].sum())))
    if not (keep & ~external).any():
        raise fail("RG701", f"nobody is left for {outcome}: " + "; ".join(f"{r} {n}" for _, _, r, n in flow))
    ids = cohort.index[keep]
    frame = pd.concat([b.loc[ids] for b in blocks.values()], axis=1)
    sets = {name: tuple(b.columns) for name, b in blocks.items()}
    if len(sets) > 1:
        sets[" + ".join(blocks)] = tuple(frame.columns)
    _check_varying(frame[~external[keep]], sets)
    return Design(
        frame=frame,
        sets=sets,
        base="clinical" if "clinical" in sets else next(iter(sets)),
        screened=frozenset(c for n, b in blocks.items() if n not in FIXED_BLOCKS for c in b.columns),
        group=pd.factorize(cohort.units.loc[ids, "group"])[0],
        external=external[keep],
        flow=pd.DataFrame(flow, columns=["step", "scope", "reason", "n"]),
        start=len(cohort),
        notes=tuple(notes),
    )


def _names(cohort: Cohort, inputs: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(inputs, str):
        raise fail("RG705", "`inputs` must be a list of blocks, not one text.", value=inputs)
    names = default_inputs(cohort) if inputs is None else tuple(dict.fromkeys(inputs))
    if not names:
        raise fail("RG701", "there are no inputs: no predictors are declared and no modality has features",
                   fix="Declare `predictors` of a table, or extract features first.")  # fmt: skip
    return names


def _never(cohort: Cohort) -> set[str]:
    """Columns that no analysis may use: sources of endpoints and what the YAML excludes."""
    sources = {c for e in cohort.endpoints.values() for c in e.columns}
    accepted = set(cohort.config.accept_predictors)
    return (sources | set(cohort.config.exclude_predictors)) - accepted


def _refuse_blocks(cohort: Cohort, names: tuple[str, ...], target: Target) -> None:
    """Markers and the subtype made from them determine each other."""
    by_rule = cohort.config.subtype is not None and cohort.config.subtype.rule is not None
    bad: set[str] = set()
    if target.source == "marker":
        bad = {"markers", "subtype"}
    elif target.source == "subtype":
        bad = {"subtype", "markers"} if by_rule else {"subtype"}
    clash = [n for n in names if n in bad]
    if clash:
        raise fail("RG408", f"the input '{clash[0]}' determines the target '{target.name}'", value=clash[0],
                   fix=f"Leave '{clash[0]}' out of the inputs of this analysis.")  # fmt: skip


def _blocks(
    cohort: Cohort, names: tuple[str, ...], forbidden: set[str], target: Target | None
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Frames of the blocks without forbidden and empty columns, and the forbidden ones."""
    own_gene = f"mut_{safe_name(target.name)}" if target is not None and target.source == "mutation" else ""
    excluded = set(cohort.config.exclude_predictors)
    blocks: dict[str, pd.DataFrame] = {}
    left_out: list[str] = []
    for name in names:
        frame = cohort.frame(name)
        # features of a modality may be excluded by name as clinical columns are
        never = forbidden if name == "clinical" else forbidden & excluded if name not in FIXED_BLOCKS else set()
        bad = [c for c in frame.columns if c in never or c == own_gene]
        left_out += bad
        frame = frame.drop(columns=[*bad, *(c for c in frame.columns if frame[c].isna().all() and c not in bad)])
        if not frame.shape[1]:
            more = f" besides {', '.join(bad)}, which may not be used" if bad else " with a known value"
            raise fail("RG701", f"the input '{name}' has no predictor{more}", value=name)
        blocks[name] = frame
    repeated = pd.Series([c for b in blocks.values() for c in b.columns])
    if repeated.duplicated().any():
        name = repeated[repeated.duplicated()].iloc[0]
        raise fail("RG215", f"two inputs bring a column called '{name}'", column=str(name))
    return blocks, left_out


def _check_varying(frame: pd.DataFrame, sets: dict[str, tuple[str, ...]]) -> None:
    """Every set of inputs needs a column with two values among the development units."""
    for label, columns in sets.items():
        own = frame[list(columns)]
        if not ((own.nunique() > 1) | (own.isna().any() & own.notna().any())).any():
            raise fail("RG701", f"no predictor of the input '{label}' varies among the {len(frame)} units left", value=label)


def _lost_reason(block: str) -> str:
    return f"no {block} features" if block not in FIXED_BLOCKS else f"no {block} value known"


def _lose(flow: list[tuple[str, str, str, int]], step: str, reason: str, lost: NDArray[np.bool_]) -> None:
    if lost.any():
        flow.append((step, "cohort", reason, int(lost.sum())))


def _apart(cohort: Cohort, keep: NDArray[np.bool_], flow: list[tuple[str, str, str, int]]) -> NDArray[np.bool_]:
    """Leave out external units that share a group with a development unit."""
    external = cohort.units["external"].to_numpy(dtype=bool)
    inside = set(cohort.units["group"][~external])
    shared = keep & external & cohort.units["group"].isin(inside).to_numpy()
    _lose(flow, "external", "external, but in one group with a development unit (near-duplicate image)", shared)
    return keep & ~shared
