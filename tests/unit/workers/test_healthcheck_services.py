"""The health check of the background services, against a Redis of a few lines."""

from __future__ import annotations

import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workers import healthcheck_services
from workers.healthcheck_services import problem

NOW = 1_800_000_000.0


@contextmanager
def redis(password: str, alive: dict[str, float], due: dict[str, float] | None = None) -> Iterator[str]:
    """The address of a server that answers AUTH, SELECT and ZRANGEBYSCORE."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            allowed = not password
            while line := self.rfile.readline():
                words = []
                for _ in range(int(line[1:])):
                    length = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(length + 2)[:-2].decode())
                match words:
                    case ["AUTH", *_, given]:
                        allowed = given == password
                        self.wfile.write(b"+OK\r\n" if allowed else b"-WRONGPASS no\r\n")
                    case ["SELECT", "3"] if allowed:
                        self.wfile.write(b"+OK\r\n")
                    case ["ZRANGEBYSCORE", ("prefect:workers" | "prefect:queue") as key, lowest, "+inf"] if allowed:
                        asked_for = alive if key == "prefect:workers" else due or {}
                        names = [name for name, at in asked_for.items() if at >= float(lowest)]
                        told = "".join(f"${len(name)}\r\n{name}\r\n" for name in names)
                        self.wfile.write(f"*{len(names)}\r\n{told}".encode())
                    case _:
                        self.wfile.write(b"-NOAUTH Authentication required.\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_services_that_gave_a_sign_lately_are_at_work() -> None:
    with redis("s%3a/x", {"services-1#7": NOW - 3, "services-2#7": NOW - 90}) as where:
        url = f"redis://:s%253a%2Fx@{where}/3"
        assert problem(url, "services-1", NOW) is None
        assert "no sign of the services of services-2" in str(problem(url, "services-2", NOW))
        assert "no sign" in str(problem(url, "services", NOW))


@pytest.mark.parametrize("userinfo", ["", ":wrong@", "user:wrong@"])
def test_a_refused_credential_is_a_problem(userinfo: str) -> None:
    with redis("secret", {"services-1#7": NOW}) as where, pytest.raises(ValueError, match=r"NOAUTH|WRONGPASS"):
        problem(f"redis://{userinfo}{where}/0", "services-1", NOW)


@pytest.mark.parametrize(("options", "status"), [((), 1), (("--alive",), 0)])
def test_a_redis_that_is_not_there_is_a_problem_and_is_not_the_services(
    options: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    script, url = tmp_path / "check.py", tmp_path / "url"
    url.write_text("redis://user:s3cr3t@127.0.0.1:9/0\n")
    written = Path(healthcheck_services.__file__).read_text()
    assert str(healthcheck_services.URL) in written
    script.write_text(written.replace(str(healthcheck_services.URL), str(url)))

    done = subprocess.run([sys.executable, "-I", "-S", script, *options], capture_output=True, text=True, check=False)

    assert done.returncode == status
    assert done.stderr == ("" if options else "127.0.0.1:9: ConnectionRefusedError: [Errno 111] Connection refused\n")


def test_services_that_wait_for_an_hour_that_was_the_clocks_are_not_at_work() -> None:
    alive = {"services-1#7": NOW}
    with redis("", alive, {"schedule_deployments": NOW + 58, "schedule_event_vacuum_tasks": NOW + 3500}) as where:
        assert problem(f"redis://{where}/0", "services-1", NOW) is None
    with redis("", alive, {"schedule_deployments": NOW + 3500}) as where:
        assert "start them again" in str(problem(f"redis://{where}/0", "services-1", NOW))
