"""The checkout under git that reviews are tested on."""

from __future__ import annotations

from tests.unit.review.conftest import checkout

__all__ = ["checkout"]
