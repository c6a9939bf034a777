"""A new name in the program is a new name of the same object, where the server has such a thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from infra.provider.kinds import KINDS
from tests.provider.test_killed_anywhere import act, lifecycle

pytestmark = pytest.mark.server
RULE = {"type": "event", "posture": "Reactive", "expect": ["a"], "threshold": 1, "within": 0}


@dataclass(frozen=True)
class Named:
    """A kind whose objects can be renamed; `{pool}` stands for a pool that is there, `{name}` for the object's name."""

    kind: str
    base: dict[str, Any]
    change: dict[str, Any]
    path: str
    """Where it is read by its name."""
    collection: str
    uuid: str
    """The output that is the server's UUID."""
    theirs: dict[str, Any]
    """What somebody else makes under the name."""


NAMED = {
    "variable": Named(
        "Variable", {"value": 1}, {"value": 2}, "variables/name/{name}", "variables/", "variable_id", {"value": "UI"}
    ),
    "limit": Named(
        "GlobalConcurrencyLimit",
        {"limit": 3},
        {"limit": 4},
        "v2/concurrency_limits/{name}",
        "v2/concurrency_limits/",
        "limit_id",
        {"limit": 9},
    ),
    "queue": Named(
        "WorkQueue",
        {"work_pool_name": "{pool}", "is_paused": True},
        {"concurrency_limit": 2},
        "work_pools/{pool}/queues/{name}",
        "work_pools/{pool}/queues",
        "work_queue_id",
        {"concurrency_limit": 9},
    ),
}


@pytest.fixture(params=sorted(NAMED))
def named(request: pytest.FixtureRequest) -> Named:
    return NAMED[request.param]


@pytest.fixture
async def pool(client: Any, unique: str) -> str:
    await client.post("work_pools/", {"name": unique, "type": "process"})
    return unique


@pytest.fixture
def base(named: Named, pool: str) -> dict[str, Any]:
    return {**named.base, **({"work_pool_name": pool} if named.kind == "WorkQueue" else {})}


def at(named: Named, pool: str, name: str) -> str:
    return named.path.format(pool=pool, name=name)


async def test_a_renamed_object_is_the_same_one_after_one_write(
    engine: Any, client: Any, later_engine: Any, named: Named, pool: str, base: dict[str, Any]
) -> None:
    before = await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})
    uuid, row = before.values[named.uuid], await client.get(at(named, pool, f"{pool}-a"))
    engine.forget_calls()

    renamed = await engine.up(named.kind, "r", {**base, "name": f"{pool}-b"})

    assert renamed.steps == ["update name"]
    assert [method for method, _ in engine.transport.writes] == ["PATCH"]
    now = await client.get(at(named, pool, f"{pool}-b"))
    # A queue that is made paused has the status PAUSED from its first change on.
    same = row.keys() - {"name", "updated", "status"}
    assert {key: now[key] for key in same} == {key: row[key] for key in same}
    assert renamed.values[named.uuid] == uuid
    assert await client.get_or_none(at(named, pool, f"{pool}-a")) is None
    assert (await engine.up(named.kind, "r", {**base, "name": f"{pool}-b"})).steps == ["same"]

    for plugin in (engine, later_engine):
        assert await plugin.refresh(renamed) == []
    assert renamed.values["name"] == f"{pool}-b"


async def test_what_is_changed_along_with_the_name_is_changed_in_the_same_write(
    engine: Any, client: Any, named: Named, pool: str, base: dict[str, Any]
) -> None:
    await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})
    engine.forget_calls()

    renamed = await engine.up(named.kind, "r", {**base, **named.change, "name": f"{pool}-b"})

    assert [method for method, _ in engine.transport.writes] == ["PATCH"]
    row = await client.get(at(named, pool, f"{pool}-b"))
    assert {key: row[key] for key in named.change} == named.change
    assert await engine.refresh(renamed) == []


async def test_a_renamed_object_is_changed_and_destroyed_under_its_new_name(
    engine: Any, client: Any, named: Named, pool: str, base: dict[str, Any]
) -> None:
    """Before any refresh: until then its id is the former name, since Pulumi changes none in an update."""
    await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})
    renamed = await engine.up(named.kind, "r", {**base, "name": f"{pool}-b"})
    assert renamed.id.endswith(f"{pool}-a")

    await engine.up(named.kind, "r", {**base, **named.change, "name": f"{pool}-b"})
    row = await client.get(at(named, pool, f"{pool}-b"))
    assert {key: row[key] for key in named.change} == named.change

    # Somebody else's by now.
    await client.post(named.collection.format(pool=pool), {"name": f"{pool}-a", **named.theirs})
    await engine.destroy(renamed)
    assert await client.get_or_none(at(named, pool, f"{pool}-b")) is None
    assert await client.get_or_none(at(named, pool, f"{pool}-a")) is not None


