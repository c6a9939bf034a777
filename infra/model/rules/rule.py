"""What a rule is: its code for machines and scripts, its name for people, and what they need to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One thing that can be wrong. A code is never given to another rule, and never changes."""

    code: str
    name: str
    meaning: str
    example: str
    """What breaks it, as it would stand below `config:`; `environment: dev` is taken for granted."""
    mending: str
    severity: Severity = "error"
    settable: bool = False
    """Whether a stack may turn it down, with a reason. What protects correctness can't be."""
