"""Job variables fit the pool's type, and what they refer to exists."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from infra.model.job_templates import VARIABLES
from tests.unit.rules.conftest import Check, codes


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """What the server makes pools from: read as a file, since importing Prefect takes seconds."""
    found = importlib.util.find_spec("prefect")
    assert found is not None
    assert found.origin is not None
    views = Path(found.origin).parent / "server" / "api" / "collections_data" / "views"
    workers = json.loads((views / "aggregate-worker-metadata.json").read_text(encoding="utf-8"))
    of_type = {kind: worker for collection in workers.values() for kind, worker in collection.items()}
    return {kind: of_type[kind]["default_base_job_configuration"]["variables"]["properties"] for kind in VARIABLES}


@pytest.mark.parametrize("kind", VARIABLES)
def test_the_table_is_prefects_own(published: dict[str, Any], kind: str) -> None:
    assert VARIABLES[kind].keys() == published[kind].keys()
    for name, schema in VARIABLES[kind].items():
        theirs = published[kind][name]
        if "allOf" not in theirs:  # registry_credentials, a block
            assert {key: theirs.get(key) for key in schema} == schema, name


@pytest.mark.parametrize(
    ("kind", "variables", "code", "told"),
    [
        ("process", "{stream_output: true, working_dir: /srv, env: {A: b}}", None, ""),
        ("process", "{stream_outptu: true}", "PI212", "did you mean 'stream_output'?"),
        ("process", "{mem_limit: 1g}", "PI212", "pools of type docker have it"),
        ("docker", "{mem_limit: 1g, networks: [a], image_pull_policy: Always}", None, ""),
        ("docker", "{working_dir: /srv}", "PI212", "pools of type process have it"),
        ("docker", "{image_pull_policy: Sometimes}", "PI213", ""),
        ("docker", "{networks: a}", "PI213", ""),
        ("docker", "{container_wait_timeout: soon}", "PI213", ""),
        ("docker", "{registry_credentials: '{{ prefect.blocks.docker-registry-credentials.x }}'}", "PI215", ""),
        ("process", "{env: {A: 1}}", "PI213", ""),
        ("process", "{env: {A: null}}", None, ""),
        ("process", "{env: a}", "PI103", ""),
        ("process", "{command: null}", None, ""),
        ("process", "{stream_output: '{{ prefect.variables.ruidoso }}'}", None, ""),
    ],
)
def test_a_job_variable_is_one_of_the_pools_type(
    deployment: Check, kind: str, variables: str, code: str | None, told: str
) -> None:
    report = deployment(f"work_pool: {{job_variables: {variables}}}", area=f"workers: {{type: {kind}}}")

    assert codes(report) == ([code] if code else [])
    assert all(told in (finding.hint or "") for finding in report.findings)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("{{ prefect.variables.sucursal }}", None),
        ("{{ $HOME }}", None),
        ("{{ ctx.flow.name }}", None),
        ("a {{ prefect.blocks.secret.ventas-dev-git-token }} b", None),
        ("{{ prefect.blocks.secret.ventas-dev-git-tokn }}", "PI215"),
        ("{{ prefect.blocks.json.parametros.value.a }}", "PI215"),
        ("{{ prefect.bloks.secret.x }}", "PI214"),
        ("{{ prefect.blocks.secret }}", "PI214"),
        ("{{ prefect.variable.x }}", "PI214"),
    ],
)
@pytest.mark.parametrize("where", ["env", "job_variables", "area"])
def test_a_reference_is_one_that_prefect_fills_in(deployment: Check, value: str, code: str | None, where: str) -> None:
    code_of = "code: {location: git, repository: 'https://git.example.com/x.git', access_token: {secret: git_token}}\n"
    lines = {
        "env": f"{code_of}env: {{A: '{value}'}}",
        "job_variables": f"{code_of}work_pool: {{job_variables: {{env: {{A: '{value}'}}}}}}",
        "area": code_of,
    }[where]
    area = f"env: {{A: '{value}'}}" if where == "area" else ""
    report = deployment(lines, area=area, stack="prefect-infra:git_token: {secure: v1:abcdefgh}")

    assert codes(report) == ([code] if code else [])
