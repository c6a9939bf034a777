"""A roll-out by the real Pulumi of one container that does nothing: start-first, undone, tried again, cut off."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.toolchain.launcher import environment
from tests.stack.platforms import ROOT, docker, eventually

pytestmark = pytest.mark.docker
PROJECT = f"""\
name: t-sigue
runtime: python
plugins:
  providers:
    - name: prefect
      path: {ROOT}/infra/provider
"""
PROGRAM = """\
import pulumi
from infra.components.container import Container, Health, Limits
from infra.components.naming import Naming
from infra.components.runtimes.one_engine import OneEngine
from infra.toolchain.facts import read_facts
from pathlib import Path

naming = Naming(pulumi.get_project(), pulumi.get_stack())
if Path("script").exists():
    OneEngine(naming).run(
        Container(
            name=naming.of("x"),
            labels=naming.labels("x"),
            image=read_facts(Path({root!r})).base_image,
            command=["sh", "-c", Path("script").read_text()],
            environment={{}},
            limits=Limits(memory_mb=32, cpus=0.5, pids=32),
            network=None,
            health=Health(command=["test", "-e", "/tmp/sano"], interval_seconds=1, start_seconds=1),
            start_seconds=int(Path("segundos").read_text()),
            stop_seconds=60,
            start_first=Path("sigue").exists(),
            always=0 if Path("va-y-viene").exists() else None,
        ),
        pulumi.ResourceOptions(),
    )
