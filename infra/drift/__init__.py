"""What the stack declares, what the state remembers and what the server has: where these are not the same.

The comparison is Pulumi's own (`pulumi preview --refresh --json`, which uses the provider's read and diff). Here it is
read, put into the words of stack files, and told. Nothing is called.
"""

from __future__ import annotations

from infra.drift.differences import Difference, Field, differences
from infra.drift.observation import ABSENT, Observed, ReadingError, observed
from infra.drift.report import Report
from infra.drift.traces import Trace, Traces

__all__ = [
    "ABSENT",
    "Difference",
    "Field",
    "Observed",
    "ReadingError",
    "Report",
    "Trace",
    "Traces",
    "differences",
    "observed",
]
