"""Every rule that a stack is held against, in one table: docs/rules.md is written from it."""

from __future__ import annotations

from typing import Final

from infra.model.rules import (
    coherence,
    containers,
    credentials,
    flows,
    keys,
    reading,
    secret_values,
    settings,
    times,
    versions,
)
from infra.model.rules.rule import Rule, Severity

__all__ = ["ALL", "BY_WORD", "GROUPS", "Rule", "Severity"]

GROUPS: Final[dict[str, tuple[Rule, ...]]] = {
    "Files": reading.RULES,
    "Keys and values": keys.RULES,
    "Server, pools, names": coherence.RULES,
    "Time zones and schedules": times.RULES,
    "Flows and parameters": flows.RULES,
    "Secrets": credentials.RULES,
    "Releases of Prefect": versions.RULES,
    "Containers, by the policy pack": containers.RULES,
    "What secrets hold, in previews": secret_values.RULES,
    "Settings of rules": settings.RULES,
}
ALL: Final = tuple(rule for rules in GROUPS.values() for rule in rules)
BY_WORD: Final = {word: rule for rule in ALL for word in (rule.code, rule.name)}
"""By code and by name: people may write either."""
