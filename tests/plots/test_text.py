"""Labels cannot become markup; numbers are set as a journal sets them."""

from __future__ import annotations

import math
import re

import pytest

from radiogen.plots import text
from radiogen.plots.naming import readable
from radiogen.plots.text import distinct, fixed, interval, num, p_equals, plain, pvalue, share, width, wrap

PAYLOADS = [
    "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "</script><script>alert(1)</script>",
    '<a href="javascript:alert(1)">x</a>', "%{meta.title}", "$\\alpha$", "a\u202eb", "&lt;b&gt;",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_character_is_left_that_plotly_interprets(payload):
    assert not re.search(r"[<>${}]", text(payload))
    assert "\u202e" not in text(payload)


def test_an_entity_in_the_source_is_shown_as_it_stands():
    assert text("&lt;") == "&amp;lt;"


def test_long_names_keep_their_end_and_their_length():
    cut = plain("bmode_wavelet_LH_glcm_JointEntropy", 20)
    assert len(cut) == 20 and cut.endswith("JointEntropy") and "…" in cut


def test_escaping_comes_after_cutting():
    # cutting an entity in two would show "&l"
    assert text("<" * 30, 10).replace("&lt;", "") == "…"


def test_wrap_escapes_each_line():
    assert wrap("<b>one</b> two", 10).split("<br>") == ["&lt;b&gt;one&lt;/b&gt;", "two"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0004, "<0.001"), (0.001, "0.001"), (0.0499, "0.050"), (1.0, "1.000"), (math.nan, "–"), (None, "–")],
)
def test_p_values(value, shown):
    assert pvalue(value) == shown


def test_p_in_a_sentence():
    assert p_equals(0.02) == "p = 0.020" and p_equals(1e-9, "q") == "q < 0.001"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (-0.5, "−0.500"), (0.00001234, "1.23e−05"), (math.inf, "∞"), (True, "–"), ("x", "–")],
)
def test_numbers(value, shown):
    assert num(value) == shown


def test_intervals_show_two_digits_of_their_width():
    # widths 0.14, 0.006 and 200: two, four and no decimals
    assert interval(0.7812, 0.7123, 0.8534) == "0.78 (0.71 to 0.85)"
    assert interval(1.0021, 0.9991, 1.0051) == "1.0021 (0.9991 to 1.0051)"
    assert interval(1500.2, 1400.0, 1600.0) == "1,500 (1,400 to 1,600)"
    assert interval(2.0, 1.0, math.nan) == "2.00 (1.00 to –)"


def test_shares():
    assert share(0.0333) == "3.3\u00a0%" and share(0.5) == "50\u00a0%" and share(math.nan) == "–"


def test_a_wide_character_takes_two_places():
    assert plain("超声弹性成像影像组学特征", 11) == "超…学特征"
    assert all(width(plain("超声弹性成像影像组学特征" * 3, n)) <= n for n in range(6, 30))


def test_texts_that_only_differ_where_they_are_cut_are_numbered():
    long = ["a" * 60 + x + "b" * 60 for x in "xyz"]
    cut = distinct([*long, long[0]], 20)
    assert len(set(cut)) == 3 and cut[3] == cut[0] and all(len(c) <= 20 + 18 + 4 for c in cut)


def test_what_is_left_of_a_small_negative_number_has_no_sign():
    assert fixed(-0.004, 2) == "0.00" and fixed(-0.006, 2) == "−0.01" and interval(-0.001, -0.4, 0.4) == "0.00 (−0.40 to 0.40)"


@pytest.mark.parametrize(
    ("name", "said"),
    [("er", "ER"), ("TP53", "TP53"), ("size_mm", "size (mm)"), ("swe_sd_kpa", "SWE sd (kPa)"), ("horTh", "horTh"),
     ("AGE_AT_DIAGNOSIS", "age at diagnosis"), ("bmode_original_glcm_Idn", "bmode_original_glcm_Idn"), ("硬度", "硬度")],
)
def test_names_are_said_and_never_guessed(name, said):
    assert readable(name) == said
