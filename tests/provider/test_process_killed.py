"""The plugin's real process, and Pulumi's, killed at a call of theirs; and a server that is busy or hangs up on them.

A proxy before the real server does the killing: before the call has reached the server, or when the server has done it
and nobody has heard. However it went, the next `up` converges.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.provider.conftest import Engine
from tests.provider.front import Answer, HangUp, Request, fronting
from tests.provider.killing import Killer, plugin
from tests.provider.pulumi_command import Cli

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"
MOST_CALLS = 50


def schedule(slug: str, cron: str) -> dict[str, Any]:
    return {"slug": slug, "cron": cron, "timezone": ZONE}


BEFORE = [schedule("kept", "0 1 * * *"), schedule("changed", "0 2 * * *"), schedule("gone", "0 3 * * *")]
AFTER = [schedule("kept", "0 1 * * *"), schedule("changed", "0 5 * * *"), schedule("new", "0 4 1 * *")]


def declared(name: str, *, changed: bool) -> list[tuple[str, str, dict[str, Any]]]:
    """Pool, queue, two deployments with schedules and a trigger, and a block."""
    base = {"flow_name": f"{name}-f", "entrypoint": "a.py:f", "work_pool_name": name, "work_queue_name": "urgente"}
    more = {"schedules": AFTER if changed else BEFORE, "description": "nueva" if changed else "x"}
    trigger = {"name": f"{name}-t", "expect": ["z" if changed else "a"]}
    return [
        ("WorkPool", "pool", {"name": name, "type": "process", "concurrency_limit": 3 if changed else 2}),
        ("WorkQueue", "queue", {"work_pool_name": name, "name": "urgente", "concurrency_limit": 2 if changed else 1}),
        ("Deployment", "one", {**base, **more, "name": f"{name}-1", "triggers": [trigger]}),
        ("Deployment", "two", {**base, **more, "name": f"{name}-2", "job_variables": {"env": {"A": "b"}}}),
        ("Block", "block", {"name": name, "type_slug": "secret", "data": {"value": "nueva" if changed else "vieja"}}),
    ]


async def as_declared(client: Any, name: str, ids: dict[str, dict[str, str]]) -> bool:
    """Whether the server has just what the changed program declares, with the schedules' ids as they were in `ids`."""
    assert (await client.get(f"work_pools/{name}"))["concurrency_limit"] == 3
    queues = {
        row["name"]: row["concurrency_limit"] for row in await client.find(f"work_pools/{name}/queues/filter", {})
    }
    assert queues == {"default": None, "urgente": 2}
    rows = await client.find("deployments/filter", {"deployments": {"name": {"like_": name}}})
    assert sorted(row["name"] for row in rows) == [f"{name}-1", f"{name}-2"]
    for row in rows:
        crons = {item["slug"]: item["schedule"]["cron"] for item in row["schedules"]}
        assert crons == {"kept": "0 1 * * *", "changed": "0 5 * * *", "new": "0 4 1 * *"}
        now = {item["slug"]: item["id"] for item in row["schedules"]}
        assert {slug: now[slug] for slug in ids.get(row["name"], ())} == ids.get(row["name"], {})
        assert row["description"] == "nueva"
    automations = await client.find("automations/filter", {"automations": {"name": {"any_": [f"{name}-t"]}}})
    assert [row["trigger"]["expect"] for row in automations] == [["z"]]
    block = await client.get(f"block_types/slug/secret/block_documents/name/{name}", include_secrets="true")
    assert block["data"] == {"value": "nueva"}
    return True


async def schedule_ids(client: Any, name: str) -> dict[str, dict[str, str]]:
    rows = await client.find("deployments/filter", {"deployments": {"name": {"like_": name}}})
    return {
        row["name"]: {item["slug"]: item["id"] for item in row["schedules"] if item["slug"] in {"kept", "changed"}}
        for row in rows
    }


async def up(engine: Engine, name: str, *, changed: bool) -> None:
    for kind, resource, inputs in declared(name, changed=changed):
        await engine.up(kind, resource, inputs)


async def killed_at(url: str, client: Any, name: str, call: int, *, after: bool) -> bool:
    """Make, then change all, the plugin killed at one call, the next `up` by another plugin; whether there was one."""
    async with fronting(url) as front:
        async with plugin(front.url) as (engine, pid):
            killer = Killer(call, after, lambda: os.kill(pid, signal.SIGKILL))
            killer.stand_at(front)
            made = False
            with suppress(grpc.aio.AioRpcError):
                await up(engine, name, changed=False)
                made = True
                await up(engine, name, changed=True)
        ids = await schedule_ids(client, name)
        async with plugin(front.url, engine) as (next_engine, _):
            if not made:  # a block has no room for its owner: it is found again by what it holds, as it was declared
                await up(next_engine, name, changed=False)
            await up(next_engine, name, changed=True)
            assert await as_declared(client, name, ids)
            front.seen.clear()
            await up(next_engine, name, changed=True)
            assert [request.path for request in front.seen] == []
    return killer.done


