"""However an `up` is cut short, the next one converges: nothing doubled, nothing left over, schedules' ids kept."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.docker)])
def prefect_server(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_server"))


def schedule(slug: str, cron: str) -> dict[str, Any]:
    return {"slug": slug, "cron": cron, "timezone": ZONE}


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the provider may catch it."""


class Dying(httpx.AsyncBaseTransport):
    """Dies at the n-th call: before it is sent, or after the server did it and before anybody heard."""

    def __init__(self, inner: httpx.AsyncBaseTransport, calls: int, *, after: bool) -> None:
        self._inner, self._left, self._after = inner, calls, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise KilledError
        response = await self._inner.handle_async_request(request)
        if self._left == 0:
            await response.aread()
            raise KilledError
        return response


def lifecycle(name: str) -> Any:
    from infra.provider.kinds import KINDS
    from infra.provider.lifecycle import Lifecycle

    return next(Lifecycle(kind) for kind in KINDS if kind.token.endswith(f":{name}"))


async def act(url: str, dying: tuple[int, bool] | None, work: Any) -> bool:
    """Do `work` with a plugin's process of its own; whether it lived to the end."""
    from infra.provider.api import Api
    from infra.provider.connection import Connection
    from infra.provider.kinds.kind import Session

    inner = httpx.AsyncHTTPTransport()
    api = Api(Connection(api_url=url), Dying(inner, dying[0], after=dying[1]) if dying else inner)
    try:
        await work(Session(owner="prefect-infra/pruebas", connect=lambda: api))
    except KilledError:
        return False
    finally:
        await inner.aclose()
    return True


@pytest.mark.parametrize("after", [False, True])
async def test_a_create_that_was_killed_at_any_call_is_made_whole_by_the_next(
    prefect_server: str, client: Any, unique: str, after: bool
) -> None:
    pool, deployment = lifecycle("WorkPool"), lifecycle("Deployment")
    await act(prefect_server, None, lambda s: pool.create(s, {"name": unique, "type": "process"}))
    for calls in range(1, 20):
        inputs = {
            "name": f"{unique}-{calls}",
            "flow_name": f"{unique}-{calls}-f",
            "entrypoint": "a.py:f",
            "work_pool_name": unique,
            "schedules": [schedule("a", "0 1 * * *"), schedule("b", "0 2 * * *")],
            "job_variables": {"env": {"A": "b"}},
        }
        lived = await act(prefect_server, (calls, after), lambda s, i=inputs: deployment.create(s, i))
        await act(prefect_server, None, lambda s, i=inputs: deployment.create(s, i))
        row = await client.get(f"deployments/name/{inputs['flow_name']}/{inputs['name']}")
        assert sorted(item["slug"] for item in row["schedules"]) == ["a", "b"]
        assert row["job_variables"] == inputs["job_variables"]
        found = await client.find("deployments/filter", {"deployments": {"name": {"any_": [inputs["name"]]}}})
        assert len(found) == 1
        if lived:
            return
    raise AssertionError("a create takes more calls than was thought")


@pytest.mark.parametrize("after", [False, True])
async def test_an_update_of_schedules_that_was_killed_at_any_call_is_finished_by_the_next(
    prefect_server: str, client: Any, unique: str, after: bool
) -> None:
    pool, deployment = lifecycle("WorkPool"), lifecycle("Deployment")
    await act(prefect_server, None, lambda s: pool.create(s, {"name": unique, "type": "process"}))
    before = [schedule("kept", "0 1 * * *"), schedule("changed", "0 2 * * *"), schedule("gone", "0 3 * * *")]
    wanted = [schedule("kept", "0 1 * * *"), schedule("changed", "0 5 * * *"), schedule("new", "0 4 1 * *")]
    for calls in range(1, 20):
        inputs = {
            "name": f"{unique}-{calls}",
            "flow_name": f"{unique}-f",
            "entrypoint": "a.py:f",
            "work_pool_name": unique,
            "schedules": before,
        }
        made: list[Any] = []

        async def create(session: Any, given: Any = inputs, out: Any = made) -> None:
            out.append(await deployment.create(session, given))

        await act(prefect_server, None, create)
        live = made[0]
        ids = live.outputs.schedule_ids
        changed = {**inputs, "schedules": wanted, "description": "x"}

        async def update(session: Any, live: Any = live, changed: Any = changed) -> None:
            await deployment.update(session, live.id, live.state(), changed)

        lived = await act(prefect_server, (calls, after), update)
        await act(prefect_server, None, update)  # from the same old state: the killed one wrote none
        row = await client.get(f"deployments/{live.id}")
        assert {item["slug"]: item["schedule"]["cron"] for item in row["schedules"]} == {
            "kept": "0 1 * * *",
            "changed": "0 5 * * *",
            "new": "0 4 1 * *",
        }
        now = {item["slug"]: item["id"] for item in row["schedules"]}
        assert (now["kept"], now["changed"]) == (ids["kept"], ids["changed"])
        assert row["description"] == "x"
        if lived:
            return
    raise AssertionError("an update takes more calls than was thought")
