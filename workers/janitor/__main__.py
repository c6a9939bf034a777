"""Make rounds until told to stop. Policies: JANITOR_POLICIES, a JSON object. The server: as all of Prefect finds it."""

from __future__ import annotations

import logging
from typing import Final

from prefect.client.orchestration import get_client

from workers.background import rounds
from workers.janitor.policies import Policies
from workers.janitor.rounds import Rounds
from workers.janitor.server import Server

VARIABLE: Final = "JANITOR_POLICIES"

logger = logging.getLogger("janitor")


async def serve(given: Policies) -> None:
    async with get_client() as client:
        logger.info("Rounds every %d s over %s", given.every, ", ".join(given.pools) or "no pool")
        await rounds.make(Rounds(given, Server(client, given.pools)), given.every)


if __name__ == "__main__":
    rounds.begin("janitor", VARIABLE, Policies, serve)
