"""Whether a stack can be on another machine's engine: nothing of this machine is there, and its loopback isn't here."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from infra.model import declared
from infra.model.addresses import is_loopback
from infra.model.codes import codes
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.rules import coherence, keys
from infra.model.shape import Places
from infra.model.stack import RemoteHost

_PATH: KeyPath = ("host",)


def host(given: declared.Stack, places: Places, found: Findings) -> RemoteHost | None:
    """The machine; meaningless if there are findings. None: the stack is on the engine that this machine has at hand.

    A throwaway stack always is: it has a port of the loopback, whatever its base says.
    """
    if given.host is None or given.throwaway is not None:
        return None
    if (reason := _needless(given)) is not None:
        message, hint = reason
        found.add(keys.MISPLACED_KEY, _PATH, message, hint=hint, of_key=True)
        return None
    machine = urlsplit(given.host).hostname or ""
    for path, message, hint in _hindrances(given, machine, places):
        if not found.any_at(*path):
            found.add(coherence.NOT_ON_A_REMOTE_HOST, path, message, hint=hint)
    return RemoteHost(url=given.host, machine=machine)


def _needless(given: declared.Stack) -> tuple[str, str] | None:
    """What is wrong, and the way out."""
    if given.server.api_url is not None:
        return "'host' is of containers, and with `server.api_url` none is made", "leave it out"
    if given.runtime == "swarm":
        return (
            "'host' is of one engine, and a swarm is asked at one of its managers",
            "leave it out: export DOCKER_HOST, as docs/operations.md tells",
        )
    return None


def _hindrances(given: declared.Stack, machine: str, places: Places) -> Iterator[tuple[KeyPath, str, str]]:
    """Where, what, and the way out."""
    if is_loopback(given.server.bind):
        yield (
            ("server", "bind"),
            f"the server would listen on {machine}'s own loopback, where this machine doesn't get at it",
            "write bind: 0.0.0.0, or one of its addresses that this machine reaches; on SQLite with auth: required",
        )
    for path, code in codes(given, places):
        if code.location == "checkout":
            yield (
                path,
                f"the checkout is on this machine, and not on {machine}",
                "write code: {location: image}, or git",
            )
