"""Whatever is edited, in the stack or behind its back, the runs that are scheduled are those of what it declares.

The model. After each `up` the server's scheduler does its work (`scheduling.py`). Then, for each declared schedule that
is active, of a deployment that is not paused, the upcoming runs are exactly those that Prefect's classes compute from
the declared schedule, each once, with the parameters, tags and queue that are declared now. There is no other upcoming
run. A schedule that stays keeps its id, one that is only renamed, too; and while its rule stays, what its runs count
from stays.

The clock goes on meanwhile: a loop at the example's beginning and one at its end make the same times but for those that
were passed between. So the runs must hold what both make, and nothing that neither makes.

`SEARCH_EDITS=200` searches 200 new sequences at random, rather than the same ones each time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from infra.provider import wire
from infra.provider.api import Api
from infra.provider.connection import Connection
from tests.provider.conftest import Engine, Resource, running_server, serving
from tests.provider.scheduling import Declared, Scheduler, scheduler
from tests.provider.test_killed_anywhere import act, lifecycle

pytestmark = pytest.mark.server
SEARCH = int(os.environ.get("SEARCH_EDITS", "0"))
SETTINGS = settings(
    derandomize=not SEARCH,
    deadline=None,
    print_blob=True,
    # To shrink a sequence takes minutes, which a search has.
    phases=tuple(Phase) if SEARCH else (Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PASSING = timedelta(seconds=2)
"""A run so near may be due while it is looked at."""

SLUGS = st.sampled_from("abcd")
ZONES = st.sampled_from(["America/Argentina/Buenos_Aires", "America/Santiago", "Europe/Madrid", "UTC"])
CRONS = st.sampled_from(["0 1 * * *", "30 1,13,17 * * *", "0 6 1,15 * 1", "15 */6 * * *"])
DAYS = st.fixed_dictionaries({}, optional={"day_or": st.booleans()})
ANCHORS = st.fixed_dictionaries({}, optional={"anchor_date": st.just("2020-01-01T00:30:00+00:00")})
RULES = st.one_of(
    st.builds(lambda cron, days: {"cron": cron, **days}, CRONS, DAYS),
    st.builds(lambda every, anchor: {"interval": every, **anchor}, st.sampled_from([5400, 86400, 259200]), ANCHORS),
    st.builds(
        lambda rule: {"rrule": rule},
        st.sampled_from(
            [
                "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=7;BYMINUTE=0;BYSECOND=0",
                "FREQ=DAILY;INTERVAL=2",
                "DTSTART:20240101T081500\nRRULE:FREQ=DAILY",
            ]
        ),
    ),
)
PARAMETERS = st.dictionaries(st.sampled_from(["n", "m"]), st.integers(0, 2), max_size=2)
SCHEDULES = st.builds(
    lambda rule, zone, active, parameters: {**rule, "timezone": zone, "active": active, "parameters": parameters},
    RULES,
    ZONES,
    st.sampled_from([True, True, True, False]),
    PARAMETERS,
)


class Put(NamedTuple):
    """A schedule added, or all of it changed."""

    slug: str
    schedule: dict[str, Any]


class Change(NamedTuple):
    """One property of one schedule."""

    slug: str
    values: dict[str, Any]


class Drop(NamedTuple):
    slug: str


class Rename(NamedTuple):
    old: str
    new: str


class Reverse(NamedTuple):
    """Another order, which means nothing."""


class Call(NamedTuple):
    """Another name for the deployment, or the one before: it is replaced."""

    name: str


class Set(NamedTuple):
    """A property of the deployment."""

    values: dict[str, Any]


TRIGGER = {"name": "al-llegar", "expect": ["archivo.llegado"]}
EDITS = st.one_of(
    st.builds(Put, SLUGS, SCHEDULES),
    st.builds(Put, SLUGS, SCHEDULES),
    st.builds(
        Change,
        SLUGS,
        st.one_of(
            st.fixed_dictionaries({"timezone": ZONES}),
            st.fixed_dictionaries({"active": st.booleans()}),
            st.fixed_dictionaries({"parameters": PARAMETERS}),
        ),
    ),
    st.builds(Drop, SLUGS),
    st.builds(Rename, SLUGS, SLUGS),
    st.just(Reverse()),
    st.builds(Call, st.sampled_from(["", "-otro"])),
    st.builds(
        Set,
        st.one_of(
            st.fixed_dictionaries({"paused": st.booleans()}),
            st.fixed_dictionaries({"description": st.sampled_from(["", "otra"])}),
            st.fixed_dictionaries({"parameters": PARAMETERS}),
            st.fixed_dictionaries({"tags": st.sampled_from([[], ["compras"]])}),
            st.fixed_dictionaries({"work_queue_name": st.sampled_from(["default", "urgente"])}),
            st.fixed_dictionaries({"triggers": st.sampled_from([[], [TRIGGER]])}),
        ),
    ),
)
OUTSIDE = st.sampled_from([None] * 6 + ["deleted", "paused", "moved", "switched", "unscheduled", "scheduled"])
"""What somebody does through the API, after which the stack is refreshed."""
KILLS = st.one_of(st.none(), st.none(), st.tuples(st.integers(1, 8), st.booleans()))
"""At which call an `up` before the one that is looked at is killed: before the call is sent, or once it is done."""


class Step(NamedTuple):
    edits: list[Any]
    outside: str | None
    killed: tuple[int, bool] | None


STEPS = st.lists(st.builds(Step, st.lists(EDITS, min_size=1, max_size=3), OUTSIDE, KILLS), min_size=2, max_size=10)


@dataclass(repr=False)
class Stage:
    """A server of its own, its scheduler, the provider, and a loop that they share."""

    runner: asyncio.Runner
    url: str
    client: Api
    scheduler: Scheduler
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """Each operation of Pulumi has a plugin of its own, which remembers nothing of the one before."""
        async with serving({"api_url": self.url}) as engine:
            engine.resources = self.resources
            yield engine


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("prefect-home")) as stage:
        yield stage


@pytest.fixture(scope="module")
def stage_on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    from tests.provider.databases import postgres  # takes seconds to import

    with postgres(tmp_path_factory.mktemp("postgres")) as database:
        home = tmp_path_factory.mktemp("prefect-home")
        with staged(home, PREFECT_SERVER_DATABASE_CONNECTION_URL=database) as stage:
            yield stage


@contextmanager
def staged(home: Path, **server: str) -> Iterator[Stage]:
    with running_server(home, **server) as url, scheduler(home, **server) as clock, asyncio.Runner() as runner:
        stage = Stage(runner, url, Api(Connection(api_url=url)), clock)

        async def pool() -> None:
            async with stage.engine() as engine:
                await engine.up("WorkPool", "p", {"name": "pool", "type": "process"})

        runner.run(pool())
        try:
            yield stage
        finally:
            runner.run(stage.client.close())


class Edited:
    """One deployment, as it is declared, and as it was found after the last `up`."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.client = stage, stage.client
        self.key = f"d{next(stage.numbers)}"
        """What the stack knows it by, whatever its name."""
        self.name = self.key
        self.fields: dict[str, Any] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.began = datetime.now(UTC)

    @property
    def inputs(self) -> dict[str, Any]:
        triggers = [{**trigger, "name": f"{self.key}-t"} for trigger in self.fields.get("triggers", ())]
        return {
            "name": self.name,
            "flow_name": f"{self.key}-f",
            "entrypoint": "a.py:f",
            "work_pool_name": "pool",
            **self.fields,
            "triggers": triggers,
            "schedules": [{"slug": slug, **schedule} for slug, schedule in self.schedules.items()],
        }

    @property
    def resource(self) -> Resource | None:
        return self.stage.resources.get(("prefect:index:Deployment", self.key))

    async def refresh(self, resource: Resource) -> list[str]:
        async with self.stage.engine() as engine:
            return await engine.refresh(resource)

    async def destroy(self) -> None:
        if self.resource is not None and self.resource.id:
            async with self.stage.engine() as engine:
                await engine.destroy(self.resource)

    def edit(self, edit: Any) -> None:
        match edit:
            case Put(slug, schedule):
                self.schedules[slug] = schedule
            case Change(slug, values) if slug in self.schedules:
                self.schedules[slug] = {**self.schedules[slug], **values}
            case Drop(slug):
                self.schedules.pop(slug, None)
            case Rename(old, new) if old in self.schedules and new not in self.schedules:
                self.schedules = {new if slug == old else slug: value for slug, value in self.schedules.items()}
            case Reverse():
                self.schedules = dict(reversed(self.schedules.items()))
            case Call(name):
                self.name = f"{self.key}{name}"
            case Set(values):
                self.fields |= values

    def expect_renamed(self, edits: list[Any]) -> None:
        """A schedule that is renamed and no more is found by its old id."""
        match edits:
            case [Rename(old, new)] if old in self.rows and new in self.schedules and new not in self.rows:
                for known in (self.rows, self.rules):
                    known[new] = known.pop(old)

    async def disturb(self, what: str | None) -> None:
        """Do something through the API, and refresh."""
        resource = self.resource
        if what is None or resource is None or not resource.id:
            return
        path, row = f"deployments/{resource.id}", next(iter(self.rows.values()), None)
        match what:
            case "deleted":
                await self.client.delete(path)
                self.rows = {}
            case "paused":
                await self.client.patch(path, {"paused": True})
            case "moved" if row:
                cron = {"cron": "7 7 * * *", "timezone": "UTC"}
                await self.client.patch(f"{path}/schedules/{row['id']}", {"schedule": cron})
                self.rules.pop(row["slug"], None)
            case "switched" if row:
                await self.client.patch(f"{path}/schedules/{row['id']}", {"active": not row["active"]})
            case "unscheduled" if row:
                await self.client.delete(f"{path}/schedules/{row['id']}")
                self.rows.pop(row["slug"])
            case "scheduled":
                cron = {"cron": "9 9 * * *", "timezone": "UTC"}
                await self.client.post(f"{path}/schedules", [{"schedule": cron, "active": True}])
        self.stage.scheduler.loop()
        await self.refresh(resource)

    async def killed_up(self, at: tuple[int, bool]) -> None:
        resource = self.resource
        deployment = lifecycle("Deployment")
        wanted = deployment.check({}, self.inputs).inputs
        if resource is None or not resource.id:
            await act(self.stage.url, at, lambda session: deployment.create(session, wanted))
        else:
            known, id_ = wire.decode(resource.state).values, resource.id
            plan = deployment.diff(known, wanted)
            if plan.replaces:
                await act(self.stage.url, at, lambda session: deployment.create(session, wanted))
            elif plan.changes:
                await act(self.stage.url, at, lambda session: deployment.update(session, id_, known, wanted))
        self.stage.scheduler.loop()

    async def up(self) -> Any:
        async with self.stage.engine() as engine:
            resource = await engine.up("Deployment", self.key, self.inputs)
        if resource.steps == ["create", "delete"]:
            self.rows, self.rules = {}, {}
        self.stage.scheduler.loop()
        return resource

    async def look(self, resource: Any) -> None:
        """Compare what is scheduled with the model."""
        of_flow = await self.client.find("deployments/filter", {"flows": {"name": {"any_": [f"{self.key}-f"]}}})
        assert [row["name"] for row in of_flow] == [self.name]
        row = await self.client.get(f"deployments/{resource.id}")
        rows = {item["slug"]: item for item in row["schedules"]}
        assert set(rows) == set(self.schedules)
        assert resource.values["schedule_ids"] == {slug: item["id"] for slug, item in rows.items()}
        declared = {slug: Declared(schedule) for slug, schedule in self.schedules.items()}
        for slug in rows.keys() & self.rows.keys():
            assert rows[slug]["id"] == self.rows[slug]["id"], f"schedule {slug!r} has another id"
            if declared[slug].rule == self.rules.get(slug):
                assert rows[slug]["schedule"] == self.rows[slug]["schedule"], f"the times of {slug!r} moved"
        body = {
            "flows": {"name": {"any_": [f"{self.key}-f"]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        }
        runs = await self.client.find("flow_runs/filter", body)
        now = datetime.now(UTC)
        upcoming: dict[str, list[datetime]] = {item["id"]: [] for item in rows.values()}
        slugs = {item["id"]: slug for slug, item in rows.items()}
        for run in runs:
            when = datetime.fromisoformat(run["expected_start_time"])
            if when <= now + PASSING:
                continue
            assert run["created_by"]["id"] in slugs, f"a run of no schedule at {when}"
            slug = slugs[run["created_by"]["id"]]
            own = self.schedules[slug]["parameters"]
            assert run["parameters"] == {**self.fields.get("parameters", {}), **own}
            assert sorted(run["tags"]) == sorted(["auto-scheduled", *self.fields.get("tags", ())])
            assert run["work_queue_name"] == self.fields.get("work_queue_name", "default")
            upcoming[run["created_by"]["id"]].append(when)
        for slug, item in rows.items():
            times = upcoming[item["id"]]
            assert len(times) == len(set(times)), f"two runs of {slug!r} at one moment"
            if self.fields.get("paused") or not self.schedules[slug]["active"]:
                assert times == [], f"{slug!r} makes runs, and should make none"
                continue
            first = await declared[slug].times(item["schedule"], self.began)
            last = await declared[slug].times(item["schedule"], now)
            assert {time for time in first & last if time > now + PASSING} - set(times) == set(), f"missing: {slug!r}"
            assert set(times) - (first | last) == set(), f"at other times: {slug!r}"
        self.rows, self.rules = rows, {slug: schedule.rule for slug, schedule in declared.items()}
        drift = await self.refresh(resource)
        assert drift == [], f"{drift}: {wire.decode(resource.inputs).values} is not {self.inputs}"


EVERY_THREE_DAYS = {"interval": 259200, "timezone": "UTC", "active": True, "parameters": {}}


RENAMED_AND_KILLED = [
    Step([Put("a", EVERY_THREE_DAYS), Set({"triggers": [TRIGGER]})], None, None),
    Step([Call("-otro")], None, (3, True)),
    Step([Call(""), Rename("a", "b")], "paused", None),
]
"""The deployment made anew, killed over it, and back again."""


@settings(SETTINGS, max_examples=SEARCH or 8)
@given(steps=STEPS)
@example(
    steps=[  # an interval counts from when it was made, whatever else of it is changed
        Step([Put("a", EVERY_THREE_DAYS)], None, None),
        Step([Change("a", {"parameters": {"n": 1}})], None, None),
        Step([Rename("a", "b")], None, (2, True)),
    ]
)
@example(steps=RENAMED_AND_KILLED)
def test_after_any_edits_exactly_the_declared_runs_are_scheduled(stage: Stage, steps: list[Step]) -> None:
    played(stage, steps)


@pytest.mark.docker
@settings(SETTINGS, max_examples=SEARCH or 2)
@given(steps=STEPS)
@example(steps=RENAMED_AND_KILLED)
def test_after_any_edits_the_same_runs_are_scheduled_on_postgres(stage_on_postgres: Stage, steps: list[Step]) -> None:
    played(stage_on_postgres, steps)


def played(stage: Stage, steps: list[Step]) -> None:
    async def play() -> None:
        edited = Edited(stage)
        try:
            edited.edit(Put("a", {"cron": "0 1 * * *", "timezone": "UTC", "active": True, "parameters": {}}))
            await edited.look(await edited.up())
            for step in steps:
                for edit in step.edits:
                    edited.edit(edit)
                await edited.disturb(step.outside)
                if step.killed:
                    await edited.killed_up(step.killed)
                if step.outside is None:
                    edited.expect_renamed(step.edits)
                await edited.look(await edited.up())
        finally:
            await edited.destroy()

    stage.runner.run(play())
