"""Two visits of one patient: changes as features, and networks that see both visits through one encoder."""

from __future__ import annotations
