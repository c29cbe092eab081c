"""Frames of a cohort: blocks with formula-safe names, masks, MuData, the repr."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.cohort.states import MUTATED, NOT_TESTED, WILD_TYPE
from radiogen.cohort.values import listing, suggest
from radiogen.errors import fail

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort


def safe_name(text: str) -> str:
    """A name that formulas can hold: letters, digits and ``_``."""
    return re.sub(r"\W+", "_", str(text)).strip("_")


def feature_name(modality: str, feature: str) -> str:
    """``{modality}_{feature}``, formula-safe, the prefix not twice."""
    name = safe_name(feature)
    return name if name.startswith(f"{modality}_") else f"{modality}_{name}"


def block_frame(cohort: Cohort, name: str) -> pd.DataFrame:
    """One block of :meth:`Cohort.frame`."""
    if name == "clinical":
        return cohort.clinical[list(cohort.predictors)]
    if name == "markers":
        shown = cohort.markers[[c for c in cohort.markers.columns if not c.endswith(("_source", "_rule"))]]
        # a marker given as a status has no percentages: an empty column is no input
        return shown.dropna(axis=1, how="all")
    if name == "mutations":
        codes = {MUTATED: 1.0, WILD_TYPE: 0.0, NOT_TESTED: np.nan}
        frame = cohort.mutations.apply(lambda column: column.map(codes)).astype(float)
        return frame.rename(columns={g: f"mut_{safe_name(g)}" for g in cohort.mutations.columns})
    if name == "subtype":
        return cohort.subtype.to_frame("subtype")
    if name in cohort.modalities:
        return cohort.modalities[name]
    if name in cohort.config.modalities:
        raise fail("RG706", f"the modality '{name}' has images and no features yet", value=name)
    raise fail("RG109", f"there is no block '{name}'.{suggest(name, cohort.blocks)}", value=name,
               fix=f"Use one of {listing(cohort.blocks)}.")


def display_column(cohort: Cohort, column: str) -> pd.Series:
    """See :meth:`Cohort.display`."""
    if column not in cohort.clinical.columns:
        raise fail("RG109", f"there is no clinical column '{column}'.{suggest(column, cohort.clinical.columns)}", value=column,
                   fix=f"Use one of {listing(cohort.clinical.columns, 60)}.")
    values = cohort.clinical[column]
    for section in cohort.config.tables.values():
        if column in section.ordered:
            labels = [str(level) for level in section.ordered[column]]
            named = values.map(lambda v, names=labels: None if pd.isna(v) else names[int(v) - 1])
            return pd.Series(pd.Categorical(named, categories=labels, ordered=True), index=values.index, name=column)
    return values


def resolve_mask(cohort: Cohort, mask: Any) -> pd.Index:
    """The unit ids that a mask or a list of ids means, in the cohort's order."""
    if isinstance(mask, pd.Series) and mask.dtype == bool:
        missing = cohort.index.difference(mask.index)
        if len(missing):
            raise fail("RG705", f"the mask has no value for {len(missing)} units, such as '{missing[0]}'")
        return cohort.index[mask.reindex(cohort.index).to_numpy()]
    values = np.asarray(mask)
    if values.dtype == bool:
        if values.shape != (len(cohort),):
            raise fail("RG705", f"the mask has {values.size} values and the cohort {len(cohort)} units")
        return cohort.index[values]
    wanted = [str(v) for v in values]
    unknown = [w for w in wanted if w not in set(cohort.index)]
    if unknown:
        raise fail("RG705", f"these ids are not in the cohort: {listing(unknown, 5)}", value=unknown[0])
    return cohort.index[cohort.index.isin(wanted)]


