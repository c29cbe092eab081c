"""Networks of these tests have tiny backbones unless they ask for real ones."""

from __future__ import annotations

import pytest

from tests.models.fusion.small_nets import tiny_backbone


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone of five features in the place of every other."""
    monkeypatch.setattr("radiogen.models.fusion.encoders.make_backbone", tiny_backbone)
