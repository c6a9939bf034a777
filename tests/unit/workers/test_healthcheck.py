"""The health check of every container, run as the containers run it."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

CHECK = Path(__file__).parents[3] / "workers" / "healthcheck.py"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/api/health", "/_ping") else 503)
        self.end_headers()

    def address_string(self) -> str:
        return "here"

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", CHECK, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


def test_a_server_that_answers_200_is_healthy(port: int):
    assert check(f"http://127.0.0.1:{port}/api/health").returncode == 0


def test_any_other_answer_is_unhealthy_and_named(port: int):
    result = check(f"http://127.0.0.1:{port}/health", "0")

    assert result.returncode == 1
    assert "503" in result.stderr


def test_a_port_where_nobody_listens_is_unhealthy():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = check(f"http://127.0.0.1:{free.getsockname()[1]}/health", "0")

    assert result.returncode == 1
    assert "ConnectionRefusedError" in result.stderr


def test_a_unix_socket_is_asked_for_its_ping(tmp_path: Path):
    path = tmp_path / "docker.sock"
    with UnixStreamServer(str(path), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answered = check(f"unix://{path}")
        server.shutdown()
    path.unlink()

    assert answered.returncode == 0
    assert check(f"unix://{path}", "0").returncode == 1


def test_without_an_address_it_says_how_it_is_used():
    assert "usage" in check().stderr


def test_an_address_that_is_none_is_named():
    assert "not http://HOST:PORT/PATH" in check("localhost:4200").stderr


def test_what_is_ready_a_moment_after_it_was_asked_is_healthy():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-I", "-S", CHECK, f"http://127.0.0.1:{port}/api/health"]
    with subprocess.Popen(command) as asking:
        with pytest.raises(subprocess.TimeoutExpired):
            asking.wait(1)
        with HTTPServer(("127.0.0.1", port), Answers) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            assert asking.wait(20) == 0
            server.shutdown()
