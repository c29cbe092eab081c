"""A small good cohort that tests break in one place at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

YAML = """\
radiogen: 1
cohort: {name: small, unit: patient}
tables:
  clinical: {path: clinical.csv, id: patient_id, predictors: [age, grade], missing: ["NA"]}
  follow_up: {path: follow_up.csv, id: patient_id}
mutations: {path: mutations.csv, format: long, id: patient_id, gene: gene, change: change, genes: [TP53], sequenced: tested.csv}
markers:
  er: {column: er, unit: percent}
  pr: {column: pr, unit: percent}
  her2: {ihc: her2, ish: ish}
  ki67: {column: ki67, unit: percent}
subtype: {rule: st_gallen_2013}
modalities:
  bmode: {images: bmode.csv}
endpoints:
  os: {kind: survival, time: months, unit: months, event: dead, event_values: [1], censor_values: [0]}
  pcr: {kind: binary, column: pcr, positive: ["yes"], negative: ["no"]}
batch: {centre: centre}
split: {external: {centre: [B]}}
analyses:
  - {kind: classify, target: TP53, inputs: [clinical]}
"""
N = 24


def tables() -> dict[str, list[list[str]]]:
    """The files of the good cohort, as rows of cells."""
    ids = [f"P{i:03d}" for i in range(1, N + 1)]
    clinical = [["patient_id", "age", "grade", "centre", "er", "pr", "her2", "ish", "ki67", "pcr"]]
    follow_up = [["patient_id", "months", "dead", "start", "end"]]
    bmode = [["patient_id", "image", "mask", "spacing_mm"]]
    for i, name in enumerate(ids):
        clinical.append([
            name, str(40 + 7 * i % 31), str(1 + i * i % 7 % 3), "B" if i % 4 == 3 else "A", str([0, 90, 50][i % 3]), str([0, 30][i % 2]),
            ["0", "1+", "3+", "2+"][i % 4], "not amplified" if i % 4 == 3 else "", str(5 + 3 * i % 60), ["yes", "no", "no"][i % 3],
        ])  # fmt: skip
        follow_up.append([name, f"{10 + 1.5 * (i * 5 % 13):.1f}", str(int(i % 5 in (0, 2))), "2020-01-15", "2021-06-30"])
        if i < 4:
            bmode.append([name, f"{name}.png", f"{name}_mask.png", "0.1"])
    return {
        "clinical.csv": clinical, "follow_up.csv": follow_up, "bmode.csv": bmode,
        "mutations.csv": [["patient_id", "gene", "change"], *[[n, "TP53", "p.R175H"] for n in ids[:21:3]]],
        "tested.csv": [["patient_id"], *[[n] for n in ids[:21]]],
    }  # fmt: skip


def write_tables(folder: Path, files: dict[str, list[list[str]]]) -> None:
    """Write rows of cells as CSV."""
    for name, rows in files.items():
        (folder / name).write_text("".join(",".join(r) + "\n" for r in rows), encoding="utf-8")


def write_images(folder: Path) -> None:
    """Four pictures that differ, with masks."""
    rng = np.random.default_rng(3)
    for i in range(1, 5):
        picture = rng.integers(0, 255, (40 + i, 50), dtype=np.uint8)
        mask = np.zeros((40 + i, 50), dtype=np.uint8)
        mask[10:30, 12 : 30 + i] = 255
        Image.fromarray(picture).save(folder / f"P{i:03d}.png")
        Image.fromarray(mask).save(folder / f"P{i:03d}_mask.png")


Files = dict[str, list[list[str]]]
Maker = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    """Write the good cohort with one change and give the path of its YAML."""

    def build(change: Callable[[Files], None] | None = None, yaml: Callable[[str], str] | None = None, text: str = YAML) -> Path:
        folder = tmp_path / "cohort"
        folder.mkdir()
        files = tables()
        if change is not None:
            change(files)
        write_tables(folder, files)
        write_images(folder)
        path = folder / "cohort.yaml"
        path.write_text(text if yaml is None else yaml(text), encoding="utf-8")
        return path

    return build
