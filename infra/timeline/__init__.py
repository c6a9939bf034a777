"""When the schedules of a stack fire, by work pool, and where more runs meet than a limit lets through."""

from __future__ import annotations

from infra.timeline.calculation import Lane, Pool, Timeline, calculate
from infra.timeline.overlaps import Overlap
from infra.timeline.window import Cell, ClockChange, Window

__all__ = ["Cell", "ClockChange", "Lane", "Overlap", "Pool", "Timeline", "Window", "calculate"]
