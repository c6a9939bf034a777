"""Become the background services; before that, bring forward what was put off by a clock that was set back.

    with_secrets.py python catch_up.py prefect server services start

Docket, which runs them, keeps in Redis when each is due next, by the clock of that time. Once a clock is set back by
an hour, as one that was ahead is in the end, all of them are due in an hour, and a new start alone would leave that
as it is: Docket keeps what it knows (docket/execution.py, `schedule`; seen).
"""

import os
import re
import sys
import time

import redis

QUEUE = "prefect:queue"
SERVICE = re.compile(r"[a-z_]+")
"""The key of a service is its function's name (prefect/server/services/perpetual_services.py); that of anything else
has something else in it, and comes when it is due."""
NEVER_SO_LONG_SECONDS = 600
"""All that schedules, marks late and so on is due each minute at the latest. What clears up is due each hour or day:
that it may come early is of no account."""
TIMEOUT_SECONDS = 10.0


def bring_forward(url: str, now: float) -> list[str]:
    """What was put off. Raises: redis.RedisError."""
    client = redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    try:
        waiting = [str(key) for key in client.zrangebyscore(QUEUE, now + NEVER_SO_LONG_SECONDS, "+inf")]
        put_off = [key for key in waiting if SERVICE.fullmatch(key)]
        if put_off:
            # Only what is there still: another replica may have taken it meanwhile.
            client.zadd(QUEUE, dict.fromkeys(put_off, now), xx=True)
        return put_off
    finally:
        client.close()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit("usage: catch_up.py PROGRAM [ARGUMENT ...]")
    try:
        if found := bring_forward(os.environ["PREFECT_SERVER_DOCKET_URL"], time.time()):
            sys.stdout.write(f"brought forward, as the clock was set back: {', '.join(found)}\n")
            sys.stdout.flush()
    except redis.RedisError as error:  # the services say it, too, and wait for it
        sys.stderr.write(f"catch_up.py: Redis: {type(error).__name__}\n")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
