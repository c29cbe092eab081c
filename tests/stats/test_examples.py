"""The examples in the documentation of the room run, and its public names are all there."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from radiogen import stats

MODULES = sorted(p.stem for p in Path(stats.__file__).parent.glob("*.py") if p.stem != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(import_module(f"radiogen.stats.{name}"))
    assert failed == 0


def test_public_names_are_functions_and_not_files() -> None:
    for name in stats.__all__:
        value = getattr(stats, name)
        assert callable(value)
        assert value.__name__ == name
        assert "Examples" in value.__doc__ or isinstance(value, type)
