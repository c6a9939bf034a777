from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.model import Stack, load_stack

FLOW = "from prefect import flow\n\n\n@flow\ndef f(dia: str = 'hoy') -> None: ...\n"
Declare = Callable[..., Stack]


@pytest.fixture(scope="session")
def declare(tmp_path_factory: pytest.TempPathFactory) -> Declare:
    """A stack of the areas given, active unless they say otherwise; all of its deployments are of one flow."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "f.py").write_text(FLOW)

    def _declare(areas: dict[str, Any], timezone: str = "America/Argentina/Buenos_Aires") -> Stack:
        raw = {"environment": "prod", "timezone": timezone, "areas": areas}
        return load_stack(raw, project="prefect-infra", stack="prod", root=root)

    return _declare


def deployment(name: str, *schedules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "entrypoint": "f.py:f", "schedules": list(schedules), **more}


GOLDEN = Path(__file__).parent / "golden"
COMPANY = {
    "compras": {
        "concurrency_limit": 1,
        "queues": {"urgente": {"priority": 1, "concurrency_limit": 1}},
        "deployments": [
            deployment("importar-precios", {"cron": "30 1,13,17 * * *"}, work_pool={"work_queue_name": "urgente"}),
            deployment("avisar", {"cron": "28 13 * * 1-5"}, work_pool={"work_queue_name": "urgente"}),
            deployment("revisar-pedidos", {"interval": "6h"}),
            deployment("limpiar", {"cron": "0 3 * * *", "active": False}),
        ],
    },
    "ventas": {
        "deployments": [
            deployment(
                "latidos",
                {"cron": "*/2 9 * * *"},
                concurrency_limit={"limit": 1, "collision_strategy": "CANCEL_NEW"},
            ),
        ]
    },
}
