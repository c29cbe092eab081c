"""A payload in every string that a user supplies: no new element, no handler, no formula."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from html.parser import HTMLParser

import pandas as pd
import pytest

from radiogen.analysis.result import Result
from radiogen.cohort.cohort import Cohort, Source
from radiogen.errors import RadiogenError, problem
from radiogen.report import render
from radiogen.report.payload import columnar, json_block, neutralise

from . import synthetic

PAYLOADS = {
    "element": "<img src=x onerror=alert(1)>",
    "handler": '" onmouseover="alert(1)',
    "end": "</script><script>alert(1)</script>",
    "style": "</style><svg onload=alert(1)>",
    "link": '<a href="javascript:alert(1)">x</a>',
    "template": "{{ 7 * 7 }}{% raw %}",
    "comment": "<!--<script>",
    "formula": "=cmd|' /C calc'!A0",
}


class Page(HTMLParser):
    """Elements and attribute names of a page, and the text of its scripts by id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: Counter[str] = Counter()
        self.attributes: Counter[tuple[str, str]] = Counter()
        self.links: list[str] = []
        self.data: dict[str, str] = {}
        self._script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes.update((tag, name) for name, _ in attrs)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag == "script":
            self._script = dict(attrs).get("id")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.data[self._script] = self.data.get(self._script, "") + data


def parse(text: str) -> Page:
    """The page, parsed."""
    page = Page()
    page.feed(text)
    page.close()
    return page


def planted(result: Result, word: str) -> Result:
    """The result with the word in its title, notes, methods, settings, text cells and a column's name."""
    tables = {}
    for name, frame in result.tables.items():
        table = frame.copy()
        for column in table.columns:
            if table[column].dtype == object and column not in ("metric", "effect_name", "set", "variable"):
                table[column] = [word + v if isinstance(v, str) and v else v for v in table[column]]
        tables[name] = table.assign(**{word: "cell"})
    return dataclasses.replace(
        result, title=word, tables=tables, notes=(word,), methods=(word,), settings={word: [word], "seed": 1},
        versions={word: word},
    )


def planted_cohort(word: str) -> Cohort:
    """The cohort with the word in its name, description, ids, ledger, findings and file names."""
    made = synthetic.cohort(name=word)
    section = made.config.cohort.model_copy(update={"description": word, "citation": word})
    config = made.config.model_copy(update={"cohort": section})
    found = (problem("RG304", word, file=word, column=word, value=word, fix=word),)
    return dataclasses.replace(
        made, config=config, findings=found, sources=(Source(word, word, "00" * 32),),
        ledger=made.ledger.add(word, word, ["P0001"], scope=word),
    )


def page_with(word: str) -> str:
    """A report with the word everywhere."""
    failure = (word, RadiogenError(problem("RG701", word, fix=word, column=word, value=word)))
    results = [planted(r, word) for r in synthetic.results()]
    results.append(Result("other kind", word, {word: pd.DataFrame({word: [word]})}))
    return render(planted_cohort(word), results, failures=[failure])


@pytest.fixture(scope="module")
def harmless() -> Page:
    return parse(page_with("word"))


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_adds_no_element_and_no_attribute(name, harmless):
    page = parse(page_with(PAYLOADS[name]))
    # long names break after underscores; the payloads have none
    assert page.elements - Counter({"wbr": page.elements["wbr"]}) == harmless.elements - Counter(
        {"wbr": harmless.elements["wbr"]}
    )
    assert set(page.attributes) == set(harmless.attributes)
    assert not [a for _, a in page.attributes if a.startswith("on") or a == "style"]
    assert all(link.startswith("#") for link in page.links)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_leaves_every_data_block_readable(name):
    page = parse(page_with(PAYLOADS[name]))
    assert len(page.data) > 20
    # two blocks of one id would run together
    for text in page.data.values():
        json.loads(text)


def test_no_cell_of_a_download_begins_a_formula():
    page = parse(page_with(PAYLOADS["formula"]))
    seen = 0
    for key, text in page.data.items():
        if not key.startswith("tab-"):
            continue
        table = json.loads(text)
        cells = table["names"] + [c for column in table["columns"] for c in column.get("l", [])]
        cells += [c for column in table["columns"] for c in column.get("v", column.get("vr", [])) if isinstance(c, str)]
        assert not [c for c in cells if c.startswith(("=", "+", "-", "@", "\t", "\r"))]
        seen += sum("cmd|" in c for c in cells)
    assert seen > 10


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_formulas_are_neutralised(cell):
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["TP53", "0.5", "p.R175H", "a=b", ""])
def test_other_text_is_left_alone(cell):
    assert neutralise(cell) == cell


def test_numbers_of_a_download_stay_numbers():
    frame = pd.DataFrame({"x": [-1.5, float("nan"), 2.0], "t": ["-1.5", "b", None], "m": ["<5", 7, 8]})
    made = columnar(frame)
    assert made["columns"][0] == {"v": [-1.5, None, 2]}
    assert made["columns"][1] == {"l": ["'-1.5", "b"], "c": [0, 1, -1]}
    assert made["columns"][2] == {"v": ["<5", 7, 8]}


def test_repeats_are_written_once():
    assert columnar(pd.DataFrame({"x": [1.0] * 6 + [2.0] * 4}))["columns"][0] == {"vr": [1, 6, 2, 4]}


def test_json_cannot_end_its_element():
    text = str(json_block({"</script>": "<!-- & \u2028"}))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"</script>": "<!-- & \u2028"}
