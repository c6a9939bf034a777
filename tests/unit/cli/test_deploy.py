"""`prefect-infra deploy` by options, without a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli import app
from infra.model import Deployment, load_stack_file
from tests.unit.cli.conftest import files

FLOW = "flows/compras/pedidos.py:revisar_pedidos"
ALL = (
    *("--entrypoint", FLOW, "--area", "compras", "--name", "revisar-pedidos"),
    *(
        "--schedule",
        "lunes a viernes 07:30",
        "--active",
        "--parameter",
        "archivo=pedidos.csv",
        "--parameter",
        "minimo=5",
    ),
    *("--parameter", "monedas=USD, EUR", "--queue", "urgente", "--tag", "pedidos", "--description", "Revisa: todo."),
    *("--concurrency-limit", "1"),
)


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["deploy", *words])
    assert result.exit_code == code, result.output
    return result


def deployed(checkout: Path, name: str) -> Deployment:
    areas = load_stack_file(checkout, "dev").areas
    return next(each for area in areas for each in area.deployments if each.name == name)


def test_all_that_is_said_is_declared_and_the_way_to_apply_it_is_told(checkout: Path) -> None:
    done = run(*ALL, "--yes")

    made = deployed(checkout, "revisar-pedidos")
    assert (made.pool_name, made.work_queue_name, made.tags) == ("compras-dev", "urgente", ("pedidos",))
    assert made.parameters == {"archivo": "pedidos.csv", "minimo": 5, "monedas": ["USD", "EUR"]}
    assert [(each.cron, each.active) for each in made.schedules] == [("30 7 * * 1-5", True)]
    assert (made.description, made.concurrency_limit) == ("Revisa: todo.", 1)
    assert "+        - name: revisar-pedidos" in done.stdout
    assert "pulumi up --stack dev" in done.stdout
    text = (checkout / "Pulumi.dev.yaml").read_text()
    assert "    # what Compras runs\n    compras:" in text
    assert "tags: [avisos] # for the UI" in text


def test_the_same_again_is_so_already_and_touches_nothing(checkout: Path) -> None:
    run(*ALL, "--yes")
    before, touched = files(checkout), (checkout / "Pulumi.dev.yaml").stat().st_mtime_ns

    done = run(*ALL, "--yes")

    assert "so already" in done.stderr
    assert done.stdout == ""
    assert (files(checkout), (checkout / "Pulumi.dev.yaml").stat().st_mtime_ns) == (before, touched)


def test_another_one_of_the_same_name_changes_what_is_said_only(checkout: Path) -> None:
    done = run(
        *("--entrypoint", "flows/compras/pedidos.py:avisar", "--area", "compras", "--name", "avisar-a-todos"),
        *("--cron", "0 8 * * *", "--yes"),
    )

    changed = [line for line in done.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ['-            - cron: "0 7 * * *"', '+            - cron: "0 8 * * *"']
    assert deployed(checkout, "avisar-a-todos").tags == ("avisos",)


def test_a_dry_run_shows_the_change_and_writes_nothing(checkout: Path) -> None:
    before = files(checkout)

    done = run(*ALL, "--dry-run")

    assert "+        - name: revisar-pedidos" in done.stdout
    assert files(checkout) == before


def test_an_area_that_is_not_there_yet_is_made(checkout: Path) -> None:
    run("--entrypoint", "flows/compras/pedidos.py:avisar", "--area", "finanzas", "--name", "avisar", "--yes")

    assert deployed(checkout, "avisar").pool_name == "finanzas-dev"


def test_json_says_what_a_script_wants_to_know(checkout: Path) -> None:
    told = json.loads(run(*ALL, "--yes", "--json").stdout)

    assert (told["changed"], told["written"], told["file"]) == (True, True, "Pulumi.dev.yaml")
    assert told["work_pool"] == "compras-dev"
    (times,) = told["next_runs"].values()
    assert len(times) == 5
    assert all(time.endswith("07:30:00-03:00") for time in times)
    again = json.loads(run(*ALL, "--yes", "--json").stdout)
    assert (again["changed"], again["written"]) == (False, False)


def test_without_a_terminal_all_that_is_missing_is_told_at_once(checkout: Path) -> None:
    before = files(checkout)

    nothing = run(code=2).stderr
    assert all(flag in nothing for flag in ("--entrypoint", "--area (compras, ventas)", "--name", "--yes"))
    some = run("--entrypoint", FLOW, "--cron", "@daily", "--yes", code=2).stderr
    assert all(flag in some for flag in ("--area", "--name (such as revisar-pedidos)", "--parameter archivo=..."))
    assert "--entrypoint" not in some
    assert files(checkout) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--schedule", "con la luna llena"], "is not understood"),
        (["--parameter", "minimo=muchos"], "'minimo' must be a whole number"),
        (["--parameter", "mínimo=1"], "did you mean 'minimo'?"),
        (["--parameter", "minimo"], "NAME=VALUE"),
        (["--parameter", "fecha=ayer"], "must be a date"),
        (["--name", "a/b"], "which Prefect refuses"),
        (["--entrypoint", "flows/compras/pedidos.py:revisar"], "did you mean"),
        (["--concurrency-limit", "0"], "--concurrency-limit"),
    ],
)
def test_an_option_that_cannot_be_used_is_a_usage_error_in_words(checkout: Path, words: list[str], told: str) -> None:
    before = files(checkout)

    assert told in run(*ALL, *words, "--yes", code=2).stderr
    assert files(checkout) == before


def test_all_wrong_options_are_told_at_once(checkout: Path) -> None:
    told = run("--schedule", "nunca", "--parameter", "x", "--name", "a/b", code=2).stderr

    assert all(each in told for each in ("'nunca'", "NAME=VALUE", "which Prefect refuses", "--area", "--entrypoint"))


def test_what_the_rules_doubt_is_told_and_written(checkout: Path) -> None:
    done = run(*ALL, "--name", "Revisar_Pedidos", "--yes")

    assert "warning: " in done.stderr
    assert deployed(checkout, "Revisar_Pedidos")


def test_a_name_that_says_nothing_is_refused(checkout: Path) -> None:
    assert "--name" in run(*ALL, "--name", "test", "--yes", code=2).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--queue", "rapida"], "no queue 'rapida'"),
        (["--cron", "0 7 31 2 *"], "never fires"),
        (["--entrypoint", "flows/no.py:f"], "flows/no.py"),
        (["--area", "ventas", "--name", "avisar-a-todos"], "in the area compras already"),
        (["--area", "Ventas"], "Ventas"),
    ],
)
def test_what_the_stacks_rules_refuse_is_never_written(checkout: Path, words: list[str], told: str) -> None:
    before = files(checkout)

    done = run(*ALL, *words, "--yes", code=1)

    assert told in done.stderr
    assert "Traceback" not in done.output
    assert files(checkout) == before


def test_a_stack_with_faults_is_to_be_mended_first(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  prefect-infra:environment: dev\n  prefect-infra:arreas: {}\n")

    assert "mend them first" in run(*ALL, "--yes", code=1).stderr


def test_in_an_area_file_it_counts_for_all_its_stacks_and_an_overlay_is_not_overruled(checkout: Path) -> None:
    (checkout / "areas").mkdir()
    area = checkout / "areas" / "compras.yaml"
    area.write_text(
        "# of Compras\ndeployments:\n  - name: avisar\n    entrypoint: flows/compras/pedidos.py:avisar\n"
        "    in:\n      dev:\n        tags: [a]\n"
    )
    for stack in ("dev", "prod"):
        (checkout / f"Pulumi.{stack}.yaml").write_text(
            f"config:\n  prefect-infra:environment: {stack}\n  prefect-infra:areas:\n    compras: areas/compras.yaml\n"
        )
    one = ("--entrypoint", "flows/compras/pedidos.py:avisar", "--area", "compras", "--yes")

    done = run(*one, "--name", "avisar-dos")
    assert "areas/compras.yaml counts for prod too" in done.stderr
    assert area.read_text().startswith("# of Compras\n")
    assert "in.dev.tags" in run(*one, "--name", "avisar", "--tag", "b", code=1).stderr
    assert "so already" in run(*one, "--name", "avisar", "--tag", "a").stderr


def test_what_a_deployment_has_already_need_not_be_said_again(checkout: Path) -> None:
    run(*ALL, "--yes")

    told = run(*ALL[:6], "--cron", "0 9 * * *", "--active", "--yes", "--json").stdout

    assert [times[0][11:16] for times in json.loads(told)["next_runs"].values()] == ["09:00"]
    assert deployed(checkout, "revisar-pedidos").parameters["archivo"] == "pedidos.csv"


def test_a_flow_of_another_repository_is_taken_on_trust(checkout: Path) -> None:
    file = checkout / "Pulumi.dev.yaml"
    git = "      code: {location: git, repository: 'https://git.example/flujos.git', branch: main}\n"
    file.write_text(file.read_text().replace("    ventas: {}\n", f"    ventas:\n{git}"))

    run(
        "--entrypoint",
        "flujos/cierre.py:cerrar_caja",
        "--area",
        "ventas",
        "--name",
        "cerrar-la-caja",
        "--cron",
        "0 20 * * *",
        "--yes",
    )

    assert deployed(checkout, "cerrar-la-caja").flow_name == "cerrar-caja"


def test_a_deployment_of_other_environments_is_not_taken_for_one_of_this(checkout: Path) -> None:
    file = checkout / "Pulumi.dev.yaml"
    file.write_text(
        file.read_text().replace("          tags: [avisos]", "          only_in: [prod]\n          tags: [avisos]")
    )
    (checkout / "Pulumi.prod.yaml").write_text("config:\n  prefect-infra:environment: prod\n")

    told = run(
        *("--entrypoint", "flows/compras/pedidos.py:avisar", "--area", "compras", "--name", "avisar-a-todos", "--yes"),
        code=1,
    )
    assert "add dev to its only_in" in told.stderr


def test_the_next_five_runs_are_told_and_that_dev_leaves_schedules_off(checkout: Path) -> None:
    told = run(*(word for word in ALL if word != "--active"), "--dry-run").stderr

    assert len(re.findall(r"^    \w{3} \d\d \w{3} \d{4} 07:30$", told, re.MULTILINE)) == 5
    assert "In dev its schedules are inactive: --active" in told
    assert "inactive" not in run(*ALL, "--dry-run").stderr


def test_a_file_that_somebody_changed_meanwhile_is_not_overwritten(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.cli.deploy.can_ask", lambda: True)

    def meanwhile(question: str, *, default: bool) -> bool:
        with (checkout / "Pulumi.dev.yaml").open("a") as file:
            file.write("# by somebody else\n")
        return True

    monkeypatch.setattr("infra.cli.deploy.yes", meanwhile)

    assert "changed meanwhile" in run(*ALL, code=1).stderr
    assert (checkout / "Pulumi.dev.yaml").read_text().endswith("# by somebody else\n")


def test_the_files_mode_stays(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").chmod(0o640)
    run(*ALL, "--yes")

    assert (checkout / "Pulumi.dev.yaml").stat().st_mode & 0o777 == 0o640
