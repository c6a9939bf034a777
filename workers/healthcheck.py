"""Exit 0 if the URL given answers a GET with 200 within a few seconds: the health check of every container.

    http://127.0.0.1:4200/api/health           the server
    http://127.0.0.1:8080/health               a worker
    unix:///run/socket-proxy/docker.sock       the socket proxy, and the engine behind it

It runs every few seconds in every container, so it is meant for `python3 -I -S` and speaks the little HTTP it needs
itself: importing http.client takes three times as long as the check, the virtualenv's start-up files longer still.

It asks again for a while before it gives up. The engine asks each container every few seconds only, the first time too:
one that is ready a moment after it was asked would be taken for not healthy until the next time, and `up` would wait.
"""

import re
import socket
import sys
import time

TIMEOUT_SECONDS = 3.0
PATIENCE_SECONDS = 4.0
AGAIN_SECONDS = 0.2
HTTP = re.compile(r"http://([\w.-]+|\[[\da-f:]+\]):(\d+)(/\S*)?")
UNIX = re.compile(r"unix://(/.+)")


def lasting_problem(url: str, seconds: float) -> str | None:
    """Why the URL isn't healthy and doesn't become so, or None."""
    deadline = time.monotonic() + seconds
    while (found := problem(url)) and (HTTP.fullmatch(url) or UNIX.fullmatch(url)) and time.monotonic() < deadline:
        time.sleep(AGAIN_SECONDS)
    return found


def problem(url: str) -> str | None:
    """Why the URL is not healthy, or None."""
    try:
        if http := HTTP.fullmatch(url):
            host, port, path = http.groups(default="/")
            connection = socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_SECONDS)
        elif unix := UNIX.fullmatch(url):
            path = "/_ping"
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(unix[1])
        else:
            return f"{url}: not http://HOST:PORT/PATH nor unix:///PATH"
        with connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            status = connection.makefile("rb").readline(200).decode("latin-1").strip()
    except OSError as error:
        return f"{url}: {type(error).__name__}: {error}"
    return None if re.match(r"HTTP/1\.[01] 200\b", status) else f"{url}: answered {status!r}, want 200"


if __name__ == "__main__":
    match sys.argv:
        case [_, url]:
            sys.exit(lasting_problem(url, PATIENCE_SECONDS))
        case [_, url, patience]:
            sys.exit(lasting_problem(url, float(patience)))
        case _:
            sys.exit("usage: healthcheck.py URL [SECONDS]")
