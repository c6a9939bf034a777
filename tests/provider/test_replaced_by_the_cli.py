"""What can't be changed in place, by Pulumi's own command: previews tell it, and runs that wait are there after it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.provider.test_objects_by_the_cli import write
from tests.provider.test_programs import STACK, run
from tests.provider.test_replaced_with_runs import kept, made

pytestmark = [pytest.mark.server, pytest.mark.thorough]
POOL = "reemplazos-cli"
FLOW = "importar_precios_cli"


def program(*, name: str = "importar", pool_type: str = "process", description: str = "Listas") -> dict[str, Any]:
    pool = {"name": POOL, "type": pool_type, "description": description}
    deployment = {
        "name": name,
        "flow_name": FLOW,
        "entrypoint": "a.py:f",
        "work_pool_name": "${pool.name}",
        "work_pool_id": "${pool.work_pool_id}",
    }
    return {
        "pool": {"type": "prefect:WorkPool", "properties": pool},
        "importar": {"type": "prefect:Deployment", "properties": deployment},
    }


async def test_a_preview_says_what_is_replaced_and_why_and_its_waiting_runs_are_there_after_each_up(
    tmp_path: Path, prefect_server: str, client: Any
) -> None:
    folder, backend = tmp_path / "program", tmp_path / "backend"
    folder.mkdir()
    backend.mkdir()

    async def pulumi(*arguments: str) -> str:
        done = await asyncio.to_thread(run, *arguments, folder=folder, backend=backend)
        return done.stdout + done.stderr

    async def up() -> str:
        return await pulumi("up", "--yes", "--skip-preview")

    async def deployment(name: str) -> str:
        return str((await client.get(f"deployments/name/{FLOW}/{name}"))["id"])

    write(folder, program())
    await pulumi("stack", "init", STACK)
    await pulumi("config", "set", "prefect:api_url", prefect_server)
    await up()
    runs = await made(client, await deployment("importar"))

    write(folder, program(description="Las listas"))
    assert "is replaced" not in await pulumi("preview")
    write(folder, program(name="importar-precios", pool_type="docker"))
    told = await pulumi("preview")
    in_place = "is replaced, since it can't be changed in place"
    assert f"{in_place}: name: the API has no renaming of deployments" in told
    assert f"{in_place}: type: a pool's worker type is fixed when it is made" in told
    assert re.search(r"2 to replace", told)
    await kept(client, POOL, runs, await deployment("importar"))

    # Both at once, and then each by itself.
    assert "2 replaced" in await up()
    await kept(client, POOL, runs, await deployment("importar-precios"))
    write(folder, program(name="importar", pool_type="docker"))
    assert "1 replaced" in await up()
    await kept(client, POOL, runs, await deployment("importar"))
    write(folder, program())
    assert "1 replaced" in await up()
    await kept(client, POOL, runs, await deployment("importar"))

    await pulumi("destroy", "--yes", "--skip-preview")
