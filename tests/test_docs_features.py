"""Every feature has its line in the page of its modality."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from radiogen.cohort.modality import KINDS_OF_KEY, RingSection
from radiogen.features.families import FAMILIES, family_of
from radiogen.features.radiomics.names import FEATURES
from radiogen.imaging.quality import NAMES, THRESHOLDS

PAGES = {"bmode": "bmode.md", "grey": "bmode.md", "swe": "swe.md", "doppler": "doppler.md", "ceus": "ceus.md"}
#: names that pyradiomics gives: they are described by their class
RADIOMICS = re.compile(r"(^|_)(original|log-sigma|wavelet)[^_]*_(" + "|".join(FEATURES) + ")_")


def in_code(text: str) -> set[str]:
    """What stands between backticks, outside blocks of code."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)))


def page(repo: Path, name: str) -> str:
    return (repo / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", list(FAMILIES))
def test_every_feature_is_in_its_page(repo: Path, kind: str) -> None:
    family = family_of(kind)  # type: ignore[arg-type]
    names = family.names(family.settings({"unit": "kPa"} if kind == "swe" else {}), calibrated=True)
    own = {n for n in names if not RADIOMICS.search(n)}
    assert own or kind in ("bmode", "grey")
    assert sorted(own - in_code(page(repo, PAGES[kind]))) == []


def test_the_page_of_radiomics_counts_them(repo: Path) -> None:
    text = page(repo, "bmode.md")
    family = family_of("bmode")
    names = family.names(family.settings({}), calibrated=True)
    assert f"{len(names)} with the defaults" in text
    for name, features in FEATURES.items():
        assert f"| `{name}` | {len(features)} |" in text
    assert {n.split("_")[0] for n in names} <= in_code(text)
    ring = RingSection(width=2)
    around = family.names(family.settings({"rings": [ring]}), calibrated=True)
    example = f"{ring.name}_original_firstorder_Mean"
    assert example in around and f"bmode_{example}" in in_code(text)


@pytest.mark.parametrize("kind", ["swe", "doppler", "ceus"])
def test_every_key_of_a_kind_is_in_its_page(repo: Path, kind: str) -> None:
    keys = {k for k, kinds in KINDS_OF_KEY.items() if kind in kinds}
    text = page(repo, PAGES[kind])
    assert sorted(k for k in keys if k not in text) == []


def test_every_number_and_flag_of_quality_is_in_its_page(repo: Path) -> None:
    text = page(repo, "quality.md")
    words = in_code(text)
    assert sorted({*NAMES, *THRESHOLDS} - words) == []
    for flag, threshold in THRESHOLDS.items():
        line = next(ln for ln in text.splitlines() if ln.startswith(f"| `{flag}`"))
        limit = "= 1" if threshold.value == 0.5 else f"{'<' if threshold.side == 'below' else '>'} {threshold.value:g}"
        assert f"`{threshold.name}` {limit}" in line.replace("0.40", "0.4").replace("0.60", "0.6")
        assert threshold.words.split(":")[0].split(",")[0] in line or flag == "blurred"
