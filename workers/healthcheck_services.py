"""Exit 0 if this container's background services are at work: they tell Redis so, every two seconds.

    healthcheck_services.py [--alive]

With --alive also while Redis can't be asked, which tells nothing about them.

They answer no HTTP. What runs their tasks (Docket) keeps a sorted set of those alive, each with the time of its last
sign, and is called by its host: this container. Another set has what is due next, and when: where a clock was ahead
for a while, they are alive and have nothing to do until then. It speaks the little of Redis's protocol that it needs
itself, for the reasons that healthcheck.py gives.
"""

import socket
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

URL = Path("/run/secrets/PREFECT_SERVER_DOCKET_URL")
ALIVE = "prefect:workers"
TIMEOUT_SECONDS = 3.0
SILENT_SECONDS = 60
QUEUE = "prefect:queue"
EACH_MINUTE = "schedule_deployments"
"""What makes the runs of schedules, by the name that it is queued by."""
PUT_OFF_SECONDS = 600


def problem(url: str, host: str, now: float) -> str | None:
    """Why the services of that host aren't at work, or None. Raises: OSError, ValueError: Redis can't be asked."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 6379), TIMEOUT_SECONDS)
    if parts.scheme == "rediss":
        authority = parse_qs(parts.query).get("ssl_ca_certs", [None])[0]
        context = ssl.create_default_context(cafile=authority)
        connection = context.wrap_socket(connection, server_hostname=parts.hostname)
    with connection, connection.makefile("rwb") as stream:
        if parts.password:
            user = [unquote(parts.username)] if parts.username else []
            asked(stream, "AUTH", *user, unquote(parts.password))
        if (database := parts.path.strip("/")) not in ("", "0"):
            asked(stream, "SELECT", database)
        alive = asked(stream, "ZRANGEBYSCORE", ALIVE, str(now - SILENT_SECONDS), "+inf")
        far_off = asked(stream, "ZRANGEBYSCORE", QUEUE, str(now + PUT_OFF_SECONDS), "+inf")
    if EACH_MINUTE in far_off:
        return "they wait for a time far off, since the clock was set back: start them again, and they go on at once"
    if any(name.startswith(f"{host}#") for name in alive):
        return None
    return f"no sign of the services of {host} within {SILENT_SECONDS} s"


def asked(stream, *words: str) -> list[str]:  # type: ignore[no-untyped-def] # noqa: ANN001  # typing is slow to import
    """The answer to a command: a list of texts. Raises: ValueError: Redis refused."""
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    stream.write(f"*{len(words)}\r\n{''.join(parts)}".encode())
    stream.flush()
    first = stream.readline().decode().rstrip()
    if not first or first.startswith("-"):
        raise ValueError(first or "closed the connection")
    if not first.startswith("*"):
        return [first]
    found = []
    for _ in range(int(first[1:])):
        length = int(stream.readline()[1:])
        found.append(stream.read(length + 2)[:-2].decode())
    return found


if __name__ == "__main__":
    try:
        given = URL.read_text(encoding="utf-8").strip()
    except OSError as unreadable:
        sys.exit(str(unreadable))
    try:
        sys.exit(problem(given, socket.gethostname(), time.time()))
    except (OSError, ValueError) as error:
        where = urlsplit(given).netloc.rpartition("@")[2]
        sys.exit(None if sys.argv[1:] == ["--alive"] else f"{where}: {type(error).__name__}: {error}")
