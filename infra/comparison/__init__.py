"""Two stacks beside each other, offline: what differs, in words; and one's values carried over to the other."""

from __future__ import annotations

from infra.comparison.differences import Difference, compared
from infra.comparison.telling import lines, table

__all__ = ["Difference", "compared", "lines", "table"]
