"""Prediction of a class by nested, grouped, repeated cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.analysis.batches import batch_tables
from radiogen.analysis.bundles.summary import development_summary
from radiogen.analysis.contributions import contribution_tables, noise_notes
from radiogen.analysis.design import Design, make_design
from radiogen.analysis.folds import Split, locked_split, outer_splits, task_seed
from radiogen.analysis.locked import LockedModel, LockedModels, LockedNetwork
from radiogen.analysis.network_setup import NetworkOption, head_kind, make_networks, network_section, unused_network
from radiogen.analysis.network_split import network_on_split
from radiogen.analysis.network_wording import network_notes, network_settings
from radiogen.analysis.networks import Networks
from radiogen.analysis.options import check_counts, model_names
from radiogen.analysis.preparation import Preparation
from radiogen.analysis.provenance import listed, resolve_seed, settings_of, versions
from radiogen.analysis.recipe import HarmonizeOption, Recipe, SelectOption, StableOption, make_recipe
from radiogen.analysis.result import Result
from radiogen.analysis.tasks import run_tasks
from radiogen.errors import fail
from radiogen.models.fusion.spec import HeadSpec
from radiogen.progress import Progress

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort
    from radiogen.cohort.endpoint import Target

#: analyses of fewer development units are refused
MIN_UNITS = 20
#: image features that stay after the univariable screen of a training fold
SCREEN = 100


@dataclass(frozen=True)
class ClassData:
    """All that a task needs."""

    target: str
    design: Design
    y: NDArray[np.int_]
    classes: tuple[str, ...]
    models: tuple[str, ...]
    seed: int
    recipe: Recipe
    context: pd.DataFrame
    networks: Networks | None = None


@dataclass(frozen=True)
class FoldFit:
    """What one model on one set of inputs gave for one split."""

    split: Split
    label: str
    model: str
    probability: NDArray[np.float64]
    threshold: float | None
    settings: dict[str, Any]
    names: tuple[str, ...]
    weights: NDArray[np.float64] | None
    locked: LockedModel | LockedNetwork | None
    shares: pd.DataFrame | None = None


def classify(
    cohort: Cohort,
    target: str,
    inputs: Sequence[str] | None = None,
    model: str = "elastic_net",
    *,
    models: Sequence[str] | None = None,
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
    """Predict a mutation, receptor, subtype or other class, and say how well.

    Each block of inputs alone and all together are evaluated on the same units and the same folds.
    Harmonisation, stability filter, imputation, scaling, selection, tuning, calibration and cut-point are learnt
    inside each training fold.

    Parameters
    ----------
    cohort : Cohort
    target : str
        A gene, marker, ``"subtype"`` or class endpoint.
    inputs : sequence of str, optional
        Blocks: ``"clinical"``, modalities, ``"markers"``, ``"mutations"``, ``"subtype"``.  Default the
        clinical predictors and every modality with features.
    model : {"elastic_net", "forest", "svm", "graph", "fusion"}, default "elastic_net"
        One model; ``models`` takes several and wins.  ``"fusion"`` is a network with one input per block, and with
        the pictures of modalities where ``network`` says so.  ``"graph"`` is a graph of similar patients; its controls,
        the same network with neighbours drawn at random (``"graph_shuffled"``) and without (``"graph_none"``), are
        always fitted beside it.
    folds, repeats : int, default 5 and 3
        Outer folds, and how often they are drawn anew: repeats lessen the luck of the draw.
    inner_folds : int, default 3
        Folds of a training part for tuning, calibration and cut-point.
    missing_modality : {"complete", "impute"}, default "complete"
        ``"complete"``: units with at least one known value in every block, so that blocks are compared on the
        same patients; ``"impute"``: all units, training medians and a presence indicator (the model ``fusion`` hides
        an absent block by its presence mask).
    harmonize : {"centre", "scanner"} or mapping, optional
        ComBat of the image features between the batches of that name, or with the keys of the YAML
        (``batch``, ``covariates``, ``unseen`` …).  Default none.
    stable : float or mapping, optional
        Only image features whose intraclass correlation over repeated measurements (`repeats` of the modalities)
        has a lower limit of at least this; 0.75 is the usual bound of good reliability.  Default none.
    select : str or mapping, optional
        Selection of image features in place of the screen: ``"mrmr"``, ``"fdr"``, ``"lasso"``, ``"elastic_net"``,
        ``"shadow"``, ``"stability"``, ``"clusters"``, or ``{"method": "mrmr", "features": 10}``.  Default: of two
        near copies the later is dropped and the 100 most related stay.
    fusion : {"early", "concat", "gated", "attention", "bilinear", "late", "stacked"}, optional
        How the network joins its inputs; the same as ``network={"fusion": …}``.  Default ``"attention"``.
    network : mapping, optional
        Further settings of the model ``fusion``, with the keys of the YAML (``pictures``, ``epochs``, ``also`` …;
        :class:`radiogen.cohort.learning.NetworkSection`).
    seed : int, optional
        Default the cohort's.
    n_jobs : int, default 1
        Processes; they change no number.
    progress : callable, optional
        ``progress(done, total, title)``.
    title : str
        Heading; made from target and inputs if empty.

    Returns
    -------
    Result
        Tables ``performance``, ``comparisons``, ``roc``, ``thresholds``, ``confusion``, ``calibration``,
        ``calibration_curve`` (two classes), ``features``, ``flow``, with ``fusion`` on several inputs ``modalities`` and
        ``modality_interactions`` (what each contributed to the predictions); out-of-fold ``predictions``; ``model``
        holds the :class:`~radiogen.analysis.locked.LockedModels`.

    Raises
    ------
    RadiogenError
        RG109, RG703 for targets and inputs that do not exist or are of the wrong kind; RG408 for inputs that
        determine the target; RG603 for a class with too few units, RG701 for too few units; RG702, RG708.

    Notes
    -----
    AUCs compare units of the same test fold only (see :mod:`radiogen.stats.withinfold`): scores of different
    folds come from different models, and comparing them biases the AUC below 0.5 where nothing can be learnt.
    No class is ever dropped silently: one with fewer groups than folds is an error that names it.

    References
    ----------
    LeDell, Petersen and van der Laan (2015), Electron J Stat 9:1583, doi:10.1214/15-EJS1035.
    """
    from radiogen.models import CLASSIFIERS

    names = model_names(models if models is not None else (model,), (*CLASSIFIERS, "fusion"), "classifier")
    check_counts(folds, repeats, inner_folds)
    found = cohort.target(target)
    design, strange = _design(cohort, found, inputs, missing_modality)
    y, classes, notes = _labels(found, design, folds)
    notes += strange + unused_network(names, network, fusion)
    if len(np.unique(design.group)) < len(design.group):
        notes.append("Several units share a patient or picture; the intervals of AUCs take that into account, those of accuracy, "
                     "sensitivity and their kin and of the calibration do not.")  # fmt: skip
    recipe = make_recipe(cohort, harmonize, stable, select, outcome=(found.name, *found.columns))
    context = recipe.context(cohort).loc[design.frame.index]
    networks = None
    section = network_section(network, fusion)
    if "fusion" in names:
        head = HeadSpec(found.name, head_kind(found.kind, classes), classes)
        networks = make_networks(cohort, design, section, head, y, n_jobs)
    data = ClassData(found.name, design, y, classes, names, resolve_seed(cohort, seed), recipe, context, networks)
    development = data.design.development
    splits = outer_splits(
        y[development], design.group[development], folds=folds, repeats=repeats, inner_folds=inner_folds,
        seed=data.seed,
    )  # fmt: skip
    splits.append(locked_split(y[development], design.group[development], inner_folds=inner_folds, seed=data.seed))
    heading = title or f"{found.name} from {listed(design.blocks)}"
    tasks = [(split, label) for split in splits for label in design.sets]
    done = run_tasks(partial(_work, data), tasks, n_jobs=n_jobs, progress=progress, label=heading)
    fits = [fit for part in done for fit in part]

    from radiogen.analysis.classtables import class_tables, predictions_of

    predictions = predictions_of(data, fits)
    tables, more = class_tables(found.name, classes, design.base, fits, predictions)
    made = versions()
    counts = {"classes": {c: int((y[development] == i).sum()) for i, c in enumerate(classes)}}
    locked = LockedModels(
        {(f.model, f.label): f.locked for f in fits if f.locked is not None},
        development_summary(cohort, design, "classify", found.name, tables, counts, made),
    )
    settings = settings_of(
        cohort, analysis="classify", target=found.name, classes=classes, inputs=list(design.sets), models=names,
        folds=folds, repeats=repeats, inner_folds=inner_folds, missing_modality=missing_modality, seed=data.seed,
        screen=SCREEN, max_correlation=0.95, **recipe.settings(), **network_settings(networks),
        analysed=len(development), external=int(design.external.sum()),
        locked=[
            {"model": m, "inputs": i, "threshold": lm.threshold, **lm.settings} for (m, i), lm in locked.models.items()
        ],
    )  # fmt: skip
    from radiogen.analysis.wording import classify_methods

    return Result(
        kind="classify",
        title=heading,
        tables={**tables, **_contributions(data, fits), **batch_tables(design, recipe, context), "flow": design.flow},
        predictions=predictions,
        settings=settings,
        versions=made,
        methods=classify_methods(data, found, settings),
        notes=(
            *design.notes, *recipe.notes(design.screened), *network_notes(networks),
            *noise_notes(tables["performance"], design.together), *notes, *more,
        ),
        model=locked,
    )


# -- checks -----------------------------------------------------------------------


def _design(
    cohort: Cohort, target: Target, inputs: Sequence[str] | None, missing_modality: str
) -> tuple[Design, list[str]]:
    """The design without external units of a class that no development unit has."""

    def make(known: pd.Series) -> Design:
        return make_design(
            cohort, inputs, known, target.name, forbidden=target.columns, target=target, missing_modality=missing_modality
        )

    design = make(target.known)
    values = target.values.loc[design.frame.index]
    strange = values[design.external & ~values.isin(values[~design.external]).to_numpy()]
    if not len(strange):
        return design, []
    names = listed(sorted(map(str, set(strange))))
    note = f"{len(strange)} external units are of a class that no development unit has ({names}); they were left out."
    return make(target.known & ~target.known.index.isin(strange.index)), [note]


def _labels(target: Target, design: Design, folds: int) -> tuple[NDArray[np.int_], tuple[str, ...], list[str]]:
    """Class numbers of the units analysed; classes that nobody in development has are left out and named."""
    values = target.values.loc[design.frame.index].astype(str)
    inside = values[~design.external]
    if len(inside) < MIN_UNITS:
        raise fail("RG701", f"{target.name}: {len(inside)} development units are left, and {MIN_UNITS} are needed",
                   value=len(inside))  # fmt: skip
    classes = tuple(str(c) for c in target.classes if (inside == str(c)).any())
    notes = []
    empty = [str(c) for c in target.classes if str(c) not in classes]
    if len(classes) < 2:
        raise fail("RG603", f"{target.name}: all {len(inside)} units left are '{classes[0]}'", value=target.name)
    if empty:
        notes.append(f"Nobody analysed has the class {listed(empty)}; it is not predicted.")
    for name in classes:
        count = len(np.unique(design.group[~design.external][(inside == name).to_numpy()]))
        # after one outer fold is taken, the inner folds still need two
        if count < folds or count - -(-count // folds) < 2:
            counts = ", ".join(f"{c} {int((inside == c).sum())}" for c in classes)
            raise fail("RG603", f"{target.name}: the class '{name}' has {count} units for {folds} folds ({counts})",
                       value=name, fix="Use fewer folds, merge the class with another, or leave it out "
                       "(`subtype: {classes: […]}` or the endpoint's classes).")  # fmt: skip
    number = {c: i for i, c in enumerate(classes)}
    return values.map(number).to_numpy(dtype=int), classes, notes


# -- one task ----------------------------------------------------------------------


def _work(data: ClassData, task: tuple[Split, str]) -> list[FoldFit]:
    """Fit all models of one split on one set of inputs; the test part is only predicted."""
    from radiogen.models import TrainingData, class_response, fit_classifier
    from radiogen.models.classifiers import InnerFold
    from radiogen.models.stored import storable

    split, label = task
    development = data.design.development
    columns = data.design.sets[label]
    screened = [c for c in columns if c in data.design.screened]
    frame, y, k = data.design.frame[list(columns)].iloc[development], data.y[development], len(data.classes)
    train, train_y = frame.iloc[split.train], y[split.train]

    context = data.context.iloc[development]
    train_context, seed = context.iloc[split.train], task_seed(data.seed, "select", split.repeat + 1, split.fold + 1, label)

    def prepare(at: NDArray[np.int_]) -> Preparation:
        y_at = train_y[at]
        made = Preparation(screened, SCREEN, data.recipe, seed)
        return made.fit(train.iloc[at], class_response(y_at, k), y_at, train_context.iloc[at])

    def inner() -> list[InnerFold]:
        made = []
        for a, b in split.inner:
            part = prepare(a)
            x_a, x_b = (part.transform(train.iloc[at], train_context.iloc[at]) for at in (a, b))
            made.append(InnerFold(x_a, train_y[a], x_b, b))
        return made

    is_locked = not len(split.test)
    rows = np.flatnonzero(data.design.external) if is_locked else development[split.test]
    if data.models == ("fusion",):
        return [_network(data, split, label, rows, prepare)]
    outer = prepare(np.arange(len(train)))
    groups = data.design.group[development][split.train]
    x = outer.transform(train, train_context)
    training = TrainingData(x, train_y, k, inner, len(np.unique(groups)) < len(groups), groups)
    test = data.design.frame[list(columns)].iloc[rows]
    test_x = outer.transform(test, data.context.iloc[rows]) if len(test) else np.zeros((0, len(outer.names)))
    results = []
    for model in data.models:
        if model == "fusion":
            results.append(_network(data, split, label, rows, prepare))
            continue
        fit = fit_classifier(model, training, task_seed(data.seed, "fit", split.repeat + 1, split.fold + 1, label, model))
        threshold = _threshold(train_y, fit.inner) if k == 2 else None
        if threshold is not None and np.ptp(fit.predict(training.x)[:, 1]) < 1e-9:
            # a model without predictors gives one probability to all; the prevalences of inner folds are no cut-point
            threshold = 0.5
        probability = fit.predict(test_x) if len(test) else np.zeros((0, k))
        locked = None
        if is_locked:
            blocks = tuple(label.split(" + "))
            locked = LockedModel(blocks, columns, outer, storable(fit.predict), data.classes, threshold, fit.settings)
        results.append(
            FoldFit(split, label, model, probability, threshold, fit.settings, tuple(outer.names), fit.weights, locked)
        )
    return results


def _contributions(data: ClassData, fits: list[FoldFit]) -> dict[str, pd.DataFrame]:
    """Contributions of the modalities to the network on all inputs, out of fold."""
    shares = [(f.label, f.shares) for f in fits if f.shares is not None]
    return contribution_tables(data.target, shares, data.networks.heads[0].kind) if data.networks is not None else {}


def _network(
    data: ClassData, split: Split, label: str, rows: NDArray[np.int_], prepare: Callable[[NDArray[np.int_]], Preparation]
) -> FoldFit:
    """The networks of one split; a unit with too few modalities takes the prevalences."""
    y = data.y[data.design.development[split.train]]
    empty = np.bincount(y, minlength=len(data.classes)) / len(y)
    fit = network_on_split(data, split, label, rows, prepare, empty)
    threshold = _threshold(y, fit.inner) if len(data.classes) == 2 else None
    locked = None if fit.locked is None else replace(fit.locked, classes=data.classes, threshold=threshold)
    return FoldFit(split, label, "fusion", fit.prediction, threshold, fit.settings, (), None, locked, fit.shares)


def _threshold(y: NDArray[np.int_], inner: NDArray[np.float64]) -> float:
    """Youden's cut-point of the inner predictions; 0.5 where they are constant."""
    from radiogen.stats import youden_threshold

    score = inner[:, 1]
    if np.ptp(score) < 1e-12:
        return 0.5
    return float(youden_threshold((y == 1).astype(int), score).estimate)  # type: ignore[arg-type]
