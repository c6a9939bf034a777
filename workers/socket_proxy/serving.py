"""Serve on a path that a successor may take over while this proxy still has callers.

While one proxy follows another there are two: new calls find the new one at the path, and the former stays for as long
as calls that it has been given go on. A worker that follows a flow run to its end holds one for all that time.
"""

import socket
from contextlib import suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

LONE_SECONDS = 2
"""How long one without a successor waits for its calls: until it is gone, nobody can come after it."""


class Door:
    """A Unix socket that is at its path from one moment to the next, in the place of whatever was there."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._beside = self._path.with_name(f"{self._path.name}.next")
        self._beside.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self._beside))
        self._beside.chmod(0o666)  # who may reach the folder may ask
        self._self = _identity(self._beside)

    def open(self) -> None:
        self._beside.rename(self._path)

    def is_ours(self) -> bool:
        """Whether nobody has taken it over."""
        return _identity(self._path) in (self._self, None)

    def close(self) -> None:
        """A successor's stays."""
        if self.is_ours():
            self._path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._door.open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """With a successor, it waits for its calls to end; how long at most is the engine's to say."""
        self.config.timeout_graceful_shutdown = LONE_SECONDS if self._door.is_ours() else None
        await super().shutdown(sockets)
        self._door.close()  # here: the signal that ended it ends the process as soon as this returns


def serve(app: Starlette, door: Door) -> None:
    """Until told to stop."""
    _Server(uvicorn.Config(app, log_config=None, access_log=False), door).run(sockets=[door.socket])