def to_mudata(cohort: Cohort) -> Any:
    """See :meth:`Cohort.to_mudata`."""
    try:
        import anndata
        import mudata
    except ModuleNotFoundError as error:
        raise fail("RG902", "MuData needs the package mudata", fix="pip install 'radiogen[mudata]'") from error
    parts = {}
    for name, frame in cohort.modalities.items():
        numeric = frame.select_dtypes("number")
        present = numeric.notna().any(axis=1)
        parts[name] = anndata.AnnData(
            X=numeric.loc[present].to_numpy(float), obs=pd.DataFrame(index=numeric.index[present].astype(str)),
            var=pd.DataFrame(index=numeric.columns.astype(str)),
        )
    # columns of the modalities are not to be copied into the whole: mudata 0.4 makes that the default
    with mudata.set_options(pull_on_update=False):
        data = mudata.MuData(parts)
    about = pd.concat([cohort.units, cohort.clinical, cohort.markers, cohort.mutations.add_prefix("mut_")], axis=1)
    about["subtype"] = cohort.subtype
    about = about.loc[:, ~about.columns.duplicated()]
    for name, endpoint in cohort.endpoints.items():
        about = about.join(endpoint.data.add_prefix(f"{name}_"))
    data.obs = data.obs.join(about.reindex(data.obs_names))
    return data


def describe(cohort: Cohort) -> str:
    """The lines of ``repr(cohort)``."""
    units = "lesions" if cohort.unit == "lesion" else "patients"
    lines = [f"<radiogen Cohort '{cohort.name}': {len(cohort)} {units}{', SIMULATED' if cohort.simulated else ''}>"]
    if cohort.unit == "lesion":
        lines.append(f"  patients    {cohort.units['patient'].nunique()}")
    outside = int(cohort.units["external"].sum())
    if outside:
        lines.append(f"  external    {outside} {units} set aside")
    lines.append(f"  predictors  {listing(cohort.predictors, 8) or 'none'}")
    for name in dict.fromkeys((*cohort.config.modalities, *cohort.modalities)):
        if name in cohort.modalities:
            frame = cohort.modalities[name]
            have = int(frame.notna().any(axis=1).sum())
            lines.append(f"  {name:<11} {have} {units}, {frame.shape[1]} features")
        else:
            have = int((cohort.images["modality"] == name).sum())
            lines.append(f"  {name:<11} {have} images, not extracted")
    for gene in cohort.genes[:6]:
        counts = cohort.mutations[gene].value_counts()
        lines.append(f"  {gene:<11} " + ", ".join(f"{counts.get(s, 0)} {s}" for s in (MUTATED, WILD_TYPE, NOT_TESTED)))
    if len(cohort.genes) > 6:
        lines.append(f"  … and {len(cohort.genes) - 6} more genes")
    for marker in ("er", "pr", "her2", "ki67"):
        if marker in cohort.markers.columns:
            counts = cohort.markers[marker].value_counts()
            known = ", ".join(f"{n} {v}" for v, n in sorted(counts.items()))
            lines.append(f"  {marker:<11} {known or 'none known'}, {int(cohort.markers[marker].isna().sum())} not known")
    if cohort.config.subtype is not None:
        counts = cohort.subtype.value_counts()
        lines.append("  subtype     " + ", ".join(f"{n} {v}" for v, n in counts.items()) +
                     f", {int(cohort.subtype.isna().sum())} not known")
    lines += [f"  {line}" for line in _endpoint_lines(cohort)]
    if len(cohort.clinical.columns) and cohort.predictors:
        share = cohort.clinical[list(cohort.predictors)].isna().to_numpy().mean()
        lines.append(f"  missing     {share:.1%} of predictor values")
    return "\n".join(lines)


def _endpoint_lines(cohort: Cohort) -> list[str]:
    lines = []
    for name, endpoint in cohort.endpoints.items():
        known = endpoint.data[endpoint.known]
        if endpoint.kind == "survival":
            what = f"{int(known['event'].sum())} events in {len(known)}, {endpoint.unit}"
        elif endpoint.kind == "competing":
            counts = [f"{int((known['status'] == i).sum())} {label}" for i, label in enumerate(endpoint.labels, start=1)]
            what = f"{', '.join(counts)} in {len(known)}, {endpoint.unit}"
        else:
            counts = known["value"].value_counts()
            what = ", ".join(f"{counts.get(c, 0)} {c}" for c in endpoint.labels)
        lines.append(f"{name:<11} {what}")
    return lines
