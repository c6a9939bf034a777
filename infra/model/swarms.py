"""Whether a stack can be on a swarm, whose containers go from one machine to another."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model import declared
from infra.model.codes import codes
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.rules import coherence, keys
from infra.model.shape import Places
from infra.model.stack import Swarm

EVERYWHERE = "0.0.0.0"  # noqa: S104  # Swarm publishes a port on all addresses of a node

_NOT_SCALED = ("the autoscaler starts and stops containers of one engine", "write replicas")


def swarm(given: declared.Stack, places: Places, found: Findings) -> Swarm | None:
    """What there is to know of it; meaningless if there are findings. None: the stack is on one engine."""
    if given.runtime != "swarm":
        for path in _of_a_swarm(given):
            hint = "write runtime: swarm, or leave it out"
            message = f"{path[-1]!r} says nothing of one engine"
            found.add(keys.MISPLACED_KEY, path, message, hint=hint, of_key=True)
        return None
    for path, message, hint in _hindrances(given, places):
        if not found.any_at(*path):
            found.add(coherence.NOT_ON_A_SWARM, path, message, hint=hint)
    if given.registry is None and not found.any_at("registry"):
        message = "'registry' is missing: the nodes have to get the images from somewhere"
        found.add(keys.MISSING_KEY, (), message, hint="registry: host:port/prefix")
    keeps = [name for name in ("database", "redis") if getattr(given.server, name).url is None]
    if (
        given.swarm.data_node is None
        and keeps
        and not found.any_at("swarm", "data_node")
        and given.server.database.type == "postgres"
    ):
        message = f"'data_node' is missing: the volume of {' and '.join(keeps)} is on one node"
        found.add(keys.MISSING_KEY, ("swarm",), message, hint="data_node: its host name, as `docker node ls` tells it")
    return Swarm(registry=given.registry or "", **given.swarm.model_dump())


def server(given: declared.Stack) -> declared.Server:
    """The server as declared, with what a swarm leaves no choice about."""
    if given.runtime != "swarm":
        return given.server
    return given.server.model_copy(update={"bind": EVERYWHERE})


def _of_a_swarm(given: declared.Stack) -> Iterator[KeyPath]:
    yield from ((name,) for name in ("registry", "swarm") if name in given.model_fields_set)
    yield from (path for path, _ in _placements(given))


def _placements(given: declared.Stack) -> Iterator[tuple[KeyPath, str]]:
    if "placement" in given.workers.model_fields_set:
        yield ("workers", "placement"), given.workers.placement
    for name, area in given.areas.items():
        if area.workers.placement is not None:
            yield ("areas", name, "workers", "placement"), area.workers.placement


def _hindrances(given: declared.Stack, places: Places) -> Iterator[tuple[KeyPath, str, str]]:
    """Where, what, and the way out."""
    server = given.server
    if server.api_url is not None:
        yield ("runtime",), "there is a server already, and nothing to run", "leave it out"
        return
    if given.throwaway is not None:
        yield ("runtime",), "a throwaway stack is on one engine, and gone with it", "leave it out"
    yield from _of_the_server(server)
    if given.workers.autoscale is not None:
        yield ("workers", "autoscale"), *_NOT_SCALED
    for name, area in given.areas.items():
        if area.workers.autoscale is not None:
            yield ("areas", name, "workers", "autoscale"), *_NOT_SCALED
    for path, code in codes(given, places):
        if code.location == "checkout":
            hint = "write code: {location: image}, or git"
            yield path, "the checkout is on this machine, and not on the nodes", hint


def _of_the_server(server: declared.Server) -> Iterator[tuple[KeyPath, str, str]]:
    if server.database.type != "postgres":
        yield (
            ("server", "database"),
            "a server on SQLite is one container with one file: it can't be anywhere else",
            "write database: {type: postgres}",
        )
    if server.port == "auto":
        yield ("server", "port"), "no machine can choose a port for all nodes", "write a number: 443, say"
    if server.proxy.http_port == "auto":
        yield (
            ("server", "proxy", "http_port"),
            "no machine can choose a port for all nodes",
            "write a number: 80, say; or leave it out",
        )
    if "bind" in server.model_fields_set and server.bind != EVERYWHERE:
        yield ("server", "bind"), "Swarm publishes ports on all addresses of a node", f"write {EVERYWHERE}"
