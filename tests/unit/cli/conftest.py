"""A checkout to run the command line in."""

from __future__ import annotations

from pathlib import Path

import pytest

FLOWS = '''
from datetime import date

from prefect import flow


@flow
def revisar_pedidos(archivo: str, minimo: int = 1, monedas: list[str] = ["USD"], fecha: date | None = None) -> None:
    """Revisa los pedidos del día.

    Args:
        archivo: El archivo de pedidos.

    """


@flow
def avisar() -> None: ...
'''
STACK = """\
config:
  prefect-infra:environment: dev
  prefect-infra:areas:
    # what Compras runs
    compras:
      queues:
        urgente: {priority: 1}
      deployments:
        - name: avisar-a-todos
          entrypoint: flows/compras/pedidos.py:avisar
          tags: [avisos] # for the UI
          schedules:
            - cron: "0 7 * * *"
    ventas: {}
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    (tmp_path / "flows" / "compras").mkdir(parents=True)
    (tmp_path / "flows" / "compras" / "pedidos.py").write_text(FLOWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
