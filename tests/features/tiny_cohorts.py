"""Cohorts of tiny pictures on disk, for runs in processes of their own."""

from __future__ import annotations

from pathlib import Path

from tests.features.conftest import write_image, write_mask

SIZE = (40, 56)
#: pictures that take some tens of milliseconds each, so that a run is still under way when it is killed
LARGE = (220, 280)
YAML = """radiogen: 1
cohort: {name: tiny, unit: patient}
tables:
  clinical: {path: clinical.csv, id: id, predictors: [age]}
modalities:
  bmode:
    images: bmode.csv
    id: id
"""
#: first order alone, for tiny pictures
QUICK = "    settings: {imageType: {Original: {}}, featureClass: {firstorder: []}}\n"


def write_cohort(folder: Path, n: int, *, large: bool = False) -> Path:
    """``n`` patients with one picture each, the last with two; gives the cohort file."""
    (folder / "images").mkdir(parents=True)
    size, box = (LARGE, (20, 200, 20, 260)) if large else (SIZE, (10, 30, 14, 40))
    write_mask(folder / "images" / "mask.png", size=size, box=box)
    owners = [*range(n), n - 1]
    for k in range(len(owners)):
        write_image(folder / "images" / f"{k}.png", seed=k, size=size)
    rows = [f"p{who},images/{k}.png,images/mask.png" for k, who in enumerate(owners)]
    (folder / "bmode.csv").write_text("\n".join(["id,image,mask", *rows]) + "\n")
    (folder / "clinical.csv").write_text("\n".join(["id,age", *(f"p{k},{40 + k}" for k in range(n))]) + "\n")
    (folder / "cohort.yaml").write_text(YAML if large else YAML + QUICK)
    return folder / "cohort.yaml"
