"""The typed look-ups as a program in Python uses them: results with types, secrets marked, unknowns unknown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings

from infra import resources

UUID = "0e6e7a3c-0000-0000-0000-000000000000"
ANSWERS: dict[str, dict[str, Any]] = {
    "getWorkPool": {
        "name": "compras-prod",
        "type": "process",
        "concurrency_limit": 4,
        "is_paused": False,
        "base_job_template": {"variables": {}},
        "work_pool_id": UUID,
    },
    "getDefaultBaseJobTemplate": {"worker_type": "process", "base_job_template": {"variables": {}}},
    "getDeployment": {
        "name": "noche",
        "flow_name": "importar",
        "tags": [],
        "parameters": {"dias": 3},
        "enforce_parameter_schema": True,
        "paused": False,
        "schedules": [{"slug": "noche", "cron": "0 3 * * *", "timezone": "America/Argentina/Buenos_Aires"}],
        "deployment_id": UUID,
        "flow_id": UUID,
        "schedule_ids": {"noche": UUID},
    },
    "getBlock": {"name": "clave", "type_slug": "secret", "data": {"value": "Zorzal"}, "block_document_id": UUID},
    "getVariable": {"name": "tasa", "value": {"compra": 1.5}, "tags": ["finanzas"], "variable_id": UUID},
}


@dataclass
class Server(pulumi.runtime.Mocks):
    """Answers each function as the provider does; `known` says whether the provider is configured yet."""

    known: bool = True
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        self.asked.append((args.token, dict(args.args)))
        name = args.token.rsplit(":", 1)[-1]
        answer = dict(ANSWERS[name]) if self.known else {}
        if answer and name == "getBlock":
            answer["data"] = pulumi.Output.secret(answer["data"])
        return answer


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    loop = asyncio.new_event_loop()

    def start(*, known: bool = True) -> Server:
        asyncio.set_event_loop(loop)
        settings.reset_options(project="p", stack="s")
        made = Server(known=known)
        mocks.set_mocks(made, project="p", stack="s", preview=True)
        return made

    yield start
    settings.reset_options()
    loop.close()
    asyncio.set_event_loop(None)


def wait(work: Awaitable[Any]) -> Any:
    return asyncio.get_event_loop_policy().get_event_loop().run_until_complete(work)


def test_the_plain_forms_answer_at_once_with_types(server: Callable[..., Server]) -> None:
    asked = server().asked
    pool = resources.get_work_pool("compras-prod")
    assert isinstance(pool, resources.GetWorkPoolResult)
    assert (pool.concurrency_limit, pool.description, pool.managed_by) == (4, None, None)
    deployment = resources.get_deployment("noche", flow_name="importar")
    assert deployment.schedules[0]["cron"] == "0 3 * * *"
    assert deployment.schedule_ids == {"noche": UUID}
    assert resources.get_variable("tasa").value == {"compra": 1.5}
    assert resources.get_default_base_job_template("process").base_job_template == {"variables": {}}
    assert asked[1] == ("prefect:index:getDeployment", {"name": "noche", "flow_name": "importar"})


def test_a_blocks_data_is_never_a_plain_value(server: Callable[..., Server]) -> None:
    server()
    plain = resources.get_block("secret", "clave")
    assert "Zorzal" not in repr(plain)
    assert wait(plain.data.is_secret())
    assert wait(plain.data.future()) == {"value": "Zorzal"}

    later = resources.get_block_output(block_document_id=UUID)
    assert wait(later.data["value"].is_secret())
    assert wait(later.data["value"].future()) == "Zorzal"


def test_the_output_forms_take_outputs_and_lift_what_they_give(server: Callable[..., Server]) -> None:
    asked = server().asked
    name = pulumi.Output.from_input("compras-prod").apply(str.lower)
    pool = resources.get_work_pool_output(name)
    assert wait(pool.work_pool_id.future()) == UUID
    assert not wait(pool.is_secret())
    assert asked == [("prefect:index:getWorkPool", {"name": "compras-prod"})]


def test_an_unknown_argument_gives_an_unknown_and_nothing_is_asked(server: Callable[..., Server]) -> None:
    asked = server().asked
    unknown = pulumi.Output(set(), wait_for(None), wait_for(False))
    pool = resources.get_work_pool_output(unknown)
    assert not wait(pool.is_known())
    assert not wait(pool.work_pool_id.is_known())
    assert asked == []


def test_a_server_that_the_same_up_makes_gives_an_unknown(server: Callable[..., Server]) -> None:
    server(known=False)
    pool = resources.get_work_pool_output("compras-prod")
    assert not wait(pool.type.is_known())
    with pytest.raises(pulumi.RunError, match="_output"):
        resources.get_work_pool("compras-prod")


def test_the_python_of_the_document_runs_as_it_stands(server: Callable[..., Server]) -> None:
    asked = server().asked
    page = (Path(__file__).parents[2] / "docs" / "provider.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exported: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulumi, "export", exported.__setitem__)
        exec(compile(code, "provider.md", "exec"), {})
        assert exported["runs_at_once"] == 4
        assert wait(exported["tasa"].future()) == {"compra": 1.5}
        assert wait(exported["clave"].future()) == "Zorzal"
        assert wait(exported["clave"].is_secret())
    assert ("prefect:index:getVariable", {"name": "tasa-id"}) in asked


async def soon(value: Any) -> Any:
    return value


def wait_for(value: Any) -> asyncio.Task[Any]:
    return asyncio.get_event_loop_policy().get_event_loop().create_task(soon(value))
