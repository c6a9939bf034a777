"""A checkout to declare stacks in: two files of flows and, per test, the stack files it writes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.model import Finding, Stack, StackErrors, load_stack_file

PRECIOS = '''
from datetime import date

from prefect import flow, task


@task
def leer_filas(archivo: str) -> list[str]:
    return []


def ayudante():
    pass


@flow
def importar_precios(archivo: str, tolerancia: int = 0, monedas: list[str] = ["USD"], fecha: date | None = None):
    """Importa la lista de precios.

    Segundo párrafo.

    Args:
        archivo: El CSV.

    """


@flow(name="Resumen del día", description="Resume el día. Nada más.")
def resumir(**opciones):
    pass
'''

Write = Callable[..., Path]
Load = Callable[..., Stack]
Findings = Callable[..., tuple[Finding, ...]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "precios.py").write_text(PRECIOS, encoding="utf-8")
    (tmp_path / "flows" / "roto.py").write_text("def f(:\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def write(checkout: Path) -> Write:
    """Write a stack file from its text, indented as the test has it."""

    def _write(text: str, stack: str = "dev") -> Path:
        (checkout / f"Pulumi.{stack}.yaml").write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return checkout

    return _write


@pytest.fixture
def load(write: Write) -> Load:
    def _load(text: str, stack: str = "dev") -> Stack:
        return load_stack_file(write(text, stack), stack)

    return _load


@pytest.fixture
def findings(write: Write) -> Findings:
    """What is wrong with a stack file."""

    def _findings(text: str, stack: str = "dev") -> tuple[Finding, ...]:
        with pytest.raises(StackErrors) as raised:
            load_stack_file(write(text, stack), stack)
        return raised.value.findings

    return _findings
