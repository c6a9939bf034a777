"""The plugin's process, as the Pulumi engine starts it: `python -m infra.provider ENGINE_ADDRESS`."""

from __future__ import annotations

import asyncio
import sys

import infra.provider.light_start  # noqa: F401  # before anything that would import more
from infra.provider.functions import FUNCTIONS
from infra.provider.invocation import Invocation
from infra.provider.kinds import KINDS
from infra.provider.lifecycle import Lifecycle
from infra.provider.server import serve


def main() -> None:
    lifecycles = {kind.token: Lifecycle(kind) for kind in KINDS}
    invocations = {function.token: Invocation(function) for function in FUNCTIONS}
    asyncio.run(serve(lifecycles, invocations, *sys.argv[1:2]))


if __name__ == "__main__":
    main()
