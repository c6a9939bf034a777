"""Two stacks of one checkout: what differs in words, and what one takes over from the other."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli import app
from infra.comparison import compared, table
from infra.comparison.promotion import promoted
from infra.model import load_stack_file

HERE = Path(__file__).parent
REPOSITORY = Path(__file__).parents[3]
NEW = """\
  - name: cerrar-mes
    entrypoint: flows/finanzas/tipos_de_cambio.py:actualizar_tipos_de_cambio
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two stacks and three areas: the sample ones as they once were."""
    shutil.copytree(HERE / "sample", tmp_path, dirs_exist_ok=True)
    shutil.copytree(REPOSITORY / "flows", tmp_path / "flows")
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "infra").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, code: int) -> Result:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def touched(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] in ("+", "-") and line[:3] not in ("+++", "---")]


@pytest.mark.usefixtures("checkout")
def test_dev_and_prod_are_told_apart_in_words() -> None:
    """After a change on purpose: `GOLDEN=write pytest tests/unit/comparison`."""
    told = run("diff", "dev", "prod", code=2).stdout
    if os.environ.get("GOLDEN") == "write":
        (HERE / "diff.txt").write_text(told, encoding="utf-8")

    assert told == (HERE / "diff.txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("checkout")
def test_the_same_as_json_has_a_row_for_each() -> None:
    told = json.loads(run("diff", "dev", "prod", "--json", code=2).stdout)

    rows = {(each["of"], each["field"]): (each["left"], each["right"], each["only_in"]) for each in told["differences"]}
    assert rows["deployment control-de-latidos", None][2] == "left"
    assert rows["queue urgente", "concurrency_limit"] == (1, 2, None)
    assert rows[None, "server.auth"] == ("none", "required", None)


@pytest.mark.usefixtures("checkout")
def test_a_stack_does_not_differ_from_itself() -> None:
    assert run("diff", "dev", "dev", code=0).stdout == "dev and dev: no difference\n"


def test_a_credential_in_a_file_is_not_shown(checkout: Path) -> None:
    area = checkout / "areas" / "ventas.yaml"
    token = "ghp_" + "A1b2C3d4" * 5
    area.write_text(
        area.read_text().replace("  prod:\n", f"  prod:\n    env: {{ERP_PASSWORD: zorzal, DSN: {token}}}\n")
    )

    told = run("diff", "dev", "prod", code=1).output  # the rules refuse such a file anyway

    assert token not in told


def test_what_a_stack_has_otherwise_is_written_for_the_other_alone(checkout: Path) -> None:
    dev = load_stack_file(checkout, "dev")

    done = run("promote", "dev", "prod", "compras/importar-lista-de-precios", "--yes", code=0)

    assert touched(done.stdout) == [
        "+      prod:",
        "+        parameters:",
        "+          proveedor: Proveedor de ejemplo",
        "+          tolerancia_de_errores: 0",
    ]
    assert load_stack_file(checkout, "dev").areas == dev.areas
    promoted_ = next(each for each in load_stack_file(checkout, "prod").areas if each.name == "compras").deployments[0]
    assert promoted_.parameters == {"proveedor": "Proveedor de ejemplo", "tolerancia_de_errores": 0}
    assert promoted_.schedules[0].active  # of the environment: not dev's business
    assert "declares so already" in run("promote", "dev", "prod", "importar-lista-de-precios", "--yes", code=0).stderr


def test_a_dry_run_writes_nothing_and_without_a_terminal_nothing_is_asked(checkout: Path) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*.yaml")}

    run("promote", "dev", "prod", "ventas", "--dry-run", code=0)
    refused = run("promote", "dev", "prod", "ventas", code=2)

    assert "--yes" in refused.stderr
    assert {path: path.read_bytes() for path in checkout.rglob("*.yaml")} == before


def test_a_deployment_of_one_environment_gets_the_other(checkout: Path) -> None:
    done = run("promote", "dev", "prod", "control-de-latidos", "--yes", code=0)

    assert touched(done.stdout) == ["-    only_in: [dev]", "+    only_in: [dev, prod]"]
    found = compared(load_stack_file(checkout, "dev"), load_stack_file(checkout, "prod"))
    assert "deployment control-de-latidos" not in {row["of"] for row in table(found) if row["only_in"]}


def test_a_deployment_in_the_stacks_own_file_is_added_to_the_others(checkout: Path) -> None:
    prod = checkout / "Pulumi.prod.yaml"
    prod.write_text(
        prod.read_text().replace(
            "    finanzas: areas/finanzas.yaml\n",
            "    finanzas:\n      deployments: # of prod alone\n"
            "        - name: actualizar-tipos-de-cambio\n"
            "          entrypoint: flows/finanzas/tipos_de_cambio.py:actualizar_tipos_de_cambio\n",
        )
    )
    area = checkout / "areas" / "finanzas.yaml"
    area.write_text(area.read_text().replace("in: # what differs", f"{NEW}in: # what differs"))

    done = run("promote", "dev", "prod", "cerrar-mes", "--yes", code=0)

    assert touched(done.stdout) == [
        "+        - name: cerrar-mes",
        "+          entrypoint: flows/finanzas/tipos_de_cambio.py:actualizar_tipos_de_cambio",
    ]


def test_an_area_that_the_other_lacks_is_named_in_its_file(checkout: Path) -> None:
    prod = checkout / "Pulumi.prod.yaml"
    prod.write_text(prod.read_text().replace("    finanzas: areas/finanzas.yaml\n", ""))

    done = run("promote", "dev", "prod", "finanzas", "--yes", code=0)

    assert touched(done.stdout) == ["+    finanzas: areas/finanzas.yaml"]


def test_for_all_a_value_changes_where_it_is_written(checkout: Path) -> None:
    area = checkout / "areas" / "ventas.yaml"
    tags = "    tags: [ventas, resumen]\n"
    area.write_text(area.read_text().replace(tags, f"{tags}    in: {{dev: {{tags: [ventas]}}}}\n"))

    alone = promoted(checkout, "dev", "prod", ["resumen-diario-de-ventas"])
    everywhere = promoted(checkout, "dev", "prod", ["resumen-diario-de-ventas"], for_all=True)

    assert alone.change is not None
    assert touched(alone.change.difference()) == [
        "-    in: {dev: {tags: [ventas]}}",
        "+    in: {dev: {tags: [ventas]}, prod: {tags: [ventas]}}",
    ]
    assert everywhere.change is not None
    assert touched(everywhere.change.difference()) == ["-    tags: [ventas, resumen]", "+    tags: [ventas]"]
