"""The report in Chromium: every figure drawn, nothing blocked, nothing fetched, no script of a payload run."""

from __future__ import annotations

import base64
import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from radiogen.report import write

from . import synthetic
from .test_builders import competing, multiclass
from .test_payload import PAYLOADS, page_with

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver")

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)
_DRAW_ALL = """
const done = arguments[0], plots = [...document.querySelectorAll('.plot')];
let i = 0;
(function next() {
  if (i === plots.length) { return setTimeout(done, 100); }
  const el = plots[i++];
  el.scrollIntoView({behavior: 'instant', block: 'center'});
  let waited = 0;
  (function wait() {
    if (el.classList.contains('js-plotly-plot') || waited++ > 100) { return next(); }
    setTimeout(wait, 20);
  })();
})();
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(service=Service(DRIVER), options=options)
    made.set_script_timeout(60)
    yield made
    made.quit()


def size(browser: Any, width: int) -> None:
    """Make the window so wide."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def opened(browser: Any, path: Path) -> None:
    """Clear the log of what came before, open a file on a wide light screen and draw every figure."""
    size(browser, 1280)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]})
    browser.get_log("browser")
    browser.get(path.as_uri())
    browser.execute_async_script(_DRAW_ALL)


def count(browser: Any, selector: str) -> int:
    """How many elements match."""
    return int(browser.execute_script("return document.querySelectorAll(arguments[0]).length", selector))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    every = [*synthetic.results(), multiclass(), competing(), *synthetic.extreme()]
    return write(synthetic.cohort(), every, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def page(browser: Any, report: Path) -> Any:
    """The report, open on a wide light screen with every figure drawn; tests leave it so."""
    opened(browser, report)
    return browser


def settled(browser: Any, condition: str) -> bool:
    """Whether a condition becomes true within five seconds."""
    return bool(browser.execute_async_script(f"""
        const done = arguments[0];
        let waited = 0;
        (function look() {{
          if ({condition}) {{ return done(true); }}
          if (waited++ > 100) {{ return done(false); }}
          setTimeout(look, 50);
        }})();
    """))


def test_every_figure_is_drawn_without_a_complaint(page):
    assert count(page, ".plot") == count(page, ".plot.js-plotly-plot .main-svg:first-child") > 20
    # violations of the policy are written to the log
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_table_one_of_three_groups_and_every_table_of_numbers_fits_a_laptop(page):
    cut = page.execute_script("""
        return [...document.querySelectorAll('main .scroll:not(.plot-box)')]
          .filter(e => e.offsetParent && !e.querySelector('table.wide') && e.scrollWidth > e.clientWidth + 1)
          .map(e => e.getAttribute('aria-label'))""")
    assert cut == []


_LYING = """
const both = [...document.querySelectorAll('.plot')].filter(p => p.querySelector('.legend .bg'));
return [both.length, both.filter(p => p.querySelector('.legend .bg').getBoundingClientRect().bottom
  > p.querySelector('.main-svg').getBoundingClientRect().top + p._fullLayout._size.t + 3).map(p => p.id)];
"""


def test_no_legend_lies_on_its_axes_whatever_the_width_was_before(page):
    # 1265 and 1280: what a scroll bar takes can be what a legend needs for one row
    for width in (1280, 1265, 700, 2560, 1280):
        size(page, width)
        assert settled(page, "[...document.querySelectorAll('.plot')].every(p => p._fullLayout.width === Number(p.dataset.width))"
                             f" && document.documentElement.clientWidth <= {width}")
        page.execute_async_script("setTimeout(arguments[0], 400)")
        looked, lying = page.execute_script(_LYING)
        assert looked > 10 and lying == [], width


def test_the_buttons_of_a_figure_cover_nothing_and_show_while_the_reader_is_there(page):
    found = page.execute_script("""
        return [...document.querySelectorAll('.plot')].filter(p => p.querySelector('.modebar')).map(p => [
          getComputedStyle(p.querySelector('.modebar')).opacity,
          p.querySelector('.modebar').getBoundingClientRect().bottom <= p.querySelector('.main-svg').getBoundingClientRect().top + 8])""")
    assert {tuple(f) for f in found} == {("0", True)}


def test_no_button_offers_to_upload(page):
    titles = page.execute_script("return [...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title || '')")
    assert titles and not [t for t in titles if any(w in t.lower() for w in ("cloud", "share", "link", "edit"))]


def test_the_keyboard_reaches_buttons_folds_and_boxes_that_scroll(page):
    lost = "return [...document.querySelectorAll('main button[type], summary, a[href], .scroll')].filter(e => e.tabIndex < 0).length"
    assert page.execute_script(lost) == 0
    assert count(page, "main button[type]:not([aria-label])") == 0


def test_the_page_never_scrolls_sideways_and_figures_follow_its_width(page):
    for width in (390, 2560, 1280):
        size(page, width)
        room = "document.querySelector('.plot-box')"
        assert settled(page, f"[...document.querySelectorAll('.plot')].every(p => Number(p.dataset.width) === Math.max("
                             f"Number(p.dataset.minWidth), Math.min(Number(p.dataset.maxWidth) || 1e9, {room}.clientWidth)))")
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert page.get_log("browser") == []


def test_colours_follow_the_reader(page):
    ground = "getComputedStyle(document.querySelector('.js-plotly-plot .main-svg')).backgroundColor"
    for scheme, colour in (("dark", "rgb(21, 25, 30)"), ("light", "rgb(255, 255, 255)")):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        assert settled(page, f"{ground} === '{colour}'")
    assert page.get_log("browser") == []


def test_the_csv_holds_all_rows(page):
    text = page.execute_async_script("""
        const done = arguments[0], made = URL.createObjectURL;
        URL.createObjectURL = blob => { blob.text().then(done); return made.call(URL, blob); };
        document.querySelector('button[data-csv*="associations"]').click();
    """)
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    expected = synthetic.associations()
    assert rows[0] == list(expected.columns) and len(rows) == 121
    by_key = {(r[0], r[2]): r for r in rows[1:]}
    first = expected.iloc[0]
    found = by_key[(first["feature"], first["target"])]
    assert float(found[rows[0].index("p")]) == pytest.approx(first["p"], rel=1e-9)


def test_a_figure_is_saved_as_svg(page):
    kind = page.execute_async_script("""
        const done = arguments[0];
        HTMLAnchorElement.prototype.click = function () { if (this.download) { done(this.download + ' ' + this.href.slice(0, 5)); } };
        document.querySelector('button[data-format="svg"]').click();
        setTimeout(() => done('nothing'), 8000);
    """)
    assert kind.startswith("radiogen-fig-flow.svg")
    assert page.get_log("browser") == []


def test_printing_draws_every_figure_and_opens_every_fold(browser, report):
    size(browser, 1280)
    browser.get_log("browser")
    browser.get(report.as_uri())
    drawn_before = count(browser, ".js-plotly-plot")
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    assert base64.b64decode(pdf["data"]).startswith(b"%PDF")
    assert count(browser, ".js-plotly-plot") == count(browser, ".plot") > drawn_before
    assert browser.get_log("browser") == []


def test_no_payload_runs(browser, tmp_path):
    path = tmp_path / "page.html"
    # a payload that runs would leave a mark
    word = " ".join(PAYLOADS.values()).replace("alert(1)", "window.pwned=1")
    path.write_text(page_with(word), encoding="utf-8")
    opened(browser, path)
    assert browser.execute_script("return window.pwned === undefined")
    assert count(browser, "img, .main-svg a, .hoverlayer a, [onerror], [onmouseover], [onload]") == 0
    assert count(browser, ".plot") == count(browser, ".js-plotly-plot") > 20
    assert browser.get_log("browser") == []
