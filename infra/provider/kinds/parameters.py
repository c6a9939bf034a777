"""Parameters held against the flow's signature, as the deployment's `parameter_openapi_schema` has it.

The server holds types against it when a deployment is made, and nothing else: a misspelt parameter, or one that a
scheduled run lacks, would be noticed when the run fails. Values are never repeated here: they may be secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from infra.provider.kinds import unfit
from infra.provider.kinds.kind import Failure
from infra.provider.wire import UNKNOWN, Path

if TYPE_CHECKING:
    from infra.provider.kinds.deployment_inputs import DeploymentInputs

AT: Final[Path] = ("parameter_openapi_schema",)
OF_THE_FLOW: Final = "the flow"
PLACEHOLDER: Final = "__prefect_kind"
"""Marks what the server fills in when a run is made: a variable's value, JSON, or a template."""


def check(new: DeploymentInputs, schema: Mapping[str, Any]) -> Iterator[Failure]:
    """All that is wrong with a deployment's parameters, and with those of its schedules and triggers."""
    if mistakes := [*Signature.mistakes(schema)]:
        yield from mistakes
        return
    signature = Signature(schema)
    yield from signature.wrong(new.parameters, ("parameters",))
    running = [] if new.paused else [n for n, schedule in enumerate(new.schedules) if schedule.active]
    lacking = {n: signature.missing({*new.parameters, *new.schedules[n].parameters}) for n in running}
    for n, schedule in enumerate(new.schedules):
        yield from signature.wrong(schedule.parameters, ("schedules", n, "parameters"))
        for name in lacking.get(n, ()):
            reason = f"the flow requires it, and the runs of the schedule {schedule.slug!r} would fail without"
            # Where all of them lack it, the deployment itself is the place to give it.
            if any(name not in others for others in lacking.values()):
                yield Failure(("schedules", n, "parameters", name), reason)
            elif n == running[0]:
                yield Failure(("parameters", name), reason)
    for n, trigger in enumerate(new.triggers):
        # The server fills in a template when it fires: of what type the outcome is, nobody can tell.
        plain = {
            key: {PLACEHOLDER: "jinja"} if "{{" in str(value) else value
            for key, value in (trigger.parameters or {}).items()
        }
        yield from signature.wrong(plain, ("triggers", n, "parameters"))


class Signature:
    """A flow's parameters, or what else a schema names. Of an unknown schema, or of none, nothing is wrong."""

    def __init__(
        self, schema: Mapping[str, Any] | None, *, whose: str = OF_THE_FLOW, called: str = "parameter"
    ) -> None:
        self._whose, self._called = whose, called
        self._schema: Mapping[str, Any] = {} if schema is None or _later(schema) else schema
        self._known: Mapping[str, Any] = self._schema.get("properties") or {}
        self._takes_all = not self._schema or bool(self._schema.get("additionalProperties"))
        self._required: Sequence[str] = self._schema.get("required") or ()

    @staticmethod
    def mistakes(schema: Mapping[str, Any]) -> Iterator[Failure]:
        """Why a schema is none, where it isn't."""
        import jsonschema  # noqa: PLC0415  # takes a while, and most calls of the plugin have no use for it

        if _later(schema):
            return
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield Failure((*AT, *error.absolute_path), f"is no JSON schema: {unfit.reason(error, OF_THE_FLOW)}")

    def wrong(self, given: Mapping[str, Any], at: Path) -> Iterator[Failure]:
        """Those of the values at `at` that have no such name, or another type."""
        for name, value in given.items():
            if name in self._known:
                yield from self._mistyped(name, value, (*at, name))
            elif not self._takes_all:
                close = get_close_matches(name, self._known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"it has: {', '.join(self._known) or 'none'}"
                yield Failure((*at, name), f"{self._whose} has no such {self._called}; {hint}")

    def missing(self, given: Iterable[str]) -> list[str]:
        """The parameters that a run with the `given` ones lacks."""
        names = {*given}
        return [name for name in self._required if name not in names]

    def _mistyped(self, name: str, value: Any, at: Path) -> Iterator[Failure]:
        import jsonschema  # noqa: PLC0415  # as above
        import referencing  # noqa: PLC0415  # likewise
        import referencing.exceptions  # noqa: PLC0415  # likewise

        schema = self._known[name]
        is_block = isinstance(value, Mapping) and set(value) == {"$ref"}
        if _later(value) or is_block or (value is None and name not in self._required and "default" not in schema):
            return  # the server, too, takes null for a parameter without a default that isn't required
        kind = jsonschema.Draft202012Validator
        # A registry of its own: the default one would fetch what a schema refers to from the network.
        whole = kind(self._schema, format_checker=kind.FORMAT_CHECKER, registry=referencing.Registry())
        try:
            for error in whole.evolve(schema=schema).iter_errors(value):
                if not _later(error.instance):
                    yield Failure((*at, *error.absolute_path), unfit.reason(error, self._whose))
        except (referencing.exceptions.Unresolvable, RecursionError):
            yield Failure((*AT, "properties", name), "refers to something that the schema doesn't have")


def _later(value: Any) -> bool:
    """Whether a value, or a part of it, will be known only after `up`, or only to the server when a run is made."""
    match value:
        case Mapping():
            return PLACEHOLDER in value or any(map(_later, value.values()))
        case list() | tuple():
            return any(map(_later, value))
        case _:
            return value is UNKNOWN
