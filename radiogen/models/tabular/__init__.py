"""What small networks on tables share: reading and checking, standardising, training and keeping their weights."""

from __future__ import annotations
