"""The policy pack as Pulumi's own CLI runs it, in a preview: nothing is made, no server and no engine is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.toolchain.launcher import environment

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
STACK = "t-policy"
PROJECT = f"""\
name: otro-programa
runtime: python
plugins:
  providers:
    - {{name: prefect, path: {ROOT}/infra/provider}}
  analyzers:
    - {{name: policy-prefect-infra, path: {ROOT}/infra/policy}}
"""
HEAD = """\
import pulumi, pulumi_docker as docker
from infra.resources import Deployment, Provider, WorkPool

server = pulumi.ResourceOptions(provider=Provider("prefect", api_url="http://127.0.0.1:1/api"))
"""
CARELESS = f"""{HEAD}
docker.Container(
    "web", name="web", image="x", envs=["ERP_PASSWORD=x7Gq2Lw9ZtB4"],
    ports=[docker.ContainerPortArgs(internal=80, external=8080)],
)
pool = WorkPool("ventas-prod", name="ventas-prod", type="process", opts=server)
WorkPool("compras-dev", name="compras-dev", type="process", opts=server)
schedules = [
    {{"slug": "nunca", "cron": "0 9 31 2 *", "timezone": "America/Santiago"}},
    {{"slug": "utc", "cron": "0 9 * * *", "timezone": "Etc/UTC"}},
]
Deployment(
    "test", name="test", flow_name="f", entrypoint="f.py:f", work_pool=pool, schedules=schedules, opts=server,
)
"""
CAREFUL = f"""{HEAD}
docker.Container(
    "web", name="web", image="x", user="10001:10001", memory=256, security_opts=["no-new-privileges:true"],
    capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
    ports=[docker.ContainerPortArgs(internal=80, external=8080, ip="127.0.0.1")],
)
pool = WorkPool("ventas-prod", name="ventas-prod", type="process", opts=server)
Deployment(
    "resumen-diario", name="resumen-diario", flow_name="f", entrypoint="f.py:f", work_pool=pool,
    schedules=[{{"slug": "nueve", "cron": "0 9 * * *", "timezone": "America/Santiago"}}], opts=server,
)
"""


def preview(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    own = {
        "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}?metadata=skip",
        "PULUMI_HOME": str(ROOT / ".state" / "home"),
    }
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
    done = None
    for words in (["stack", "init", STACK], ["preview", "--stack", STACK, "--policy-pack", f"{ROOT}/infra/policy"]):
        done = subprocess.run(
            [ROOT / ".venv" / "bin" / "pulumi", *words, "--non-interactive", "--color", "never"],
            cwd=folder,
            env={**base, **environment(ROOT, STACK), **own},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=180,
            check=False,
        )
    assert done is not None
    return done


def test_a_preview_is_stopped_by_every_policy_that_a_program_breaks(tmp_path: Path) -> None:
    done = preview(tmp_path, CARELESS)

    told = done.stdout + done.stderr
    assert done.returncode != 0
    for code in ("PI201", "PI211", "PI301", "PI304", "PI502", "PI601", "PI602", "PI603", "PI605"):
        assert f"{code} " in told, told
    assert "x7Gq2Lw9ZtB4" not in told.partition("Policies:")[2]


def test_a_preview_of_a_program_that_breaks_none_goes_through(tmp_path: Path) -> None:
    done = preview(tmp_path, CAREFUL)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Policies:" in done.stdout
    assert "PI" not in done.stdout.partition("Policies:")[2].partition("Resources:")[0]
