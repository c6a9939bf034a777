"""What flows a checkout has and who uses them, read from text alone: nothing of it is imported or run."""

from __future__ import annotations

from infra.discovery.flows import Discovery, FoundFlow, Parameter, Warned, find_flows
from infra.discovery.uses import Use

__all__ = ["Discovery", "FoundFlow", "Parameter", "Use", "Warned", "find_flows"]
