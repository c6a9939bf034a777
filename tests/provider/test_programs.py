"""Programs that look things up, run by Pulumi itself: the YAML sample, by the published schema, and one in Python."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.provider.kinds.job_template import WORKER_TYPES
from infra.toolchain.launcher import environment
from tests.provider.front import fronting

pytestmark = [pytest.mark.server, pytest.mark.thorough]

ROOT = Path(__file__).parents[2]
PULUMI = ROOT / ".venv" / "bin" / "pulumi"
SCHEMA = "infra/provider/pulumi-resource-prefect"
CANARY = "Zorzal-9-azul"
STACK = "t-programa"
DEPLOYMENT = "deployments/name/importar_lista_de_precios/importar-lista-de-precios"


def run(
    *arguments: str | Path, folder: Path, backend: Path, check: bool = True, **more: str
) -> subprocess.CompletedProcess[str]:
    """`more` goes into its environment."""
    own = {
        "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
        "PULUMI_BACKEND_URL": f"file://{backend}?metadata=skip",
        "PULUMI_HOME": str(ROOT / ".state" / "home"),
    }
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
    done = subprocess.run(
        [PULUMI, *arguments, "--non-interactive", "--color", "never"],
        cwd=folder,
        env={**base, **environment(ROOT, STACK), **own, **more},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"pulumi {arguments}:\n{done.stdout}{done.stderr}")
    return done


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy, since Pulumi writes the stack's file beside the program; the provider that it names is the checkout's."""
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    (tmp_path / "backend").mkdir()
    return Path(shutil.copytree(ROOT / "docs" / "samples" / "yaml", tmp_path / "docs" / "samples" / "yaml"))


def test_the_yaml_sample_is_made_found_unchanged_and_destroyed(
    sample: Path, tmp_path: Path, prefect_server: str
) -> None:
    backend = tmp_path / "backend"

    def pulumi(*arguments: str) -> str:
        done = run(*arguments, folder=sample, backend=backend)
        assert CANARY not in done.stdout + done.stderr
        return done.stdout + done.stderr

    pulumi("stack", "init", STACK)
    pulumi("config", "set", "prefect:api_url", prefect_server)
    run("config", "set", "--secret", "clave_del_proveedor", CANARY, folder=sample, backend=backend)

    told = pulumi("up", "--yes")
    assert "4 created" in told
    assert "warning" not in told

    outputs: dict[str, Any] = json.loads(pulumi("stack", "output", "--json"))
    assert outputs == {
        "horario": "30 1,13,17 * * *",
        "hecho_por": f"muestra-yaml/{STACK}",
        "clave": "[secret]",
        "muestra_la_salida": True,
    }
    shown = run("stack", "output", "clave", "--show-secrets", folder=sample, backend=backend)
    assert shown.stdout.strip() == CANARY
    kept = [path for path in (*backend.rglob("*"), *sample.rglob("*")) if path.is_file()]
    assert any(path.name == f"{STACK}.json" for path in kept)
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]

    deployment = httpx.get(f"{prefect_server}/{DEPLOYMENT}").raise_for_status().json()
    assert (deployment["work_pool_name"], len(deployment["schedules"])) == ("compras-yaml", 1)

    assert "4 unchanged" in pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")

    pulumi("destroy", "--yes", "--skip-preview")
    for gone in (DEPLOYMENT, "work_pools/compras-yaml"):
        assert httpx.get(f"{prefect_server}/{gone}").status_code == httpx.codes.NOT_FOUND


PYTHON_PROJECT = f"""\
name: muestra-python
runtime: python
plugins:
  providers:
    - name: prefect
      path: {ROOT}/infra/provider
"""
PYTHON_PROGRAM = """\
import pulumi
from infra import resources as prefect

config = pulumi.Config()
port = prefect.HostPort("puerto", port="auto")
# A server whose address no preview knows before the port is there.
address = port.number.apply(lambda _: config.require("address"))
opts = pulumi.ResourceOptions(provider=prefect.Provider("servidor", api_url=address))
pool = prefect.WorkPool("pool", name="pool-de-python", type="process", concurrency_limit=3, opts=opts)
data = {"value": config.require_secret("clave")}
block = prefect.Block("clave", name="clave-de-python", type_slug="secret", data=data, opts=opts)

later = pulumi.InvokeOutputOptions(provider=opts.provider)
pulumi.export("limit", prefect.get_work_pool_output(pool.name, opts=later).concurrency_limit)
pulumi.export("clave", prefect.get_block_output("secret", block.name, opts=later).data["value"])

if wrong := config.get("wrong"):
    known = pulumi.InvokeOptions(provider=prefect.Provider("conocido", api_url=config.require("address")))
    pulumi.export("plain", prefect.get_work_pool("pool-de-python", opts=known).concurrency_limit)
    if wrong == "plain":
        prefect.get_work_pool("pool-de-pyton", opts=known)
    pulumi.export("wrong", prefect.get_work_pool_output("pool-de-pyton", opts=later).name)
"""


