"""`prefect:index:Deployment`: a flow, where its code is, how and when it runs; the flow is made along with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from infra.provider.api import Api
from infra.provider.errors import NotFound, NotOurs
from infra.provider.kinds import schedule as schedules
from infra.provider.kinds.job_variables import refuse_unknown
from infra.provider.kinds.kind import OWNER_LABEL, Failure, Inputs, Kind, Live, Outputs, Session, owned
from infra.provider.kinds.parameters import Signature
from infra.provider.kinds.schedule import Schedule
from infra.provider.listing import Listing

_NOT_IN_BODY = frozenset({"adopt", "owners", "flow_name", "work_pool_id", "collision_strategy", "schedules"})
_ROUTE = frozenset({"work_pool_name", "work_pool_id", "work_queue_name"})
_SCHEMA = frozenset({"parameter_openapi_schema", "enforce_parameter_schema"})
_LIMIT = frozenset({"concurrency_limit", "collision_strategy"})


class DeploymentInputs(Inputs):
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

    @field_validator("schedules", mode="after")
    @classmethod
    def _each_once(cls, given: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
        slugs = [schedule.slug for schedule in given]
        if repeated := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            raise ValueError(f"two schedules of one slug: {', '.join(repeated)}")
        return tuple(schedule.canonical() for schedule in given)

    def canonical(self) -> dict[str, Any]:
        """The order of schedules has no meaning: one order, so that a diff shows none."""
        values = super().canonical()
        if "schedules" in values:
            values["schedules"] = sorted(values["schedules"], key=lambda schedule: str(schedule["slug"]))
        return values


class DeploymentOutputs(Outputs):
    deployment_id: str = Field(description="The server's UUID.")
    flow_id: str = Field(description="The UUID of its flow.")
    schedule_ids: dict[str, str] = Field(description="The schedules' UUIDs by slug.")


class Deployment(Kind[DeploymentInputs]):
    token = "prefect:index:Deployment"  # noqa: S105  # a type token
    inputs = DeploymentInputs
    outputs = DeploymentOutputs
    identity = ("flow_name", "name")
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "the API has no renaming of deployments",
        "flow_name": "a deployment can't move to another flow",
    }

    def check(self, old: DeploymentInputs | None, new: DeploymentInputs) -> Iterator[Failure]:
        del old
        for key in ("name", "flow_name"):
            if "/" in (name := getattr(new, key)):
                yield Failure((key,), f"the server can't take a '/' here, got {name!r}")
        if ":" not in new.entrypoint:
            yield Failure(("entrypoint",), f"expected `path/file.py:function`, got {new.entrypoint!r}")
        if "collision_strategy" in new.model_fields_set and new.concurrency_limit is None:
            yield Failure(("collision_strategy",), "goes with a concurrency_limit")
        if new.parameter_openapi_schema is not None and new.enforce_parameter_schema:
            yield from self._check_parameters(new, new.parameter_openapi_schema)

    @staticmethod
    def _check_parameters(new: DeploymentInputs, schema: Mapping[str, Any]) -> Iterator[Failure]:
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

    async def create(self, session: Session, new: DeploymentInputs) -> Live[DeploymentInputs]:
        api = session.api
        row = await self._existing(api, new)
        if row is not None:
            if not (owned(row.get("labels"), session.owner) or new.adopt):
                what = f"deployment {new.flow_name}/{new.name}"
                raise NotOurs(what, self.token, f"{new.flow_name}/{new.name}")
            await refuse_unknown(api, new.work_pool_name, new.job_variables)
            patch = {key: value for key, value in self._body(new).items() if key != "name" and new.ours(key)}
            return await self._write(session, row, new, patch)
        await refuse_unknown(api, new.work_pool_name, new.job_variables)
        flow = await api.post("flows/", {"name": new.flow_name})
        body = {
            **self._body(new),
            "flow_id": flow["id"],
            "labels": {OWNER_LABEL: session.owner},
            "schedules": [schedule.body() for schedule in new.schedules],
        }
        try:
            return self._live(await api.post("deployments/", body), new)
        except NotFound as error:
            raise NotFound(f"deployment {new.name!r}: there is no work pool {new.work_pool_name!r}") from error

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
        inputs = DeploymentInputs(
            **{key: row[key] for key in ("name", "entrypoint", "description", "version", "path", "paused")},
            parameter_openapi_schema=row["parameter_openapi_schema"],
            enforce_parameter_schema=_enforces(row, known),
            flow_name=flow_name,
            work_pool_name=row["work_pool_name"] or "",
            # A deployment whose pool was deleted has none: a difference that the next `up` mends.
            work_pool_id=known.work_pool_id if known and row["work_pool_name"] else None,
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
        )
        return self._live(row, inputs)

    async def update(
        self, session: Session, id_: str, old: DeploymentInputs, new: DeploymentInputs, state: Mapping[str, Any]
    ) -> Live[DeploymentInputs]:
        _listing(session.api).forget(id_)
        changed = new.changed_from(old)
        body = self._body(new)
        patch = {key: body[key] for key in changed if key in body}
        if "job_variables" in changed or "work_pool_name" in changed:
            await refuse_unknown(session.api, new.work_pool_name, new.job_variables)
        if changed & _ROUTE:
            patch |= {key: body[key] for key in ("work_pool_name", "work_queue_name")}
        if changed & _SCHEMA:
            patch |= {key: body[key] for key in _SCHEMA}
        if changed & _LIMIT:
            patch |= {key: body[key] for key in ("concurrency_limit", "concurrency_options")}
        if "schedules" in changed:
            row = await session.api.get(f"deployments/{id_}")
            return await self._write(session, row, new, patch)
        if patch:
            await session.api.patch(f"deployments/{id_}", patch)
        outputs = DeploymentOutputs(**{key: state[key] for key in DeploymentOutputs.model_fields if key in state})
        return Live(id=id_, inputs=new, outputs=outputs)

    async def delete(self, session: Session, id_: str, old: DeploymentInputs, state: Mapping[str, Any]) -> None:
        """The flow stays: the history of its runs hangs on it."""
        await session.api.delete(f"deployments/{id_}")

    @staticmethod
    async def _existing(api: Api, new: DeploymentInputs) -> dict[str, Any] | None:
        """A deployment of this name that is there already: asked for only where there is such a flow."""
        flows = api.listing("flows/filter", "name")
        flow = await flows.row(new.flow_name, lambda: api.get_or_none(f"flows/name/{new.flow_name}"))
        if flow is None:
            return None
        row: dict[str, Any] | None = await api.get_or_none(f"deployments/name/{new.flow_name}/{new.name}")
        return row

    async def _write(
        self, session: Session, row: Mapping[str, Any], new: DeploymentInputs, patch: Mapping[str, Any]
    ) -> Live[DeploymentInputs]:
        """Change an existing deployment and its schedules; `row` is as the server has it now."""
        if patch:
            await session.api.patch(f"deployments/{row['id']}", patch)
        if new.ours("schedules"):
            await schedules.reconcile(session.api, row["id"], row["schedules"], new.schedules)
        return self._live(await session.api.get(f"deployments/{row['id']}"), new)

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
    def _live(row: Mapping[str, Any], inputs: DeploymentInputs) -> Live[DeploymentInputs]:
        outputs = DeploymentOutputs(
            deployment_id=row["id"], flow_id=row["flow_id"], schedule_ids=schedules.ids(row["schedules"])
        )
        return Live(id=row["id"], inputs=inputs, outputs=outputs)


def _listing(api: Api) -> Listing:
    return api.listing("deployments/filter", "id")


def _enforces(row: Mapping[str, Any], known: DeploymentInputs | None) -> bool:
    if row["parameter_openapi_schema"] is None:
        return known.enforce_parameter_schema if known else True
    return bool(row["enforce_parameter_schema"])
