"""All that a server has, in a form that can be compared: whoever made it, and however often it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LISTED: dict[str, dict[str, Any]] = {
    "work_pools": {},
    "work_queues": {},
    "flows": {},
    "deployments": {},
    "block_documents": {"include_secrets": True},
    "variables": {},
    "v2/concurrency_limits": {},
    "concurrency_limits": {},
    "automations": {},
    "flow_runs": {},
}
OF_THE_MOMENT = frozenset({"id", "created", "updated", "last_polled", "status", "events", "active_slots"})
"""What is not as anybody wrote it: times, a worker's signs of life, and ids, which a thing made anew has others of."""
OF_A_RUN = frozenset(
    {
        *("name", "parameters", "tags", "state_type", "next_scheduled_start_time"),
        *("deployment_id", "work_pool_name", "work_queue_name"),
    }
)
"""What a run that waits is, and where: one that is made again is another one by all else."""

Rows = dict[str, tuple[str, str]]
"""Of each thing, by its id: where it belongs, and what it is, with other things called by their names."""


async def everything(client: Any) -> Rows:
    """Flows are counted only while a deployment is of them: they stay for the history of their runs."""
    listed = {kind: await client.find(f"{kind}/filter", body) for kind, body in LISTED.items()}
    names = {row["id"]: f"{kind}/{_name(row)}" for kind, rows in listed.items() for row in rows}
    used = {row["flow_id"] for row in listed["deployments"]}
    listed["flows"] = [row for row in listed["flows"] if row["id"] in used]
    listed["flow_runs"] = [
        {key: value for key, value in row.items() if key in OF_A_RUN | {"id"}} for row in listed["flow_runs"]
    ]
    return {row["id"]: (kind, _told(row, names)) for kind, rows in listed.items() for row in rows}


def beside(now: Rows, before: Rows) -> list[tuple[str, str]]:
    """What came to be since. Raises: AssertionError: something else was lost, or is not as it was."""
    assert {id_: now.get(id_) for id_ in before} == before
    return sorted(row for id_, row in now.items() if id_ not in before)


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or row.get("tag"))


def _told(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    text = json.dumps(_lasting(row), sort_keys=True)
    for id_, name in names.items():
        text = text.replace(id_, name)
    return text


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in OF_THE_MOMENT}
    return [_lasting(item) for item in value] if isinstance(value, list) else value
