"""The plugin's process, as the Pulumi engine starts it: `python -m infra.provider ENGINE_ADDRESS`."""

from __future__ import annotations

import asyncio

import infra.provider.light_start  # noqa: F401  # before anything that would import more
from infra.provider.kinds import KINDS
from infra.provider.lifecycle import Lifecycle
from infra.provider.server import serve


def main() -> None:
    asyncio.run(serve({kind.token: Lifecycle(kind) for kind in KINDS}))


if __name__ == "__main__":
    main()
