"""What the job templates of work pools take: Prefect's defaults for its worker types, name and JSON schema.

They are copied, since the model neither imports Prefect nor asks a server; a test holds them against the metadata that
the server makes its pools from (`collections_data/views/aggregate-worker-metadata.json`).
"""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_NAMED_TEXTS: Final = {"type": "object", "additionalProperties": _TEXT}
_YES_OR_NO: Final = {"type": "boolean"}

_ANY_TYPE: Final[dict[str, dict[str, Any]]] = {
    "name": _TEXT,
    "env": _NAMED_TEXTS,
    "labels": _NAMED_TEXTS,
    "command": _TEXT,
    "stream_output": _YES_OR_NO,
}
VARIABLES: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "process": {**_ANY_TYPE, "working_dir": _TEXT},
    "docker": {
        **_ANY_TYPE,
        "image": _TEXT,
        "registry_credentials": {"type": "object"},
        "image_pull_policy": {"type": "string", "enum": ["IfNotPresent", "Always", "IfPossible", "Never"]},
        "networks": _TEXTS,
        "network_mode": _TEXT,
        "auto_remove": _YES_OR_NO,
        "volumes": _TEXTS,
        "container_wait_timeout": {"type": "integer"},
        "mem_limit": _TEXT,
        "memswap_limit": _TEXT,
        "privileged": _YES_OR_NO,
    },
}
"""By worker type, then by variable."""
