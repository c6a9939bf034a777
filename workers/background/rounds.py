"""A round every few seconds, by policies from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from workers.background.until_stopped import until_stopped

PATIENCE: Final = timedelta(minutes=5)  # a server that is replaced is away for less
Policies = TypeVar("Policies", bound=BaseModel)


class Rounds(Protocol):
    last: datetime | None
    """When the last round that reached whoever it asks ended."""

    async def one(self) -> int:
        """How much of it worked."""
        ...


def begin(
    who: str, variable: str, policies: type[Policies], serve: Callable[[Policies], Coroutine[Any, Any, None]]
) -> None:
    """Serve by the policies that a variable of the environment holds, in JSON; wrong ones end the process in words."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-7s | %(name)s - %(message)s", force=True)
    # It repeats each request, most of which find nothing.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        given = policies.model_validate_json(os.environ.get(variable, ""))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors())
        sys.exit(f"{who}: {variable}: {problems}")
    asyncio.run(serve(given))


async def make(rounds: Rounds, every: int) -> None:
    """Until told to stop; `every` in seconds. Well is who has made a round of late."""
    began = datetime.now(UTC)

    def is_well() -> bool:
        return datetime.now(UTC) - (rounds.last or began) < timedelta(seconds=3 * every) + PATIENCE

    async def for_ever() -> None:
        while True:
            await rounds.one()
            await asyncio.sleep(every)

    await until_stopped(for_ever(), is_well)
