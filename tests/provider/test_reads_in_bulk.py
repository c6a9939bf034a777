"""A refresh of a stack where nothing has changed: a bounded number of reads, however much there is, and no write."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.provider.api import PAGE
from infra.provider.kinds import KINDS
from infra.provider.listing import FEW
from tests.provider.conftest import Engine, Resource, running_server, serving

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"
RULE = {"type": "event", "posture": "Reactive", "expect": ["a"], "threshold": 1, "within": 0}
MADE: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "WorkPool": lambda of, n: {"name": f"{of}-{n}", "type": "process", "job_defaults": {"stream_output": False}},
    "WorkQueue": lambda of, n: {"work_pool_name": f"{of}-{n}", "name": "a", "concurrency_limit": n, "priority": 1},
    "Deployment": lambda of, n: {
        "name": f"{of}-{n}",
        "flow_name": f"{of}-{n % 3}",
        "entrypoint": "a.py:f",
        "work_pool_name": f"{of}-{n}",
        "work_queue_name": "a",
        "concurrency_limit": 1,
        "schedules": [{"slug": "a", "cron": "0 6 * * *", "timezone": ZONE}],
        "triggers": [{"name": f"{of}-of-{n}", "type": "event", "expect": ["a"]}],
    },
    "Block": lambda of, n: {"name": f"{of}-{n}", "type_slug": "secret", "data": {"value": {"n": n, "list": [1, None]}}},
    "Variable": lambda of, n: {"name": f"{of}-{n}", "value": {"a": [n]}, "tags": ["x"]},
    "GlobalConcurrencyLimit": lambda of, n: {"name": f"{of}-{n}", "limit": n, "slot_decay_per_second": 0.5},
    "TagConcurrencyLimit": lambda of, n: {"tag": f"{of} {n}", "concurrency_limit": n},
    "Automation": lambda of, n: {"name": f"{of}-{n}", "trigger": RULE, "actions": [{"type": "do-nothing"}]},
}
"""By the test that makes them, and a number."""
FEWER, MORE = 6, 20
HERE = {"Profile", "HostPort", "GeneratedSecret", "LocalCertificate", "PidsLimit", "CompletedRun", "HandedOver"}
HERE |= {"PushedImage", "SwarmService", "NodeVolume", "NodeImage", "EncryptionCheck"}


def test_every_kind_that_lives_on_the_server_is_counted() -> None:
    assert {kind.token.rsplit(":", 1)[-1] for kind in KINDS} - HERE == MADE.keys()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with little on it: what others have there makes pages."""
    with running_server(tmp_path_factory.mktemp("prefect-home")) as url:
        yield url


async def refreshed(url: str, resources: list[Resource]) -> list[tuple[str, str]]:
    """All calls of a plugin that refreshes them at once, as Pulumi does, and finds nothing."""
    async with serving({"api_url": url}) as engine:
        drift = await asyncio.gather(*(engine.refresh(resource) for resource in resources))
        assert [paths for paths in drift if paths] == []
        assert engine.transport.writes == []
        return list(engine.transport.calls)


async def made(engine: Engine, of: str, kind: str, numbers: range) -> list[Resource]:
    return [await engine.up(kind, f"{kind}-{n}", MADE[kind](of, n)) for n in numbers]


async def test_a_refresh_reads_as_much_for_twenty_of_each_kind_as_for_six_and_writes_nothing(url: str) -> None:
    async with serving({"api_url": url}) as engine:
        fewer = [each for kind in MADE for each in await made(engine, "counted", kind, range(FEWER))]
        calls_for_fewer = await refreshed(url, fewer)
        more = fewer + [each for kind in MADE for each in await made(engine, "counted", kind, range(FEWER, MORE))]

    calls = await refreshed(url, more)

    assert len(calls) == len(calls_for_fewer)
    listed = Counter(path for _, path in calls if path.endswith("/filter"))
    assert listed == {
        "work_pools/filter": 1,
        "work_queues/filter": 1,
        "deployments/filter": 1,
        "automations/filter": 2,  # those that are deployments' triggers, and those that are resources
        "block_documents/filter": 1,
        "variables/filter": 1,
        "v2/concurrency_limits/filter": 1,  # with those of tags
    }
    # A few of each listing are asked for singly; the worker types once.
    assert len(calls) <= (FEW + 1) * listed.total() + 1


async def test_what_drifted_or_is_gone_shows_in_bulk_as_it_does_singly(
    url: str,
) -> None:
    async with serving({"api_url": url}) as engine, serving({"api_url": url}) as people:
        resources = {kind: await made(engine, "edited", kind, range(FEWER)) for kind in MADE}
        edits = {
            "WorkQueue": ("concurrency_limit", {"concurrency_limit": 9}),
            "Block": ("data.value", {"data": {"value": "UI"}}),
            "Variable": ("value", {"value": 5}),
            "GlobalConcurrencyLimit": ("limit", {"limit": 99}),
            "TagConcurrencyLimit": ("concurrency_limit", {"concurrency_limit": 99}),
            "Automation": ("enabled", {"enabled": False}),
        }
        drifted, gone = -1, -2
        for kind, (_, edit) in edits.items():
            inputs = {**MADE[kind]("edited", FEWER + drifted), **edit}
            other = Resource(f"prefect:index:{kind}", "other", **_known(resources[kind][drifted]))
            people.resources[other.token, other.name] = other
            await people.up(kind, "other", inputs)
            await people._delete(resources[kind][gone])

    async with serving({"api_url": url}) as engine:
        for kind, (path, _) in edits.items():
            found = [await engine.refresh(resource) for resource in resources[kind]]
            assert found[:gone] == [[]] * (FEWER - 2), kind
            assert found[gone] == ["gone"], kind
            assert [each.split("[")[0] for each in found[drifted]] == [path], kind
        assert engine.transport.writes == []


