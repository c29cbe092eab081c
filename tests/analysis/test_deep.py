"""Deep features of a cohort as one more block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import radiogen as rg
from radiogen.errors import RadiogenError

YAML = """radiogen: 1
cohort: {name: Discs, unit: patient}
tables: {clinical: {path: clinical.csv, id: id, predictors: [age]}}
modalities: {bmode: {images: bmode.csv, id: id, columns: {image: image, mask: mask}}}
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> rg.Cohort:
    """Four patients with a bright disc each, a fifth without a picture."""
    folder = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:60, :80]
    mask = (rows - 30) ** 2 + (cols - 40) ** 2 < 15**2
    lines = ["id,image,mask"]
    Image.fromarray(mask).save(folder / "mask.png")
    for k in range(4):
        grey = rng.integers(0, 60, mask.shape) + 40 * k * mask
        Image.fromarray(grey.astype(np.uint8)).save(folder / f"p{k}.png")
        lines.append(f"P{k},p{k}.png,mask.png")
    (folder / "bmode.csv").write_text("\n".join(lines))
    (folder / "clinical.csv").write_text("id,age\n" + "\n".join(f"P{k},{50 + k}" for k in range(5)))
    (folder / "cohort.yaml").write_text(YAML)
    return rg.load_cohort(folder / "cohort.yaml")


def test_a_block_of_its_own(cohort: rg.Cohort, tmp_path: Path) -> None:
    made = rg.analysis.with_deep_features(cohort, "bmode", backbone="compact", weights=None, size=(48, 48), cache=tmp_path)
    frame = made.frame("deep_bmode")
    assert "deep_bmode" in made.blocks and "deep_bmode" in repr(made)
    assert frame.columns[0] == "deep_bmode_compact_0"
    assert frame.notna().all(axis=1).tolist() == [True, True, True, True, False]
    # brighter lesions are told apart by the level of the picture
    assert frame.iloc[:4].nunique().max() == 4


def test_of_a_part_and_in_another_order(cohort: rg.Cohort, tmp_path: Path) -> None:
    options = {"backbone": "compact", "weights": None, "size": (48, 48), "cache": tmp_path}
    whole = rg.analysis.with_deep_features(cohort, "bmode", **options).frame("deep_bmode")
    part = rg.analysis.with_deep_features(cohort.subset(["P3", "P1"]), "bmode", **options).frame("deep_bmode")
    np.testing.assert_allclose(part.to_numpy(), whole.loc[part.index].to_numpy(), atol=1e-6)


@pytest.mark.parametrize(("name", "code"), [("bmode", "RG104"), ("deep bmode", "RG104")])
def test_names(cohort: rg.Cohort, name: str, code: str) -> None:
    with pytest.raises(RadiogenError, match=code):
        rg.analysis.with_deep_features(cohort, "bmode", name=name)


def test_modality_without_images(cohort: rg.Cohort) -> None:
    with pytest.raises(RadiogenError, match="RG109"):
        rg.analysis.with_deep_features(cohort, "swe")
