"""Write the table of the keys of `network` into docs/cohort-format.md; with --check, only say whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from radiogen.cohort.learning import NetworkSection

BEGIN, END = "<!-- keys: written by docs/make_network_keys.py -->\n", "<!-- end of keys -->\n"


def table() -> str:
    """The keys with default and meaning, as Markdown."""
    schema = NetworkSection.model_json_schema()
    rows = ["| key | default | what it says |", "|---|---|---|"]
    for name, own in schema["properties"].items():
        default = NetworkSection.model_fields[name].get_default(call_default_factory=True)
        words = own.get("description", "")
        if choices := _choices(own):
            words = f"{words + ': ' if words else ''}{', '.join(f'`{c}`' for c in choices)}"
        rows.append(f"| `{name}` | {_plain(default)} | {words or _limits(own)} |")
    return "\n".join(rows) + "\n"


def _choices(own: dict[str, Any]) -> list[str]:
    return list(own.get("enum", ()))


def _limits(own: dict[str, Any]) -> str:
    signs = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most", "exclusiveMaximum": "less than"}
    return ", ".join(f"{word} {own[key]:g}" for key, word in signs.items() if key in own)


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return f"`{str(value).lower().replace('none', 'null')}`"
    return "none" if value in ([], {}) else f"`{value}`"


def main() -> int:
    """Write the table, or check it."""
    path = Path(__file__).with_name("cohort-format.md")
    text = path.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    made = head + BEGIN + table() + END + rest.split(END)[1]
    if "--check" in sys.argv:
        return int(text != made)
    path.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
