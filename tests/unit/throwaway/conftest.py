"""A checkout with stacks to make throwaway ones from."""

from __future__ import annotations

from pathlib import Path

import pytest

FLOW = '''
from prefect import flow


@flow
def avisar(quien: str = "todos") -> None:
    """Avisa."""


if __name__ == "__main__":
    avisar()
'''
BASE = """config:
  prefect-infra:environment: {environment}
  prefect-infra:timezone: America/Argentina/Buenos_Aires
  prefect-infra:server: {{port: 4321, bind: 0.0.0.0, auth: required, protect: true, memory_mb: 900}}
  prefect-infra:profiles: [{{name: la-de-todos, activate: true, settings: {{PREFECT_LOGGING_LEVEL: DEBUG}}}}]
  prefect-infra:areas:
    compras: areas/compras.yaml
    ventas: {{title: Ventas}}
"""
AREA = """title: Compras
schedules_active: true
deployments:
  - name: avisar-a-compras
    entrypoint: flows/avisos.py:avisar
    schedules: [{cron: "0 7 * * *", active: true}]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "infra").mkdir()
    for folder, name, text in (("flows", "avisos.py", FLOW), ("areas", "compras.yaml", AREA)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    for environment in ("dev", "prod"):
        (tmp_path / f"Pulumi.{environment}.yaml").write_text(BASE.format(environment=environment))
    return tmp_path
