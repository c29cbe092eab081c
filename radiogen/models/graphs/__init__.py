"""Networks on graphs: of the regions of one picture, and of similar patients, with the controls they need."""

from __future__ import annotations
