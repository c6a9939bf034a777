"""`prefect:index:Deployment`: a flow, where its code is, how and when it runs; the flow is made along with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from infra.provider.api import Api
from infra.provider.errors import NotFound, NotOurs
from infra.provider.kinds import owned_automations, parameters
from infra.provider.kinds import schedule as schedules
from infra.provider.kinds import trigger as triggers
from infra.provider.kinds.job_variables import refuse_unknown
from infra.provider.kinds.kind import OWNER_LABEL, AdoptableShared, Failure, Kind, Live, Outputs, Session, owned
from infra.provider.kinds.owned_automations import OwnedAutomations
from infra.provider.kinds.schedule import Schedule
from infra.provider.kinds.trigger import Trigger
from infra.provider.listing import Listing

_NOT_IN_BODY = frozenset(
    {"adopt", "owners", "flow_name", "work_pool_id", "collision_strategy", "schedules", "triggers"}
)
_ROUTE = frozenset({"work_pool_name", "work_pool_id", "work_queue_name"})
_SCHEMA = frozenset({"parameter_openapi_schema", "enforce_parameter_schema"})
_LIMIT = frozenset({"concurrency_limit", "collision_strategy"})


class DeploymentInputs(AdoptableShared):
    name: str = Field(min_length=1, description="Unique for its flow; descriptive: people look for it in the UI.")
    flow_name: str = Field(min_length=1, description="The flow, made when there is none of that name.")
    entrypoint: str = Field(description="`path/file.py:function`, relative to the code's root.")
    work_pool_name: str = Field(description="The pool whose workers run it.")
    work_pool_id: str | None = Field(
        default=None, description="The pool's UUID: a pool that was made anew gets its deployments attached again."
    )
    work_queue_name: str = Field(default="default", description="The pool's queue; the server makes a missing one.")
    description: str | None = Field(default=None, description="Markdown, shown in the UI.")
    version: str | None = Field(default=None, description="Of the code, at will.")
    tags: tuple[str, ...] = Field(default=(), description="Each of its runs has them too.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Defaults of the flow's parameters.")
    parameter_openapi_schema: dict[str, Any] | None = Field(
        default=None, description="The flow's signature as a JSON schema: the form in the UI, and what is enforced."
    )
    enforce_parameter_schema: bool = Field(default=True, description="Refuse runs whose parameters don't fit.")
    job_variables: dict[str, Any] = Field(
        default_factory=dict, description="Over the pool's job defaults: env, command, image, ..."
    )
    pull_steps: tuple[dict[str, Any], ...] = Field(default=(), description="How a worker gets at the code.")
    path: str | None = Field(default=None, description="The code's root, where no pull step sets it.")
    paused: bool = Field(default=False, description="A paused deployment's schedules make no runs.")
    concurrency_limit: int | None = Field(default=None, ge=1, description="Runs at once; none when left out.")
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = Field(
        default="ENQUEUE", description="What becomes of a run over the limit."
    )
    schedules: tuple[Schedule, ...] = Field(default=(), description="When it runs by itself.")
    triggers: tuple[Trigger, ...] = Field(default=(), description="What it runs upon, as in `prefect.yaml`.")

    @field_validator("schedules", mode="after")
    @classmethod
    def _each_once(cls, given: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
        slugs = [schedule.slug for schedule in given]
        if repeated := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            raise ValueError(f"two schedules of one slug: {', '.join(repeated)}")
        return tuple(schedule.canonical() for schedule in given)

    @field_validator("triggers", mode="after")
    @classmethod
    def _named(cls, given: tuple[Trigger, ...], info: ValidationInfo) -> tuple[Trigger, ...]:
        return triggers.named(given, info.data["name"]) if "name" in info.data else given

    def canonical(self) -> dict[str, Any]:
        """The order of schedules and triggers has no meaning: one order, so that a diff shows none."""
        values = super().canonical()
        for key, name in (("schedules", "slug"), ("triggers", "name")):
            if key in values:
                values[key] = sorted(values[key], key=itemgetter(name))
        return values


class DeploymentOutputs(Outputs):
    deployment_id: str = Field(description="The server's UUID.")
    flow_id: str = Field(description="The UUID of its flow.")
    schedule_ids: dict[str, str] = Field(description="The schedules' UUIDs by slug.")
    trigger_ids: dict[str, str] = Field(
        default_factory=dict, description="The UUIDs of the triggers' automations by name."
    )


class Deployment(Kind[DeploymentInputs]):
    token = "prefect:index:Deployment"  # noqa: S105  # a type token
    inputs = DeploymentInputs
    outputs = DeploymentOutputs
    identity = ("flow_name", "name")
    compared_if_said = frozenset({"work_pool_id"})
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "the API has no renaming of deployments",
        "flow_name": "a deployment can't move to another flow",
    }

    def check(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        for key in ("name", "flow_name"):
            if "/" in (name := getattr(new, key)):
                yield Failure((key,), f"the server can't take a '/' here, got {name!r}")
        if ":" not in new.entrypoint:
            yield Failure(("entrypoint",), f"expected `path/file.py:function`, got {new.entrypoint!r}")
        if "collision_strategy" in new.model_fields_set and new.concurrency_limit is None:
            yield Failure(("collision_strategy",), "goes with a concurrency_limit")
        if new.parameter_openapi_schema is None or not new.enforce_parameter_schema:
            return
        # What the last `up` took as it is takes half of the plugin's time to hold against its schema once more.
        if old != new:
            yield from parameters.check(new, new.parameter_openapi_schema)

    def planned(self, old: Mapping[str, Any], new: DeploymentInputs) -> dict[str, Any]:
        known = super().planned(old, new)
        slugs, names = {schedule.slug for schedule in new.schedules}, {trigger.name for trigger in new.triggers}
        for key, now in (("schedule_ids", slugs), ("trigger_ids", names)):
            if {*known.get(key, ())} != now:
                known.pop(key, None)
        return known

    async def create(self, session: Session, new: DeploymentInputs) -> Live[DeploymentInputs]:
        api = session.api
        row = await self._existing(api, new)
        if row is not None:
            if not (owned(row.get("labels"), session.owner) or new.adopt):
                what = f"deployment {new.flow_name}/{new.name}"
                raise NotOurs(what, self.token, f"{new.flow_name}/{new.name}")
            await _refuse_unknown_variables(api, new)
            patch = {key: value for key, value in self._body(new).items() if key != "name" and new.ours(key)}
            row = await self._write(session, row, new, patch)
            ids = await self._trigger(session, row, new, ()) if new.ours("triggers") else {}
            return self._live(row, new, ids)
        await _refuse_unknown_variables(api, new)
        flow = await api.post("flows/", {"name": new.flow_name})
        body = {
            **self._body(new),
            "flow_id": flow["id"],
            "labels": {OWNER_LABEL: session.owner},
            "schedules": [schedule.body() for schedule in new.schedules],
        }

        async def made() -> dict[str, Any] | None:
            # A second POST would make the schedules anew, under other ids: runs of both could come about.
            return await self._of_name(api, new)

        try:
            row = await api.post("deployments/", body, made)
        except NotFound as error:
            raise NotFound(f"deployment {new.name!r}: there is no work pool {new.work_pool_name!r}") from error
        ids = {}
        if new.triggers:
            await owned_automations.sweep_leftovers(api, [str(trigger.name) for trigger in new.triggers], session.owner)
            ids = await OwnedAutomations(api, row, session.owner).reconcile([], new.triggers)
        return self._live(row, new, ids)

    async def read(
        self, session: Session, id_: str, known: DeploymentInputs | None, state: Mapping[str, Any]
    ) -> Live[DeploymentInputs] | None:
        api = session.api
        # `pulumi import` also takes the name that people know: flow/deployment.
        path = f"deployments/name/{id_}" if "/" in id_ else f"deployments/{id_}"
        row = await _listing(api).row(id_, lambda: api.get_or_none(path))
        if row is None and "/" in id_:
            row = await api.get_or_none(path)
        if row is None:
            return None
        flow_name = known.flow_name if known else (await api.get(f"flows/{row['flow_id']}"))["name"]
        declared = {schedule.slug: schedule for schedule in (known.schedules if known else ())}
        limit = row["global_concurrency_limit"]
        pool_id = known.work_pool_id if known else await self._pool_id(api, row)
        automations = await OwnedAutomations(api, row, session.owner).rows(
            (state.get("trigger_ids") or {}).values(),
            [str(trigger.name) for trigger in (known.triggers if known else ())],
        )
        inputs = DeploymentInputs(
            **{key: row[key] for key in ("name", "entrypoint", "description", "version", "path", "paused")},
            parameter_openapi_schema=row["parameter_openapi_schema"],
            enforce_parameter_schema=_enforces(row, known),
            flow_name=flow_name,
            work_pool_name=row["work_pool_name"] or "",
            # A deployment whose pool was deleted has none: a difference that the next `up` mends.
            work_pool_id=pool_id if row["work_pool_name"] else None,
            work_queue_name=row["work_queue_name"] or "default",
            tags=row["tags"] or (),
            parameters=row["parameters"] or {},
            job_variables=row["job_variables"] or {},
            pull_steps=row["pull_steps"] or (),
            concurrency_limit=limit["limit"] if limit else None,
            collision_strategy=((row["concurrency_options"] or {}) if limit else {}).get(
                "collision_strategy", "ENQUEUE"
            ),
            schedules=tuple(
                schedules.from_row(item, declared.get(schedules.slug_of(item))) for item in row["schedules"]
            ),
            triggers=owned_automations.from_rows(automations),
        )
        return self._live(row, inputs, {str(item["name"]): str(item["id"]) for item in automations})

    async def update(
        self, session: Session, id_: str, old: DeploymentInputs, new: DeploymentInputs, state: Mapping[str, Any]
    ) -> Live[DeploymentInputs]:
        _listing(session.api).forget(id_)
        changed = new.changed_from(old)
        body = self._body(new)
        patch = {key: body[key] for key in changed if key in body}
        if changed & {"job_variables", "work_pool_name", "triggers"}:
            await _refuse_unknown_variables(session.api, new)
        if changed & _ROUTE:
            patch |= {key: body[key] for key in ("work_pool_name", "work_queue_name")}
        if changed & _SCHEMA:
            patch |= {key: body[key] for key in _SCHEMA}
        if changed & _LIMIT:
            patch |= {key: body[key] for key in ("concurrency_limit", "concurrency_options")}
        outputs = {key: state[key] for key in DeploymentOutputs.model_fields if key in state}
        ids = dict(state.get("trigger_ids") or {})
        if "triggers" in changed:
            ids = await self._trigger(session, {"id": id_, "name": new.name}, new, ids.values())
        if "schedules" in changed:
            row = await session.api.get(f"deployments/{id_}")
            return self._live(await self._write(session, row, new, patch), new, ids)
        if patch:
            await session.api.patch(f"deployments/{id_}", patch)
        return Live(id=id_, inputs=new, outputs=DeploymentOutputs(**{**outputs, "trigger_ids": ids}))

    async def delete(self, session: Session, id_: str, old: DeploymentInputs, state: Mapping[str, Any]) -> None:
        """The flow stays: the history of its runs hangs on it. The triggers go first: the server would leave them."""
        if state.get("trigger_ids") or await owned_automations.any_of(session.api, id_):
            await session.api.delete(f"automations/owned-by/{owned_automations.resource(id_)}")
        await session.api.delete(f"deployments/{id_}")

    @staticmethod
    async def _pool_id(api: Api, row: Mapping[str, Any]) -> str | None:
        """The row has the pool's name alone."""
        name = row["work_pool_name"]
        pool = name and await api.listing("work_pools/filter", "name").row(
            name, lambda: api.get_or_none(f"work_pools/{name}")
        )
        return pool["id"] if pool else None

    @staticmethod
    async def _existing(api: Api, new: DeploymentInputs) -> dict[str, Any] | None:
        """A deployment of this name that is there already: asked for only where there is such a flow."""
        flows = api.listing("flows/filter", "name")
        flow = await flows.row(new.flow_name, lambda: api.get_or_none(f"flows/name/{new.flow_name}"))
        if flow is None:
            return None
        return await Deployment._of_name(api, new)

    @staticmethod
    async def _of_name(api: Api, new: DeploymentInputs) -> dict[str, Any] | None:
        row: dict[str, Any] | None = await api.get_or_none(f"deployments/name/{new.flow_name}/{new.name}")
        return row

    async def _write(
        self, session: Session, row: Mapping[str, Any], new: DeploymentInputs, patch: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Change an existing deployment and its schedules; `row` is as the server has it now. The row thereafter.

        The schedules first, and the deployment last even if nothing else changed: why is told in ADR 3.
        """
        changed = new.ours("schedules") and await schedules.reconcile(
            session.api, row["id"], row["schedules"], new.schedules
        )
        if patch or changed:
            await session.api.patch(f"deployments/{row['id']}", patch or {"paused": row["paused"]})
        now: dict[str, Any] = await session.api.get(f"deployments/{row['id']}")
        return now

    @staticmethod
    async def _trigger(
        session: Session, row: Mapping[str, Any], new: DeploymentInputs, ids: Iterable[str]
    ) -> dict[str, str]:
        """Bring the triggers' automations to the declared ones; `ids` are those that the state knows."""
        automations = OwnedAutomations(session.api, row, session.owner)
        names = [str(trigger.name) for trigger in new.triggers]
        return await automations.reconcile(await automations.rows(ids, names), new.triggers)

    @staticmethod
    def _body(new: DeploymentInputs) -> dict[str, Any]:
        """Everything but schedules, as the API names it. Fields are sent even when empty: that is how they clear."""
        body = {key: value for key, value in new.model_dump(mode="json").items() if key not in _NOT_IN_BODY}
        limited = new.concurrency_limit is not None
        # Without a schema there is nothing to enforce, and the server then refuses every change.
        body["enforce_parameter_schema"] = new.enforce_parameter_schema and new.parameter_openapi_schema is not None
        body["concurrency_options"] = {"collision_strategy": new.collision_strategy} if limited else None
        return body

    @staticmethod
    def _live(
        row: Mapping[str, Any], inputs: DeploymentInputs, trigger_ids: Mapping[str, str]
    ) -> Live[DeploymentInputs]:
        outputs = DeploymentOutputs(
            deployment_id=row["id"],
            flow_id=row["flow_id"],
            schedule_ids=schedules.ids(row["schedules"]),
            trigger_ids=dict(trigger_ids),
        )
        return Live(id=row["id"], inputs=inputs, outputs=outputs)


async def _refuse_unknown_variables(api: Api, new: DeploymentInputs) -> None:
    of_triggers = (trigger.job_variables or {} for trigger in new.triggers)
    await refuse_unknown(api, new.work_pool_name, {*new.job_variables}.union(*of_triggers))


def _listing(api: Api) -> Listing:
    return api.listing("deployments/filter", "id")


def _enforces(row: Mapping[str, Any], known: DeploymentInputs | None) -> bool:
    if row["parameter_openapi_schema"] is None:
        return known.enforce_parameter_schema if known else True
    return bool(row["enforce_parameter_schema"])
