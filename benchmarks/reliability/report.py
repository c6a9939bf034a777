"""The results: kept by fault, so that a single one can be measured again; and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).resolve().parents[1] / "results"


def path(name: str) -> Path:
    return RESULTS / f"{name}.json"


def keep(name: str, fault: str, result: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
    """The result of one fault into the file, beside those of the others."""
    file = path(name)
    known = json.loads(file.read_text()) if file.is_file() else {}
    faults = known.get("faults", {}) | {fault: dict(result)}
    RESULTS.mkdir(exist_ok=True)
    file.write_text(json.dumps({"machine": dict(machine), "faults": faults}, indent=1) + "\n")


def faults_of(name: str) -> dict[str, Any]:
    known = json.loads(path(name).read_text()) if path(name).is_file() else {}
    found: dict[str, Any] = known.get("faults", {})
    return found


def is_well(result: Mapping[str, Any]) -> bool:
    """Nothing lost, nothing doubled, the database whole, and the fault was struck and got over."""
    recovered = "recovered_after" not in result or result["recovered_after"] is not None
    broken = result["lost"] or result["doubled"] or result.get("database_faults")
    return bool(result["struck"] and recovered and not broken)


_COLUMNS: Final = (
    ("runs", "runs"),
    ("lost", "lost"),
    ("doubled", "doubled"),
    ("run again", "run_again"),
    ("healthy again after, s", "recovered_after"),
    ("p50, s", "latency_p50"),
    ("p99, s", "latency_p99"),
    ("all ended after, s", "seconds"),
    ("5xx of workers' requests", "workers_error_rate"),
    ("unanswered inside", "inside_error_rate"),
    ("API unanswered at most, s", "longest_unanswered_seconds"),
)


def table(faults: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown, one line for each fault."""
    lines = [f"| fault | {' | '.join(heading for heading, _ in _COLUMNS)} |", f"|{'---|' * (len(_COLUMNS) + 1)}"]
    lines += [
        f"| {fault} | {' | '.join(_shown(key, result.get(key)) for _, key in _COLUMNS)} |"
        for fault, result in faults.items()
    ]
    return "\n".join(lines)


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if key.endswith("_error_rate") else str(value)
