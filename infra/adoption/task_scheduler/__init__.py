"""Tasks exported from Windows Task Scheduler.

`parse` reads the XML, `firing` says when a trigger fires by the XML's own meaning, `translate` makes deployments and
proves with it that they fire at the same times.
"""

from __future__ import annotations

from infra.adoption.task_scheduler.model import Task, Trigger
from infra.adoption.task_scheduler.parse import parse
from infra.adoption.task_scheduler.translate import translate

__all__ = ["Task", "Trigger", "parse", "translate"]
