"""`prefect:index:WorkPool`: where an area's runs of one environment go, and how they start.

A pool's base job template is the server's default for the worker type, with the defaults of single variables set by
`job_defaults`, and entries of its job configuration by `job_configuration`: so a plan shows `job_defaults.image`, not
two hundred lines of JSON, and an upgrade of Prefect brings its new template along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from infra.provider.api import Api
from infra.provider.errors import Conflict, NotFound, NotOurs, Rejected, Unreachable
from infra.provider.kinds import job_template, waiting_runs
from infra.provider.kinds.job_template import Patches
from infra.provider.kinds.kind import OWNER_LABEL, AdoptableShared, Failure, Kind, Live, Outputs, Session, Sight
from infra.provider.kinds.names import Name
from infra.provider.listing import Listing
from infra.provider.nearness import near

MARK = "x-prefect-infra"
"""A key of the base job template, which the server keeps and nobody reads: pools have no labels."""
_PLAIN = frozenset({"description", "concurrency_limit", "is_paused"})
_TEMPLATE = frozenset({"job_defaults", "job_configuration", "base_job_template"})
"""What the API takes as one: the base job template."""
_WHOLE = 8
"""Attempts, some seconds in all, before a pool is deleted queue by queue."""


class StorageConfiguration(BaseModel):
    """Where results are kept, and code that is sent as a bundle: what `prefect work-pool storage` configures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bundle_upload_step: dict[str, Any] | None = Field(default=None, description="How a bundle gets to its storage.")
    bundle_execution_step: dict[str, Any] | None = Field(default=None, description="How a bundle is got and run.")
    default_result_storage_block_id: str | None = Field(
        default=None, description="The UUID of the block in which runs keep their results."
    )


class WorkPoolInputs(AdoptableShared):
    name: Name = Field(description="Unique on the server; `<area>-<environment>`.")
    type: str = Field(description="The worker type: process, docker, kubernetes, ...")
    description: str | None = Field(default=None, description="Shown in the UI.")
    concurrency_limit: int | None = Field(default=None, ge=0, description="Runs at once; none when left out.")
    is_paused: bool = Field(default=False, description="A paused pool hands out no runs.")
    job_defaults: dict[str, Any] = Field(
        default_factory=dict, description="Defaults of the job template's variables, by the variable's name."
    )
    job_configuration: dict[str, Any] = Field(
        default_factory=dict,
        description="Entries of the job template's `job_configuration`, by their name, in place of its own.",
    )
    base_job_template: dict[str, Any] | None = Field(
        default=None, description="A whole template in place of the worker type's default."
    )
    storage_configuration: StorageConfiguration | None = Field(
        default=None,
        description="Where results and bundles are kept. Left out: what `prefect work-pool storage` made of it stays; "
        "`{}`: nowhere.",
    )


class WorkPoolOutputs(Outputs):
    work_pool_id: str = Field(description="The server's UUID: another one means that the pool was made anew.")


