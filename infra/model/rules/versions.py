"""Which releases of Prefect go together: server, workers, and the program that declares for them.

What Prefect itself supports is in `raise_for_api_version_mismatch` of its client (prefect/client/orchestration, 3.8.8):
a server of another major version is refused, an older one is warned of ("may result in unexpected behavior"), and a
newer one is taken without a word. A minor release may break what was:
https://docs.prefect.io/v3/release-notes/versioning
"""

from __future__ import annotations

from infra.model.rules.rule import Rule

WORKER_AHEAD = Rule(
    code="PI701",
    name="worker-ahead-of-server",
    meaning=(
        "The image of an area's workers has a newer Prefect than the server, or one of another major version. "
        "Prefect's client refuses a server of another major version, and warns of unexpected behaviour with an older "
        "one (`raise_for_api_version_mismatch` in its client, 3.8.8)."
    ),
    example="# workers/areas/compras/requirements.txt; workers/requirements.lock: 3.8.8\nprefect==3.9.0",
    mending="Take Prefect out of its requirements, or bring the server to that release first: docs/operations.md.",
    settable=True,
)
WORKER_BEHIND = Rule(
    code="PI702",
    name="worker-behind-server",
    meaning=(
        "The image of an area's workers has an older minor release of Prefect than the server. Prefect's client says "
        "nothing of it, and a minor release may change or remove what flows use "
        "(https://docs.prefect.io/v3/release-notes/versioning)."
    ),
    example="# workers/areas/compras/requirements.txt; workers/requirements.lock: 3.8.8\nprefect==3.7.8",
    mending="Take Prefect out of the area's requirements when its flows are ready; until then turn the rule off.",
    severity="warning",
    settable=True,
)
PROGRAM_APART = Rule(
    code="PI703",
    name="program-ahead-of-server",
    meaning=(
        "The release of Prefect that this program and its provider are pinned to is newer than the server's, or of "
        "another major version: the server may not know what the program tells it. A server elsewhere is "
        "asked at each preview."
    ),
    example=(
        "# infra/toolchain/requirements.lock, where workers/requirements.lock says prefect==3.7.8\nprefect==3.8.8"
    ),
    mending="Have both pinned to the same release; a server elsewhere: have its owner bring it there.",
    severity="warning",
    settable=True,
)
SERVER_BACK = Rule(
    code="PI704",
    name="server-downgrade",
    meaning=(
        "The server that runs has a newer Prefect than the image that is to replace it. It has migrated the database, "
        "and an older one doesn't start on migrations that it doesn't know. Found at a preview."
    ),
    example="# workers/requirements.lock, where the server that runs answers 3.9.0\nprefect==3.8.8",
    mending="Keep the release that runs; to go back, restore a backup made before the upgrade (docs/operations.md).",
    settable=True,
)

RULES = (WORKER_AHEAD, WORKER_BEHIND, PROGRAM_APART, SERVER_BACK)
