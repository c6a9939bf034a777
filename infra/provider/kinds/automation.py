"""`prefect:index:Automation`: what the server does by itself when something happens, or doesn't."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field, ValidationInfo

from infra.provider.api import Api
from infra.provider.errors import Conflict, NameTaken, NotOurs, Rejected
from infra.provider.kinds import action as actions
from infra.provider.kinds import automation_trigger as triggers
from infra.provider.kinds.kind import AdoptableShared, Failure, Kind, Live, Outputs, Session, given_before
from infra.provider.kinds.trigger import CLOUD_ONLY, comparable

ACTIONS: Final = ("actions", "actions_on_trigger", "actions_on_resolve")
RULE: Final = ("trigger", *ACTIONS)
"""What the server fills in with its defaults, so that it can't be compared with what was declared."""


def _trigger(given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    given, before = triggers.without_nulls(given), given_before(info)
    # What an older version took stays usable until it is changed, here and below.
    if before is not None and before.get("trigger") != given:
        triggers.check(given)
    return given


def _action(given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    given, before = actions.without_nulls(given), given_before(info)
    if before is not None and given not in _taken(before):
        actions.check(given)
    return given


def _taken(before: Mapping[str, Any]) -> list[Any]:
    lists = (before.get(key) for key in ACTIONS)
    return [action for there in lists if isinstance(there, list | tuple) for action in there]


CheckedTrigger = Annotated[dict[str, Any], AfterValidator(_trigger)]
CheckedAction = Annotated[dict[str, Any], AfterValidator(_action)]


class AutomationInputs(AdoptableShared):
    name: str = Field(min_length=1, description="The server takes two of one name; a stack doesn't.")
    description: str = Field(default="", description="Shown in the UI.")
    enabled: bool = Field(default=True, description="A disabled automation does nothing.")
    tags: tuple[str, ...] = Field(default=(), description="To find it by.")
    trigger: CheckedTrigger = Field(description="The event, or its absence, as Prefect's API or `prefect.yaml` has it.")
    actions: tuple[CheckedAction, ...] = Field(default=(), description="Done when it fires.")
    actions_on_trigger: tuple[CheckedAction, ...] = Field(default=(), description="Done when it begins to fire.")
    actions_on_resolve: tuple[CheckedAction, ...] = Field(default=(), description="Done when it is over.")

    def body(self) -> dict[str, Any]:
        """As the API takes it, whole."""
        given = self.model_dump(mode="json", exclude={"adopt", "owners"})
        sent = {key: [actions.sent(action) for action in given[key]] for key in ACTIONS}
        return {**given, "trigger": triggers.sent(given["trigger"]), **sent}


class AutomationOutputs(Outputs):
    automation_id: str = Field(description="The server's UUID.")
    as_written: dict[str, Any] = Field(description="The rule as the server completed it: what drift is told by.")


class Automation(Kind[AutomationInputs]):
    token = "prefect:index:Automation"  # noqa: S105  # a type token
    inputs = AutomationInputs
    outputs = AutomationOutputs
    replaced_by: ClassVar[Mapping[str, str]] = {}
    secrets = frozenset({"as_written"})  # it repeats whatever the rule holds, a webhook's credentials too

    @property
    def rules(self) -> tuple[Callable[[AutomationInputs | None, AutomationInputs], Iterator[Failure]], ...]:
        return (self._ends,)

    def _ends(self, old: AutomationInputs | None, new: AutomationInputs) -> Iterator[Failure]:
        if not new.enabled or (old is not None and not new.changed_from(old) & {"enabled", "trigger", "actions"}):
            return
        for n, action in enumerate(new.actions):
            if action.get("type") == "run-deployment":
                reason = triggers.runs_itself(new.trigger, action.get("source", "selected"))
                if reason is not None:
                    yield Failure(("actions", n), reason)

    def compared(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """An import, and a state of an older version, have nulls where programs say nothing."""
        return {**values, **{key: _without_nulls(key, values[key]) for key in RULE if key in values}}

    async def create(self, session: Session, new: AutomationInputs) -> Live[AutomationInputs]:
        api = session.api
        rows = await self._named(api, new.name)
        if len(rows) > 1:
            ids = ", ".join(row["id"] for row in rows)
            raise Conflict(f"there are {len(rows)} automations {new.name!r} ({ids}): delete all but one")
        if not rows:

            async def made() -> dict[str, Any] | None:
                # The server takes a second one of a name without a word.
                return next(iter(await self._named(api, new.name)), None)

            with _in_words(new):
                row = await api.post("automations/", new.body(), made)
            return self._live(row, new)
        # What the server made of ours can't be told from somebody else's but by writing it: only with leave.
        if not (new.adopt or self._looks_like(rows[0], new)):
            raise NotOurs(f"automation {new.name!r}", self.token, rows[0]["id"])
        new = new.with_theirs(_inputs(rows[0]))
        return self._live(await self._put(api, rows[0]["id"], new), new)

    async def read(
        self, session: Session, id_: str, known: AutomationInputs | None, state: Mapping[str, Any]
    ) -> Live[AutomationInputs] | None:
        api = session.api
        row = await api.listing("automations/filter", "id").found(id_, lambda: api.get_or_none(f"automations/{id_}"))
        if row is None:
            return None
        inputs = _inputs(row)
        if known is None:
            return self._live(row, inputs)
        written, now = _rule(state.get("as_written") or {}), _rule(row)
        same = {key for key in written if known.ours(key) and written[key] == now[key]}
        inputs = inputs.model_copy(update={"owners": known.owners, **{key: getattr(known, key) for key in same}})
        return self._live(row, inputs)

    async def update(
        self, session: Session, id_: str, old: AutomationInputs, new: AutomationInputs, state: Mapping[str, Any]
    ) -> Live[AutomationInputs]:
        api, changed = session.api, new.changed_from(old) - self.incomparable
        written = {key: value for key, value in _rule(state["as_written"]).items() if new.ours(key)}
        # A PUT resets the trigger's state; switching it on and off doesn't need one.
        if changed == {"enabled"}:
            await api.patch(f"automations/{id_}", {"enabled": new.enabled})
        elif changed:
            await self._refuse_taken(api, id_, old, new)
            # The API has no partial edit: the rest is sent as it is there, which the state needn't know.
            there = _inputs(await api.get(f"automations/{id_}"))
            row = await self._put(api, id_, there.model_copy(update={key: getattr(new, key) for key in changed}))
            written |= {key: value for key, value in _rule(row).items() if key in changed}
        return Live(id=id_, inputs=new, outputs=AutomationOutputs(automation_id=id_, as_written=written))

    async def _refuse_taken(self, api: Api, id_: str, old: AutomationInputs, new: AutomationInputs) -> None:
        if new.name == old.name:
            return
        others = [row["id"] for row in await self._named(api, new.name) if row["id"] != id_]
        if others:
            raise NameTaken(f"automation {new.name!r}", old.name, self.token, others[0])

    async def delete(self, session: Session, id_: str, old: AutomationInputs, state: Mapping[str, Any]) -> None:
        await session.api.delete(f"automations/{id_}")

    @staticmethod
    async def _put(api: Api, id_: str, new: AutomationInputs) -> dict[str, Any]:
        with _in_words(new):
            await api.put(f"automations/{id_}", new.body())
        row: dict[str, Any] = await api.get(f"automations/{id_}")
        return row

    @staticmethod
    async def _named(api: Api, name: str) -> list[dict[str, Any]]:
        return await api.find("automations/filter", {"automations": {"name": {"any_": [name]}}})

    def _looks_like(self, row: Mapping[str, Any], new: AutomationInputs) -> bool:
        theirs = {**_inputs(row).model_dump(mode="json"), **_rule(row)}
        declared = new.body()
        declared |= _rule(declared)
        return all(
            _within(value, theirs[key]) if key in RULE else value == theirs[key] for key, value in declared.items()
        )

    @staticmethod
    def _live(row: Mapping[str, Any], inputs: AutomationInputs) -> Live[AutomationInputs]:
        # What people own was not written by us, or not lately: once it is the stack's again, it counts as drift.
        written = {key: value for key, value in _rule(row).items() if inputs.ours(key)}
        return Live(id=row["id"], inputs=inputs, outputs=AutomationOutputs(automation_id=row["id"], as_written=written))


@contextmanager
def _in_words(new: AutomationInputs) -> Iterator[None]:
    try:
        yield
    except Rejected as error:
        raise Rejected(
            f"{error}{CLOUD_ONLY}" if new.body()["trigger"].get("type") == "metric" else str(error)
        ) from error


def _without_nulls(key: str, value: Any) -> Any:
    match value:
        case Mapping():
            return triggers.without_nulls(value) if key == "trigger" else actions.without_nulls(value)
        case list() | tuple():
            return [_without_nulls(key, item) for item in value]
        case _:
            return value


def _rule(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: comparable(row[key]) if key == "trigger" else row[key] for key in RULE if key in row}


def _inputs(row: Mapping[str, Any]) -> AutomationInputs:
    return AutomationInputs(
        name=row["name"],
        description=row["description"] or "",
        enabled=row["enabled"],
        tags=row.get("tags") or (),
        **_rule(row),
    )


def _within(declared: Any, completed: Any) -> bool:
    """Whether the server's completed form says at least what was declared."""
    match declared, completed:
        case (Mapping(), Mapping()):
            return all(key in completed and _within(value, completed[key]) for key, value in declared.items())
        case (list() | tuple(), list()):
            return len(declared) == len(completed) and all(map(_within, declared, completed))
        case _:
            return bool(declared == completed)
