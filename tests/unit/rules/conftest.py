"""A checkout with the sample flows, to break rules in."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.model import Report, check_stack_file

REPOSITORY = Path(__file__).parents[3]
NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)  # a Wednesday, 12:30 in Buenos Aires
Check = Callable[..., Report]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "flows" / "ventas").mkdir(parents=True)
    for area in ("compras", "finanzas"):
        (tmp_path / "flows" / area).symlink_to(REPOSITORY / "flows" / area)
    shutil.copy2(REPOSITORY / "flows" / "ventas" / "resumen_diario.py", tmp_path / "flows" / "ventas")
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n", encoding="utf-8")
    (tmp_path / "flows" / "ventas" / "cierre.py").write_text(
        "from prefect import flow\n\n\n@flow\ndef cerrar_mes(mes: str) -> None: ...\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def check(checkout: Path) -> Check:
    """Check a stack of what stands below `config:`; `environment: dev` is added where it isn't said."""

    def _check(below: str) -> Report:
        below = textwrap.dedent(below).strip("\n")
        if "prefect-infra:environment" not in below:
            below = f"prefect-infra:environment: dev\n{below}"
        text = f"config:\n{textwrap.indent(below, '  ')}\n"
        (checkout / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
        return check_stack_file(checkout, "dev", now=NOW)

    return _check


@pytest.fixture
def deployment(check: Check) -> Check:
    """Check a stack with one deployment of Ventas that has these further lines."""

    def _deployment(lines: str, *, area: str = "", stack: str = "") -> Report:
        return check(
            f"{stack}\n"
            "prefect-infra:areas:\n  ventas:\n"
            + textwrap.indent(textwrap.dedent(area).strip("\n"), "    ")
            + "\n    deployments:\n      - name: resumen-diario\n"
            "        entrypoint: flows/ventas/resumen_diario.py:resumen_diario\n"
            + textwrap.indent(textwrap.dedent(lines).strip("\n"), "        ")
        )

    return _deployment


def codes(report: Report) -> list[str]:
    return [finding.rule.code for finding in report.findings]
