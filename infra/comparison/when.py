"""A schedule in words, whole: when it fires, where, whether it does, with what."""

from __future__ import annotations

import json

from infra.model import Schedule
from infra.review.when import words


def when(schedule: Schedule) -> str:
    parameters = json.dumps(schedule.parameters, ensure_ascii=False, sort_keys=True)
    parts = [
        f"{words(schedule)}, {schedule.timezone}",
        "" if schedule.active else "inactive",
        f"with {parameters}" if schedule.parameters else "",
    ]
    return ", ".join(part for part in parts if part)
