from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.model import load_stack_file

pytestmark = pytest.mark.thorough  # each runs the command line as a process of its own
HERE = Path(__file__).parents[3]
STACK = """\
config:
  prefect-infra:environment: dev
  # the areas
  prefect-infra:areas:
    ventas: {}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    (tmp_path / "tareas.cron").write_text("# Respaldo de ventas\n30 1 * * * /opt/respaldo.sh\n@reboot /opt/otra\n")
    return tmp_path


def run(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from infra.cli import main; main()", "import", *words],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_without_write_nothing_changes(checkout: Path) -> None:
    before = files(checkout)

    done = run(checkout, "crontab", "tareas.cron", "--area", "ventas")

    assert done.returncode == 0, done.stderr
    assert files(checkout) == before
    assert 'cron: "30 1 * * *"' in done.stdout
    assert "line 3: left out: @reboot" in done.stderr


def test_write_makes_the_flow_and_the_deployment_and_shows_the_difference(checkout: Path) -> None:
    done = run(checkout, "crontab", "tareas.cron", "--area", "compras", "--write")

    assert done.returncode == 0, done.stderr
    (area,) = [area for area in load_stack_file(checkout, "dev").areas if area.name == "compras"]
    (deployment,) = area.deployments
    assert (deployment.name, deployment.flow_name) == ("respaldo-de-ventas", "respaldo-de-ventas")
    assert (checkout / "flows/compras/respaldo_de_ventas.py").is_file()
    assert "+        - name: respaldo-de-ventas" in done.stdout
    assert "# the areas" in (checkout / "Pulumi.dev.yaml").read_text()


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        (STACK + "    compras:\n      no_such_key: 1\n", "no_such_key"),
        ("config: [\n", "Pulumi.dev.yaml"),
        (STACK + "    compras: {deployments: [{name: a, entrypoint: b}]}\n", "one line"),
    ],
)
def test_a_stack_file_with_faults_is_never_touched(checkout: Path, stack: str, told: str) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(stack)
    before = files(checkout)

    done = run(checkout, "crontab", "tareas.cron", "--area", "compras", "--write")

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert files(checkout) == before


def test_a_source_with_faults_changes_nothing(checkout: Path) -> None:
    (checkout / "tareas.cron").write_text("0 1 * * * a\nwhat is this\n")
    before = files(checkout)

    done = run(checkout, "crontab", "tareas.cron", "--write")

    assert (done.returncode, files(checkout)) == (1, before)
    assert "line 2" in done.stderr


def test_a_file_that_is_there_already_is_not_overwritten(checkout: Path) -> None:
    flow = checkout / "flows/ventas/respaldo_de_ventas.py"
    flow.parent.mkdir(parents=True)
    flow.write_text("mine = 1\n")
    before = files(checkout)

    done = run(checkout, "crontab", "tareas.cron", "--area", "ventas", "--write")

    assert (done.returncode, files(checkout)) == (1, before)
    assert "flows/ventas/respaldo_de_ventas.py is there already" in done.stderr


def test_what_is_imported_goes_into_the_areas_own_file_and_every_stack_with_it_is_checked(checkout: Path) -> None:
    named = STACK.replace("ventas: {}", "ventas: areas/ventas.yaml")
    (checkout / "areas").mkdir()
    own = checkout / "areas/ventas.yaml"
    own.write_text("# of Ventas alone\ntitle: Ventas # here\n")
    (checkout / "areas/compras.yaml").write_text("title: Compras\n")
    (checkout / "Pulumi.dev.yaml").write_text(named)
    (checkout / "Pulumi.prod.yaml").write_text(
        named.replace("environment: dev", "environment: prod") + "    compras: areas/compras.yaml\n"
    )

    shown = run(checkout, "crontab", "tareas.cron", "--area", "ventas")
    done = run(checkout, "crontab", "tareas.cron", "--area", "ventas", "--write")

    assert (shown.returncode, done.returncode) == (0, 0), done.stderr
    assert shown.stdout.startswith("# in areas/ventas.yaml\ndeployments:\n")
    assert "areas/ventas.yaml counts for the stacks dev, prod" in done.stderr
    assert own.read_text().startswith("# of Ventas alone\ntitle: Ventas # here\ndeployments:\n")
    assert (checkout / "Pulumi.dev.yaml").read_text() == named
    for stack in ("dev", "prod"):
        (area,) = [area for area in load_stack_file(checkout, stack).areas if area.name == "ventas"]
        assert [each.pool_name for each in area.deployments] == [f"ventas-{stack}"]


def test_nothing_is_written_into_an_areas_file_that_another_stack_could_not_bear(checkout: Path) -> None:
    named = STACK.replace("ventas: {}", "ventas: areas/ventas.yaml")
    (checkout / "areas").mkdir()
    (checkout / "areas/ventas.yaml").write_text("title: Ventas\n")
    (checkout / "Pulumi.dev.yaml").write_text(named)
    broken = named.replace("environment: dev", "environment: prod\n  prefect-infra:timezone: UTC")
    (checkout / "Pulumi.prod.yaml").write_text(broken)
    before = files(checkout)

    done = run(checkout, "crontab", "tareas.cron", "--area", "ventas", "--write")

    assert (done.returncode, files(checkout)) == (1, before)
    assert "Pulumi.prod.yaml:3" in done.stderr


def test_a_personal_stack_does_not_lose_the_areas_it_inherits(checkout: Path) -> None:
    (checkout / "Pulumi.dev-ana.yaml").write_text("config:\n  prefect-infra:timezone: America/Santiago\n")

    done = run(checkout, "crontab", "tareas.cron", "--stack", "dev-ana", "--write")

    assert done.returncode == 1
    assert "Pulumi.dev.yaml" in done.stderr


@pytest.mark.parametrize("area", ["Compras", "a-b", "../x"])
def test_an_area_has_a_name_that_an_area_may_have(checkout: Path, area: str) -> None:
    assert run(checkout, "crontab", "tareas.cron", "--area", area).returncode == 2


SAMPLES = HERE / "tests/data/task_scheduler"


def test_a_folder_of_tasks_becomes_a_valid_area(checkout: Path) -> None:
    done = run(checkout, "task-scheduler", str(SAMPLES), "--area", "compras", "--write")

    assert done.returncode == 0, done.stderr
    (area,) = [area for area in load_stack_file(checkout, "dev").areas if area.name == "compras"]
    assert len(area.deployments) == len(list(SAMPLES.glob("*.xml")))
    assert {schedule.timezone for each in area.deployments for schedule in each.schedules} == {
        "America/Argentina/Buenos_Aires"
    }
    assert "BootTrigger" in done.stderr


def test_the_time_zone_of_the_machine_can_be_told(checkout: Path) -> None:
    file = str(SAMPLES / "importar_precios.xml")

    assert (
        "timezone: America/Santiago" in run(checkout, "task-scheduler", file, "--timezone", "America/Santiago").stdout
    )
    assert "timezone" not in run(checkout, "task-scheduler", file).stdout
    assert run(checkout, "task-scheduler", file, "--timezone", "UTC").returncode == 2


def test_one_file_that_is_no_task_stops_the_whole_folder(checkout: Path) -> None:
    folder = checkout / "tareas"
    folder.mkdir()
    (folder / "buena.xml").write_bytes((SAMPLES / "fin_de_mes.xml").read_bytes())
    (folder / "mala.xml").write_text("<html/>")
    before = files(checkout)

    done = run(checkout, "task-scheduler", "tareas", "--write")

    assert (done.returncode, files(checkout)) == (1, before)
    assert "mala.xml" in done.stderr


def test_a_prefect_yaml_becomes_deployments(checkout: Path) -> None:
    (checkout / "flujo.py").write_text("from prefect import flow\n\n\n@flow\ndef f() -> None: ...\n")
    (checkout / "prefect.yaml").write_text(
        "deployments:\n- name: flujo-de-siempre\n  entrypoint: flujo.py:f\n  schedules: [{cron: 0 12 * * *}]\n"
    )

    done = run(checkout, "prefect-yaml", "--area", "compras", "--write")

    assert done.returncode == 0, done.stderr
    (area,) = [area for area in load_stack_file(checkout, "dev").areas if area.name == "compras"]
    assert [schedule.cron for each in area.deployments for schedule in each.schedules] == ["0 9 * * *"]


def test_a_prefect_yaml_whose_flow_is_missing_changes_nothing(checkout: Path) -> None:
    (checkout / "prefect.yaml").write_text("deployments: [{name: a, entrypoint: 'no.py:f'}]\n")
    before = files(checkout)

    done = run(checkout, "prefect-yaml", "prefect.yaml", "--write")

    assert (done.returncode, files(checkout)) == (1, before)
    assert "no.py" in done.stderr


@pytest.mark.parametrize("command", ["crontab", "task-scheduler", "prefect-yaml"])
def test_each_command_has_help_with_an_example(checkout: Path, command: str) -> None:
    assert f"prefect-infra import {command}" in " ".join(run(checkout, command, "--help").stdout.split())


@pytest.mark.parametrize("source", ["crontab tareas.cron", f"task-scheduler {SAMPLES}"])
def test_what_was_imported_already_is_not_imported_again(checkout: Path, source: str) -> None:
    """Run twice, it would else start every command twice."""
    assert run(checkout, *source.split(), "--area", "compras", "--write").returncode == 0
    before = files(checkout)

    done = run(checkout, *source.split(), "--area", "compras", "--write")

    assert (done.returncode, files(checkout)) == (1, before)
    assert "already" in done.stderr
