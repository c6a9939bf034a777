"""The rules that a proxy is given: as JSON in one environment variable, so that a running one has nothing to edit."""

import os
from collections.abc import Mapping
from typing import Annotated

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from workers.socket_proxy.rules import Rules
from workers.socket_proxy.scaling import ScalingRules

VARIABLE = "SOCKET_PROXY_RULES"


class RulesError(Exception):
    """The rules are missing or wrong; the text says which and what is allowed."""


def _kind(given: object) -> str:
    return "scaling" if isinstance(given, dict) and "areas" in given else "runs"


_ADAPTER: TypeAdapter[Rules | ScalingRules] = TypeAdapter(
    Annotated[Annotated[Rules, Tag("runs")] | Annotated[ScalingRules, Tag("scaling")], Discriminator(_kind)]
)


def rules_from_environment(environment: Mapping[str, str] = os.environ) -> Rules | ScalingRules:
    """Raises: RulesError."""
    text = environment.get(VARIABLE)
    if not text:
        raise RulesError(f"{VARIABLE} is not set: it holds the rules as a JSON object")
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'][1:])) or 'JSON'}: {e['msg']}" for e in error.errors())
        raise RulesError(f"{VARIABLE}: {problems}") from error
