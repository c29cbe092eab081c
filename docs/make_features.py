"""Write docs/features.md from the dictionary of features; with --check, only say whether it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from radiogen.features.dictionary import Entry, entries
from radiogen.features.dictionary.filters import filter_of
from radiogen.features.dictionary.sheets import sheet
from radiogen.features.dictionary.showing import groups
from radiogen.features.radiomics.names import FEATURES

INTRO = """\
# The dictionary of features

<!-- Written by docs/make_features.py from radiogen/features/dictionary/; edit the files there. -->

Everything that radiogen measures: {total} columns with the defaults of the four kinds of picture. `radiogen features` prints
the same in a terminal, for the defaults or for a cohort with its own settings and rings:

```text
radiogen features                                     # all, grouped
radiogen features cohort.yaml --modality bmode        # those of a cohort
radiogen features --class glcm --search entropy       # some
radiogen features --show bmode_wavelet_LH_glcm_JointEntropy
radiogen features --format csv -o features.csv        # one row per column; also json, markdown
```

In Python `radiogen.features.dictionary.feature_dictionary()` gives a DataFrame.

**Names.** `{{modality}}_{{feature}}`; of radiomics `{{modality}}_{{picture}}_{{class}}_{{feature}}`, after a ring
`{{modality}}_outside_2_mm_{{picture}}_…`. Radiomics keeps pyradiomics' names. Where the pixel spacing is not known the names
of filters count pixels (`…_log_sigma_2_0_px_2D_…`).

**IBSI** is the identifier of the [reference manual](https://ibsi.readthedocs.io) of the Image Biomarker Standardisation
Initiative. It stands where the definition is IBSI's, and nowhere else; a test compares each with IBSI's digital phantom. One
thing differs before any feature: pyradiomics' bins of fixed width begin at a multiple of the width, IBSI's at the least value
of the region. Levels can differ by one then, and entropies and matrices with them.

**Units.** "grey value" is that of the picture; grey levels, counts, shares and ratios have none; "a.u." is the linear
arbitrary unit.
"""


def render() -> str:
    """The page as Markdown."""
    found = entries()
    parts = [INTRO.format(total=len(found)), _radiomics(found), _filters()]
    for modality, title in (("swe", "Elastography"), ("doppler", "Doppler"), ("ceus", "Contrast")):
        parts.append(_family([e for e in found if e.modality == modality and e.feature_class not in FEATURES], title))
    return "\n".join(parts)


def _radiomics(found: Iterable[Entry]) -> str:
    pictures = list(dict.fromkeys(e.filter for e in found if e.modality == "bmode" and e.filter))
    lines = [
        "\n## Radiomics\n",
        f"Of B-mode on {len(pictures)} pictures with the defaults ({', '.join(pictures)}), the shape once;",
        "of the stiffness map of elastography on the original, without shape. {x} is the unit of the picture's values.",
    ]
    for name in FEATURES:
        page = sheet(name)
        lines += [f"\n### `{name}`: {_lower(page.title)}\n", f"{_upper(page.symbols)}.\n"]
        rows = [(f"`{f}`", x.unit, x.formula, x.ibsi, x.note) for f, x in page.lines.items()]
        lines += [*_table(("feature", "unit", "formula", "IBSI", "note"), rows), f"\n{_link(page.reference)}"]
    return "\n".join(lines) + "\n"


#: one name of each filter
_EXAMPLES = (
    "original", "wavelet-LH", "wavelet2-LL", "log-sigma-2-0-mm-3D", "log-sigma-2-0-px-2D", "square", "squareroot", "logarithm",
    "exponential", "gradient", "gradient-px", "lbp-2D", "mean-5", "laws-E5L5", "laws-E5L5-rot-max-energy-7",
    "gabor-sigma-2-0-mm-lambda-4-0-mm-gamma-1-0-theta-45-0", "gabor-sigma-2-0-mm-lambda-4-0-mm-gamma-1-0-rot-45-0-mean",
)  # fmt: skip


def _filters() -> str:
    rows = []
    for name in _EXAMPLES:
        found = filter_of(name)
        rows.append((f"`{name}`", found.label, found.formula, found.unit, found.ibsi, _link(found.reference)))
    head = "\n## Filtered pictures\n\nI is the picture, ∗ the convolution, M the largest |I| of the whole picture. In columns"
    head += " every sign but letters and digits is `_`. IBSI: the filter's identifier in IBSI 2.\n"
    return "\n".join([head, *_table(("name", "picture", "formula", "unit", "IBSI", "reference"), rows)]) + "\n"


def _family(found: list[Entry], title: str) -> str:
    lines = [f"\n## {title}\n", f"{_upper(found[0].symbols)}.\n"]
    for (_, region, name), members in groups(found):
        lines.append(f"\n### {_upper(name)}, {region}\n")
        lines += _table(("column", "unit", "formula", "note"), [(f"`{e.feature}`", e.unit, e.formula, e.note) for e in members])
        lines.append("\n" + " ".join(_link(r) for r in dict.fromkeys(e.reference for e in members)))
    return "\n".join(lines) + "\n"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    kept = list(rows)
    columns = [i for i in range(len(heads)) if any(r[i] for r in kept)]
    lines = [[heads[i] for i in columns], ["---"] * len(columns)]
    lines += [[_escaped(r[i]) for i in columns] for r in kept]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _escaped(text: str) -> str:
    if text.startswith(("`", "[")) or "](" in text:
        return text
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_").replace("<", "\\<")


def _link(reference: str) -> str:
    if not reference:
        return ""
    text, found, doi = reference.partition("doi:")
    safe = doi.replace("(", "%28").replace(")", "%29")
    return f"{text}[doi:{doi}](https://doi.org/{safe})" if found else f"{text}."


def _upper(text: str) -> str:
    return _escaped(text[:1].upper() + text[1:] if text[:2].isalpha() else text)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def main() -> int:
    """Write the page, or check it."""
    path = Path(__file__).with_name("features.md")
    text = render()
    if "--check" in sys.argv:
        return int(path.read_text(encoding="utf-8") != text)
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