@pytest.mark.parametrize(("call", "after"), [(9, False), (14, True), (23, True)])
async def test_a_plugin_killed_at_a_call_leaves_nothing_that_the_next_up_cant_mend(
    prefect_server: str, client: Any, unique: str, call: int, after: bool
) -> None:
    assert await killed_at(prefect_server, client, unique, call, after=after)


@pytest.mark.thorough
@pytest.mark.parametrize("after", [False, True])
async def test_a_plugin_may_be_killed_at_any_call(prefect_server: str, client: Any, unique: str, after: bool) -> None:
    for call in range(1, MOST_CALLS):
        if not await killed_at(prefect_server, client, f"{unique}-{call}", call, after=after):
            assert call > 20
            return
    raise AssertionError("it takes more calls than was thought")


async def test_a_server_that_is_busy_or_hangs_up_is_asked_again_and_all_is_made_once(
    prefect_server: str, client: Any, unique: str
) -> None:
    turn, busy_answers = 0, cycle((500, 429, 502, 504, 503))

    def busy(request: Request) -> Answer | None:
        nonlocal turn
        turn += 1
        match turn % 5:
            case 1 if turn == 1:
                return Answer(503, {"retry-after": "1"})
            case 1:
                raise HangUp
            case 2 | 3:
                return Answer(next(busy_answers))
        return None

    def lost(request: Request) -> Answer | None:
        if turn % 5 == 4 and request.writes:
            raise HangUp  # the server did it
        return None

    async with fronting(prefect_server) as front, plugin(front.url) as (engine, _):
        front.before, front.after = busy, lost
        began = time.monotonic()
        await up(engine, unique, changed=False)
        ids = await schedule_ids(client, unique)
        await up(engine, unique, changed=True)
        assert time.monotonic() - began > 1  # the Retry-After was heeded
        assert await as_declared(client, unique, ids)


PROGRAM = """
import os
import pulumi
from infra.resources import Block, Deployment, WorkPool, WorkQueue
from tests.provider.test_process_killed import declared

by_name = {name: inputs for _, name, inputs in declared(os.environ["NAME"], changed="CHANGED" in os.environ)}
pool = WorkPool("pool", **by_name["pool"])
queue = WorkQueue("queue", work_pool=pool, **{k: v for k, v in by_name["queue"].items() if k != "work_pool_name"})
for name in ("one", "two"):
    inputs = {k: v for k, v in by_name[name].items() if k != "work_pool_name"}
    Deployment(name, work_pool=pool, opts=pulumi.ResourceOptions(depends_on=[queue]), **inputs)
Block("block", **by_name["block"])
"""


async def test_pulumi_and_its_plugin_killed_in_an_up_converge_at_the_next_and_one_with_nothing_to_do_only_looks(
    prefect_server: str, client: Any, unique: str, tmp_path: Path
) -> None:
    async with fronting(prefect_server) as front:
        cli = Cli(tmp_path, PROGRAM, unique, front.url)
        assert (await cli.run("stack", "init", "t-killed"))[0] == 0
        cli_killer = Killer(9, after=True, kill=cli.kill_itself)
        cli_killer.stand_at(front)
        status, told = await cli.run("up", "--yes")
        assert (cli_killer.done, status) == (True, -signal.SIGKILL), told
        await cli.run("cancel", "--yes")  # the lock that it left
        # As it was, before it is changed: what has no room for an owner is found again as it was declared.
        status, told = await cli.run("up", "--yes", "--skip-preview")
        assert status == 0, told
        ids = await schedule_ids(client, unique)

        cli.variables["CHANGED"] = "1"
        plugin_killer = Killer(5, after=True, kill=cli.kill_plugins)
        plugin_killer.stand_at(front)
        status, told = await cli.run("up", "--yes")
        assert (plugin_killer.done, status != 0) == (True, True), told
        status, told = await cli.run("up", "--yes")
        assert status == 0, told
        assert await as_declared(client, unique, ids)
        front.seen.clear()
        status, told = await cli.run("up", "--yes", "--expect-no-changes")
        assert status == 0, told
        assert front.seen == []

        status, told = await cli.run("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")
        assert status == 0, told
        assert not [request for request in front.seen if request.writes]
        asked = Counter(request.path.split("/")[2] for request in front.seen)
        # One look at each object, at the triggers of each deployment, and at the templates of all pools.
        assert asked == {"work_pools": 2, "deployments": 2, "automations": 2, "block_documents": 1, "collections": 1}