async def test_a_refresh_has_the_new_name_as_the_id(
    engine: Any, client: Any, named: Named, pool: str, base: dict[str, Any]
) -> None:
    from pulumi.runtime.proto import provider_pb2

    await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})
    renamed = await engine.up(named.kind, "r", {**base, "name": f"{pool}-b"})
    request = provider_pb2.ReadRequest(id=renamed.id, urn=renamed.urn, properties=renamed.state, inputs=renamed.inputs)
    assert (await engine.stub.Read(request)).id.endswith(f"{pool}-b")


async def test_a_name_that_is_taken_is_refused_with_the_ways_out_and_nothing_is_lost(
    engine: Any, client: Any, named: Named, pool: str, base: dict[str, Any]
) -> None:
    resource = await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})
    await client.post(named.collection.format(pool=pool), {"name": f"{pool}-b", **named.theirs})
    before = [await client.get(at(named, pool, f"{pool}-{name}")) for name in "ab"]
    engine.forget_calls()

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await engine.up(named.kind, "r", {**base, **named.change, "name": f"{pool}-b"})

    told = refused.value.details()
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert f"'{pool}-a' can't be renamed to it, and stays as it is" in told
    assert f"`pulumi import prefect:index:{named.kind} NAME " in told
    assert "`adopt: true`" in told
    assert engine.transport.writes == []
    assert [await client.get(at(named, pool, f"{pool}-{name}")) for name in "ab"] == before
    assert await engine.refresh(resource) == []


@pytest.mark.parametrize("after", [False, True])
async def test_a_rename_that_was_killed_at_any_call_is_finished_by_the_next(
    prefect_server: str, client: Any, named: Named, pool: str, base: dict[str, Any], after: bool
) -> None:
    kind = lifecycle(named.kind)
    for calls in range(1, 6):
        names = [f"{pool}-{calls}{letter}"[-60:].lstrip("-") for letter in "ab"]
        made: list[Any] = []

        async def create(session: Any, name: str = names[0], out: Any = made) -> None:
            out.append(await kind.create(session, {**base, "name": name}))

        await act(prefect_server, None, create)

        async def rename(session: Any, live: Any = made[0], name: str = names[1]) -> None:
            await kind.update(session, live.id, live.state(), {**base, **named.change, "name": name})

        lived = await act(prefect_server, (calls, after), rename)
        await act(prefect_server, None, rename)
        row = await client.get(at(named, pool, names[1]))
        assert row["id"] == made[0].outputs.model_dump()[named.uuid]
        assert {key: row[key] for key in named.change} == named.change
        assert await client.get_or_none(at(named, pool, names[0])) is None
        if lived:
            return
    raise AssertionError("a rename takes more calls than was thought")


async def test_a_name_changed_in_the_ui_is_drift_and_is_put_back(
    engine: Any, client: Any, named: Named, pool: str, base: dict[str, Any]
) -> None:
    resource = await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})
    uuid = resource.values[named.uuid]
    more = {"is_paused": True} if named.kind == "WorkQueue" else {}
    await client.patch(at(named, pool, f"{pool}-a"), {"name": f"{pool}-ui", **more})

    assert await engine.refresh(resource) == ["name"]
    assert (await engine.up(named.kind, "r", {**base, "name": f"{pool}-a"})).steps == ["update name"]

    assert (await client.get(at(named, pool, f"{pool}-a")))["id"] == uuid
    assert await engine.refresh(resource) == []


