"""Small cohorts with images, made without tables on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.config import CohortConfig
from radiogen.cohort.endpoint import Endpoint
from radiogen.cohort.ledger import Ledger
from radiogen.cohort.manifests import IMAGE_COLUMNS


def write_image(path: Path, seed: int, size: tuple[int, int] = (60, 80)) -> Path:
    """Smoothed noise with a darker lesion: different seeds give pictures with different layouts."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=size), 2)
    grey = 150 + 30 * noise / noise.std()
    grey[15:38, 20:50] -= 70
    grey = np.clip(grey, 0, 255).astype(np.uint8)
    PillowImage.fromarray(grey).save(path)
    return path


def write_mask(path: Path, size: tuple[int, int] = (60, 80), box: tuple[int, int, int, int] = (20, 40, 20, 50)) -> Path:
    """A filled rectangle (first row, last row + 1, first column, last column + 1)."""
    mask = np.zeros(size, np.uint8)
    mask[box[0] : box[1], box[2] : box[3]] = 255
    PillowImage.fromarray(mask).save(path)
    return path


def make_cohort(
    rows: list[dict[str, Any]],
    *,
    modality: dict[str, Any] | None = None,
    labels: dict[str, str] | None = None,
    visits: dict[str, Any] | None = None,
    units: list[str] | None = None,
    features: pd.DataFrame | None = None,
    external: tuple[str, ...] = (),
) -> Cohort:
    """A cohort whose images are ``rows``: unit, image, masks, and whatever else is not the default."""
    ids = units or list(dict.fromkeys(str(r["unit"]) for r in rows))
    index = pd.Index(ids, name="id")
    config = CohortConfig.model_validate(
        {
            "radiogen": 1,
            "cohort": {"name": "tiny"},
            "tables": {"clinical": {"path": "c.csv", "id": "id"}},
            "modalities": {"bmode": {"images": "bmode.csv", **(modality or {})}},
            **({"visits": visits} if visits else {}),
        }
    )
    full = [
        {"patient": r["unit"], "modality": "bmode", "visit": None, "spacing_row_mm": np.nan, "spacing_col_mm": np.nan,
         "manifest": "bmode.csv", "row": i + 2, "reference": None, "type": None, "box": None, "point": None,
         "mask_source": None, "declared": {}, **r, "image": str(r["image"]), "masks": tuple(map(str, r.get("masks", ())))}
        for i, r in enumerate(rows)
    ]  # fmt: skip
    endpoints = {}
    if labels is not None:
        data = pd.DataFrame({"value": pd.Series(labels, dtype=object).reindex(index)})
        endpoints["dx"] = Endpoint("dx", "binary", data, labels=("benign", "malignant"))
    return Cohort(
        config=config,
        units=pd.DataFrame({"patient": ids, "group": ids, "external": [i in external for i in ids]}, index=index),
        clinical=pd.DataFrame(index=index),
        predictors=(),
        markers=pd.DataFrame(index=index),
        mutations=pd.DataFrame(index=index),
        subtype=pd.Series(np.nan, index=index),
        endpoints=endpoints,
        images=pd.DataFrame(full, columns=IMAGE_COLUMNS),
        modalities={} if features is None else {"bmode": features},
        ledger=Ledger(start=len(ids)),
    )


@pytest.fixture
def trio(tmp_path: Path) -> list[dict[str, Any]]:
    """Three units with one image and one mask each."""
    return [
        {
            "unit": f"u{i}",
            "image": write_image(tmp_path / f"i{i}.png", seed=i),
            "masks": (write_mask(tmp_path / f"m{i}.png", box=(15, 35 + i, 20, 50)),),
        }
        for i in range(3)
    ]


@pytest.fixture
def cohort_of() -> Callable[..., Cohort]:
    """:func:`make_cohort`, for tests."""
    return make_cohort


@pytest.fixture(params=["pyradiomics", "native"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine of the radiomics in turn; pyradiomics where it is installed."""
    if request.param == "pyradiomics":
        pytest.importorskip("radiomics")
    return str(request.param)
