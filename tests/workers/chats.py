"""Slack's, Teams' and SendGrid's hosts, which no test can be: a proxy on this machine that answers in their stead.

Their blocks send to those hosts alone, by HTTPS. Their client asks the proxy that the environment names, and trusts the
authority that it names: so the server's own code sends what it would send, and only who receives it is another.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.authorities import issue

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
TEAMS = (
    "https://prod-12.westeurope.logic.azure.com:443/workflows/0a1b2c3d/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=una-firma"
)
HOSTS = {"slack": "hooks.slack.com", "teams": "prod-12.westeurope.logic.azure.com", "email": "api.sendgrid.com"}


@dataclass(frozen=True)
class Sent:
    host: str
    path: str
    body: Any
    authorization: str | None


@dataclass
class Chats:
    settings: dict[str, str]
    """The environment of who is to send to them."""
    received: list[Sent] = field(default_factory=list)

    def sent_to(self, host: str, about: str) -> list[Sent]:
        return [each for each in self.received if each.host == host and about in json.dumps(each.body)]


@contextmanager
def chats(folder: Path) -> Iterator[Chats]:
    authority = issue("Una autoridad")
    own = issue("chats", authority, hosts=tuple(HOSTS.values()))
    (folder / "authority.pem").write_text(authority.pem)
    (folder / "own.pem").write_text(own.pem + own.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem")
    made = Chats({})

    class Inside(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            host = self.headers["Host"].partition(":")[0]
            made.received.append(Sent(host, self.path, body, self.headers["Authorization"]))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with context.wrap_socket(self.connection, server_side=True) as within:
                Inside(within, self.client_address, self.server)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.settings = {
            "HTTPS_PROXY": f"http://127.0.0.1:{server.server_address[1]}",
            "NO_PROXY": "127.0.0.1",
            "REQUESTS_CA_BUNDLE": str(folder / "authority.pem"),
        }
        yield made
        server.shutdown()
