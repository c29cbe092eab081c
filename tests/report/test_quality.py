"""The section on image quality: counts, small groups, ids, and pictures only where they are allowed."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from radiogen.cohort.cohort import Cohort
from radiogen.features.quality import COLUMNS
from radiogen.imaging.quality import NAMES
from radiogen.report import render
from radiogen.report.privacy import privacy_of
from radiogen.report.quality import flagged_images, flags_by_modality, images_by_modality, quality_section, shown_spread
from radiogen.report.sections import Counter
from radiogen.report.thumbnails import SIDE, choose

from . import synthetic
from .test_payload import parse

GOOD = {**dict.fromkeys(NAMES, 0.0), "focus": 0.6, "gcnr": 0.7, "calibrated": 1.0, "shadow_index": 0.1}


def quality(cohort: Cohort, folder=None) -> pd.DataFrame:
    """Thirty images of B-mode and one of SWE of the first patients."""
    flags = {2: ("calipers",), 3: ("blurred", "calipers"), 4: ("duplicate",), 5: ("unreadable: RG502",)}
    records = []
    for i in range(30):
        records.append({
            "unit": cohort.index[i], "patient": cohort.index[i], "modality": "bmode", "visit": None,
            "image": str(folder / f"{i}.png") if folder else f"/somewhere/{cohort.index[i]}.png", "manifest": "/data/bmode.csv",
            "row": i + 2, "mask_source": "unet" if i < 4 else None, "readable": i != 5,
            "duplicate_of": "3.png" if i == 4 else None, "duplicate_row": 5.0 if i == 4 else np.nan, "flags": flags.get(i, ()),
            **{**GOOD, "focus": 0.5 + i / 200, "calibrated": float(i % 2)},
        })  # fmt: skip
    records.append({**records[0], "modality": "swe", "manifest": "/data/swe.csv", "flags": (), **dict.fromkeys(NAMES, np.nan)})
    return pd.DataFrame(records, columns=[*COLUMNS, *NAMES])


def cohort(folder=None, *, thumbnails: bool = False, **options) -> Cohort:
    made = synthetic.cohort(**options)
    scanners = ["Alpha" if i % 3 else "Beta" for i in range(len(made))]
    scanners[1] = "Gamma"
    config = made.config.model_copy(update={"privacy": made.config.privacy.model_copy(update={"thumbnails": thumbnails})})
    return replace(made, config=config, units=made.units.assign(scanner=scanners), quality=quality(made, folder))


@pytest.fixture
def pictures(tmp_path):
    """The cohort with files: a bright square of 40 pixels, and a name in the corner that must not be shown."""
    made = cohort(tmp_path, thumbnails=True)
    from radiogen.cohort.config import CohortConfig
    from radiogen.cohort.manifests import IMAGE_COLUMNS

    content = made.config.model_dump(exclude_unset=True)
    config = CohortConfig.model_validate({**content, "modalities": {"bmode": {"images": "bmode.csv"}}})
    rows = []
    for i in range(30):
        grey = np.full((300, 400), 60, np.uint8)
        grey[130:170, 180:220] = 200
        grey[:20] = 255
        Pillow.fromarray(grey).save(tmp_path / f"{i}.png")
        rows.append({"unit": made.index[i], "patient": made.index[i], "modality": "bmode", "image": str(tmp_path / f"{i}.png"),
                     "masks": (str(tmp_path / "m.png"),) if i != 2 else (), "manifest": "/data/bmode.csv", "row": i + 2})
    mask = np.zeros((300, 400), np.uint8)
    mask[130:170, 180:220] = 255
    Pillow.fromarray(mask).save(tmp_path / "m.png")
    table = made.quality[made.quality["modality"] == "bmode"]
    return replace(made, config=config, images=pd.DataFrame(rows, columns=IMAGE_COLUMNS), quality=table)


def test_images_and_flags_are_counted_by_modality():
    table = quality(synthetic.cohort())
    counted = images_by_modality(table).set_index("modality")
    assert counted.loc["B-mode"].to_dict() == {
        "images": 30, "readable": 29, "calibrated": 15, "automatic_masks": 4, "duplicates": 1, "flagged": 4,
    }
    assert counted["flagged"].tolist() == [4, 0]
    kinds = flags_by_modality(table)
    assert kinds[["flag", "n"]].values.tolist() == [["blurred", 1], ["calipers", 2], ["duplicate", 1], ["unreadable: RG502", 1]]
    assert kinds["message"].iloc[0].endswith("(sharpness below 0.4)") and kinds["share"].iloc[1] == pytest.approx(2 / 30)


def test_the_section_says_what_was_looked_at_and_stands_after_the_description():
    text = render(cohort(), synthetic.results())
    assert "31 images of 2 modalities were looked at; 30 could be read." in text
    assert "4 (13\u00a0%) are flagged: calipers (2), blurred (1), duplicate (1) and unreadable (1)." in text
    titles = re.findall(r'<h2 id="[^"]*">([^<]*)</h2>', text)
    assert titles[1:5] == ["Who is in the cohort", "The cohort", "Image quality", "Features and genes"]
    assert "unreadable: RG502" in text


def test_without_images_there_is_no_section():
    assert quality_section(synthetic.cohort(), privacy_of(synthetic.cohort()), Counter()) is None
    assert "Image quality" not in render(synthetic.cohort(), [])


def test_flagged_images_are_named_by_their_row_and_by_id_only_where_allowed():
    hidden, shown = cohort(), cohort(show_ids=True)
    table = flagged_images(hidden, hidden.quality, privacy_of(hidden))
    assert table["row"].tolist() == ["4", "5", "6", "7"] and "unit" not in table
    assert table["flags"].tolist()[2] == "duplicate of row 5" and set(table["manifest"]) == {"bmode.csv"}
    assert flagged_images(shown, shown.quality, privacy_of(shown))["unit"].tolist() == ["P0002", "P0003", "P0004", "P0005"]
    assert not re.search(r"P00\d\d", render(hidden, []).split("<script>")[0])


def test_a_group_of_few_patients_is_not_shown_nor_what_would_give_its_count_away():
    spread = pd.DataFrame({
        "measure": "focus", "modality": "bmode", "group": ["Alpha", "Beta", "Gamma"], "images": [19, 10, 1],
        "patients": [19, 10, 1], **dict.fromkeys(("p10", "p25", "median", "p75", "p90"), 0.5),
    })  # fmt: skip
    shown, hidden = shown_spread(spread, 5)
    assert hidden and "patients" not in shown
    assert shown["images"].isna().tolist() == [False, True, True]  # 30 images in all: the smaller of the others goes too
    assert shown["median"].isna().tolist() == [False, False, True]
    everything, none = shown_spread(spread, 0)
    assert not none and everything["images"].tolist() == [19, 10, 1]
    text = render(cohort(), [])
    figures = re.findall(r'id="fig-image-quality-[a-z]+-data">(.*?)</script>', text, re.DOTALL)
    assert len(figures) == 2 and all("Alpha" in f and "Gamma" not in f for f in figures)


def test_no_picture_without_permission(pictures):
    config = pictures.config.model_copy(update={"privacy": pictures.config.privacy.model_copy(update={"thumbnails": False})})
    assert parse(render(replace(pictures, config=config), [])).elements["img"] == 0


def test_pictures_show_the_lesion_with_its_outline_and_nothing_beside_it(pictures):
    text = render(pictures, [])
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" width="(\d+)" height="(\d+)" alt="([^"]+)">', text)
    assert len(found) == parse(text).elements["img"] == 23  # 24 less one without an outline
    assert "1 image could not be read again or has no outline" in text
    assert found[0][3] == "Lesion with its outline: B-mode, row 5; blurred, calipers"
    for content, width, height, _ in found:
        shown = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(content)))).astype(int)
        assert shown.shape == (int(height), int(width), 3) and max(shown.shape) <= SIDE
        # the square of 40 pixels with 8 around it, enlarged: nothing of the bright band at the top of the screen
        assert shown.mean(axis=(1, 2))[:6].max() < 90 and shown.max() < 256
        outline = (shown[..., 2] > shown[..., 0] + 60).sum()
        assert outline > 2 * SIDE
    assert "/somewhere" not in text and str(pictures.images["image"].iloc[0]) not in text


def test_a_picture_that_is_gone_is_left_out(pictures):
    lost = pictures.images.assign(image=[str(p) + ".gone" for p in pictures.images["image"]])
    text = render(replace(pictures, images=lost), [])
    assert parse(text).elements["img"] == 0 and "24 images could not be read again or have no outline" in text


def test_flagged_pictures_come_first_and_the_rest_is_spread_evenly():
    table = quality(synthetic.cohort())
    chosen = choose(table, 8)
    assert chosen["row"].tolist()[:4] == [5, 4, 6, 7] and len(chosen) == 8
    rest = chosen.index.tolist()[4:]
    assert rest[0] == 0 and rest[-1] == 30 and rest == sorted(rest)
    assert choose(table, 2)["row"].tolist() == [5, 4]
