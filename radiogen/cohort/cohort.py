"""The joined cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from radiogen.cohort.config import CohortConfig
from radiogen.cohort.endpoint import Endpoint, Target
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.targets import find_target
from radiogen.errors import Problem, fail


@dataclass(frozen=True)
class Source:
    """An input file, its role and the SHA-256 of its bytes."""

    role: str
    path: str
    sha256: str


@dataclass(frozen=True, repr=False)
class Cohort:
    """Patients (or lesions) with all that is known of them, joined and checked.

    Made by :func:`radiogen.load_cohort`; frozen: methods give new cohorts.
    All frames share one index, the unit's id as text.

    Parameters
    ----------
    config : CohortConfig
        The YAML.
    units : DataFrame
        One row per unit: ``patient``, ``group`` (units that must stay in one
        fold share it), ``external`` (bool), and ``centre``, ``scanner`` where declared.
    clinical : DataFrame
        All columns of the joined tables, typed.
    predictors : tuple of str
        The columns of ``clinical`` that models may use.
    markers : DataFrame
        ``er``, ``pr``, ``her2`` (``"positive"``, ``"negative"`` or NaN), ``ki67``
        (``"high"``, ``"low"`` or NaN), ``*_percent`` where known, and ``*_source``, the
        text that it was read from.
    mutations : DataFrame
        Unit × gene: ``"mutated"``, ``"wild type"`` or ``"not tested"``.
    subtype : Series
        Subtype, NaN where not known.
    endpoints : mapping of str to Endpoint
    images : DataFrame
        One row per image: ``unit``, ``patient``, ``modality``, ``visit``, ``image`` (absolute
        path), ``masks`` (tuple of absolute paths), ``spacing_row_mm``, ``spacing_col_mm``
        (NaN where not known), ``manifest`` and ``row`` (where the image is named), ``reference`` (mask of the
        reference region, or None), ``type``, ``box``, ``point``, ``mask_source`` (as the manifest has them, or
        None) and ``declared`` (a dict of what the manifest says of this image, such as ``scale_max``).
    modalities : mapping of str to DataFrame
        Features per modality at the baseline visit, columns ``{modality}_{feature}``.
        A unit without the modality has a row of NaN.
    ledger : Ledger
    findings : tuple of Problem
        Warnings and notes.
    sources : tuple of Source
    root : Path
        Folder in which paths resolve.
    repeats : mapping of str to DataFrame
        Features per modality measured again, index (unit, repeat), columns as in ``modalities``.
    quality : DataFrame
        One row per image at the baseline visit, after extraction: where it stands, flags, and numbers on its
        quality (:func:`radiogen.imaging.quality.assess`); empty before.
    """

    config: CohortConfig
    units: pd.DataFrame
    clinical: pd.DataFrame
    predictors: tuple[str, ...]
    markers: pd.DataFrame
    mutations: pd.DataFrame
    subtype: pd.Series
    endpoints: Mapping[str, Endpoint]
    images: pd.DataFrame
    modalities: Mapping[str, pd.DataFrame]
    ledger: Ledger
    findings: tuple[Problem, ...] = ()
    sources: tuple[Source, ...] = ()
    root: Path = field(default_factory=Path)
    quality: pd.DataFrame = field(default_factory=pd.DataFrame)
    repeats: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoints", MappingProxyType(dict(self.endpoints)))
        object.__setattr__(self, "modalities", MappingProxyType(dict(self.modalities)))
        object.__setattr__(self, "repeats", MappingProxyType(dict(self.repeats)))

    # -- what it is -------------------------------------------------------------

    @property
    def name(self) -> str:
        """The cohort's name."""
        return self.config.cohort.name

    @property
    def unit(self) -> str:
        """``"patient"`` or ``"lesion"``."""
        return self.config.cohort.unit

    @property
    def simulated(self) -> bool:
        """Whether the data are simulated."""
        return self.config.cohort.simulated is not None

    @property
    def index(self) -> pd.Index:
        """Ids of the units."""
        return self.units.index

    @property
    def genes(self) -> tuple[str, ...]:
        """Genes of the mutation table."""
        return tuple(str(g) for g in self.mutations.columns)

    @property
    def patients(self) -> pd.DataFrame:
        """One row per patient: number of units, external or not, centre, scanner."""
        patient = pd.Index(self.units["patient"], name="patient")
        rows = self.units.drop(columns=["patient", "group"]).set_axis(patient, axis=0)
        frame = rows[~patient.duplicated()].copy()
        frame.insert(0, "units", patient.value_counts().reindex(frame.index).to_numpy())
        return frame

    def __len__(self) -> int:
        return len(self.units)

    # -- blocks and frames --------------------------------------------------------

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names that :meth:`frame` takes."""
        fixed = ("clinical", "markers", "mutations", "subtype")
        return (*fixed, *dict.fromkeys((*self.config.modalities, *self.modalities)))

    def frame(self, *blocks: str) -> pd.DataFrame:
        """Join blocks into one frame.

        Clinical columns keep their names; all others are formula-safe.

        Parameters
        ----------
        *blocks : str
            ``"clinical"`` (the predictors), ``"markers"``, ``"mutations"``
            (``mut_TP53``: 1.0, 0.0 or NaN for not tested), ``"subtype"`` or a
            modality.

        Returns
        -------
        DataFrame, index unit id

        Raises
        ------
        RadiogenError
            RG109 for an unknown block, RG706 for a modality without features.
        """
        from radiogen.cohort.frames import block_frame

        parts = [block_frame(self, name) for name in (blocks or ("clinical",))]
        return pd.concat(parts, axis=1)

    def display(self, column: str) -> pd.Series:
        """A clinical column as people read it: scores of ``ordered`` columns as their categories.

        Parameters
        ----------
        column : str
            A column of :attr:`clinical`.

        Returns
        -------
        Series, index unit id
            Numeric, text, or categorical (ordered where the YAML says so).
        """
        from radiogen.cohort.frames import display_column

        return display_column(self, column)

    def target(self, name: str) -> Target:
        """The class label of this name: a gene, marker, ``"subtype"`` or endpoint."""
        return find_target(self, name)

    def survival(self, endpoint: str) -> pd.DataFrame:
        """Time and event of one endpoint, for the units where both are known.

        Parameters
        ----------
        endpoint : str
            A survival or competing endpoint.

        Returns
        -------
        DataFrame, index unit id
            ``time`` in the declared unit, ``event`` (int: 1 the event, 0 censored).
            A competing endpoint has ``status`` too (0 censored, 1 the event of
            interest, 2 and up the others); its ``event`` is 1 for status 1 alone,
            so that Cox models of ``event`` are cause-specific.
        """
        found = self.endpoints.get(endpoint)
        if found is None or found.kind not in ("survival", "competing"):
            names = [e.name for e in self.endpoints.values() if e.kind in ("survival", "competing")]
            raise fail("RG109", f"there is no survival endpoint '{endpoint}'; the cohort has {names}", value=endpoint)
        data = found.data.loc[found.known]
        if found.kind == "survival":
            return pd.DataFrame({"time": data["time"], "event": data["event"].astype(int)})
        status = data["status"].astype(int)
        return pd.DataFrame({"time": data["time"], "event": (status == 1).astype(int), "status": status})

    # -- parts --------------------------------------------------------------------

    def subset(self, mask: Any) -> Cohort:
        """The cohort of some units.

        Parameters
        ----------
        mask : Series of bool, array of bool, or index of unit ids
            A boolean Series is aligned by id.
        """
        from radiogen.cohort.frames import resolve_mask

        keep = resolve_mask(self, mask)
        images = self.images[self.images["unit"].isin(keep)] if len(self.images) else self.images
        return replace(
            self,
            units=self.units.loc[keep],
            clinical=self.clinical.loc[keep],
            markers=self.markers.loc[keep],
            mutations=self.mutations.loc[keep],
            subtype=self.subtype.loc[keep],
            endpoints={k: e.select(keep) for k, e in self.endpoints.items()},
            images=images,
            quality=self.quality[self.quality["unit"].isin(keep)] if len(self.quality) else self.quality,
            modalities={k: f.loc[keep] for k, f in self.modalities.items()},
            repeats={k: f[f.index.get_level_values(0).isin(keep)] for k, f in self.repeats.items()},
            ledger=self.ledger.add("subset", "left out of this subset", self.index.difference(keep, sort=False)),
        )

    def external(self) -> Cohort:
        """The units set aside by ``split: external`` (perhaps none)."""
        return self.subset(self.units["external"])

    def development(self) -> Cohort:
        """The units that models may be developed on."""
        return self.subset(~self.units["external"])

    def with_features(
        self, features: Mapping[str, pd.DataFrame], *, ledger: Ledger | None = None, groups: pd.Series | None = None,
        findings: tuple[Problem, ...] = (),
    ) -> Cohort:
        """A cohort with more features, and with the ledger and fold groups that go with them."""
        units = self.units if groups is None else self.units.assign(group=groups)
        return replace(
            self,
            modalities={**self.modalities, **{k: self._in_order(f) for k, f in features.items()}},
            ledger=self.ledger if ledger is None else ledger,
            units=units,
            findings=(*self.findings, *findings),
        )

    def _in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per unit; a frame that has them already is not copied, since it may be large."""
        return frame if frame.index.equals(self.index) else frame.reindex(self.index)

    def to_mudata(self) -> Any:
        """The modalities as :class:`mudata.MuData`, clinic and markers in ``obs``.

        Raises
        ------
        RadiogenError
            RG902 where mudata is not installed (``pip install radiogen[mudata]``).
        """
        from radiogen.cohort.frames import to_mudata

        return to_mudata(self)

    def __repr__(self) -> str:
        from radiogen.cohort.frames import describe

        return describe(self)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"
