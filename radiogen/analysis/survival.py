"""Survival: curves, Cox models, and risk predicted out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.analysis.batches import batch_tables
from radiogen.analysis.bundles.summary import development_summary
from radiogen.analysis.classification import SCREEN
from radiogen.analysis.classtables import feature_table
from radiogen.analysis.contributions import contribution_tables, noise_notes
from radiogen.analysis.design import Design, make_design
from radiogen.analysis.folds import Split, locked_split, outer_splits, task_seed
from radiogen.analysis.locked import LockedModel, LockedModels, LockedNetwork
from radiogen.analysis.network_setup import NetworkOption, make_networks, network_section, unused_network
from radiogen.analysis.network_split import network_on_split
from radiogen.analysis.network_wording import network_notes, network_settings
from radiogen.analysis.networks import Networks
from radiogen.analysis.options import check_counts, model_names
from radiogen.analysis.preparation import Preparation
from radiogen.analysis.provenance import listed, resolve_seed, settings_of, versions
from radiogen.analysis.recipe import HarmonizeOption, Recipe, SelectOption, StableOption, make_recipe
from radiogen.analysis.result import Result
from radiogen.analysis.risktables import risk_tables
from radiogen.analysis.tasks import run_tasks
from radiogen.errors import fail
from radiogen.models.fusion.spec import HeadSpec
from radiogen.progress import Progress

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort

#: analyses of fewer events are refused
MIN_EVENTS = 10
#: a Cox model without penalty takes one image feature per so many events
EVENTS_PER_FEATURE = 10


@dataclass(frozen=True)
class RiskData:
    """All that a task needs."""

    design: Design
    time: NDArray[np.float64]
    event: NDArray[np.int_]
    models: tuple[str, ...]
    seed: int
    recipe: Recipe
    context: pd.DataFrame
    networks: Networks | None = None


@dataclass(frozen=True)
class RiskFoldFit:
    """What one model on one set of inputs gave for one split."""

    split: Split
    label: str
    model: str
    risk: NDArray[np.float64]
    settings: dict[str, Any]
    names: tuple[str, ...]
    weights: NDArray[np.float64] | None
    locked: LockedModel | LockedNetwork | None
    shares: pd.DataFrame | None = None


def survive(
    cohort: Cohort,
    endpoint: str,
    inputs: Sequence[str] | None = None,
    model: str = "cox",
    *,
    models: Sequence[str] | None = None,
    groups: Sequence[str] = (),
    folds: int = 5,
    repeats: int = 3,
    inner_folds: int = 3,
    missing_modality: str = "complete",
    harmonize: HarmonizeOption = None,
    stable: StableOption = None,
    select: SelectOption = None,
    fusion: str | None = None,
    network: NetworkOption = None,
    seed: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
    title: str = "",
) -> Result:
    """Describe survival, fit Cox models, and evaluate predicted risk out of fold.

    Parameters
    ----------
    cohort : Cohort
    endpoint : str
        A survival or competing endpoint.
    inputs : sequence of str, optional
        As in :func:`radiogen.analysis.classify`.
    model : {"cox", "coxnet", "firth_cox", "rsf", "gbm", "deepsurv", "discrete", "fusion"}, default "cox"
        Cox model, Cox model with elastic-net penalty, with Firth's penalty, random survival forest, boosted trees, DeepSurv,
        discrete-time network, network of tables and images with a Cox head; ``models`` takes several.
    groups : sequence of str
        Clinical columns, genes, markers or ``"subtype"`` by which curves are drawn; numbers are split at
        their median.
    folds, repeats, inner_folds, missing_modality, harmonize, stable, select, fusion, network, seed, n_jobs, progress, title
        As in :func:`radiogen.analysis.classify`.

    Returns
    -------
    Result
        Tables ``km`` (or ``cumulative_incidence`` with competing events), ``risk_table``, ``medians``,
        ``logrank``, ``cox``, ``proportional_hazards``, ``performance``, ``comparisons``, ``features``, ``flow``.

    Raises
    ------
    RadiogenError
        RG109 for what does not exist, RG701 with fewer than 10 events, RG704 where a model does not
        converge, RG408, RG702, RG708.

    Notes
    -----
    With competing events the Cox models and risks are of the cause-specific hazard: competing events end the time
    at risk as censoring does.  A Kaplan-Meier curve would then overstate the probability of the event, so that
    cumulative incidence (Aalen and Johansen) is given instead.  Harrell's C compares units of the same test fold
    only, for the reason given in :mod:`radiogen.stats.withinfold`.
    """
    from radiogen.analysis.survtables import cox_table, curve_tables, hazards_table
    from radiogen.analysis.survwording import survive_methods
    from radiogen.models import RISK_MODELS

    names = model_names(models if models is not None else (model,), (*RISK_MODELS, "fusion"), "survival model")
    groups = (groups,) if isinstance(groups, str) else tuple(groups)
    check_counts(folds, repeats, inner_folds)
    data_frame = cohort.survival(endpoint)
    found = cohort.endpoints[endpoint]
    known = pd.Series(cohort.index.isin(data_frame.index), index=cohort.index)
    design = make_design(
        cohort, inputs, known, endpoint, forbidden=found.columns, missing_modality=missing_modality
    )
    own = data_frame.loc[design.frame.index]
    recipe = make_recipe(cohort, harmonize, stable, select, outcome=(endpoint, *found.columns))
    networks = None
    section = network_section(network, fusion)
    if "fusion" in names:
        head = HeadSpec(endpoint, "survival")
        networks = make_networks(cohort, design, section, head, own[["time", "event"]].to_numpy(float), n_jobs)
    data = RiskData(
        design, own["time"].to_numpy(float), own["event"].to_numpy(int), names, resolve_seed(cohort, seed), recipe,
        recipe.context(cohort).loc[design.frame.index], networks,
    )  # fmt: skip
    development = data.design.development
    _enough(data, endpoint, folds)
    splits = outer_splits(
        data.event[development], design.group[development], folds=folds, repeats=repeats, inner_folds=inner_folds,
        seed=data.seed,
    )  # fmt: skip
    splits.append(
        locked_split(data.event[development], design.group[development], inner_folds=inner_folds, seed=data.seed)
    )
    heading = title or f"{found.label or endpoint} from {listed(design.blocks)}"
    tasks = [(split, label) for split in splits for label in design.sets]
    done = run_tasks(partial(_work, data), tasks, n_jobs=n_jobs, progress=progress, label=heading)
    fits = [fit for part in done for fit in part]
    predictions = predictions_of(data, fits)
    performance, comparisons, foot = risk_tables(endpoint, design.base, predictions)
    inside = ~cohort.units["external"].to_numpy(dtype=bool)
    curves, curve_notes = curve_tables(cohort, found, data_frame.loc[data_frame.index.isin(cohort.index[inside])], groups)
    cox, cox_notes = cox_table(design, data)
    hazards, more_notes = hazards_table(design, data)
    cox_notes += more_notes
    if cohort.units.loc[design.frame.index, "patient"].duplicated().any():
        curves, (cox, hazards) = _withheld(curves), _withheld({"cox": cox, "hazards": hazards}).values()
        # the first note of cox_table says the same less strongly
        cox_notes = [
            "Several units belong to one patient: intervals and p-values of curves, log-rank tests and the Cox table are left "
            "out, for they would count every unit as a patient.", *cox_notes[1:],
        ]  # fmt: skip
    made = versions()
    more = {"events": int(data.event[development].sum()), "unit_of_time": found.unit}
    locked = LockedModels(
        {(f.model, f.label): f.locked for f in fits if f.locked is not None},
        development_summary(cohort, design, "survive", endpoint, {"performance": performance}, more, made),
    )
    settings = settings_of(
        cohort, analysis="survive", endpoint=endpoint, endpoint_kind=found.kind, labels=found.labels, unit=found.unit,
        inputs=list(design.sets), models=names, groups=list(groups), folds=folds, repeats=repeats,
        inner_folds=inner_folds, missing_modality=missing_modality, seed=data.seed, screen=SCREEN, max_correlation=0.95,
        **recipe.settings(), **network_settings(networks),
        analysed=len(development), events=int(data.event[development].sum()), external=int(design.external.sum()),
        locked=[{"model": m, "inputs": i, **lm.settings} for (m, i), lm in locked.models.items()],
    )  # fmt: skip
    return Result(
        kind="survive",
        title=heading,
        tables={
            **curves, "cox": cox, **({"proportional_hazards": hazards} if len(hazards) else {}),
            "performance": performance, "comparisons": comparisons,
            "features": feature_table([(f.model, f.label, f.names, f.weights) for f in fits if f.locked is None]),
            **contribution_tables(endpoint, [(f.label, f.shares) for f in fits if f.shares is not None], "survival"),
            **batch_tables(design, recipe, data.context), "flow": design.flow,
        },
        predictions=predictions,
        settings=settings,
        versions=made,
        methods=survive_methods(data, found, settings),
        notes=(
            *design.notes, *recipe.notes(design.screened), *network_notes(networks), *noise_notes(performance, design.together),
            *unused_network(names, network, fusion), *curve_notes, *cox_notes,
            *_notes(data, cohort, found.kind), *foot,
        ),
        model=locked,
    )  # fmt: skip


def _withheld(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables without intervals and p-values, which would count every lesion of a patient as a patient."""
    return {
        name: table.assign(**{c: np.nan for c in ("lower", "upper", "p") if c in table.columns}) for name, table in tables.items()
    }


