"""From what is declared of the server to what it is: one container on SQLite, or several around a Postgres."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from infra.model import declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.naming import suggestion
from infra.model.rules import coherence, keys
from infra.model.stack import Database, Proxy, Redis, RemoteHost, Scaled, Server

API_REPLICAS = 2
SERVICES_REPLICAS = 1
AUTH_KEY = "auth_string"
"""The stack's secret with `user:password`."""
_PATH: KeyPath = ("server",)
_UNPRIVILEGED = 1024
_HIGHEST = 65535
_OF_A_SERVER_THAT_IS_THERE = frozenset({"api_url", "auth", "protect"})
_OF_POSTGRES = ("replicas", "services_replicas", "redis", "proxy")


def server(given: declared.Server, host: RemoteHost | None, secrets: Collection[str], found: Findings) -> Server:
    """The server; meaningless if there are findings."""
    if given.api_url is not None:
        _server_that_is_there(given, secrets, found)
    scales = given.database.type == "postgres" and given.api_url is None
    auth = given.auth or ("required" if scales else "none")
    bind = _bind(given, auth, found)
    address = _address(bind, host, found)
    # Below 1024 only the engine gets at a port; the one container of a dev stack has no need.
    lowest = 1 if scales else _UNPRIVILEGED
    _port(given.port, (*_PATH, "port"), lowest, found)
    scaled = None
    if scales:
        _port(given.proxy.http_port, (*_PATH, "proxy", "http_port"), lowest, found)
        scaled = _scaled(given, bind, address, secrets, found)
    elif given.api_url is None:
        _misplaced(given, found)
    return Server(
        api_url=given.api_url,
        port=given.port,
        bind=bind,
        address=address or bind,
        auth=auth,
        log_level=given.log_level,
        memory_mb=given.memory_mb,
        cpus=given.cpus,
        pids=given.pids,
        protect=given.protect,
        csrf=scales if given.csrf is None else given.csrf,
        metrics=scales if given.metrics is None else given.metrics,
        scaled=scaled,
    )


def workers_elsewhere(given: declared.Stack, found: Findings) -> None:
    """Of a server that is there already: what is said of workers that this stack doesn't start."""
    if given.server.api_url is None:
        return
    levels: list[tuple[KeyPath, declared.Stack | declared.Area]] = [((), given)]
    levels += [(("areas", name), area) for name, area in given.areas.items()]
    for path, level in levels:
        keys_of = {"workers": level.workers.model_fields_set - {"type"}, "logging": level.logging.model_fields_set}
        for key, names in keys_of.items():
            for name in sorted(names):
                found.add(
                    coherence.WORKERS_ELSEWHERE,
                    (*path, key, name),
                    f"{name!r} is of workers that this stack starts; those of {given.server.api_url} are elsewhere",
                    hint="leave it out",
                    of_key=True,
                )


def _server_that_is_there(given: declared.Server, secrets: Collection[str], found: Findings) -> None:
    for name in sorted(given.model_fields_set - _OF_A_SERVER_THAT_IS_THERE):
        found.add(
            keys.MISPLACED_KEY,
            (*_PATH, name),
            f"{name!r} is of a server that this stack makes, and there is one already at {given.api_url}",
            hint="leave it out",
            of_key=True,
        )
    if given.auth == "required" and AUTH_KEY not in secrets:
        found.add(
            coherence.UNKNOWN_SECRET,
            (*_PATH, "auth"),
            f"the server asks who one is, and the stack has no secret {AUTH_KEY!r}",
            hint=f"pulumi config set --secret prefect-infra:{AUTH_KEY} 'user:password'",
        )


def _bind(given: declared.Server, auth: str, found: Findings) -> str:
    bind = "127.0.0.1" if given.bind == "localhost" else given.bind
    try:
        loopback = ipaddress.ip_address(bind).is_loopback
    except ValueError:
        found.add(
            coherence.NO_ADDRESS,
            (*_PATH, "bind"),
            f"{bind!r} is no IP address",
            hint="127.0.0.1 for this machine, 0.0.0.0 for all",
        )
        loopback = True
    if not loopback and auth == "none" and not found.any_at(*_PATH, "auth"):
        found.add(
            coherence.OPEN_SERVER,
            (*_PATH, "bind"),
            f"the server would listen on {bind}, where others reach it, without asking who they are",
            hint="write auth: required, or leave bind out",
        )
    return bind


