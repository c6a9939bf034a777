"""An automation's trigger: a condition in the words of `prefect.yaml`, or in the form in which the API tells it again.

It stays as it was given, in the state as well: what the server is sent is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from infra.provider.kinds.trigger import Condition, Labels

EVERY_RUN_PASSES: Final = frozenset(
    {"prefect.flow-run.Scheduled", "prefect.flow-run.Pending", "prefect.flow-run.Running", "prefect.flow-run.*"}
)
_EVERY_RUN: Final = "prefect.flow-run.*"


def check(given: Mapping[str, Any]) -> None:
    """Raises: ValidationError: the server would refuse it, drop a part of it, or have no end of it."""
    _condition(given)


def sent(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the API has it; what no condition says, a newer server's, is left as it is."""
    try:
        return _condition(given).condition()
    except ValidationError:
        return dict(given)


def without_nulls(given: Mapping[str, Any]) -> dict[str, Any]:
    """A null says nothing here: the server has it for each key that is left out."""
    plain = {key: value for key, value in given.items() if value is not None}
    if isinstance(plain.get("triggers"), list | tuple):
        inner = plain["triggers"]
        plain["triggers"] = [without_nulls(item) if isinstance(item, Mapping) else item for item in inner]
    return plain


def runs_itself(given: Mapping[str, Any], source: Any) -> str | None:
    """As below, of what may be no condition."""
    try:
        return endless(_condition(given), source)
    except ValidationError:
        return None


def endless(condition: Condition, source: Any) -> str | None:
    """Why running a deployment upon it would never end, as the server has it; `source` is the action's.

    `prefect.server.events.schemas.automations`: `prevent_run_deployment_loops`.
    """
    if condition.type != "event" or condition.posture != "Reactive" or not EVERY_RUN_PASSES & {*condition.expect}:
        return None
    if source == "inferred":
        return "each run would bring about the next one: say which deployment, and of which other runs"
    related = condition.match_related if isinstance(condition.match_related, list) else [condition.match_related]
    if source == "selected" and _is_every_run(condition.match) and any(map(_is_every_run, related)):
        return (
            "its own runs would fire it, too: say by more labels of `match` or `match_related` which runs it is about"
        )
    return None


def _is_every_run(labels: Labels) -> bool:
    value = labels.get("prefect.resource.id") if len(labels) == 1 else None
    return not labels or value == _EVERY_RUN or (isinstance(value, list) and _EVERY_RUN in value)


def _condition(given: Mapping[str, Any]) -> Condition:
    return Condition.model_validate(_without_ids(without_nulls(given)))


def _without_ids(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the server gives to each condition, anew with each write."""
    plain = {key: value for key, value in given.items() if key != "id"}
    if isinstance(plain.get("triggers"), list):
        plain["triggers"] = [_without_ids(item) if isinstance(item, Mapping) else item for item in plain["triggers"]]
    return plain
