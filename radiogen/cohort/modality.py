"""The section of one modality: its images and tables, and what its pictures do not say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from radiogen.cohort.sections import Reading, Scalar, Section

Kind = Literal["bmode", "swe", "doppler", "ceus", "grey"]
#: kinds whose pictures are grey and nothing more; the others are screens that show a measurement
PLAIN: tuple[Kind, ...] = ("bmode", "grey")
#: columns of a manifest by what they hold
Role = Literal[
    "image", "mask", "visit", "spacing_mm", "reader", "reference", "type", "box", "point", "mask_source",
    "scale_max", "scale_min", "frame_interval_ms", "dynamic_range_db",
]  # fmt: skip
#: columns of a manifest whose values take the place of the modality's key of the same name
PER_IMAGE = ("scale_max", "scale_min", "frame_interval_ms", "dynamic_range_db")
#: keys that mean something for some kinds only
KINDS_OF_KEY: Mapping[str, tuple[str, ...]] = {
    "rings": PLAIN,
    "unit": ("swe",),
    "to_kpa": ("swe",),
    "opacity": ("swe",),
    "stiff_above": ("swe",),
    "shell_mm": ("swe",),
    "shell_px": ("swe",),
    "scale_max": ("swe", "doppler"),
    "scale_min": ("swe", "doppler"),
    "bar": ("swe", "doppler"),
    "cm_s_per_px": ("doppler",),
    "s_per_px": ("doppler",),
    "baseline_row": ("doppler",),
    "frame_interval_ms": ("ceus",),
    "dynamic_range_db": ("ceus",),
    "contrast_box": ("ceus",),
    "tissue_box": ("ceus",),
    "curve": ("ceus",),
    "motion": ("ceus",),
}


def _ordered_box(value: list[int] | None) -> list[int] | None:
    if value is not None and not (0 <= value[0] < value[1] and 0 <= value[2] < value[3]):
        raise ValueError("give [top, bottom, left, right] in pixels from 0, top above bottom and left before right")
    return value


#: [top, bottom, left, right], in pixels from 0, both ends inside
Box = Annotated[list[int], Field(min_length=4, max_length=4), AfterValidator(_ordered_box)]


class RingSection(Section):
    """A ring along the border of the lesion."""

    width: float = Field(gt=0, description="width of the ring")
    unit: Literal["mm", "px"] = Field("mm", description="unit of the width; mm needs the pixel spacing")
    side: Literal["outside", "inside"] = Field("outside", description="peritumoral, or the rim of the lesion")

    @property
    def name(self) -> str:
        """Such as ``outside_2_mm``; part of the names of features."""
        return f"{self.side}_{self.width:g}_{self.unit}".replace(".", "p")


class ModalitySection(Section):
    """Images with masks, a finished feature table, or both."""

    kind: Kind | None = Field(None, description="what the pictures are; default by the modality's name, else grey pictures")
    images: str | None = Field(None, description="manifest: a table with one row per image")
    id: str | None = Field(None, description="id column of the manifest or feature table; default the cohort's")
    columns: dict[Role, str] = Field(
        default_factory=dict, description="manifest columns where they are not called by their role: image, mask, visit, …"
    )
    image_dir: str | None = Field(None, description="folder of the images; default the manifest's")
    mask_dir: str | None = Field(None, description="folder of the masks; default the manifest's")
    mask_separator: str | None = Field(None, description="separator where a cell names several masks, such as ';'")
    mask_label: int | str | None = Field(None, description="value (polygon file: label) of the lesion; default all that is not 0")
    resize: Literal["nearest"] | None = Field(None, description="resize a mask to its image")
    calibration: Literal["file", "ignore"] = Field("file", description="'ignore': the files' own calibration is not used")
    aggregate: Literal["median", "mean", "max", "first"] = Field("median", description="several images per unit")
    settings: dict[str, Any] | None = Field(None, description="radiomics settings, in pyradiomics' layout")
    rings: list[RingSection] = Field(default_factory=list, description="rings in which radiomics are taken too")
    unit: str | None = Field(None, description="unit of the colour scale: kPa or m/s (SWE)")
    scale_max: float | None = Field(None, gt=0, description="upper end of the colour scale (SWE; Doppler in cm/s)")
    scale_min: float | None = Field(None, description="lower end of the colour scale; default 0 (Doppler: minus scale_max)")
    to_kpa: bool = Field(False, description="turn m/s into kPa by E = 3ρc², ρ = 1000 kg/m³ (SWE)")
    bar: Box | None = Field(None, description="place of the colour bar: [top, bottom, left, right]; default found")
    opacity: float | None = Field(None, gt=0, le=1, description="opacity of the colour overlay; default estimated (SWE)")
    stiff_above: float | None = Field(None, gt=0, description="threshold of the stiff share, in the unit; default 80 kPa (SWE)")
    shell_mm: float | None = Field(None, gt=0, description="width of the peritumoral shell; default 2 mm (SWE)")
    shell_px: float | None = Field(None, gt=0, description="width of the shell in pixels, instead of shell_mm (SWE)")
    cm_s_per_px: float | None = Field(None, gt=0, description="velocity per row of a PW spectrum (Doppler)")
    s_per_px: float | None = Field(None, gt=0, description="time per column of a PW spectrum (Doppler)")
    baseline_row: int | None = Field(None, ge=0, description="row of the zero line of a PW spectrum (Doppler)")
    frame_interval_ms: float | None = Field(None, gt=0, description="time between frames (CEUS)")
    dynamic_range_db: float | None = Field(None, gt=0, description="range of the log compression (CEUS)")
    contrast_box: Box | None = Field(None, description="place of the contrast pane; default the whole picture (CEUS)")
    tissue_box: Box | None = Field(None, description="place of the B-mode pane, for motion correction (CEUS)")
    curve: Literal["lognormal", "gamma_variate", "ldrw"] = Field("lognormal", description="model of the curve (CEUS)")
    motion: Literal["rigid", "none"] = Field("rigid", description="motion correction (CEUS)")
    features: str | None = Field(None, description="finished feature table")
    repeats: str | None = Field(
        None, description="table of the features measured again: other readers, images or perturbed regions, column `repeat`"
    )
    use: list[str] | None = Field(None, description="feature columns used; default all numeric ones")
    missing: list[Scalar] = Field(default_factory=list, description="values that stand for 'not known' in the tables named")
    delimiter: str | None = Field(None, description="column separator of the tables named")
    encoding: str = Field("utf-8", description="encoding of the tables named")
    decimal: Literal[".", ","] = Field(".", description="decimal mark of the tables named")
    sheet: str | int | None = Field(None, description="sheet where the tables named are Excel files")

    def kind_for(self, name: str) -> Kind:
        """The kind declared, else that of the modality's name, else grey pictures."""
        named = {"bmode": "bmode", "swe": "swe", "doppler": "doppler", "ceus": "ceus"}
        return self.kind or named.get(name, "grey")  # type: ignore[return-value]

    def column(self, role: str) -> str:
        """Name of the manifest's column with this role."""
        return self.columns.get(role, role)  # type: ignore[call-overload, no-any-return]

    def options(self) -> dict[str, Any]:
        """The keys that decide how a picture is measured, with their values."""
        return {key: getattr(self, key) for key in ("settings", *KINDS_OF_KEY)}

    def reading(self, path: str) -> Reading:
        """How the manifest or the feature table is read."""
        return Reading(path=path, missing=self.missing, delimiter=self.delimiter, encoding=self.encoding, decimal=self.decimal,
                       sheet=self.sheet)

    def foreign_keys(self, name: str) -> list[str]:
        """Keys that are set and mean nothing for a modality of this kind whose pictures are measured."""
        if self.images is None:
            return []
        kind = self.kind_for(name)
        return [k for k, kinds in KINDS_OF_KEY.items() if k in self.model_fields_set and kind not in kinds]

    @model_validator(mode="after")
    def _some_source(self) -> ModalitySection:
        if self.images is None and self.features is None:
            raise ValueError("give 'images' (a manifest), 'features' (a table) or both")
        if self.shell_mm is not None and self.shell_px is not None:
            raise ValueError("give either 'shell_mm' or 'shell_px'")
        if self.scale_max is not None and self.scale_min is not None and self.scale_min >= self.scale_max:
            raise ValueError("'scale_min' must be below 'scale_max'")
        return self
