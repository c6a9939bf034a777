"""Serve the proxy on one Unix socket, in front of another."""

import logging
import os
import sys

import httpx

from workers.socket_proxy.app import make_app
from workers.socket_proxy.given import RulesError, rules_from_environment
from workers.socket_proxy.serving import Door, serve

LISTEN = os.environ.get("SOCKET_PROXY_LISTEN", "/run/socket-proxy/docker.sock")
ENGINE = os.environ.get("SOCKET_PROXY_ENGINE", "/var/run/docker.sock")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-7s | %(name)s - %(message)s")
    # httpx repeats each request that the proxy's own line already tells.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        rules = rules_from_environment()
    except RulesError as error:
        sys.exit(f"socket proxy: {error}")
    # Each flow run holds a connection for its logs or its end; running out of them would hang the worker.
    unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=4)
    door = Door(LISTEN)
    app = make_app(rules, httpx.AsyncHTTPTransport(uds=ENGINE, limits=unlimited), is_last=door.is_ours)
    serve(app, door)


if __name__ == "__main__":
    main()
