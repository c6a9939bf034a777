"""A copy of the checkout with as many areas and deployments as asked for, and a stack file for prod on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from infra.toolchain.checkout_copy import copy_checkout
from infra.toolchain.links import link

ROOT: Final = Path(__file__).resolve().parents[2]
BASE: Final = "prod"
FLOW: Final = "flows/cargar_lote.py"
URGENT: Final = "urgente"
"""Each area's queue that goes before the others: what is due in it doesn't wait for a burst to pass."""
DRAIN_SECONDS: Final = 600
NOTES: Final = "corridas.txt"
"""On an area's data volume: a line for each beginning and each end of a run."""
FLOW_SOURCE: Final = f'''\
import os
import time
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run


def anotar(palabra: str) -> None:
    """Una línea entera o ninguna: así la escribe el sistema cuando el archivo está abierto para agregar."""
    archivo = os.open(Path(os.environ["DATOS_DIR"], "{NOTES}"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(archivo, f"{{flow_run.id}} {{palabra}} {{time.time():.3f}}\\n".encode())
        os.fsync(archivo)
    finally:
        os.close(archivo)


@flow
def cargar_lote(segundos: float = 1.0) -> None:
    """Deja constancia de que empezó y de que terminó."""
    anotar("empieza")
    time.sleep(segundos)
    anotar("termina")
'''


@dataclass(frozen=True, kw_only=True)
class Size:
    areas: int
    deployments: int
    at_once: int
    """Flow runs at once, over all areas."""
    worker_type: str
    workers: int = 1
    """Of each area."""
    scheduled: int = 0
    """Deployments, the first ones, that have a schedule for each minute."""

    @property
    def each(self) -> int:
        """Flow runs of an area at once."""
        return max(1, self.at_once // self.areas)


def stack_name() -> str:
    """The same at each call from this checkout, so that a stack that was left up is found again."""
    return f"t-r{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"


def make(folder: Path, size: Size) -> None:
    """What git would clone, the uncommitted included, with the load's flow and stack."""
    copy_checkout(ROOT, folder)
    link(folder / ".state" / "home", ROOT / ".state" / "home")
    (folder / FLOW).write_text(FLOW_SOURCE, encoding="utf-8")
    write_stack(folder, size)


def write_stack(folder: Path, size: Size, drain_seconds: int = DRAIN_SECONDS) -> None:
    """`Pulumi.prod.yaml` with the load's areas. A salt that is there belongs to a stack that is."""
    file = folder / f"Pulumi.{stack_name()}.yaml"
    salt = (
        [line for line in file.read_text().splitlines(True) if line.startswith("encryptionsalt:")]
        if (file.is_file())
        else []
    )
    config: dict[str, Any] = YAML(typ="safe").load((folder / f"Pulumi.{BASE}.yaml").read_text())["config"]
    server = config["prefect-infra:server"]
    server |= {"port": "auto", "bind": "127.0.0.1", "protect": False}
    server["proxy"]["http_port"] = "auto"
    config["prefect-infra:workers"] = {
        "type": size.worker_type,
        "replicas": size.workers,
        "drain_seconds": drain_seconds,
    }
    # Shorter than prod's own, so that what waits for them is seen within minutes.
    config["prefect-infra:janitor"] |= {"every": "15s", "pending_timeout": "3m", "rerun_crashed": 2}
    config.pop("prefect-infra:backup", None)  # its volume would outlast the stack
    config["prefect-infra:areas"] = areas(size)
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump({"config": config}, stream)
        stream.writelines(salt)


def declared_drain_seconds(folder: Path) -> int:
    """Of the workers, as the stack file has it now."""
    config = YAML(typ="safe").load((folder / f"Pulumi.{stack_name()}.yaml").read_text())["config"]
    return int(config["prefect-infra:workers"]["drain_seconds"])


def areas(size: Size) -> dict[str, Any]:
    """The deployments, dealt out to the areas in turn."""
    made: dict[str, Any] = {
        f"area{number}": {
            "description": f"Área {number} de la prueba de carga",
            "concurrency_limit": size.each,
            "queues": {URGENT: {"priority": 1}},
            "deployments": [],
        }
        for number in range(1, size.areas + 1)
    }
    for number in range(size.deployments):
        made[f"area{number % size.areas + 1}"]["deployments"].append(
            {
                "name": f"cargar-lote-{number + 1}",
                "entrypoint": f"{FLOW}:cargar_lote",
                "description": "Deja constancia de que empezó y de que terminó.",
                **({"schedules": [{"cron": "* * * * *"}]} if number < size.scheduled else {}),
            }
        )
    return made


def same_size(folder: Path, size: Size) -> bool:
    """Whether what is in the folder was made for it."""
    note = folder / ".state" / "size"
    return note.is_file() and note.read_text() == str(asdict(size))


def note_size(folder: Path, size: Size) -> None:
    (folder / ".state" / "size").write_text(str(asdict(size)))
