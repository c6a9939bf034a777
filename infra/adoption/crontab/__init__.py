"""Crontabs: `parse` reads one as cron does, `translate` makes deployments of it."""

from __future__ import annotations

from infra.adoption.crontab.parse import Crontab, Job, parse
from infra.adoption.crontab.translate import translate

__all__ = ["Crontab", "Job", "parse", "translate"]
