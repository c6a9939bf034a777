"""Job variables that were edited: each to the key that it comes from, as far as it comes from the deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.adoption.ui_edits.edits import REMOVED, Unsaid
from infra.adoption.ui_edits.moves import moves
from infra.drift import Observed
from infra.model.errors import KeyPath

_LOGGING: Final[Mapping[str, str]] = {"PREFECT_LOGGING_LEVEL": "level", "PREFECT_LOGGING_LOG_PRINTS": "print"}
_FROM_ABOVE: Final = Unsaid("it comes from the `env` of the area or the stack, and one deployment can't do without it")


def job_variables(each: Observed, written: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """`written`: the deployment as composed. The more particular key wins, so that is the one to change."""
    declared, known, found = (
        (side or {}).get("job_variables") or {} for side in (each.declared, each.state, each.server)
    )
    explicit = (written.get("work_pool") or {}).get("job_variables") or {}
    for name, value in moves(*(_without_env(side) for side in (declared, known, found))):
        if name == "command" and "command" not in explicit and (value is REMOVED or isinstance(value, str)):
            yield ("command",), value
        else:
            yield ("work_pool", "job_variables", name), value
    for name, value in moves(*(side.get("env") for side in (declared, known, found))):
        yield _variable(name, value, written, explicit.get("env") or {})


def _variable(name: str, value: Any, written: Mapping[str, Any], explicit: Mapping[str, Any]) -> tuple[KeyPath, Any]:
    own = written.get("env") or {}
    if name in explicit or not (value is REMOVED or isinstance(value, (str, Unsaid))):
        return ("work_pool", "job_variables", "env", name), value
    if name in own:
        return ("env", name), value
    key = _LOGGING.get(name)
    if key is not None and (written.get("logging") or {}).get(key) is not None:
        return ("logging", key), (value.lower() == "true" if key == "print" and isinstance(value, str) else value)
    return ("env", name), _FROM_ABOVE if value is REMOVED else value


def _without_env(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name != "env"}
