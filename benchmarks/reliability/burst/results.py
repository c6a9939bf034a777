"""The results of bursts: a file with one entry for each place they were run at, and its tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

FAULTS, QUIET, BARE = "faults", "quiet", "bare"
SAYS: Final = {
    FAULTS: "the stack, every fault in turn",
    QUIET: "the stack, no fault",
    BARE: "bare: `prefect server` on Postgres, a `prefect worker` for each area, no fault",
}
_WHOLE: Final = (
    ("runs", "runs"),
    ("urgent", "urgent_runs"),
    ("lost", "lost"),
    ("doubled", "doubled"),
    ("unfinished", "unfinished"),
    ("run again", "run_again"),
    ("runs a minute", "runs_a_minute"),
    ("due → Running p50, s", "latency_p50"),
    ("p99, s", "latency_p99"),
    ("urgent p50, s", "urgent_latency_p50"),
    ("urgent p99, s", "urgent_latency_p99"),
    ("taken → Running p50, s", "start_p50"),
    ("p99, s", "start_p99"),
    ("5xx of workers' requests", "workers_error_rate"),
    ("unanswered inside", "inside_error_rate"),
)
_NEAR: Final = (
    ("healthy again after, s", "recovered_after"),
    ("runs crashed", "crashed"),
    ("lost", "lost"),
    ("doubled", "doubled"),
    ("urgent p50, s", "urgent_latency_p50"),
    ("worst, s", "urgent_latency_worst"),
    ("no run began for, s", "longest_pause"),
    ("5xx of workers' requests", "workers_error_rate"),
    ("unanswered inside", "inside_error_rate"),
    ("API unanswered at most, s", "longest_unanswered_seconds"),
)


def keep(file: Path, place: str, result: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
    """The result of one place, beside those of the others."""
    known = json.loads(file.read_text()) if file.is_file() else {}
    bursts = known.get("bursts", {}) | {place: dict(result)}
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"machine": dict(machine), "bursts": bursts}, indent=1, ensure_ascii=False) + "\n")


def read(file: Path) -> dict[str, Any]:
    """By place."""
    bursts: dict[str, Any] = json.loads(file.read_text())["bursts"] if file.is_file() else {}
    return bursts


def is_well(result: Mapping[str, Any]) -> bool:
    """All ended, nothing lost, nothing doubled, the database whole, every fault struck and got over."""
    struck = all(each["struck"] and each["recovered_after"] is not None for each in result["faults"])
    broken = result["lost"] or result["doubled"] or result["unfinished"] or result.get("database_faults")
    return bool(result["over"] and struck and not result["not_struck"] and not broken)


def tables(bursts: Mapping[str, Mapping[str, Any]]) -> str:
    """The bursts as wholes, then what was near each fault."""
    over = {SAYS[place]: bursts[place] for place in SAYS if bursts.get(place, {}).get("over")}
    texts = [_table("burst", _WHOLE, list(over.items()))] if over else []
    if struck := bursts.get(FAULTS, {}).get("faults"):
        texts.append(_table("fault", _NEAR, [(each["says"], each) for each in struck]))
    return "\n\n".join(texts)


def _table(first: str, columns: Sequence[tuple[str, str]], rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    lines = [f"| {first} | {' | '.join(heading for heading, _ in columns)} |", f"|{'---|' * (len(columns) + 1)}"]
    lines += [f"| {says} | {' | '.join(_shown(key, row.get(key)) for _, key in columns)} |" for says, row in rows]
    return "\n".join(lines)


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}" if key.endswith("_error_rate") else str(value)