def _address(bind: str, host: RemoteHost | None, found: Findings) -> str | None:
    """What others reach it by who are on its network; None where `bind` tells none."""
    if found.any_at(*_PATH, "bind"):
        return None
    if ipaddress.ip_address(bind).is_unspecified:
        return host.machine if host else None
    return f"[{bind}]" if ":" in bind else bind


def _port(port: object, path: KeyPath, lowest: int, found: Findings) -> None:
    if isinstance(port, int) and not lowest <= port <= _HIGHEST:
        message = f"the port is {port}: it goes from {lowest} to {_HIGHEST}"
        found.add(keys.OUT_OF_RANGE, path, message, hint="or auto: a free one")


def _misplaced(given: declared.Server, found: Findings) -> None:
    """What needs a database that several processes can use."""
    written: list[KeyPath] = [(name,) for name in _OF_POSTGRES if name in given.model_fields_set]
    of_postgres = given.database.model_fields_set & {"url", "authority", "rotation"}
    written += [("database", name) for name in sorted(of_postgres)]
    for path in written:
        message = f"{path[-1]!r} goes with Postgres: on SQLite the server is one container"
        hint = "write database: {type: postgres}, or leave it out"
        found.add(keys.MISPLACED_KEY, (*_PATH, *path), message, hint=hint, of_key=True)


def _scaled(
    given: declared.Server, bind: str, address: str | None, secrets: Collection[str], found: Findings
) -> Scaled:
    parts: tuple[tuple[str, declared.Database | declared.Redis], ...]
    parts = ("database", given.database), ("redis", given.redis)
    for part, of in parts:
        if of.authority is not None and of.url is None:
            message = "'authority' is of one elsewhere, and this one is a container of the stack's own"
            hint = "give its `url`, or leave it out"
            found.add(keys.MISPLACED_KEY, (*_PATH, part, "authority"), message, hint=hint, of_key=True)
        if of.url is not None and "rotation" in of.model_fields_set:
            message = "'rotation' is of the password of a container, and this one is elsewhere, as its `url` says"
            found.add(keys.MISPLACED_KEY, (*_PATH, part, "rotation"), message, hint="leave it out", of_key=True)
    for path, ref in references(given):
        if ref.secret not in secrets:
            close = suggestion(ref.secret, secrets)
            found.add(
                coherence.UNKNOWN_SECRET,
                (*_PATH, *path, "secret"),
                f"the stack has no secret {ref.secret!r}",
                hint=close
                if close and close.startswith("did")
                else f"pulumi config set --secret prefect-infra:{ref.secret}",
            )
    proxy = given.proxy
    if address is None and proxy.host is None and not found.any_at(*_PATH, "bind"):
        message = f"'host' is missing: browsers can't be sent to {bind}"
        found.add(keys.MISSING_KEY, (*_PATH, "proxy"), message, hint="host: the name that people reach the server by")
    return Scaled(
        replicas=given.replicas or API_REPLICAS,
        services_replicas=given.services_replicas or SERVICES_REPLICAS,
        database=Database(**given.database.model_dump(exclude={"type"})),
        redis=Redis(**given.redis.model_dump()),
        proxy=Proxy(**{**proxy.model_dump(), "host": proxy.host or address or bind}),
    )


def references(given: declared.Server) -> Iterator[tuple[KeyPath, declared.SecretRef]]:
    """The secrets that a server of several containers is made with, and where they are named, from `server` on."""
    tls = given.proxy.tls
    named: list[tuple[KeyPath, declared.SecretRef | None]] = [
        (("database", "url"), given.database.url),
        (("database", "authority"), given.database.authority),
        (("redis", "url"), given.redis.url),
        (("redis", "authority"), given.redis.authority),
        (("proxy", "tls", "certificate"), tls.certificate if tls else None),
        (("proxy", "tls", "key"), tls.key if tls else None),
        (("proxy", "tls", "authority"), tls.authority if tls else None),
    ]
    yield from ((path, ref) for path, ref in named if ref is not None)
