"""Every feature against every target: rank tests, effects, false discovery rates, adjusted odds ratios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from radiogen.analysis.design import make_design
from radiogen.analysis.provenance import listed, resolve_seed, settings_of, versions
from radiogen.analysis.result import Result
from radiogen.errors import RadiogenError, fail

if TYPE_CHECKING:
    from radiogen.analysis.design import Design
    from radiogen.cohort.cohort import Cohort
    from radiogen.cohort.endpoint import Target

COLUMNS = [
    "feature", "modality", "target", "test", "statistic", "effect", "effect_name", "lower", "upper", "n", "p", "q",
    "adjusted_or", "adjusted_lower", "adjusted_upper", "adjusted_p", "adjusted_q", "note",
]  # fmt: skip


def associate(
    cohort: Cohort,
    targets: Sequence[str],
    inputs: Sequence[str] | None = None,
    *,
    adjust: Sequence[str] | None = None,
    seed: int | None = None,
    n_jobs: int = 1,
    title: str = "",
) -> Result:
    """Test every feature against every gene, receptor, subtype or class endpoint.

    Parameters
    ----------
    cohort : Cohort
        External units are left aside, untouched.
    targets : sequence of str
        Genes, markers, ``"subtype"``, class endpoints.
    inputs : sequence of str, optional
        Blocks whose features are tested; default every modality with features, else the clinical predictors.
    adjust : sequence of str, optional
        Clinical columns that the odds ratio is adjusted for; default the predictors.  An empty list: none.
    seed : int, optional
        Kept with the settings; nothing here is random.
    n_jobs : int, default 1
        Taken for the sake of one signature; the screen is one pass over the columns.
    title : str
        Heading.

    Returns
    -------
    Result
        Table ``associations`` with a row per feature and target, ``families`` with the size of each family
        of tests, ``flow``.

    Raises
    ------
    RadiogenError
        RG109, RG703 for targets that do not exist or are no classes, RG706 without features, RG408 where an input
        determines a target, RG701 where nobody is left.

    Notes
    -----
    A family of tests is all features, of all modalities, against one target; ``q`` and ``adjusted_q`` control the
    false discovery rate within it (Benjamini and Hochberg).  ``adjusted_or`` is the odds ratio per standard
    deviation of a numeric feature, for two classes.  Where patients have several lesions, or units share nearly the
    same picture, numbers are averaged over them and those that differ in the target are left out: tests assume
    independent units.

    References
    ----------
    Benjamini and Hochberg (1995), JRSS B 57:289, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    if isinstance(targets, str) or not targets:
        raise fail("RG705", "`targets` must be a list with at least one name.", value=targets)
    names = tuple(inputs) if inputs is not None else (tuple(cohort.modalities) or ("clinical",))
    parts, flows, notes, counts = [], [], [], []
    failed: list[RadiogenError] = []
    used: dict[str, None] = {}
    for name in dict.fromkeys(targets):
        target = cohort.target(name)
        try:
            design = make_design(
                cohort, names, target.known, target.name, forbidden=target.columns, target=target, missing_modality="impute"
            )
            covariates = _covariates(cohort, adjust, target)
            table, said, classes = _one_target(cohort, design, target, covariates)
        except RadiogenError as error:
            # a target that nothing can be learnt about must not cost the others
            if error.code not in ("RG603", "RG701"):
                raise
            failed.append(error)
            notes.append(f"{target.name} was left out ({error.code}): {error.problems[0].message}.")
            continue
        parts.append(table)
        notes += [*design.notes, *said]
        used |= dict.fromkeys(covariates.columns)
        if omitted := [n for n in _covariate_names(cohort, adjust) if n not in covariates.columns]:
            notes.append(f"{target.name}: not adjusted for {listed(omitted)}, because an outcome is made from it.")
        flows.append(_flow_of(design, target.name))
        tested = table["p"].notna()
        adjusted = int(table["adjusted_p"].notna().sum())
        counts.append((target.name, int(tested.sum()), int((table["q"] < 0.05).sum()), adjusted, classes))
    if not parts:
        raise RadiogenError(problem for error in failed for problem in error.problems)
    frame = pd.concat(parts, ignore_index=True)
    settings = settings_of(
        cohort, analysis="associate", targets=list(dict.fromkeys(targets)), inputs=list(names), adjust=list(used),
        fdr="bh", family="one per target", seed=resolve_seed(cohort, seed),
    )  # fmt: skip
    return Result(
        kind="associate",
        title=title or f"{listed(names)} against {listed(list(dict.fromkeys(targets)))}",
        tables={
            "associations": frame[COLUMNS],
            "families": pd.DataFrame(counts, columns=["target", "tests", "q_below_0.05", "adjusted_tests", "classes"]),
            "flow": pd.concat(flows, ignore_index=True).drop_duplicates(ignore_index=True),
        },
        settings=settings,
        versions=versions(),
        methods=_methods(names, list(used), counts),
        notes=tuple(dict.fromkeys(notes)),
    )


