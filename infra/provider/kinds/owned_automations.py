"""The automations that are a deployment's triggers: how they are told from others, and brought to what is declared.

They belong to the deployment by the server's own notion of an owner, which it shows nowhere, and carry our tag. A
separate automation that runs the same deployment is none of them, and its maker's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from infra.provider.api import Api
from infra.provider.errors import Rejected
from infra.provider.kinds.trigger import CLOUD_ONLY, MADE_BY_PREFECT, Trigger, comparable, tag
from infra.provider.listing import Listing, Row


@contextmanager
def _in_words(trigger: Trigger) -> Iterator[None]:
    try:
        yield
    except Rejected as error:
        hint = CLOUD_ONLY if trigger.type == "metric" else ""
        raise Rejected(f"trigger {trigger.name!r}: {error}{hint}") from error


class OwnedAutomations:
    """The automations of one deployment that are its triggers, and the calls that make them so."""

    def __init__(self, api: Api, deployment: Mapping[str, Any], owner: str) -> None:
        """`deployment` is the server's row."""
        self._api, self._id, self._name, self._owner = api, str(deployment["id"]), str(deployment["name"]), owner

    async def rows(self, ids: Iterable[str] = (), names: Iterable[str] = ()) -> list[Row]:
        """Ours, by our tag, our name for them or by what the state remembers: a tag may be taken off in the UI."""
        ids, names = {*ids}, {*names}
        found = await by_deployment(self._api).row(self._id, self._singly)
        prefix = f"{self._name}{MADE_BY_PREFECT}"
        return [
            row
            for row in (found or {"rows": []})["rows"]
            if row["id"] in ids
            or tag(self._owner) in (row.get("tags") or ())
            or row["name"] in names
            or (row["name"].startswith(prefix) and row["name"].removeprefix(prefix).isdecimal())
        ]

    async def reconcile(self, have: Iterable[Row], wanted: Iterable[Trigger]) -> dict[str, str]:
        """Bring them to `wanted`, with the fewest calls; the ids by name. Raises: Rejected: the server has no such."""
        by_deployment(self._api).forget(self._id)
        left, ids = list(have), {}
        for trigger in wanted:
            same = [row for row in left if row["name"] == trigger.name]
            body = trigger.body(self._id, self._owner)
            if same:
                row = same[0]
                left.remove(row)
                await self._change(row, trigger, body)
            else:
                row = await self._make(trigger, body)
            ids[str(trigger.name)] = str(row["id"])
        for row in left:
            await self._api.delete(f"automations/{row['id']}")
        return ids

    async def _change(self, row: Row, trigger: Trigger, body: dict[str, Any]) -> None:
        now, tags = from_row(row), row.get("tags") or ()
        marked = tag(self._owner) in tags  # without it, nobody would know whose it is once its deployment is deleted
        if marked and now == trigger:
            return
        if marked and now is not None and now.model_copy(update={"enabled": trigger.enabled}) == trigger:
            await self._api.patch(f"automations/{row['id']}", {"enabled": trigger.enabled})
            return
        # `prefect.yaml` has no tags for a trigger: others than ours are people's.
        body = {**body, "tags": list(dict.fromkeys([*tags, *body["tags"]]))}
        with _in_words(trigger):
            await self._api.put(f"automations/{row['id']}", body)

    async def _make(self, trigger: Trigger, body: dict[str, Any]) -> Row:
        async def made() -> Row | None:
            rows: list[Row] = await self._api.get(f"automations/related-to/{resource(self._id)}")
            return next((row for row in rows if row["name"] == trigger.name), None)

        with _in_words(trigger):
            row: Row = await self._api.post("automations/", {**body, "owner_resource": resource(self._id)}, made)
        return row

    async def _singly(self) -> Row | None:
        rows = await self._api.get(f"automations/related-to/{resource(self._id)}")
        return {"deployment": self._id, "rows": [row for row in rows if _runs(row) == self._id]}


def from_row(row: Mapping[str, Any]) -> Trigger | None:
    """A trigger as the server has it; None where somebody made something of it that no trigger can say."""
    if not _runs(row) or len(row["actions"]) != 1 or row["actions_on_trigger"] or row["actions_on_resolve"]:
        return None
    run = row["actions"][0]
    try:
        return Trigger(
            **comparable(row["trigger"]),
            name=row["name"],
            description=row["description"] or "",
            enabled=row["enabled"],
            parameters=run.get("parameters"),
            job_variables=run.get("job_variables"),
            schedule_after=run.get("schedule_after") or 0.0,
        )
    except ValidationError:
        return None


def from_rows(rows: Iterable[Row]) -> tuple[Trigger, ...]:
    """A second one of a name shows under another: that is a difference, which the next `up` mends."""
    triggers: dict[str, Trigger] = {}
    for row in rows:
        if (trigger := from_row(row)) is not None:
            name = f"{row['name']} ({row['id']})" if row["name"] in triggers else str(row["name"])
            triggers[name] = trigger.model_copy(update={"name": name})
    return tuple(triggers.values())


async def sweep_leftovers(api: Api, names: Iterable[str], owner: str) -> None:
    """Triggers of ours whose deployment somebody has deleted: the server leaves them behind, with nothing to run."""
    rows = await api.find("automations/filter", {"automations": {"name": {"any_": sorted(names)}}})
    for row in rows:
        id_ = _runs(row)
        ours = tag(owner) in (row.get("tags") or ())
        if ours and id_ and await api.get_or_none(f"deployments/{id_}") is None:
            await api.delete(f"automations/{row['id']}")


def by_deployment(api: Api) -> Listing:
    async def fetch() -> list[Row]:
        grouped: dict[str, list[Row]] = {}
        for row in await api.find("automations/filter", {}):
            if id_ := _runs(row):
                grouped.setdefault(id_, []).append(row)
        return [{"deployment": id_, "rows": rows} for id_, rows in grouped.items()]

    return api.listing("automations/filter#by-deployment", "deployment", fetch)


async def any_of(api: Api, deployment_id: str) -> bool:
    """Whether there are automations that run the deployment: asked of all in one go."""

    async def singly() -> Row | None:
        rows = await api.get(f"automations/related-to/{resource(deployment_id)}")
        return {"deployment": deployment_id, "rows": rows}

    found = await by_deployment(api).row(deployment_id, singly)
    return bool(found and found["rows"])


def resource(deployment_id: str) -> str:
    """What the server calls a deployment that owns automations."""
    return f"prefect.deployment.{deployment_id}"


def _runs(row: Mapping[str, Any]) -> str | None:
    """The deployment that an automation runs before anything else."""
    match row["actions"]:
        case [{"type": "run-deployment", "source": "selected", "deployment_id": str(id_)}, *_]:
            return id_
        case _:
            return None
