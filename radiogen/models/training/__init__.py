"""Training of fusion networks: loops, augmentation, early stopping, calibration, uncertainty.

Names are loaded on first use, so that importing this package does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radiogen.lazy import lazy_names

if TYPE_CHECKING:
    from radiogen.models.training.augmentation import Augmentation
    from radiogen.models.training.fitting import train
    from radiogen.models.training.frozen import embedded
    from radiogen.models.training.trained import Trained
    from radiogen.models.training.uncertainty import (
        Abstention,
        choose_abstention,
        ensemble_uncertainty,
        risk_coverage,
    )

__all__ = [
    "Abstention",
    "Augmentation",
    "Trained",
    "choose_abstention",
    "embedded",
    "ensemble_uncertainty",
    "risk_coverage",
    "train",
]

__getattr__, __dir__ = lazy_names(__name__, {
    "Abstention": "uncertainty",
    "Augmentation": "augmentation",
    "Trained": "trained",
    "choose_abstention": "uncertainty",
    "embedded": "frozen",
    "ensemble_uncertainty": "uncertainty",
    "risk_coverage": "uncertainty",
    "train": "fitting",
})  # fmt: skip
