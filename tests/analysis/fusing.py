"""Small simulated cohorts and nets for the tests of fusion and of bundles."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import radiogen as rg
from radiogen.cohort import Cohort

#: nets that are trained in a blink
TINY: dict[str, Any] = {"epochs": 2, "width": 8}
#: how the analyses are evaluated
FEW: dict[str, Any] = {"folds": 2, "repeats": 1, "inner_folds": 2, "missing_modality": "impute"}


def simulated(folder: Path, n: int = 60, seed: int = 3, effects: Any = "default") -> Cohort:
    """A simulated cohort without pictures."""
    return rg.load_cohort(rg.simulate.cohort(folder, n=n, seed=seed, images=False, effects=effects))


def with_pictures(folder: Path, n: int = 24) -> Path:
    """A cohort with one picture of B-mode for most patients, whose brightness goes with the target; its YAML."""
    rng = np.random.default_rng(4)
    folder.mkdir(parents=True, exist_ok=True)
    mutated = np.arange(n) % 2
    rows, lines = ["id,image,mask,spacing_mm"], ["id,age,grown"]
    features = ["id,bmode_a"]
    mask = np.zeros((48, 48), np.uint8)
    mask[12:36, 14:34] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    for i in range(n):
        lines.append(f"P{i:03d},{50 + rng.integers(20)},{'yes' if mutated[i] else 'no'}")
        if i % 6 == 5:
            continue
        grey = rng.integers(0, 90, (48, 48)) + 60 * mutated[i]
        Image.fromarray(grey.astype(np.uint8)).save(folder / f"{i}.png")
        rows.append(f"P{i:03d},{i}.png,mask.png,0.2")
        features.append(f"P{i:03d},{rng.normal():.3f}")
    for name, text in (("clinical.csv", lines), ("bmode.csv", rows), ("features.csv", features)):
        (folder / name).write_text("\n".join(text) + "\n", encoding="utf-8")
    path = folder / "cohort.yaml"
    path.write_text(
        "radiogen: 1\ncohort: {name: pictured, unit: patient}\n"
        "tables: {clinical: {path: clinical.csv, id: id, predictors: [age]}}\n"
        "modalities: {bmode: {images: bmode.csv, features: features.csv, id: id}}\n"
        "endpoints: {grown: {kind: binary, column: grown, positive: ['yes'], negative: ['no']}}\n",
        encoding="utf-8",
    )
    return path


def changed(cohort: Cohort, modality: str, frame: pd.DataFrame) -> Cohort:
    """The cohort with other features of a modality."""
    return replace(cohort, modalities={**cohort.modalities, modality: frame})


def edited(yaml: Path, *pairs: tuple[str, str]) -> Path:
    """A YAML beside another with texts exchanged, by regular expressions."""
    text = yaml.read_text(encoding="utf-8")
    for old, new in pairs:
        text, count = re.subn(old, new, text, count=1, flags=re.MULTILINE | re.DOTALL)
        assert count, old
    made = yaml.with_name("edited.yaml")
    made.write_text(text, encoding="utf-8")
    return made
