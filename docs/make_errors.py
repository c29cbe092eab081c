"""Write docs/errors.md from the catalogue; with --check, only say whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from radiogen.catalogue import CATALOGUE

HEADINGS = {
    "1": "The YAML", "2": "Tables and ids", "3": "Markers and mutations", "4": "Endpoints and predictors", "5": "Images",
    "6": "Splits", "7": "Analyses", "8": "Files written", "9": "The installation",
}  # fmt: skip
INTRO = """\
# Error codes

<!-- Written by docs/make_errors.py from radiogen/catalogue.py; edit that file. -->

Every message of radiogen carries a code, the place (file, line of the YAML or row of the table as a spreadsheet
numbers it, column, value) and the fix. An **error** stops the run, a **warning** is printed and stands in the report,
a **note** is counted. `radiogen check cohort.yaml` finds all of them in one run and writes nothing.
"""


def render() -> str:
    """The page as Markdown."""
    parts = [INTRO]
    hundred = ""
    for code, entry in CATALOGUE.items():
        if code[2] != hundred:
            hundred = code[2]
            parts.append(f"\n# {hundred}00: {HEADINGS[hundred]}\n")
        parts.append(f"\n## {code} {entry.title}\n\n*{entry.severity}.* {entry.meaning}\n\n**Fix.** {entry.fix}\n")
    return "".join(parts)


def main() -> int:
    """Write the page, or check it."""
    path = Path(__file__).with_name("errors.md")
    text = render()
    if "--check" in sys.argv:
        return int(path.read_text(encoding="utf-8") != text)
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
