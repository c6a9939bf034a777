"""A request as it came, and what is sent on in its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.socket_proxy.creation import Refused

NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,250}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came: path decoded, without its version prefix."""

    method: str
    version: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Forward:
    """What to send to the engine. With `container`, only once that container is known to be the proxy's own; `path`
    then holds a place for its full id, so that a rename in between cannot change who is meant.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    container: str | None = None
    registry_auth: bool = False


def checked_query(request: Request, options: Mapping[str, str]) -> dict[str, str]:
    """The options of a request, each of which must be known and look as it may. Raises: Refused."""
    for key, value in request.query.items():
        if key not in options:
            known = ", ".join(options) or "none"
            raise Refused(f"{request.method} {request.path}: the option {key} is not allowed; allowed: {known}")
        if not re.fullmatch(options[key], value):
            raise Refused(f"{request.method} {request.path}: {key} = {value!r} is not allowed")
    return dict(request.query)