"""
DRAINS = "trap 'echo me voy; while [ ! -e /tmp/libre ]; do sleep 0.2; done; exit 0' TERM; touch /tmp/sano; "
LEAVES = "trap 'exit 0' TERM; touch /tmp/sano; "
STAYS = "while :; do sleep 0.2; done"


@dataclass
class Rollout:
    folder: Path
    stack: str

    @property
    def name(self) -> str:
        return f"t-sigue-{self.stack}-x"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
            "PULUMI_BACKEND_URL": f"file://{self.folder}?metadata=skip",
            "PULUMI_HOME": str(ROOT / ".state" / "home"),
        }
        base = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        return {**base, **environment(ROOT, self.stack), **own}

    def declare(self, script: str, seconds: int = 60, *, start_first: bool = True) -> None:
        (self.folder / "script").write_text(script)
        (self.folder / "segundos").write_text(str(seconds))
        if start_first:
            (self.folder / "sigue").touch()

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(ROOT / ".venv" / "bin" / "pulumi"), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, fails: bool = False) -> str:
        process = self.begin(*arguments)
        said, _ = process.communicate(timeout=300)
        assert (process.returncode != 0) == fails, said
        return said

    def up(self, *arguments: str, fails: bool = False) -> str:
        return self.run("up", "--yes", "--stack", self.stack, *arguments, fails=fails)

    def there(self) -> dict[str, str]:
        """The ids of the containers by what they are called beyond the name, and their state."""
        template = "{{.ID}} {{.Names}} {{.State}}"
        shown = docker("ps", "-a", "--no-trunc", "--format", template, "-f", f"name={self.name}").splitlines()
        found = {}
        for identifier, called, state in (line.split() for line in shown):
            mark = called.removeprefix(self.name).removesuffix(identifier[:12])
            found[f"{mark.strip('-')} {state}".strip()] = identifier
        return found


@pytest.fixture
def rollout(tmp_path: Path) -> Iterator[Rollout]:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    (tmp_path / "__main__.py").write_text(PROGRAM.format(root=str(ROOT)))
    made = Rollout(tmp_path, f"t{secrets.token_hex(3)}")
    made.run("stack", "init", made.stack)
    yield made
    for container in docker("ps", "-aq", "--filter", f"name={made.name}").split():
        docker("rm", "--force", container)


def test_the_new_one_is_at_work_while_the_former_takes_its_time_to_leave(rollout: Rollout) -> None:
    rollout.declare(DRAINS + STAYS)
    rollout.up()
    former = rollout.there()["running"]
    rollout.declare(LEAVES + "echo otra; " + STAYS)
    upping = rollout.begin("up", "--yes", "--stack", rollout.stack)
    eventually("told to leave", lambda: "me voy" in docker("logs", former), 120, every=0.2)

    there = rollout.there()
    assert there.keys() == {"running", "leaving running"}
    assert there["leaving running"] == former
    assert docker("inspect", "--format", "{{.State.Health.Status}}", there["running"]) == "healthy"

    docker("exec", former, "touch", "/tmp/libre")
    said, _ = upping.communicate(timeout=120)
    assert upping.returncode == 0, said
    assert docker("inspect", "--format", "{{.Name}}", there["running"]) == f"/{rollout.name}"
    assert rollout.there().keys() == {"running"}
    rollout.up("--expect-no-changes")
    rollout.run("refresh", "--yes", "--stack", rollout.stack, "--expect-no-changes")
    rollout.run("destroy", "--yes", "--stack", rollout.stack)
    assert rollout.there() == {}


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo me falta algo; exit 3", "ended by itself"), (f"echo me falta algo; {STAYS}", "not healthy after 3 s")],
    ids=["ends", "lingers"],
)
def test_one_that_does_not_get_there_leaves_the_former_at_work_however_often_it_is_tried(
    rollout: Rollout, script: str, said: str
) -> None:
    rollout.declare(LEAVES + STAYS)
    rollout.up()
    former = rollout.there()["running"]
    rollout.declare(f"trap 'exit 0' TERM; {script}", seconds=3 if "lingers" in said or "3 s" in said else 60)
    for _ in range(2):
        told = rollout.up(fails=True)
        assert said in told
        assert "me falta algo" in told
        assert rollout.there().keys() == {"running", "failed exited"}
        assert rollout.there()["running"] == former
    rollout.declare(LEAVES + "echo arreglado; " + STAYS)
    rollout.up()
    there = rollout.there()
    assert there.keys() == {"running"}
    assert there["running"] != former
    rollout.up("--expect-no-changes")


def test_one_that_cannot_even_be_started_leaves_the_former_at_work(rollout: Rollout) -> None:
    rollout.declare(LEAVES + STAYS)
    rollout.up()
    former = rollout.there()["running"]
    program = rollout.folder / "__main__.py"
    code = program.read_text()
    program.write_text(code.replace('["sh", "-c"', '["/no/existe", "-c"'))
    for _ in range(2):
        rollout.up(fails=True)
        assert rollout.there()["running"] == former
    program.write_text(code)
    rollout.declare(LEAVES + "echo arreglado; " + STAYS)
    rollout.up()
    assert rollout.there().keys() == {"running"}
    rollout.up("--expect-no-changes")


def killed(rollout: Rollout, when: str) -> None:
    """An `up` that is killed as soon as containers are called so, and whose lock is gone."""
    upping = rollout.begin("up", "--yes", "--stack", rollout.stack)
    eventually(
        when, lambda: upping.poll() is not None or any(when in name for name in rollout.there()), 120, every=0.02
    )
    os.killpg(upping.pid, signal.SIGKILL)
    upping.communicate()
    assert any(when in name for name in rollout.there()), "it was over before it was killed"
    rollout.run("cancel", "--yes", "--stack", rollout.stack)


@pytest.mark.parametrize("when", ["former", "leaving"])
def test_an_up_that_was_killed_in_the_midst_is_put_right_by_the_next(rollout: Rollout, when: str) -> None:
    rollout.declare(DRAINS + STAYS)
    rollout.up()
    former = rollout.there()["running"]
    rollout.declare(LEAVES + "echo otra; " + STAYS)
    killed(rollout, when)
    assert docker("inspect", "--format", "{{.State.Running}}", former) == "true"
    docker("exec", former, "touch", "/tmp/libre")

    rollout.up()

    assert rollout.there().keys() == {"running"}
    assert rollout.there()["running"] != former
    rollout.up("--expect-no-changes")


def test_what_a_killed_up_left_goes_with_the_stack(rollout: Rollout) -> None:
    rollout.declare(LEAVES + STAYS)
    rollout.up()
    rollout.declare(LEAVES + "echo otra; " + STAYS)
    killed(rollout, "former")

    rollout.run("destroy", "--yes", "--stack", rollout.stack)

    assert rollout.there() == {}


def test_one_of_before_that_could_not_be_at_work_with_another_goes_first(rollout: Rollout) -> None:
    rollout.declare(DRAINS + STAYS, start_first=False)
    rollout.up()
    former = rollout.there()["running"]
    rollout.declare(LEAVES + "echo otra; " + STAYS)
    upping = rollout.begin("up", "--yes", "--stack", rollout.stack)
    eventually("told to leave", lambda: "me voy" in docker("logs", former), 120, every=0.2)
    assert list(rollout.there().values()) == [former]
    docker("exec", former, "touch", "/tmp/libre")
    said, _ = upping.communicate(timeout=120)
    assert upping.returncode == 0, said
    assert rollout.there().keys() == {"running"}
    rollout.up("--expect-no-changes")


def test_one_that_others_start_and_stop_is_followed_at_work_or_at_rest_as_it_was(rollout: Rollout) -> None:
    (rollout.folder / "va-y-viene").touch()
    rollout.declare(DRAINS + STAYS)
    rollout.up()
    assert rollout.there().keys() == {"created"}
    rollout.declare(DRAINS + "echo otra; " + STAYS)
    rollout.up()
    assert rollout.there().keys() == {"created"}
    former = rollout.there()["created"]
    docker("start", former)
    rollout.up("--expect-no-changes")

    rollout.declare(LEAVES + "echo la tercera; " + STAYS)
    upping = rollout.begin("up", "--yes", "--stack", rollout.stack)
    eventually("told to leave", lambda: "me voy" in docker("logs", former), 120, every=0.2)
    there = rollout.there()
    assert there.keys() == {"running", "leaving running"}
    assert docker("inspect", "--format", "{{.State.Health.Status}}", there["running"]) == "healthy"
    docker("exec", former, "touch", "/tmp/libre")
    said, _ = upping.communicate(timeout=120)
    assert upping.returncode == 0, said
    assert rollout.there().keys() == {"running"}
    rollout.up("--expect-no-changes")
    rollout.run("refresh", "--yes", "--stack", rollout.stack, "--expect-no-changes")

    docker("stop", there["running"])
    program = rollout.folder / "__main__.py"
    code = program.read_text()
    program.write_text(code.replace('["sh", "-c"', '["/no/existe", "-c"'))
    rollout.up()  # nobody is at work whose place it would have to take
    assert rollout.there().keys() == {"created"}
    rollout.run("destroy", "--yes", "--stack", rollout.stack)
    assert rollout.there() == {}