class WorkPool(Kind[WorkPoolInputs]):
    token = "prefect:index:WorkPool"  # noqa: S105  # a type token
    inputs = WorkPoolInputs
    outputs = WorkPoolOutputs
    identity = ("name",)
    compared_if_said = frozenset({"storage_configuration"})
    written_along = _TEMPLATE
    seen_by_others = True
    looked_through = frozenset({"job_defaults", "job_configuration"})
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "the API has no renaming of pools",
        "type": "a pool's worker type is fixed when it is made",
    }

    def check(self, old: WorkPoolInputs | None, new: WorkPoolInputs) -> Iterator[Failure]:
        del old
        if new.name.lower().startswith("prefect"):
            yield Failure(("name",), f"the server keeps names that begin with 'prefect' for itself, got {new.name!r}")
        if not new.name.strip("' \""):
            yield Failure(("name",), f"the server takes no name of spaces and quotes alone, got {new.name!r}")

    @property
    def rules(self) -> tuple[Callable[[WorkPoolInputs | None, WorkPoolInputs], Iterator[Failure]], ...]:
        return (self.check, self._whole_template)

    def _whole_template(self, old: WorkPoolInputs | None, new: WorkPoolInputs) -> Iterator[Failure]:
        if new.base_job_template is None:
            return
        missing = [part for part in ("job_configuration", "variables") if part not in new.base_job_template]
        for part in missing:
            yield Failure(("base_job_template",), f"has no {part!r}, which every job template has")
        if not missing:
            yield from _without_part(new, new.base_job_template, "this template")

    async def check_on_server(self, sight: Sight, old: WorkPoolInputs | None, new: WorkPoolInputs) -> Iterable[Failure]:
        """The worker type, and what its template has: the same in each answer of one server."""
        if new.base_job_template is not None:
            return ()
        if old is not None and old.base_job_template is None and _asked(old) == _asked(new):
            return ()
        templates = job_template.by_type(await sight.ask(job_template.WORKER_TYPES))
        if new.type not in templates:
            return (Failure(("type",), f"the server has no such worker type: {near(new.type, templates)}"),)
        return _without_part(new, templates[new.type], f"the template of the type {new.type!r}")

    async def create(self, session: Session, new: WorkPoolInputs) -> Live[WorkPoolInputs]:
        api = session.api
        body = {
            "name": new.name,
            "type": new.type,
            "description": new.description,
            "concurrency_limit": new.concurrency_limit,
            "is_paused": new.is_paused,
            "base_job_template": await self._template(api, new, session.owner),
            **_storage(new),
        }
        try:
            return self._live(await api.post("work_pools/", body), new)
        except Conflict:
            return await self._take_over(session, new, body)

    async def _take_over(self, session: Session, new: WorkPoolInputs, body: Mapping[str, Any]) -> Live[WorkPoolInputs]:
        row = await session.api.get(f"work_pools/{new.name}")
        ours = row["base_job_template"].get(MARK) == {OWNER_LABEL: session.owner}
        if not (ours or new.adopt):
            raise NotOurs(f"work pool {new.name!r}", self.token, new.name)
        if row["type"] != new.type:
            raise Conflict(
                f"work pool {new.name!r} exists with type {row['type']!r}, which can't be changed to {new.type!r}: "
                "delete it or choose another name"
            )
        theirs = {"base_job_template"} if not all(map(new.ours, _TEMPLATE)) else set()
        patch = {key: body[key] for key in body.keys() - {"name", "type"} - theirs if new.ours(key)}
        await session.api.patch(f"work_pools/{new.name}", patch)
        return self._live(row, new)

    async def read(
        self, session: Session, id_: str, known: WorkPoolInputs | None, state: Mapping[str, Any]
    ) -> Live[WorkPoolInputs] | None:
        api = session.api
        row = await _listing(api).found(id_, lambda: api.get_or_none(f"work_pools/{id_}"))
        if row is None:
            return None
        template = {key: value for key, value in row["base_job_template"].items() if key != MARK}
        declared = known.base_job_template if known else None
        base = declared or (await job_template.defaults_of_types(api)).get(row["type"])
        if base is None and known is not None:
            # Of a type that the server doesn't know, a worker brings the template: there is none to hold it against.
            base = template
        # What a program says whole is compared whole, but for the entries that it says beside it.
        patchable = known.job_configuration if known is not None and declared else template.get("job_configuration", {})
        patches = job_template.apart(template, base if base is not None else {}, patchable)
        if patches is not None and known is not None:
            # What was declared and is just what the template has anyway is no difference either.
            patches = patches.beside(template, known.job_defaults, known.job_configuration)
        inputs = WorkPoolInputs(
            name=row["name"],
            type=row["type"],
            description=row["description"],
            concurrency_limit=row["concurrency_limit"],
            is_paused=row["is_paused"],
            job_defaults=patches.defaults if patches else {},
            job_configuration=patches.configuration if patches else {},
            base_job_template=template if patches is None else declared,
            storage_configuration=_storage_found(row, known),
        )
        return self._live(row, inputs)

    async def update(
        self, session: Session, id_: str, old: WorkPoolInputs, new: WorkPoolInputs, state: Mapping[str, Any]
    ) -> Live[WorkPoolInputs]:
        _listing(session.api).forget(id_)
        changed = new.changed_from(old)
        patch: dict[str, Any] = {key: getattr(new, key) for key in changed & _PLAIN}
        if changed & _TEMPLATE:
            patch["base_job_template"] = await self._template(session.api, new, session.owner)
        if "storage_configuration" in changed:
            patch |= _storage(new)
        if patch:
            await session.api.patch(f"work_pools/{id_}", patch)
        return Live(id=id_, inputs=new, outputs=WorkPoolOutputs(work_pool_id=state["work_pool_id"]))

    async def delete(self, session: Session, id_: str, old: WorkPoolInputs, state: Mapping[str, Any]) -> None:
        waiting = await waiting_runs.of_pool(session.api, id_)
        try:
            await session.api.delete(f"work_pools/{id_}", attempts=_WHOLE)
        except Unreachable:
            await _piece_by_piece(session.api, id_)
        await waiting_runs.find_a_queue(session.api, [row["deployment_id"] for row in waiting])

    async def _template(self, api: Api, new: WorkPoolInputs, owner: str) -> dict[str, Any]:
        template = new.base_job_template or await job_template.default_of_type(api, new.type)
        if wrong := [*_without_part(new, template, f"the template of type {new.type!r}")]:
            told = "; ".join(f"{failure.path[0]} {failure.path[1]}: {failure.reason}" for failure in wrong)
            raise Rejected(f"work pool {new.name!r}: {told}")
        patched = Patches(new.job_defaults, new.job_configuration).onto(template)
        return {**patched, MARK: {OWNER_LABEL: owner}}

    @staticmethod
    def _live(row: Mapping[str, Any], inputs: WorkPoolInputs) -> Live[WorkPoolInputs]:
        return Live(id=row["name"], inputs=inputs, outputs=WorkPoolOutputs(work_pool_id=row["id"]))


