"""Each of Prefect's own pull steps: kept as given, an edit is seen and mended, it clears; and some that really run."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prefect.deployments import steps
from prefect.deployments.steps.core import RESERVED_KEYWORDS

pytestmark = pytest.mark.server
PREFECTS = "prefect.deployments.steps."
GIT = {
    "id": "clone",
    "repository": "https://git.example.com/datos/flujos.git",
    "branch": "main",
    "include_submodules": True,
    "access_token": "{{ prefect.blocks.secret.token-de-git }}",
    "directories": ["flows", "lib"],
}
STEPS: dict[str, dict[str, dict[str, Any]]] = {
    "git": {PREFECTS + "git_clone": GIT},
    "git at a commit": {
        PREFECTS + "git_clone": {
            "repository": GIT["repository"],
            "commit_sha": "3f1c",
            "credentials": "{{ prefect.blocks.github-credentials.datos }}",
        }
    },
    "local": {PREFECTS + "set_working_directory": {"directory": "/srv/flujos"}},
    "shell": {
        PREFECTS + "run_shell_script": {
            "id": "commit",
            "script": "git rev-parse --short HEAD\necho listo\n",
            "directory": "{{ clone.directory }}",
            "env": {"A": "$B"},
            "stream_output": False,
            "expand_env_vars": True,
        }
    },
    "pip": {
        PREFECTS + "pip_install_requirements": {
            "requirements_file": "requirements.txt",
            "directory": "{{ clone.directory }}",
            "stream_output": False,
        }
    },
    "remote storage": {
        PREFECTS + "pull_from_remote_storage": {"url": "s3://flujos/datos", "key": "{{ prefect.blocks.secret.s3 }}"}
    },
    "block": {PREFECTS + "pull_with_block": {"block_document_name": "flujos", "block_type_slug": "s3-bucket"}},
    "S3": {
        "prefect_aws.deployments.steps.pull_from_s3": {
            "id": "pull",
            "requires": "prefect-aws>=0.4.0",
            "bucket": "flujos",
            "folder": "datos",
            "credentials": "{{ prefect.blocks.aws-credentials.datos }}",
            "client_parameters": {"endpoint_url": "https://s3.example.com"},
        }
    },
    "GCS": {
        "prefect_gcp.deployments.steps.pull_from_gcs": {
            "requires": "prefect-gcp>=0.4.3",
            "bucket": "flujos",
            "folder": "datos",
            "credentials": "{{ prefect.blocks.gcp-credentials.datos }}",
        }
    },
    "Azure": {
        "prefect_azure.deployments.steps.pull_from_azure_blob_storage": {
            "requires": "prefect-azure[blob_storage]>=0.2.8",
            "container": "flujos",
            "folder": "datos",
            "credentials": "{{ prefect.blocks.azure-blob-storage-credentials.datos }}",
        }
    },
}
each = pytest.mark.parametrize("name", STEPS)


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {"name": "d", "flow_name": f"{unique}-f", "entrypoint": "f.py:f", "work_pool_name": unique}


async def kept(client: Any, id_: str) -> Any:
    return (await client.get(f"deployments/{id_}"))["pull_steps"]


def test_each_step_that_prefect_itself_has_is_looked_at_as_it_takes_it() -> None:
    there = {name for name, item in vars(steps).items() if inspect.isroutine(item)} - {"run_step"}
    called = {key.removeprefix(PREFECTS): given for step in STEPS.values() for key, given in step.items()}
    assert there == {name for name in called if "." not in name}
    for name in there:
        inspect.signature(getattr(steps, name)).bind(
            **{argument: value for argument, value in called[name].items() if argument not in RESERVED_KEYWORDS}
        )


@each
async def test_it_is_kept_as_given_and_read_back_without_a_difference(
    engine: Any, later_engine: Any, client: Any, base: dict[str, Any], name: str
) -> None:
    declared = {**base, "pull_steps": [STEPS[name]]}
    resource = await engine.up("Deployment", "d", declared)
    assert await kept(client, resource.id) == [STEPS[name]]
    assert await engine.refresh(resource) == []
    assert (await engine.up("Deployment", "d", declared)).steps == ["same"]
    imported = await later_engine.import_("Deployment", "d", resource.id)
    assert imported.values["pull_steps"] == [STEPS[name]]


@each
async def test_an_edit_of_any_of_its_arguments_is_seen_and_mended_and_it_clears(
    engine: Any, client: Any, base: dict[str, Any], name: str
) -> None:
    declared = {**base, "pull_steps": [STEPS[name]]}
    resource = await engine.up("Deployment", "d", declared)
    ((step, given),) = STEPS[name].items()
    edits: list[Any] = [{step: {**given, argument: "ui"}} for argument in given]
    edits += [{step: {key: given[key] for key in given if key != argument}} for argument in given]
    edits += [{step: {**given, "ui": 1}}, {"ui.step": given}]
    for edit in edits:
        await client.patch(f"deployments/{resource.id}", {"pull_steps": [edit]})
        drift = await engine.refresh(resource)
        assert drift
        assert all(path.startswith("pull_steps[0]") for path in drift)
        await engine.up("Deployment", "d", declared)
        assert await kept(client, resource.id) == [STEPS[name]]
        assert await engine.refresh(resource) == []

    await client.patch(f"deployments/{resource.id}", {"pull_steps": []})
    assert await engine.refresh(resource) == ["pull_steps"]
    await engine.up("Deployment", "d", declared)
    await engine.up("Deployment", "d", base)
    assert not await kept(client, resource.id)
    assert await engine.refresh(resource) == []


async def test_their_order_counts(engine: Any, client: Any, base: dict[str, Any]) -> None:
    several = [STEPS[name] for name in ("git", "shell", "pip", "local")]
    declared = {**base, "pull_steps": several}
    resource = await engine.up("Deployment", "d", declared)
    assert await kept(client, resource.id) == several
    await client.patch(f"deployments/{resource.id}", {"pull_steps": several[::-1]})
    assert await engine.refresh(resource) != []
    await engine.up("Deployment", "d", declared)
    assert await kept(client, resource.id) == several


FLOW = """\
from pathlib import Path

