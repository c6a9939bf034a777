"""A deployment whose code is in a git repository that asks for a credential."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.stack.platforms import console, docker, eventually
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end
from tests.stack.test_lifecycle import only_compras

pytestmark = pytest.mark.docker
TOKEN = "t0ken-de-prueba-que-nadie-debe-ver"
FLOW = '''from prefect import flow, get_run_logger


@flow
def desde_git() -> None:
    """Dice de dónde viene."""
    get_run_logger().info("código del repositorio")
'''


class AsksForTheToken(BaseHTTPRequestHandler):
    """Git's own server behind HTTP; whoever asks without the token gets nothing."""

    protocol_version = "HTTP/1.1"
    root: Path

    def do_GET(self) -> None:
        sent = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if TOKEN not in sent:
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        asked = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = subprocess.run(
            ["git", "http-backend"], env={**os.environ, **asked}, input=body, capture_output=True, check=True
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  # the name that http.server looks for

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served(folder: Path, address: str) -> Iterator[int]:
    # Prefect sends a credential over TLS alone.
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=git", "-addext", f"subjectAltName=IP:{address}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files],
        check=True,
        capture_output=True,
    )
    server = ThreadingHTTPServer((address, 0), type("Serving", (AsksForTheToken,), {"root": folder}))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def repository(folder: Path) -> Path:
    source, bare = folder / "source", folder / "compras.git"

    def git(*arguments: str, cwd: Path = source) -> None:
        identity = ["-c", "user.name=Prueba", "-c", "user.email=prueba@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)

    (source / "flows").mkdir(parents=True)
    (source / "flows" / "desde_git.py").write_text(FLOW)
    git("init", "--initial-branch", "principal")
    git("add", ".")
    git("commit", "--message", "Primera")
    git("clone", "--bare", str(source), str(bare), cwd=folder)
    return bare


def test_the_worker_clones_it_with_the_credential_that_nobody_sees(
    new_platform: Callable[..., Any], tmp_path: Path
) -> None:
    def git_of_the_test(declared: Any) -> None:
        only_compras(declared)
        declared["areas"]["compras"]["env"] = {"GIT_SSL_NO_VERIFY": "true"}  # whoever signed this one signs no other

    platform = new_platform(change=git_of_the_test)
    platform.run("config", "set", "--secret", "prefect-infra:git_token", TOKEN, "--stack", platform.stack)
    platform.up()
    bare = repository(tmp_path)
    network = f"prefect-infra-{platform.stack}"
    gateway = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", network)

    with served(bare.parent, gateway) as port:

        def from_git(declared: Any) -> None:
            declared["areas"]["compras"]["deployments"].append(
                {
                    "name": "flujo-desde-git",
                    "entrypoint": "flows/desde_git.py:desde_git",
                    "code": {
                        "location": "git",
                        "repository": f"https://{gateway}:{port}/compras.git",
                        "branch": "principal",
                        "access_token": {"secret": "git_token"},
                    },
                }
            )

        platform.edit(from_git)
        platform.up()
        with platform.api() as api:
            run = run_to_the_end(api, platform.outputs()["deployments"]["flujo-desde-git"]["id"])
            told = console(platform.outputs()["workers"]["compras"][0])
            assert run["state"]["type"] == "COMPLETED", told
            eventually(
                "the flow's own line",
                lambda: [row for row in logs_of(api, run["id"]) if "código del repositorio" in row["message"]],
            )
            deployment = api.get(f"deployments/{run['deployment_id']}").text

    state = platform.run("stack", "export", "--stack", platform.stack).stdout
    shown = "\n".join(platform.log)
    for name in platform.containers():
        shown += docker("inspect", name) + console(name)
    assert TOKEN not in deployment + state
    assert TOKEN not in shown.replace(f"prefect-infra:git_token {TOKEN}", "")  # where this test itself set it
    platform.destroy()