async def _piece_by_piece(api: Api, name: str) -> None:
    """Its queues first, each by itself: the way out where SQLite never lets go of a pool that has several.

    The server sends an event for each of them between reading and deleting. What an automation that counts such events
    writes meanwhile makes SQLite refuse the deletion, at each attempt. One queue's event is mostly quick enough.
    Not so from the start: a kill in between leaves waiting runs without a queue that nobody looks for any more.
    """
    path = f"work_pools/{name}"
    try:
        stays = (await api.get(path))["default_queue_id"]  # it can't be deleted by itself
        queues = await api.find(f"{path}/queues/filter", {})
    except NotFound:
        return  # an attempt whose answer was lost got through
    try:
        for queue in queues:
            if queue["id"] != stays:
                await api.delete(f"{path}/queues/{queue['name']}")
        await api.delete(path)
    except Unreachable as failure:
        raise Unreachable(
            f"{failure}. On SQLite, automations that count events of this pool or its queues may keep the server from "
            "deleting it, however often it is asked: switch them off meanwhile"
        ) from failure


def _storage(new: WorkPoolInputs) -> dict[str, Any]:
    """Sent whole, and only where it was said: else it is the business of who configures it."""
    if new.storage_configuration is None:
        return {}
    return {"storage_configuration": new.storage_configuration.model_dump(mode="json")}


def _storage_found(row: Mapping[str, Any], known: WorkPoolInputs | None) -> StorageConfiguration | None:
    """A pool without any has an empty one, which is nothing to import."""
    found = StorageConfiguration(**(row.get("storage_configuration") or {}))
    said = known is not None and known.storage_configuration is not None
    return found if said or found != StorageConfiguration() else None


def _listing(api: Api) -> Listing:
    return api.listing("work_pools/filter", "name")


def _asked(inputs: WorkPoolInputs) -> tuple[str, set[str], set[str]]:
    return inputs.type, {*inputs.job_defaults}, {*inputs.job_configuration}


def _without_part(new: WorkPoolInputs, template: Mapping[str, Any], called: str) -> Iterator[Failure]:
    """Those of the `job_defaults` and of the `job_configuration` that take the place of nothing."""
    variables = template["variables"]
    parts = {
        "job_defaults": ("variable", variables.get("properties", {}) if isinstance(variables, Mapping) else None),
        "job_configuration": ("entry in its job configuration", template["job_configuration"]),
    }
    for key, (what, known) in parts.items():
        for name in getattr(new, key) if isinstance(known, Mapping) else ():
            if name not in known:
                yield Failure((key, name), f"{called} has no such {what}: {near(name, known)}")