def _enough(data: RiskData, endpoint: str, folds: int) -> None:
    development = data.design.development
    events = int(data.event[development].sum())
    grouped = len(np.unique(data.design.group[development][data.event[development] == 1]))
    least = max(MIN_EVENTS, folds)
    if grouped < least:
        raise fail("RG701", f"{endpoint}: {events} events in {len(development)} development units are left, and {least} "
                   "are needed", value=events)  # fmt: skip


def _notes(data: RiskData, cohort: Cohort, kind: str) -> list[str]:
    from radiogen.models.risk import UNPENALISED

    development = data.design.development
    events = int(data.event[development].sum())
    notes = []
    if set(UNPENALISED) & set(data.models) and any(c in data.design.screened for c in data.design.frame.columns):
        notes.append(
            f"With {events} events a Cox model without a penalty that shrinks takes at most {_cox_features(events)} image "
            "features, chosen inside each training fold."
        )
    fixed = [c for c in data.design.frame.columns if c not in data.design.screened]
    if fixed and events / len(fixed) < 10:
        notes.append(f"There are {events / len(fixed):.1f} events per predictor that is not an image feature; below 10 a Cox "
                     "model without penalty overfits.")  # fmt: skip
    if kind == "competing":
        notes.append("Hazard ratios and risks are cause-specific: competing events end the time at risk as censoring does.")
    return notes


