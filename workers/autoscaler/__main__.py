"""Make rounds until told to stop. Policies: AUTOSCALER_POLICIES, in JSON. The server: as all of Prefect finds it."""

from __future__ import annotations

import logging
import os
from typing import Final

import httpx
from prefect.client.orchestration import get_client

from workers.autoscaler.engine import Engine
from workers.autoscaler.policies import Policies
from workers.autoscaler.rounds import Rounds
from workers.autoscaler.server import Server
from workers.background import rounds

VARIABLE: Final = "AUTOSCALER_POLICIES"
SOCKET: Final = os.environ.get("AUTOSCALER_ENGINE", "/run/socket-proxy/docker.sock")

logger = logging.getLogger("autoscaler")


async def serve(given: Policies) -> None:
    transport = httpx.AsyncHTTPTransport(uds=SOCKET, limits=httpx.Limits(max_connections=None))
    async with get_client() as client, httpx.AsyncClient(transport=transport, base_url="http://engine") as engine:
        logger.info("Rounds every %d s over %s", given.every, ", ".join(area.pool for area in given.areas))
        await rounds.make(Rounds(given, Server(client), Engine(engine)), given.every)


if __name__ == "__main__":
    rounds.begin("autoscaler", VARIABLE, Policies, serve)
