"""Flow runs that all become due at one moment, and the wait for their end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from infra.provider.api import Api
from infra.provider.errors import ProviderError

ENDED: Final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
STATES: Final = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING", *ENDED)
LOOK_SECONDS: Final = 3.0
TELL_SECONDS: Final = 15.0
SECONDS_A_REQUEST: Final = 0.15  # of a busy server, for one run that is made


@dataclass(frozen=True)
class Burst:
    tag: str
    due: datetime
    runs: tuple[str, ...]


async def make(api: Api, deployments: Sequence[str], runs: int, seconds: float) -> Burst:
    """As many runs, over all deployments in turn, due at one moment that is still to come."""
    tag = f"carga-{uuid.uuid4().hex[:8]}"
    due = datetime.now(UTC) + timedelta(seconds=5 + runs * SECONDS_A_REQUEST)
    made = [
        await one(api, deployments[number % len(deployments)], due, seconds, tag, str(number)) for number in range(runs)
    ]
    return Burst(tag, due, tuple(made))


async def one(
    api: Api, deployment: str, due: datetime, seconds: float, tag: str, key: str, queue: str | None = None
) -> str:
    """A run that is due then; its id. `key`: what tells it from the others of its tag."""
    body = {
        "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}},
        "parameters": {"segundos": seconds},
        "tags": [tag],
        # A request that is sent again must not be what doubles a run.
        "idempotency_key": f"{tag}-{key}",
        **({"work_queue_name": queue} if queue else {}),
    }
    row = await api.post(f"deployments/{deployment}/create_flow_run", body)
    return str(row["id"])


async def counts(api: Api, burst: Burst) -> dict[str, int]:
    """Runs by the type of their state."""
    tagged = {"tags": {"all_": [burst.tag]}}
    answers: list[Any] = await asyncio.gather(
        *(
            api.post("flow_runs/count", {"flow_runs": {**tagged, "state": {"type": {"any_": [state]}}}})
            for state in STATES
        )
    )
    return {state: int(number) for state, number in zip(STATES, answers, strict=True)}


async def until_ended(
    api: Api,
    burst: Burst,
    deadline: float,
    tell: Callable[[str], None],
    midway: Callable[[], Awaitable[None]],
    share: float,
) -> float:
    """Wait until every run is Completed, or the deadline. `midway` is called once that share of them is.

    Crashed isn't the end where the janitor runs it again: such a run counts as under way until the deadline.
    Returns the seconds from the moment the runs were due. `deadline`: by time.monotonic().
    """
    struck, told, began = False, 0.0, time.monotonic()
    waited = (burst.due - datetime.now(UTC)).total_seconds()
    while time.monotonic() < deadline:
        try:
            now = await counts(api, burst)
        except ProviderError as error:
            tell(f"  the API doesn't answer: {str(error)[:100]}")
        else:
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                tell("  " + ", ".join(f"{number} {state.lower()}" for state, number in now.items() if number))
            if not struck and now["COMPLETED"] >= share * len(burst.runs):
                struck = True
                await midway()
            if now["COMPLETED"] == len(burst.runs):
                break
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began - waited