from prefect import flow


@flow
def leer() -> str:
    return Path("escrito").read_text()
"""


async def test_a_worker_takes_them_one_after_the_other_and_the_run_completes(
    engine: Any, client: Any, base: dict[str, Any], prefect_server: str, tmp_path: Path
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "f.py").write_text(FLOW)
    (code / "requirements.txt").write_text("# nothing that would have to be fetched\n")
    pull = [
        {PREFECTS + "set_working_directory": {"directory": str(code)}},
        {PREFECTS + "run_shell_script": {"id": "shell", "script": "sh -c 'echo por-el-paso > escrito'"}},
        {PREFECTS + "pip_install_requirements": {"requirements_file": "requirements.txt", "directory": str(code)}},
    ]
    inputs = {**base, "flow_name": "leer", "entrypoint": "f.py:leer", "pull_steps": pull}
    resource = await engine.up("Deployment", "d", inputs)
    run = await client.post(f"deployments/{resource.id}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    output = tmp_path / "worker.log"
    worker = ["worker", "start", "--pool", base["work_pool_name"], "--type", "process", "--run-once"]
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environment = {**outside, "PREFECT_API_URL": prefect_server, "PREFECT_HOME": str(tmp_path / "home")}

    with output.open("wb") as log:
        subprocess.run(  # noqa: ASYNC221  # nothing else goes on
            [sys.executable, "-m", "prefect", *worker, "--no-create-pool-if-not-found"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            timeout=300,
            check=False,
        )

    row = await client.get(f"flow_runs/{run['id']}")
    assert row["state"]["type"] == "COMPLETED", output.read_text()
    assert (code / "escrito").read_text().strip() == "por-el-paso"
