"""Plans as `pulumi preview --json` writes them, in short."""

from __future__ import annotations

import json
from typing import Any

STACK = "dev"
TYPES = {
    "Deployment": "prefect:index:Deployment",
    "WorkPool": "prefect:index:WorkPool",
    "WorkQueue": "prefect:index:WorkQueue",
    "Block": "prefect:index:Block",
    "Container": "docker:index/container:Container",
    "Volume": "docker:index/volume:Volume",
    "RemoteImage": "docker:index/remoteImage:RemoteImage",
}
AREA = "prefect-infra:index:Area"


def urn(kind: str, name: str, area: str | None = "compras") -> str:
    qualified = f"{AREA}${TYPES.get(kind, kind)}" if area else TYPES.get(kind, kind)
    return f"urn:pulumi:{STACK}::prefect-infra::{qualified}::{name}"


def step(
    op: str,
    kind: str,
    name: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    *,
    area: str | None = "compras",
    diff: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    address = urn(kind, name, area)
    parent = f"urn:pulumi:{STACK}::prefect-infra::{AREA}::{area}" if area else None
    state = {"urn": address, "type": TYPES.get(kind, kind), "parent": parent}
    row: dict[str, Any] = {"op": op, "urn": address, **more}
    if old is not None:
        row["oldState"] = {**state, "id": name, "inputs": old, "outputs": old}
    if new is not None:
        row["newState"] = {**state, "inputs": new}
    if diff is not None:
        row["detailedDiff"] = {path: {"kind": kind_, "inputDiff": False} for path, kind_ in diff.items()}
    return row


def preview(*steps: dict[str, Any], **more: Any) -> str:
    counts: dict[str, int] = {"same": 12}
    for row in steps:
        counts[row["op"]] = counts.get(row["op"], 0) + 1
    return json.dumps({"steps": list(steps), "changeSummary": counts, "duration": 1234567, **more})
