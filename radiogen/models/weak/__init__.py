"""Learning where labels are few or uncertain: mean teacher, pseudo-labels and losses that bear wrong labels."""

from __future__ import annotations
