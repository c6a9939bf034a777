"""`prefect:index:Deployment`: a flow, where its code is, how and when it runs; the flow is made along with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from infra.provider.api import Api
from infra.provider.errors import NotFound, NotOurs
from infra.provider.kinds import deployment_limit as limits
from infra.provider.kinds import job_variables, owned_automations, parameters, pull_steps, waiting_runs
from infra.provider.kinds import schedule as schedules
from infra.provider.kinds.automation_trigger import endless
from infra.provider.kinds.deployment_inputs import DeploymentInputs, DeploymentOutputs
from infra.provider.kinds.kind import OWNER_LABEL, Failure, Kind, Live, Session, Sight, owned
from infra.provider.kinds.owned_automations import OwnedAutomations
from infra.provider.listing import Listing
from infra.provider.wire import Path

_NOT_IN_BODY = frozenset({"adopt", "owners", "flow_name", "work_pool_id", "schedules", "triggers", *limits.FIELDS})
_ROUTE = frozenset({"work_pool_name", "work_pool_id", "work_queue_name"})
_SCHEMA = frozenset({"parameter_openapi_schema", "enforce_parameter_schema"})


class Deployment(Kind[DeploymentInputs]):
    token = "prefect:index:Deployment"  # noqa: S105  # a type token
    inputs = DeploymentInputs
    outputs = DeploymentOutputs
    identity = ("flow_name", "name")
    compared_if_said = frozenset({"work_pool_id"})
    written_along = (_ROUTE - {"work_pool_id"}) | _SCHEMA | limits.FIELDS
    looked_through = frozenset({"job_variables", "pull_steps"})
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "the API has no renaming of deployments",
        "flow_name": "a deployment can't move to another flow",
    }

    @property
    def rules(self) -> tuple[Callable[[DeploymentInputs | None, DeploymentInputs], Iterator[Failure]], ...]:
        return (self._entrypoint, self._limit, self._pull_steps, self._parameters, self._triggers)

    def _entrypoint(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        if ":" not in new.entrypoint:
            yield Failure(("entrypoint",), f"expected `path/file.py:function`, got {new.entrypoint!r}")

    def _limit(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        if new.concurrency_limit is None and new.global_concurrency_limit_id is None:
            for key in ("collision_strategy", "grace_period_seconds"):
                if key in new.model_fields_set and getattr(new, key) is not None:
                    yield Failure((key,), "goes with a concurrency_limit or a global_concurrency_limit_id")
        if new.concurrency_limit is not None and new.global_concurrency_limit_id is not None:
            yield Failure(("global_concurrency_limit_id",), "stands in for a concurrency_limit: say one of them")

    def _pull_steps(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        yield from pull_steps.check(new.pull_steps)

    def _parameters(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        if new.parameter_openapi_schema is None or not new.enforce_parameter_schema:
            return
        # What the last `up` took as it is takes half of the plugin's time to hold against its schema once more.
        if old != new:
            yield from parameters.check(new, new.parameter_openapi_schema)

    def _triggers(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        for n, trigger in enumerate(new.triggers):
            if (
                trigger.enabled
                and (old is None or trigger not in old.triggers)
                and (reason := endless(trigger, "selected"))
            ):
                yield Failure(("triggers", n), reason)

    async def check_on_server(
        self, sight: Sight, old: DeploymentInputs | None, new: DeploymentInputs
    ) -> Iterable[Failure]:
        """The job variables, by the template that the pool will have."""
        given, pool = _variables(new), new.work_pool_name
        if not given or (old is not None and (old.work_pool_name, _variables(old)) == (pool, given)):
            return ()
        return await job_variables.wrong(sight, pool, given)

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
            if any(not new.ours(name) for name in new.held()):
                there = await self.read(session, row["id"], new, {})
                new = new.with_theirs(there.inputs) if there is not None else new
            if new.work_pool_name != row["work_pool_name"]:
                await job_variables.pool_named(api, new.work_pool_name)
            along = self.written_along | {*limits.KEYS}
            patch = {
                key: value
                for key, value in self._body(new).items()
                if key != "name" and (new.ours(key) or key in along)
            }
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
            pool = await api.get_or_none(f"work_pools/{new.work_pool_name}")
            limit = f"global concurrency limit {new.global_concurrency_limit_id}"
            wrong = limit if pool else f"work pool {new.work_pool_name!r}"
            raise NotFound(f"deployment {new.name!r}: there is no {wrong}") from error
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
        row = await _listing(api).found(id_, lambda: api.get_or_none(path))
        if row is None:
            return None
        flow_name = known.flow_name if known else (await api.get(f"flows/{row['flow_id']}"))["name"]
        declared = {schedule.slug: schedule for schedule in (known.schedules if known else ())}
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
            **limits.inputs(row),
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
            await _refuse_unknown_variables(session.api, new, moved="work_pool_name" in changed)
        if changed & _ROUTE:
            patch |= {key: body[key] for key in ("work_pool_name", "work_queue_name")}
        if changed & _SCHEMA:
            patch |= {key: body[key] for key in _SCHEMA}
        if changed & limits.FIELDS:
            patch |= limits.body(new)
        outputs = {key: state[key] for key in DeploymentOutputs.model_fields if key in state}
        ids = dict(state.get("trigger_ids") or {})
        if "triggers" in changed:
            ids = await self._trigger(session, {"id": id_, "name": new.name}, new, ids.values())
        if "schedules" in changed:
            row = await session.api.get(f"deployments/{id_}")
            now = await self._write(session, row, new, patch)
            outputs["schedule_ids"] = schedules.ids(now["schedules"])
        else:
            if changed & limits.FIELDS:
                await _let_go(session.api, await session.api.get(f"deployments/{id_}"), new)
            if patch:
                await session.api.patch(f"deployments/{id_}", patch)
        if changed & _ROUTE:
            await waiting_runs.find_a_queue(session.api, [id_])
        return Live(id=id_, inputs=new, outputs=DeploymentOutputs(**{**outputs, "trigger_ids": ids}))

    async def delete(self, session: Session, id_: str, old: DeploymentInputs, state: Mapping[str, Any]) -> None:
        """The flow stays: the history of its runs hangs on it. The triggers go first: the server would leave them."""
        if state.get("trigger_ids") or await owned_automations.any_of(session.api, id_):
            await session.api.delete(f"automations/owned-by/{owned_automations.resource(id_)}")
        if old.global_concurrency_limit_id is not None or not old.ours("global_concurrency_limit_id"):
            row = await session.api.get_or_none(f"deployments/{id_}")
            if row is not None and limits.shared(row):
                await session.api.patch(f"deployments/{id_}", limits.LET_GO)
        waiting = await waiting_runs.of_deployment(session.api, id_) if session.successor else []
        await session.api.delete(f"deployments/{id_}")
        if session.successor:
            await waiting_runs.follow(session.api, waiting, session.successor)

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
        if "concurrency_options" in patch:
            await _let_go(session.api, row, new)
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
        # Without a schema there is nothing to enforce, and the server then refuses every change.
        body["enforce_parameter_schema"] = new.enforce_parameter_schema and new.parameter_openapi_schema is not None
        return body | limits.body(new)

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


async def _let_go(api: Api, row: Mapping[str, Any], new: DeploymentInputs) -> None:
    for patch in limits.first(row, new):
        await api.patch(f"deployments/{row['id']}", patch)


async def _refuse_unknown_variables(api: Api, new: DeploymentInputs, *, moved: bool = False) -> None:
    if moved:  # to a PATCH that names a pool which isn't there, the server answers 500
        await job_variables.pool_named(api, new.work_pool_name)
    await job_variables.refuse_unknown(
        api, new.work_pool_name, {name for given in _variables(new).values() for name in given}
    )


def _variables(new: DeploymentInputs) -> dict[Path, Mapping[str, Any]]:
    """By their place."""
    given: dict[Path, Mapping[str, Any] | None] = {("job_variables",): new.job_variables}
    given |= {("triggers", n, "job_variables"): trigger.job_variables for n, trigger in enumerate(new.triggers)}
    return {at: variables for at, variables in given.items() if variables}


def _listing(api: Api) -> Listing:
    return api.listing("deployments/filter", "id")


def _enforces(row: Mapping[str, Any], known: DeploymentInputs | None) -> bool:
    if row["parameter_openapi_schema"] is None:
        return known.enforce_parameter_schema if known else True
    return bool(row["enforce_parameter_schema"])
