"""A pull request from its first push to the night after its merge, as workflows see it; every step of theirs is run.

The server is a real Prefect, the plans are Pulumi's own; the stack is one on a server that is there already, so that it
costs no containers. golden/ is made again by UPDATE_GOLDEN=1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.toolchain.launcher import environment
from tests.ci.github import Hosted, hosted
from tests.ci.runner import ROOT, Done, Runner, all_steps, git, listed, machine
from tests.patient import Patient
from tests.provider.conftest import running_server
from tests.stack.platforms import copy_checkout
from tests.unit.review.plans import preview, step

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

GOLDEN = Path(__file__).parent / "golden"
STACK = "t-historia"
PASSPHRASE = "solo-para-pruebas"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LEAKED = "ghp_" + "q7Rk2ZpX" * 4 + "mW3t"
COMPRAS = """\
title: Compras
concurrency_limit: 2
deployments:
  - name: importar-lista-de-precios
    entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios
    parameters: {proveedor: Proveedor de ejemplo}
    schedules:
      - cron: 30 1,13,17 * * *
        active: true
"""
VENTAS = """\
title: Ventas
concurrency_limit: 4
deployments:
  - name: resumen-diario-de-ventas
    entrypoint: flows/ventas/resumen_diario.py:resumen_diario
    schedules:
      - cron: "0 7 * * 1-5"
        active: true
"""
FILE = """\
config:
  prefect-infra:environment: dev
  prefect-infra:server:
    api_url: {server}
  prefect-infra:code:
    location: git
    repository: https://git.example.com/datos/flujos.git
    branch: main
  prefect-infra:profiles:
    - name: prefect-infra-{{stack}}
  prefect-infra:areas:
    compras: areas/compras.yaml
    ventas: areas/ventas.yaml
"""
NEW = """\
  - name: avisar-cambios-de-precios
    entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios
    parameters: {proveedor: Proveedor de ejemplo}
    schedules:
      - cron: 0 2 * * *
        active: true