def _cox_features(events: int) -> int:
    return max(1, events // EVENTS_PER_FEATURE)


# -- one task ----------------------------------------------------------------------


def _work(data: RiskData, task: tuple[Split, str]) -> list[RiskFoldFit]:
    """Fit all models of one split on one set of inputs; the test part is only predicted."""
    from radiogen.models import RiskTraining, fit_risk_model
    from radiogen.models.risk import UNPENALISED
    from radiogen.models.stored import storable

    split, label = task
    development = data.design.development
    columns = data.design.sets[label]
    part = _Part(data, development[split.train], columns, task_seed(data.seed, "select", split.repeat + 1, split.fold + 1, label))
    is_locked = not len(split.test)
    test = np.flatnonzero(data.design.external) if is_locked else development[split.test]
    results, prepared = [], {}
    for model in data.models:
        if model == "fusion":
            found = network_on_split(data, split, label, test, partial(part.prepare, SCREEN), np.zeros(1))
            results.append(
                RiskFoldFit(split, label, model, found.prediction[:, 0], found.settings, (), None, found.locked, found.shares)
            )
            continue
        keep = _cox_features(int(part.event.sum())) if model in UNPENALISED else SCREEN
        if keep not in prepared:
            outer = part.prepare(keep)
            training = RiskTraining(part.matrix(outer), part.time, part.event, partial(part.inner, keep, split))
            prepared[keep] = outer, training
        outer, training = prepared[keep]
        fit = fit_risk_model(model, training, task_seed(data.seed, "fit", split.repeat + 1, split.fold + 1, label, model))
        risk = fit.predict(outer.transform(part.all.iloc[test], data.context.iloc[test])) if len(test) else np.zeros(0)
        locked = None
        if is_locked:
            locked = LockedModel(tuple(label.split(" + ")), columns, outer, storable(fit.predict), settings=fit.settings)
        results.append(RiskFoldFit(split, label, model, risk, fit.settings, tuple(outer.names), fit.weights, locked))
    return results


class _Part:
    """One training part with what is learnt from it."""

    def __init__(self, data: RiskData, rows: NDArray[np.int_], columns: Sequence[str], seed: int) -> None:
        self.data, self.seed = data, seed
        self.all = data.design.frame[list(columns)]
        self.frame, self.context = self.all.iloc[rows], data.context.iloc[rows]
        self.time, self.event = data.time[rows], data.event[rows]
        self.screened = [c for c in columns if c in data.design.screened]

    def prepare(self, keep: int, at: NDArray[np.int_] | None = None) -> Preparation:
        """Everything before the model, learnt from the units at these positions; default all."""
        from radiogen.models import survival_response

        at = np.arange(len(self.frame)) if at is None else at
        time, event = self.time[at], self.event[at]
        target = pd.DataFrame({"time": time, "event": event})
        made = Preparation(self.screened, keep, self.data.recipe, self.seed)
        return made.fit(self.frame.iloc[at], survival_response(time, event), target, self.context.iloc[at])

    def matrix(self, fitted: Preparation, at: NDArray[np.int_] | None = None) -> NDArray[np.float64]:
        """The matrix of the units at these positions; default all."""
        at = np.arange(len(self.frame)) if at is None else at
        return fitted.transform(self.frame.iloc[at], self.context.iloc[at])

    def inner(self, keep: int, split: Split) -> list[Any]:
        """The inner folds, each prepared on its own training part."""
        from radiogen.models.risk import RiskFold

        made = []
        for a, b in split.inner:
            fitted = self.prepare(keep, a)
            made.append(RiskFold(self.matrix(fitted, a), a, self.matrix(fitted, b), b))
        return made


# -- tables ------------------------------------------------------------------------


def predictions_of(data: RiskData, fits: list[RiskFoldFit]) -> pd.DataFrame:
    """One row per unit, repeat, model and inputs; external units have repeat 0 and fold -1."""
    ids, outside = data.design.frame.index, np.flatnonzero(data.design.external)
    parts = []
    for fit in fits:
        rows = outside if fit.locked is not None else data.design.development[fit.split.test]
        if len(rows):
            parts.append(pd.DataFrame({
                "unit": ids[rows], "group": data.design.group[rows], "repeat": max(fit.split.repeat, 0), "fold": fit.split.fold,
                "model": fit.model, "inputs": fit.label, "set": "external" if fit.locked is not None else "development",
                "time": data.time[rows], "event": data.event[rows], "risk": fit.risk,
            }))  # fmt: skip
    place = {label: i for i, label in enumerate(data.design.sets)}
    return pd.concat(parts, ignore_index=True).sort_values(
        ["set", "model", "inputs", "repeat", "unit"],
        key=lambda c: c.map(place) if c.name == "inputs" else c, kind="stable", ignore_index=True,
    )  # fmt: skip