def test_in_python_a_preview_waits_for_the_server_and_a_wrong_name_is_one_sentence(
    tmp_path: Path, prefect_server: str
) -> None:
    folder, backend = tmp_path / "program", tmp_path / "backend"
    folder.mkdir()
    backend.mkdir()
    (folder / "Pulumi.yaml").write_text(PYTHON_PROJECT)
    (folder / "__main__.py").write_text(PYTHON_PROGRAM)

    def pulumi(*arguments: str, check: bool = True) -> str:
        done = run(*arguments, folder=folder, backend=backend, check=check)
        return done.stdout + done.stderr

    pulumi("stack", "init", STACK)
    pulumi("config", "set", "address", prefect_server)
    pulumi("config", "set", "--secret", "clave", CANARY)
    told = pulumi("up", "--yes")
    assert told.count("[unknown]") == 2
    assert "5 created" in told
    assert json.loads(pulumi("stack", "output", "--json")) == {"limit": 3, "clave": "[secret]"}
    assert CANARY not in told + pulumi("stack", "export")

    for form in ("plain", "output"):
        told = pulumi("preview", "--config", f"wrong={form}", check=False)
        assert "error: there is no work pool 'pool-de-pyton': did you mean 'pool-de-python'?" in told
        assert "Traceback" not in told
    pulumi("destroy", "--yes", "--skip-preview")


MISTAKEN = f"""\
name: muestra-con-errores
runtime: yaml
plugins:
  providers:
    - name: prefect
      path: {ROOT}/infra/provider
"""
POOL = """\
resources:
  pool:
    type: prefect:WorkPool
    properties: {name: compras/yaml, type: dokcer, concurrency_limit: -1}
"""
DEPLOYED = """\
resources:
  importar:
    type: prefect:Deployment
    properties:
      name: importar-lista-de-precios
      flow_name: importar_lista_de_precios
      entrypoint: flows/compras/lista_de_precios.py
      work_pool_name: compras
      pull_steps:
        - git_clone: {repository: https://example.org/flujos.git}
      schedules:
        - {slug: noche, cron: 30 1 * *, timezone: America/Argentina/Buenos_Aires}
        - {slug: mes, rrule: FREQ=MENSUAL, timezone: America/Buenos_Aire}
"""
TOLD = {
    POOL: {
        "name": "the server takes no '/' in a name, got 'compras/yaml': try 'compras-yaml'",
        "type": "the server has no such worker type: did you mean 'docker'?",
        "concurrency_limit": "Input should be greater than or equal to 0",
    },
    DEPLOYED: {
        "entrypoint": "expected `path/file.py:function`",
        "pull_steps[0].git_clone": "prefect.deployments.steps.git_clone",
        "schedules[0].cron": "a cron expression has five fields",
        "schedules[1].rrule": "is no RFC 5545 rule",
        "schedules[1].timezone": "did you mean 'America/Buenos_Aires'",
    },
}


@pytest.mark.parametrize("resource", TOLD, ids=["pool", "deployment"])
async def test_all_mistakes_of_a_resource_are_shown_by_a_preview_with_their_places_and_nothing_is_written(
    tmp_path: Path, prefect_server: str, client: Any, resource: str
) -> None:
    folder, backend = tmp_path / "program", tmp_path / "backend"
    folder.mkdir()
    backend.mkdir()
    (folder / "Pulumi.yaml").write_text(MISTAKEN + resource, encoding="utf-8")
    await client.get(WORKER_TYPES)  # a server that has just started looks for news of them in the network first

    async with fronting(prefect_server) as front:
        await asyncio.to_thread(run, "stack", "init", STACK, folder=folder, backend=backend)
        await asyncio.to_thread(run, "config", "set", "prefect:api_url", front.url, folder=folder, backend=backend)
        for command in (["preview"], ["up", "--yes", "--skip-preview"]):
            done = await asyncio.to_thread(run, *command, folder=folder, backend=backend, check=False)
            told = done.stdout + done.stderr

            assert done.returncode != 0
            for path, reason in TOLD[resource].items():
                problem = rf"property {re.escape(path)} value .* has a problem: .*{re.escape(reason)}"
                assert re.search(problem, told), (path, told)
            assert "Traceback" not in told
    asked = [(request.method, request.path) for request in front.seen]
    assert asked == ([("GET", f"/api/{WORKER_TYPES}")] * 2 if resource == POOL else [])


