"""A checkout under git, whose first commit is what `main` has."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

DEPLOYMENTS = """\
title: Compras
concurrency_limit: 1
deployments:
  - name: importar-lista-de-precios
    entrypoint: flows/compras/precios.py:importar
    schedules:
      - cron: 30 1,13,17 * * *
  - name: revisar-pedidos-pendientes
    entrypoint: flows/compras/precios.py:revisar
    schedules:
      - {cron: "0 7 * * 1-5", timezone: America/Santiago}
"""
STACK = """\
config:
  prefect-infra:environment: prod
  prefect-infra:workers: {type: process}
  prefect-infra:areas:
    compras: areas/compras.yaml
"""
FLOWS = """\
from prefect import flow


@flow
def importar() -> None: ...


@flow
def revisar() -> None: ...
"""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    # The day that firings are told from.
    subprocess.run(
        ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.com", "commit", "-q", "-m", message],
        cwd=folder,
        check=True,
        env={"GIT_COMMITTER_DATE": "2026-03-30T12:00:00-03:00", "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    for name, text in {
        "Pulumi.yaml": "name: prefect-infra\n",
        "Pulumi.prod.yaml": STACK,
        "areas/compras.yaml": DEPLOYMENTS,
        "flows/compras/precios.py": FLOWS,
        "infra/__init__.py": "",
        ".github/CODEOWNERS": "* @plataforma\n/areas/compras.yaml @compras @ana\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    commit(root, "Begin")
    git(root, "switch", "-q", "-c", "change")
    monkeypatch.chdir(root)
    return root


def rewrite(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
