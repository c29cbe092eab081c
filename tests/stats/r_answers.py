"""Comparison with the numbers that R prints."""

from __future__ import annotations

from typing import Any

import numpy as np


def close(got: Any, wanted: Any, rel: float = 1e-8, absolute: float = 1e-13) -> None:
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(wanted, float), rtol=rel, atol=absolute)
