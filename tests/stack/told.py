"""What a stack's alerts tell a webhook: a container on the stack's own network, which no name of anywhere else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.stack.platforms import Declared, Platform, console, docker

SECRET = "avisos"  # the stack file's name for the address
RECEIVER = """
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("", 8000), Receiver).serve_forever()
"""


def tell_of_failures(declared: Declared, area: str) -> None:
    declared["areas"][area]["alerts"] = {"on": ["failed"], "to": {"type": "webhook", "secret": SECRET}}


def give_the_address(platform: Platform) -> None:
    url = f"http://{_name(platform)}:8000/aviso"
    platform.run("config", "set", "--secret", "--stack", platform.stack, f"prefect-infra:{SECRET}", given=url)


def _name(platform: Platform) -> str:
    return f"{platform.stack}-receiver"


@contextmanager
def receiving(platform: Platform) -> Iterator[Callable[[], list[dict[str, str]]]]:
    """A stack that is up: what it has been told so far."""
    name = _name(platform)
    image = docker("inspect", platform.named("backup"), "--format", "{{.Config.Image}}")
    network = ("--network", f"prefect-infra-{platform.stack}")
    docker("run", "-d", "--name", name, *network, "--entrypoint", "python3", image, "-c", RECEIVER)
    try:
        yield lambda: [json.loads(line) for line in console(name).splitlines() if line.startswith("{")]
    finally:
        docker("rm", "-f", name)
