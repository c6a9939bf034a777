"""As much of GitHub's API as our commands use, on the loopback, with what it was told kept for the test to look at."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "ana/plataforma"
TOKEN = "t0k3n-of-a-test"
BOT = "github-actions[bot]"


@dataclass
class Hosted:
    """What the host has of the repository."""

    bot = BOT
    key = ("Authorization", f"Bearer {TOKEN}")

    url: str = ""
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls_of: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}

    def say(self, pull: int, author: str, body: str) -> None:
        rows = self.comments.setdefault(pull, [])
        rows.append(
            {"id": 100 * pull + len(rows), "user": {"login": author}, "author": {"username": author}, "body": body}
        )

    def answer(self, verb: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        base = f"/repos/{REPOSITORY}"
        if not path.startswith(base):
            return 404, {"message": "Not Found"}
        match verb, path.removeprefix(base):
            case "GET", rest if found := re.fullmatch(r"/issues/(\d+)/comments", rest):
                return 200, _page(self.comments.get(int(found[1]), []), query)
            case "POST", rest if found := re.fullmatch(r"/issues/(\d+)/comments", rest):
                self.say(int(found[1]), BOT, body["body"])
                return 201, {}
            case "PATCH", rest if found := re.fullmatch(r"/issues/comments/(\d+)", rest):
                (row,) = (row for rows in self.comments.values() for row in rows if row["id"] == int(found[1]))
                row["body"] = body["body"]
                return 200, {}
            case "GET", rest if found := re.fullmatch(r"/commits/([0-9a-f]+)/pulls", rest):
                return 200, _page(self.pulls_of.get(found[1], []), query)
            case "GET", "/issues":
                mine = [row for row in self.issues if row["user"]["login"] == query["creator"]]
                return 200, _page([row for row in mine if row["state"] == query["state"]], query)
            case "POST", "/issues":
                number = len(self.issues) + 1
                self.issues.append({"number": number, "user": {"login": BOT}, "state": "open", **body})
                return 201, {}
            case "PATCH", rest if found := re.fullmatch(r"/issues/(\d+)", rest):
                (row,) = (row for row in self.issues if row["number"] == int(found[1]))
                row |= body
                return 200, {}
        return 404, {"message": "Not Found"}


def _page(rows: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query["per_page"]), int(query["page"])
    return rows[(page - 1) * size : page * size]


@contextmanager
def hosted(kind: type[Hosted] = Hosted) -> Iterator[Hosted]:
    """A host of its own; it answers nobody without the token."""
    host = kind()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            url = urlsplit(self.path)
            host.calls.append((self.command, url.path))
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get(host.key[0]) != host.key[1]:
                status, answer = 401, {"message": "Bad credentials"}
            else:
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                status, answer = host.answer(self.command, url.path, query, json.loads(given) if given else None)
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815  # the base class looks for these

        def log_message(self, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
