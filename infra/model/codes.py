"""Where a stack says that its workers find their code."""

from __future__ import annotations

from collections.abc import Iterator

from infra.model import declared
from infra.model.errors import KeyPath
from infra.model.shape import Places


def codes(given: declared.Stack, places: Places) -> Iterator[tuple[KeyPath, declared.Code]]:
    """Those that count: the stack's where nothing else is said, and each that is."""
    written: list[tuple[KeyPath, declared.Code | None]] = []
    inherits = False
    for name, area in given.areas.items():
        path: KeyPath = ("areas", name)
        written.append(((*path, "code"), area.code))
        for at, deployment in places.of((*path, "deployments"), area.deployments):
            if deployment.pull is None:
                written.append(((*at, "code"), deployment.code))
                inherits |= deployment.code is None and area.code is None
    if inherits or "code" in given.model_fields_set:
        yield ("code",), given.code
    yield from ((path, code) for path, code in written if code is not None)