def _known(resource: Resource) -> dict[str, Any]:
    return {"id": resource.id, "inputs": resource.inputs, "state": resource.state}


async def test_no_limit_of_a_tag_is_lost_behind_a_page_of_others(prefect_server: str, client: Any) -> None:
    """The server's own list of tags' limits leaves out what lies beyond a page of all limits."""
    for n in range(PAGE + 2):
        await client.post("v2/concurrency_limits/", {"name": f"erp-{n}", "limit": 1})
    async with serving({"api_url": prefect_server}) as engine:
        tags = await made(engine, "behind", "TagConcurrencyLimit", range(FEWER))
    pages = len(await client.find("v2/concurrency_limits/filter", {})) // PAGE + 1

    calls = await refreshed(prefect_server, tags)

    listed = [path for _, path in calls if path.endswith("/filter")]
    assert listed == ["v2/concurrency_limits/filter"] * pages
    assert len(calls) == FEW + pages


KEPT = ("Variable", "GlobalConcurrencyLimit", "TagConcurrencyLimit", "Block", "Automation", "WorkQueue")


@pytest.mark.parametrize("kind", KEPT)
async def test_what_is_written_after_the_listing_is_seen_as_it_is(url: str, kind: str) -> None:
    """However long one plugin lives: changed, renamed, deleted, made, made again."""
    changes: dict[str, dict[str, Any]] = {
        "Variable": {"value": "otro"},
        "GlobalConcurrencyLimit": {"limit": 77},
        "TagConcurrencyLimit": {"concurrency_limit": 77},
        "Block": {"data": {"value": "otro"}},
        "Automation": {"enabled": False},
        "WorkQueue": {"concurrency_limit": 77},
    }
    declared = functools.partial(MADE[kind], "written")
    async with serving({"api_url": url}) as engine:
        if kind == "WorkQueue":
            await made(engine, "written", "WorkPool", range(FEW + 3))
        few = [await engine.up(kind, f"r{n}", declared(n)) for n in range(FEW + 2)]
        for resource in few:
            assert await engine.refresh(resource) == []

        changed = await engine.up(kind, "r0", {**declared(0), **changes[kind]})
        assert await engine.refresh(changed) == []
        if "name" in declared(1) and kind != "Block":
            renamed = await engine.up(kind, "r1", {**declared(1), "name": "renamed"})
            assert renamed.steps == ["update name"]
            assert await engine.refresh(renamed) == []
        await engine.destroy(few[2])
        assert await engine.refresh(few[2]) == ["gone"]
        again = await engine.up(kind, "r2", declared(2))
        assert await engine.refresh(again) == []
        late = await engine.up(kind, "late", declared(FEW + 2))
        assert await engine.refresh(late) == []
        for resource in (changed, few[3], few[4], again, late):
            assert await engine.refresh(resource) == []


async def test_queues_are_seen_as_they_are_after_their_pool_was_made_anew_and_others_moved_them(
    engine: Any, unique: str
) -> None:
    async def pool(type_: str) -> Any:
        return await engine.up("WorkPool", "p", {"name": unique, "type": type_})

    async def queue(n: int, **more: Any) -> Any:
        inputs = {"work_pool_name": unique, "work_pool_id": made_.values["work_pool_id"], "name": f"q{n}"}
        return await engine.up("WorkQueue", f"q{n}", {**inputs, "priority": n + 1, **more})

    made_ = await pool("process")
    queues = [await queue(n) for n in range(FEW + 2)]
    for resource in queues:
        assert await engine.refresh(resource) == []
    assert ("POST", "work_queues/filter") in engine.transport.calls

    await queue(90, priority=1)
    assert await engine.refresh(queues[0]) == ["priority"]

    made_ = await pool("docker")
    for resource in queues:
        assert await engine.refresh(resource) == ["gone"]


async def test_what_people_make_of_theirs_after_the_listing_outlives_a_change(
    engine: Any, client: Any, unique: str
) -> None:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    inputs = {"work_pool_name": unique, "owners": {"is_paused": "ui"}}
    queues = [await engine.up("WorkQueue", f"q{n}", {**inputs, "name": f"q{n}"}) for n in range(FEW + 2)]
    for resource in queues:
        assert await engine.refresh(resource) == []
    await client.patch(f"work_pools/{unique}/queues/q0", {"is_paused": True})

    await engine.up("WorkQueue", "q0", {**inputs, "name": "q0", "description": "x"})

    row = await client.get(f"work_pools/{unique}/queues/q0")
    assert (row["is_paused"], row["description"]) == (True, "x")