"""


@dataclass
class Story:
    """A developer's clone, a runner, a host, a server."""

    work: Path
    runner: Runner
    host: Hosted
    server: str
    state: str
    logs: list[str] = field(default_factory=list)

    def rewrite(self, name: str, *changes: tuple[str, str]) -> None:
        text = (self.work / name).read_text()
        for old, new in changes:
            assert old in text, (name, old)
            text = text.replace(old, new)
        (self.work / name).write_text(text)

    def push(self, message: str, branch: str) -> str:
        git(self.work, "add", "--all")
        git(self.work, "commit", "-q", "-m", message)
        git(self.work, "push", "-q", "origin", f"HEAD:{branch}")
        return git(self.work, "rev-parse", "HEAD")

    def push_main(self) -> None:
        git(self.work, "push", "-q", "origin", "main")

    def developer(self, *command: str, code: int = 0) -> str:
        """A person at their own machine, with the tests' virtualenv and the state of the pipeline."""
        own = {
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_BACKEND_URL": self.state,
            "PULUMI_HOME": str(ROOT / ".state" / "home"),
            "PREFECT_INFRA_PYTHON": str(ROOT / ".venv" / "bin" / "python"),
        }
        program, *words = command
        done = subprocess.run(
            [str(ROOT / ".venv" / "bin" / program), *words],
            cwd=self.work,
            env={**self.runner.machine, **environment(ROOT, STACK, self.runner.machine), **own},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        self.logs.append(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
        assert done.returncode == code, self.logs[-1]
        return done.stdout

    def preview(self, pull: int, head: str) -> Done:
        """What a push to the pull request sets off."""
        self.runner.check_out("origin/main", head)
        first = self.runner.job("preview.yml", "stacks", {"github.base_ref": "main"})
        assert first.failed is None, first.log
        assert listed(first.outputs["stacks"]) == [STACK]
        values = {"github.base_ref": "main", "matrix.stack": STACK, "github.event.pull_request.number": str(pull)}
        done = self.runner.job("preview.yml", "review", values)
        self.logs += [first.log, done.log, done.summary]
        return done

    def comment(self, pull: int) -> str:
        (row,) = self.host.comments[pull]
        return str(row["body"])

    def up(self, digest: str = "") -> Done:
        done = self.runner.job("up.yml", "up", {"inputs.stack": STACK, "inputs.digest": digest})
        self.logs += [done.log, done.summary]
        return done

    def drift(self) -> Done:
        self.runner.check_out("origin/main")
        stacks = self.runner.job("drift.yml", "stacks", {})
        assert listed(stacks.outputs["stacks"]) == [STACK]
        done = self.runner.job("drift.yml", "drift", {"matrix.stack": STACK})
        self.logs += [done.log, done.summary]
        return done

    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.server}/", transport=Patient(), timeout=30)

    def deployment(self, name: str) -> Any:
        with self.api() as api:
            rows = api.post("deployments/filter", json={"deployments": {"name": {"any_": [name]}}}).json()
        (row,) = rows
        return row


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    git(folder, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(folder, "clone", "-q", str(folder / "origin.git"), "work")
    work, state = folder / "work", f"file://{folder / 'state'}?metadata=skip"
    (folder / "state").mkdir()
    copy_checkout(work)
    (work / ".git" / "info" / "exclude").write_text(".venv\n")  # a link here, where a clone has a folder
    for file in (*work.glob("Pulumi.*.yaml"), *(work / "areas").iterdir()):
        file.unlink()
    with running_server(tmp_path_factory.mktemp("prefect-home")) as server, hosted() as host:
        (work / f"Pulumi.{STACK}.yaml").write_text(FILE.format(server=server))
        (work / "areas" / "compras.yaml").write_text(COMPRAS)
        (work / "areas" / "ventas.yaml").write_text(VENTAS)
        (work / ".github" / "CODEOWNERS").write_text("* @plataforma\n/areas/ @plataforma @areas\n")
        variables = {"PULUMI_BACKEND_URL": state, "PREFECT_INFRA_FIRST_STACK": STACK}
        runner = Runner(
            folder / "runner", folder / "origin.git", host, machine(folder), variables,
            {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
        )  # fmt: skip
        yield Story(work, runner, host, server, state)
    shutil.rmtree(folder, ignore_errors=True)


def same_as_golden(name: str, text: str) -> None:
    text = UUID.sub("(a UUID)", text)
    text = re.sub(r"plan=[0-9a-f]{64}|(?<=plan `)[0-9a-f]{12}", "(a digest)", text)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def test_from_the_first_push_to_the_night_after(story: Story) -> None:
    first = brought_up_by_somebody_who_has_read_its_plan(story)
    reviewed = a_pull_request_leaks_a_secret_and_is_mended(story)
    nothing_changed_so_the_comment_has_the_same_bytes(story, reviewed)
    merged = merge(story)
    another_plan_is_refused_and_the_reviewed_one_brought_up(story, first, merged)
    the_night_finds_what_was_edited_in_the_ui(story)
    what_was_edited_is_adopted_and_reviewed_as_something_that_is_so_already(story)

    assert [log for log in story.logs if LEAKED in log] == []
    assert LEAKED not in str(story.host)
    assert story.runner.ran == all_steps()


def brought_up_by_somebody_who_has_read_its_plan(story: Story) -> str:
    """A stack is made by hand once; its first plan has no pull request."""
    story.developer("pulumi", "stack", "init", STACK, "--non-interactive")
    first = story.push("Begin", "main")
    read = story.developer("prefect-infra", "review", "--stack", STACK, "--digest").strip()
    story.runner.check_out(first)
    done = story.up(read)
    assert done.failed is None, done.log
    assert story.deployment("importar-lista-de-precios")["work_pool_name"] == "compras-dev"
    return first


def a_pull_request_leaks_a_secret_and_is_mended(story: Story) -> str:
    """It moves a cron, renames a pool and adds a deployment, too."""
    git(story.work, "switch", "-q", "-c", "cambios")
    story.rewrite(f"Pulumi.{STACK}.yaml", ("    ventas: areas", "    comercial: areas"))
    story.rewrite("areas/compras.yaml", ("30 1,13,17", "0 2,14"), ("deployments:\n", f"deployments:\n{NEW}"))
    story.rewrite("areas/compras.yaml", ("title: Compras\n", f"title: Compras\nenv: {{ERP_TOKEN: {LEAKED}}}\n"))
    done = story.preview(1, story.push("Change much", "cambios"))
    assert (done.failed, done.code) == ("Review", 1)
    assert "PI501" in story.comment(1)
    same_as_golden("leaked.md", story.comment(1))

    story.rewrite("areas/compras.yaml", (f"env: {{ERP_TOKEN: {LEAKED}}}\n", ""))
    story.runner.variables["PREFECT_INFRA_MAX_DELETES"] = "1"  # that a pool goes has been talked about
    done = story.preview(1, story.push("Take it out", "cambios"))
    assert done.failed is None, done.log
    same_as_golden("changed.md", story.comment(1))
    return story.comment(1)


def nothing_changed_so_the_comment_has_the_same_bytes(story: Story, reviewed: str) -> None:
    before = len(story.host.calls)
    done = story.preview(1, "origin/cambios")
    assert done.failed is None, done.log
    assert story.comment(1).encode() == reviewed.encode()
    assert {verb for verb, _ in story.host.calls[before:]} == {"GET"}


def merge(story: Story) -> str:
    git(story.work, "switch", "-q", "main")
    git(story.work, "merge", "-q", "--squash", "cambios")
    merged = story.push("Change much (#1)", "main")
    story.host.pulls_of[merged] = [{"number": 1, "merged_at": "2026-03-30T15:00:00Z"}]
    return merged


def another_plan_is_refused_and_the_reviewed_one_brought_up(story: Story, first: str, merged: str) -> None:
    story.runner.check_out(merged)
    which = story.runner.job("deploy.yml", "stacks", {"github.event.before": first})
    assert (listed(which.outputs["stacks"]), listed(which.outputs["others"])) == ([STACK], [])
    kept = ("importar-lista-de-precios", "resumen-diario-de-ventas")
    ids = {name: story.deployment(name)["id"] for name in kept}

    done = story.up("0" * 64)
    assert (done.failed, done.code) == ("The plan, made again, is that one", 4)
    assert story.deployment("resumen-diario-de-ventas")["work_pool_name"] == "ventas-dev"

    done = story.up()
    assert done.failed is None, done.log
    assert story.deployment("resumen-diario-de-ventas")["work_pool_name"] == "comercial-dev"
    assert story.deployment("avisar-cambios-de-precios")["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
    assert {name: story.deployment(name)["id"] for name in kept} == ids


def the_night_finds_what_was_edited_in_the_ui(story: Story) -> None:
    edited = story.deployment("resumen-diario-de-ventas")["id"]
    with story.api() as api:
        api.patch(f"deployments/{edited}", json={"tags": ["cambiado-a-mano"]}).raise_for_status()
    done = story.drift()
    assert done.failed is None, done.log
    (issue,) = story.host.issues
    assert "resumen-diario-de-ventas" in issue["body"]
    assert "cambiado-a-mano" in issue["body"]


def what_was_edited_is_adopted_and_reviewed_as_something_that_is_so_already(story: Story) -> None:
    git(story.work, "switch", "-q", "-c", "adoptar")
    story.developer("prefect-infra", "adopt", "--stack", STACK, "--yes")
    assert "cambiado-a-mano" in (story.work / "areas" / "ventas.yaml").read_text()
    done = story.preview(2, story.push("Adopt what was edited", "adoptar"))
    assert done.failed is None, done.log
    same_as_golden("adopted.md", story.comment(2))
    assert "Nothing changes." in story.comment(2)

    git(story.work, "switch", "-q", "main")
    git(story.work, "merge", "-q", "--ff-only", "adoptar")
    story.push_main()
    done = story.drift()
    assert done.failed is None, done.log
    assert [issue["state"] for issue in story.host.issues] == ["closed"]


def test_what_the_server_knows_of_runs_is_told_live(story: Story) -> None:
    """On the stack as the story leaves it."""
    name = "importar-lista-de-precios"
    deployment = story.deployment(name)
    with story.api() as api:
        run = api.post(f"deployments/{deployment['id']}/create_flow_run", json={"state": {"type": "PENDING"}}).json()
        for state in ("PENDING", "RUNNING"):
            api.post(
                f"flow_runs/{run['id']}/set_state", json={"state": {"type": state}, "force": True}
            ).raise_for_status()
    worker = {
        "name": "w",
        "command": ["--type", "process"],
        "labels": [{"label": "prefect-infra.role", "value": "worker"}],
    }
    plan = preview(
        step("replace", "Container", "w", worker, worker, diff={"image": "update-replace"}),
        step("delete", "Deployment", name, {"name": name}),
        step("delete", "WorkPool", "compras-dev", {"name": "compras-dev"}),
    )
    (story.work / "plan.json").write_text(plan)

    told = json.loads(
        story.developer("prefect-infra", "review", "-s", STACK, "--plan", "plan.json", "--live", "--json")
    )

    runs = {each["name"]: each["runs"] for each in told["destroyed"]}
    assert runs[name] >= 1
    assert runs["compras-dev"] >= runs[name]
    (restart,) = told["restarts"]
    assert restart["running"][name] == 1
    text = story.developer("prefect-infra", "review", "-s", STACK, "--plan", "plan.json", "--live")
    assert f"{name} (1 running)" in text