async def test_a_renamed_queue_keeps_its_runs_and_deployments(engine: Any, client: Any, pool: str) -> None:
    queue = {"work_pool_name": pool, "name": "urgente", "concurrency_limit": 2}
    deployment = {"name": pool, "flow_name": pool, "entrypoint": "a.py:f", "work_pool_name": pool}
    await engine.up("WorkQueue", "q", queue)
    made = await engine.up("Deployment", "d", {**deployment, "work_queue_name": "urgente"})
    run = await client.post(f"deployments/{made.id}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    await engine.up("WorkQueue", "q", {**queue, "name": "prioritaria"})

    assert (await client.get(f"deployments/{made.id}"))["work_queue_name"] == "prioritaria"
    body = {"work_queue_names": ["prioritaria"]}
    handed_out = await client.post(f"work_pools/{pool}/get_scheduled_flow_runs", body)
    assert [each["flow_run"]["id"] for each in handed_out] == [run["id"]]
    # The program says the new name there, too.
    again = await engine.up("Deployment", "d", {**deployment, "work_queue_name": "prioritaria"})
    assert again.steps == ["update work_queue_name"]
    assert await engine.refresh(again) == []
    names = {row["name"] for row in await client.find(f"work_pools/{pool}/queues/filter", {})}
    assert names == {"default", "prioritaria"}


async def test_a_renamed_limit_keeps_the_slots_that_are_held(engine: Any, client: Any, unique: str) -> None:
    await engine.up("GlobalConcurrencyLimit", "r", {"name": f"{unique}-a", "limit": 3})
    await client.post("v2/concurrency_limits/increment", {"names": [f"{unique}-a"], "slots": 2})

    await engine.up("GlobalConcurrencyLimit", "r", {"name": f"{unique}-b", "limit": 3})

    assert (await client.get(f"v2/concurrency_limits/{unique}-b"))["active_slots"] == 2


@pytest.mark.parametrize(("former", "later"), [("default", "urgente"), ("urgente", "default")])
async def test_a_pools_default_queue_takes_no_other_name_and_gives_its_own_to_none(
    engine: Any, client: Any, pool: str, former: str, later: str
) -> None:
    """The server would rename it, and then could neither delete it nor do without it."""
    inputs = {"work_pool_name": pool, "concurrency_limit": 2}
    await engine.up("WorkQueue", "q", {**inputs, "name": former})
    default = (await client.get(f"work_pools/{pool}"))["default_queue_id"]

    renamed = await engine.up("WorkQueue", "q", {**inputs, "name": later})

    assert renamed.steps == ["create", "delete"]
    row = await client.get(f"work_pools/{pool}/queues/default")
    assert (row["id"], row["concurrency_limit"]) == (default, 2 if later == "default" else None)
    other = await client.get_or_none(f"work_pools/{pool}/queues/urgente")
    assert (other is None) is (later == "default")


async def test_a_queue_of_another_pool_is_another_queue(engine: Any, client: Any, pool: str) -> None:
    await client.post("work_pools/", {"name": f"{pool}-2", "type": "process"})
    await engine.up("WorkQueue", "q", {"work_pool_name": pool, "name": "a"})

    moved = await engine.up("WorkQueue", "q", {"work_pool_name": f"{pool}-2", "name": "b"})

    assert moved.steps == ["create", "delete"]
    assert await client.get_or_none(f"work_pools/{pool}/queues/a") is None


class TestAutomations:
    async def test_a_renamed_one_is_the_same_one(self, engine: Any, client: Any, unique: str) -> None:
        id_ = (await engine.up("Automation", "r", {"name": f"{unique}-a", "trigger": RULE})).id
        engine.forget_calls()

        renamed = await engine.up("Automation", "r", {"name": f"{unique}-b", "trigger": RULE})

        assert (renamed.steps, renamed.id) == (["update name"], id_)
        assert engine.transport.writes == [("PUT", f"automations/{id_}")]
        assert (await client.get(f"automations/{id_}"))["name"] == f"{unique}-b"
        assert await engine.refresh(renamed) == []

    async def test_the_name_of_another_is_refused(self, engine: Any, client: Any, unique: str) -> None:
        """The server would take two of one name."""
        other = await client.post("automations/", {"name": f"{unique}-b", "trigger": RULE, "actions": []})
        resource = await engine.up("Automation", "r", {"name": f"{unique}-a", "trigger": RULE})

        with pytest.raises(grpc.aio.AioRpcError, match=f"can't be renamed to it.*NAME {other['id']}`.*`adopt: true`"):
            await engine.up("Automation", "r", {"name": f"{unique}-b", "trigger": RULE})

        assert (await client.get(f"automations/{resource.id}"))["name"] == f"{unique}-a"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "work_pools/{pool}", {"name": "otro"}),
        ("patch", "deployments/{deployment}", {"name": "otro"}),
        ("patch", "block_documents/{block}", {"name": "otro"}),
    ],
)
async def test_what_is_replaced_for_a_new_name_the_server_can_not_rename(
    engine: Any, client: Any, pool: str, method: str, path: str, body: dict[str, Any]
) -> None:
    """Fails when a release of Prefect learns it: then these, too, could stay what they are."""
    deployment = {"name": pool, "flow_name": pool, "entrypoint": "a.py:f", "work_pool_name": pool}
    ids = {
        "pool": pool,
        "deployment": (await engine.up("Deployment", "d", deployment)).id,
        "block": (await engine.up("Block", "b", {"name": pool, "type_slug": "secret", "data": {"value": "x"}})).id,
    }
    with pytest.raises(Exception, match="name: Extra inputs are not permitted"):
        await getattr(client, method)(path.format(**ids), body)


def test_every_kind_says_why_a_new_name_makes_a_new_object_unless_it_does_not() -> None:
    for kind in KINDS:
        for name in kind.identity:
            assert (kind.token, name, name in kind.replaced_by) != (kind.token, name, name in kind.renamed_by)
