"""Another time for the server's processes: containers share the machine's clock, so libfaketime stands in for it.

Debian's package goes into the server's image of the copy of the checkout, and is loaded for what is started with the
server's secrets: API replicas, background services, migration. Postgres, Redis and workers keep the machine's time.
What the health check of the services takes for now is theirs, as it would be on a machine whose clock is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.reliability.stack import Stack, docker

FILE: Final = "/tmp/clock"  # a tmpfs of each container
_AFTER: Final = " && /opt/prefect/bin/pip check\n"
_INSTALL: Final = """\
RUN apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libfaketime \\
 && ln -s /usr/lib/*/faketime/libfaketime.so.1 /usr/local/lib/libfaketime.so.1 \\
 && rm -rf /var/lib/apt/lists/*
"""
_EXEC: Final = "{**os.environ, **found}"
_FAKED: Final = f"""{{
        **os.environ,
        **found,
        "LD_PRELOAD": "/usr/local/lib/libfaketime.so.1",
        "FAKETIME_TIMESTAMP_FILE": "{FILE}",
        "FAKETIME_CACHE_DURATION": "1",  # seconds; without, each call of the clock reads the file
        "DONT_FAKE_MONOTONIC": "1",
    }}"""


_CHECKED: Final = "time.time()))"
_CHECKED_FAKED: Final = f"""time.time() + float(
        Path("{FILE}").read_text() if Path("{FILE}").exists() else 0)))"""


def into(folder: Path) -> None:
    """Libfaketime into a copy of the checkout that has not been brought up yet."""
    workers = folder / "workers"
    _insert(workers / "Dockerfile", _AFTER, _AFTER + _INSTALL)
    _insert(workers / "with_secrets.py", _EXEC, _FAKED)
    _insert(workers / "healthcheck_services.py", _CHECKED, _CHECKED_FAKED)


def jump(stack: Stack, seconds: int) -> None:
    """From now on, the server's processes are that far from the machine's time."""
    for role in ("api-1", "api-2", "services-1"):
        docker("exec", stack.prefixed(role), "sh", "-c", f"echo {seconds:+d} > {FILE}")


def shown(stack: Stack) -> float:
    """What an API replica takes for now."""
    read = f"LD_PRELOAD=/usr/local/lib/libfaketime.so.1 FAKETIME_TIMESTAMP_FILE={FILE} date +%s"
    return float(docker("exec", stack.prefixed("api-1"), "sh", "-c", read))


def _insert(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise RuntimeError(f"{file}: nothing like {old!r} in it")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