RENAMING = f"""\
name: muestra-de-nombres
runtime: yaml
plugins:
  providers:
    - name: prefect
      path: {ROOT}/infra/provider
resources:
  pool:
    type: prefect:WorkPool
    properties: {{name: nombres, type: process}}
  queue:
    type: prefect:WorkQueue
    properties: {{work_pool_name: "${{pool.name}}", work_pool_id: "${{pool.work_pool_id}}", name: NAME}}
  variable:
    type: prefect:Variable
    properties: {{name: NAME, value: 1}}
  limit:
    type: prefect:GlobalConcurrencyLimit
    properties: {{name: NAME, limit: 1}}
  automation:
    type: prefect:Automation
    properties: {{name: NAME, trigger: {{type: event, posture: Reactive, expect: [a], threshold: 1, within: 0}}}}
"""


def test_a_preview_of_other_names_shows_updates_and_a_refresh_brings_the_ids_after(
    tmp_path: Path, prefect_server: str
) -> None:
    folder, backend = tmp_path / "program", tmp_path / "backend"
    folder.mkdir()
    backend.mkdir()

    def pulumi(*arguments: str) -> str:
        return run(*arguments, folder=folder, backend=backend).stdout

    def resources() -> dict[str, Any]:
        state = json.loads(pulumi("stack", "export"))["deployment"]["resources"]
        return {each["urn"].rsplit("::", 1)[-1]: each for each in state if each["type"].startswith("prefect:index:")}

    (folder / "Pulumi.yaml").write_text(RENAMING.replace("NAME", "nombre-de-antes"))
    pulumi("stack", "init", STACK)
    pulumi("config", "set", "prefect:api_url", prefect_server)
    pulumi("up", "--yes", "--skip-preview")
    before = resources()

    (folder / "Pulumi.yaml").write_text(RENAMING.replace("NAME", "nombre-nuevo"))
    shown = json.loads(pulumi("preview", "--json"))
    assert shown["changeSummary"] == {"same": 2, "update": 4}
    assert {tuple(step["detailedDiff"]) for step in shown["steps"] if step["op"] == "update"} == {("name",)}
    pulumi("up", "--yes", "--skip-preview")

    now = resources()
    uuids = ("work_queue_id", "variable_id", "limit_id", "automation_id", "work_pool_id")
    for name, resource in now.items():
        for key in uuids:
            assert resource["outputs"].get(key) == before[name]["outputs"].get(key)
    assert now["variable"]["id"] == "nombre-de-antes"  # Pulumi changes no id in an update

    pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    after = resources()
    ids = {name: after[name]["id"] for name in ("queue", "variable", "limit")}
    assert ids == {"queue": "nombres/nombre-nuevo", "variable": "nombre-nuevo", "limit": "nombre-nuevo"}
    pulumi("preview", "--expect-no-changes")
    pulumi("destroy", "--yes", "--skip-preview")


def test_pulumi_prints_the_schema_and_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    # Without the `./`, Pulumi takes the path for a name in its registry.
    printed = run("package", "get-schema", f"./{SCHEMA}", folder=ROOT, backend=tmp_path).stdout
    schema = tmp_path / "schema.json"
    schema.write_text(printed)
    run("schema", "check", schema, folder=ROOT, backend=tmp_path)

    functions = json.loads(printed)["functions"]
    assert functions["prefect:index:getBlock"]["outputs"]["properties"]["data"]["secret"] is True
    # That the check would find something.
    schema.write_text(printed.replace("#/types/prefect:index:Schedule", "#/types/prefect:index:Sheduel"))
    refused = run("schema", "check", schema, folder=ROOT, backend=tmp_path, check=False)
    assert refused.returncode != 0
    assert "Sheduel" in refused.stdout + refused.stderr


def test_the_first_yaml_of_the_document_is_out_of_the_sample() -> None:
    page = (ROOT / "docs" / "provider.md").read_text(encoding="utf-8")
    shown, *_ = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    sample = (ROOT / "docs" / "samples" / "yaml" / "Pulumi.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in shown.splitlines() if line.partition(" #")[0] not in sample] == []
