"""A restored copy made harmless before any server starts on it: nothing fires, nobody is told, no secret is left.

By statements on the tables, which are as old as the backup: a server would start its services first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from cryptography.fernet import Fernet

_ENDED: Final = "('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
ENCRYPTION_KEY: Final = "SELECT value FROM configuration WHERE key = 'ENCRYPTION_KEY'"
"""What blocks are encrypted by (prefect/server/utilities/encryption.py, 3.8.8): JSON with `fernet_key`."""


def statements(
    tables: Mapping[str, int], encryption_key: str | None, former: str, owner: str, stand_in: str, *, postgres: bool
) -> Iterator[str]:
    """In SQL that SQLite and Postgres take.

    `tables`: those that there are. `encryption_key`: what the query of that name answered. `former`, `owner`: the real
    stack and the throwaway one, as `<project>/<stack>`: whose the deployments, pools and automations are.
    """
    no = "false" if postgres else "0"
    if "deployment_schedule" in tables:
        yield f"UPDATE deployment_schedule SET active = {no}"
    if "automation" in tables:
        yield f"UPDATE automation SET enabled = {no}"
    if "flow_run_notification_policy" in tables:
        yield f"UPDATE flow_run_notification_policy SET is_active = {no}"
    live = f"SELECT state_id FROM flow_run WHERE state_type NOT IN {_ENDED}"
    yield f"UPDATE flow_run_state SET type = 'CANCELLED', name = 'Cancelled' WHERE id IN ({live})"
    yield (
        "UPDATE flow_run SET state_type = 'CANCELLED', state_name = 'Cancelled', next_scheduled_start_time = NULL "
        f"WHERE state_type NOT IN {_ENDED}"
    )
    if encryption_key is not None:
        token = Fernet(json.loads(encryption_key)["fernet_key"].encode()).encrypt(
            json.dumps({"value": stand_in}).encode()
        )
        yield f"UPDATE block_document SET data = '{json.dumps(token.decode())}'"
    for table, column in _MARKED:
        if table in tables:
            text, back = (f"{column}::text", "::jsonb") if postgres else (column, "")
            yield f"""UPDATE {table} SET {column} = replace({text}, '{former}"', '{owner}"'){back}"""


_MARKED: Final = (
    ("deployment", "labels"),
    ("work_pool", "base_job_template"),
    ("automation", "tags"),
)
"""Where an object says whose it is: `OWNER_LABEL` of infra/provider/kinds/kind.py. Prefect keeps JSON as jsonb."""