def _flow_of(design: Design, target: str) -> pd.DataFrame:
    """The flow of one target: its exclusions are its own, and so is the number of external units."""
    outside = design.flow["scope"] == "external"
    reason = design.flow["reason"].where(~outside, f"{target}: set aside for external validation")
    return design.flow.assign(scope=design.flow["scope"].where(outside, target), reason=reason)


def _one_target(
    cohort: Cohort, design: Design, target: Target, covariates: pd.DataFrame
) -> tuple[pd.DataFrame, list[str], str]:
    """All features against one target: one family of tests."""
    from radiogen.stats import association_screen

    inside = design.frame.index[~design.external]
    present = [str(c) for c in target.classes if (target.values.loc[inside].astype(str) == str(c)).any()]
    if len(present) < 2:
        raise fail("RG603", f"{target.name}: all {len(inside)} units left are '{present[0]}'", value=target.name)
    label = target.values.loc[inside].astype(str).astype(pd.CategoricalDtype(present))
    features, label, covariates, notes = _independent(cohort, design.frame.loc[inside], label, covariates, target.name)
    if label.nunique() < 2:
        raise fail("RG603", f"{target.name}: one class is left of {len(label)} patients", value=target.name)
    # a class whose patients were all left out is no category any more: the second of two is the positive one
    label = label.cat.remove_unused_categories()
    present = list(label.cat.categories)
    table = association_screen(features, {target.name: label})
    block = {c: name for name, columns in design.sets.items() for c in columns if " + " not in name}
    table["modality"] = table["feature"].map(block)
    notes += _adjust(table, features, label, covariates)
    _screen_note(table, label, notes)
    classes = ", ".join(f"{c} {int((label == c).sum())}" for c in present)
    return table, notes, classes


def _independent(
    cohort: Cohort, features: pd.DataFrame, label: pd.Series, covariates: pd.DataFrame, name: str
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, list[str]]:
    """One row per group: means of numbers, categories and targets where all units of it agree.

    A group is a patient with all lesions, or patients who share nearly the same picture; tests that take them
    as independent find too much.
    """
    covariates = covariates.loc[features.index]
    group = cohort.units.loc[features.index, "group"]
    if not group.duplicated().any():
        return features, label, covariates, []
    same = label.astype(str).groupby(group).transform("nunique") == 1
    keep = same.to_numpy()
    left_out = group[~keep].nunique()
    notes = [
        f"{name}: {len(features)} {cohort.unit}s are {group.nunique()} independent ones (lesions of one patient and nearly "
        f"equal pictures belong together); numbers were averaged over these, and {left_out} that differ in the target were "
        "left out."
    ]
    one = group[keep]
    first = label[keep].groupby(one, sort=False, observed=True).first()
    return _collapse(features[keep], one), first.astype(label.dtype), _collapse(covariates[keep], one), notes


def _collapse(frame: pd.DataFrame, patient: pd.Series) -> pd.DataFrame:
    """Means of numeric columns per patient; other columns only where they are constant."""
    columns = {}
    for column in frame.columns:
        own = frame[column].groupby(patient, sort=False, observed=True)
        if pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_bool_dtype(frame[column]):
            columns[column] = own.mean()
        else:
            columns[column] = own.first().where(own.nunique() == 1)
    return pd.DataFrame(columns, index=pd.Index(patient.unique()))


# -- adjusted odds ratios ----------------------------------------------------------------


def _covariate_names(cohort: Cohort, adjust: Sequence[str] | None) -> list[str]:
    names = list(cohort.predictors) if adjust is None else list(adjust)
    for name in names:
        if name not in cohort.clinical.columns:
            raise fail("RG109", f"there is no clinical column '{name}' to adjust for", value=name)
    return names


def _covariates(cohort: Cohort, adjust: Sequence[str] | None, target: Target) -> pd.DataFrame:
    """The covariates without columns that an outcome is made from."""
    outcome = {c for e in cohort.endpoints.values() for c in e.columns} | set(target.columns)
    names = _covariate_names(cohort, adjust)
    bad = [n for n in names if n in outcome]
    if bad and adjust is not None:
        raise fail("RG408", f"the covariate '{bad[0]}' is what an outcome is made from", value=bad[0])
    return cohort.clinical[[n for n in names if n not in bad]]


