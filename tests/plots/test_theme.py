"""The palette can be read on a light and on a dark ground, and without colour."""

from __future__ import annotations

import pytest

from radiogen.plots import theme


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("colour", theme.PALETTE)
def test_data_colours_have_contrast_3_on_both_grounds(colour):
    assert contrast(colour, theme.SURFACE) >= 3
    assert contrast(theme.DARK[colour], theme.DARK[theme.SURFACE]) >= 3


@pytest.mark.parametrize("colour", [theme.INK, theme.MUTED])
def test_text_colours_have_contrast_4_5_on_both_grounds(colour):
    assert contrast(colour, theme.SURFACE) >= 4.5
    assert contrast(theme.DARK[colour], theme.DARK[theme.SURFACE]) >= 4.5


def test_series_differ_without_colour():
    marks = {(theme.dash(i), theme.symbol(i)) for i in range(8)}
    assert len(marks) == 8
    # the ninth has the first colour again, with another dash
    assert theme.colour(8) == theme.colour(0) and theme.dash(8) != theme.dash(0)


def test_every_colour_of_the_scales_has_a_dark_counterpart():
    for _, colour in (*theme.DIVERGING, *theme.SEQUENTIAL):
        assert colour in theme.DARK