def _informative(covariates: pd.DataFrame, y: pd.Series) -> tuple[pd.Series, list[str]]:
    """Units with known covariates, without those in a category whose units are all of one class.

    The coefficient of such a category runs to infinity and its units then say nothing of the others: leaving
    them out gives the same odds ratios of the features as the limit of the likelihood.
    """
    keep = covariates.notna().all(axis=1)
    left_out: list[str] = []
    changed = True
    while changed:
        changed = False
        for column in covariates.columns:
            values = covariates[column]
            if pd.api.types.is_numeric_dtype(values) and values.nunique() > 2:
                continue
            for level, own in y[keep].groupby(values[keep].astype(str), observed=True):
                if own.nunique() == 1 and keep.sum() > len(own):
                    keep &= values.astype(str) != level
                    left_out.append(f"{column} = {level} ({len(own)})")
                    changed = True
    return keep, left_out


def _adjust(table: pd.DataFrame, features: pd.DataFrame, label: pd.Series, covariates: pd.DataFrame) -> list[str]:
    """Add the adjusted odds ratios of numeric features, with a false discovery rate of their own; returns notes."""
    from radiogen.stats import adjusted_odds_ratio, fdr

    columns = ["adjusted_or", "adjusted_lower", "adjusted_upper", "adjusted_p", "adjusted_q"]
    table[columns] = np.nan
    if label.nunique() != 2 or not covariates.shape[1]:
        return []
    y = (label == label.cat.categories[1]).astype(int)
    left_out: list[str] = []
    lost: list[str] = []
    # a feature that is a covariate is adjusted for the others
    number = [c for c in features.columns if pd.api.types.is_numeric_dtype(features[c]) and features[c].nunique() > 1]
    groups = {False: [c for c in number if c not in covariates.columns], **{c: [c] for c in number if c in covariates.columns}}
    place = {f: i for i, f in zip(table.index, table["feature"], strict=True)}
    for own, names in groups.items():
        others = covariates if own is False else covariates.drop(columns=str(own))
        if not names or not others.shape[1]:
            continue
        keep, said = _informative(others, y)
        left_out += said
        unknown = int((~others.notna().all(axis=1)).sum())
        if unknown and own is False:
            lost.append(
                f"{table['target'].iloc[0]}: {unknown} of {len(y)} have a covariate that is not known (or differs between "
                "lesions) and are not in the adjusted odds ratios."
            )
        if y[keep].nunique() < 2:
            continue
        found = adjusted_odds_ratio(features.loc[keep, names], y[keep], others[keep], missing="drop")
        rows = [place[n] for n in names]
        arrays = [np.atleast_1d(np.asarray(v, dtype=float)) for v in (found.estimate, found.lower, found.upper, found.p)]
        table.loc[rows, columns[:4]] = np.column_stack(arrays)
        sizes = np.broadcast_to(np.atleast_1d(np.asarray(found.n)), len(rows))
        reasons = np.atleast_1d(np.asarray(found["reason"], dtype=object))
        for row, size, reason in zip(rows, sizes, np.broadcast_to(reasons, len(rows)), strict=True):
            word = f"adjusted: {reason}" if reason else (f"adjusted: n = {int(size)}" if size != table.at[row, "n"] else "")
            if word:
                table.at[row, "note"] = "; ".join(t for t in (str(table.at[row, "note"] or ""), word) if t)
    table["adjusted_q"] = fdr(table["adjusted_p"].to_numpy(dtype=float))
    if not left_out:
        return lost
    name = table["target"].iloc[0]
    return [*lost, f"{name}: categories of one class only cannot inform the adjusted odds ratios and were left out of them: "
            f"{listed(list(dict.fromkeys(left_out)))}."]  # fmt: skip


def _screen_note(table: pd.DataFrame, label: pd.Series, notes: list[str]) -> None:
    untested = int(table["p"].isna().sum())
    if untested:
        name = table["target"].iloc[0]
        notes.append(f"{untested} of {len(table)} features could not be tested against {name}; see their notes.")
    smallest = int(label.value_counts().min())
    if smallest < 10:
        notes.append(f"The smallest class of {table['target'].iloc[0]} has {smallest} patients; its intervals are approximate.")


def _methods(names: tuple[str, ...], adjust: list[str], counts: list[tuple[str, int, int, int, str]]) -> tuple[str, ...]:
    families = "; ".join(f"{t}: {tests} tests ({classes})" for t, tests, _, _, classes in counts)
    sentences = [
        f"Each feature of {listed(names)} was tested against each target in development data, with missing values left out "
        "pair by pair: Wilcoxon's rank-sum test with the area under the ROC curve (DeLong interval) for two classes, the "
        "Kruskal-Wallis test with epsilon squared for more, and Fisher's or the chi-squared test for categories.",
        "The false discovery rate was controlled by Benjamini and Hochberg's method in one family per target, over all "
        f"features and modalities ({families}).",
    ]
    if adjust:
        sentences.append(
            f"For two classes, odds ratios per standard deviation were adjusted for {listed(adjust)} by logistic regression "
            "in units without missing covariates (Wald intervals), with a false discovery rate of their own."
        )
    return tuple(sentences)
