"""What a rehearsal has shown: told as text, as JSON, and by whether all was well."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_LINE: Final = re.compile(r"(?:^|\s)\|?\s*(?P<level>WARNING|ERROR|CRITICAL)\s*\|\s*(?P<text>.+)$")
_PASSING: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|\b\d+\.\d+s?\b"
)
_LOCKED: Final = "database is locked"
_OF_THE_MOMENT: Final = frozenset(
    {
        *(
            "id",
            "created",
            "updated",
            "created_by",
            "updated_by",
            "version_id",
            "version_info",
            "status",
            "last_polled",
        ),
        *("labels", "work_queue_id", "flow_id", "work_pool_id", "storage_document_id", "schedules"),
        *("infrastructure_document_id", "concurrency_limit_id", "global_concurrency_limit"),
    }
)
"""Fields of a deployment that say nothing of what it does, or are others in the throwaway stack anyway."""
_OF_A_SCHEDULE: Final = ("slug", "schedule", "parameters")


@dataclass
class Rehearsal:
    stack: str
    database: str
    """sqlite or postgres."""
    prefect_from: str
    prefect_to: str
    schema_from: str | None = None
    schema_to: str | None = None
    migration_seconds: float | None = None
    """A start of the interpreter included."""
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """By table: `before` and `after` the migration; None: there is no such table."""
    deployments: dict[str, list[str]] = field(default_factory=dict)
    """Those that `pulumi up` makes, or changes on the copy, each with the fields."""
    smoke: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What could not be taken down."""

    @property
    def well(self) -> bool:
        return not self.errors and not self.left and bool(self.smoke)

    def told(self) -> dict[str, Any]:
        return {"well": self.well, **asdict(self)}

    def count(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """A table that has lost rows is an error; one that is gone, or new, is what migrations are for."""
        for name in sorted({*before, *after}):
            self.rows[name] = {"before": before.get(name), "after": after.get(name)}
            if name in before and name in after and after[name] < before[name]:
                self.errors.append(f"the migration took rows from {name}: {before[name]} before, {after[name]} after")


def problems(log: Iterable[str]) -> tuple[list[str], list[str]]:
    """The errors and the warnings in a server's log, each once with how often it came.

    That SQLite's lock wasn't free for a minute is of a busy machine, not of the release: a warning.
    """
    said: list[tuple[str, str]] = []
    for line in log:
        if found := _LINE.search(line):
            level = "WARNING" if found["level"] == "WARNING" else "ERROR"
            said.append((level, _PASSING.sub("…", found["text"].strip())))
        elif said and _LOCKED in line:  # in its traceback
            said[-1] = ("WARNING", said[-1][1])
    counted: dict[str, Counter[str]] = {"ERROR": Counter(), "WARNING": Counter()}
    for level, text in said:
        counted["WARNING" if _LOCKED in text else level][text] += 1
    told = {
        level: [text if count == 1 else f"{text} ({count} times)" for text, count in of.items()]
        for level, of in counted.items()
    }
    return told["ERROR"], told["WARNING"]


def changes(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By a deployment's name: the fields that differ; `made` for one that wasn't there."""
    known = {str(row["id"]): row for row in before}
    found: dict[str, list[str]] = {}
    for row in after:
        was = known.get(str(row["id"]))
        if was is None:
            found[row["name"]] = ["made"]
            continue
        fields = [
            name for name in sorted({*was, *row} - _OF_THE_MOMENT) if (was.get(name) or None) != (row.get(name) or None)
        ]
        if _schedules(was) != _schedules(row):
            fields.append("schedules")
        if fields:
            found[row["name"]] = fields
    return found


def _schedules(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = [{name: each.get(name) for name in _OF_A_SCHEDULE} for each in row.get("schedules") or ()]
    return sorted(told, key=str)


def in_words(done: Rehearsal) -> str:
    """As lines, for people."""
    lines = [
        f"{done.stack}: Prefect {done.prefect_from} -> {done.prefect_to}, on a copy of its {done.database} database"
    ]
    if done.migration_seconds is not None:
        schemas = f"schema {done.schema_from} -> {done.schema_to}"
        lines.append(f"  migration    {done.migration_seconds:.1f} s, {schemas}")
    if done.rows:
        changed = {name: each for name, each in done.rows.items() if each["before"] != each["after"]}
        total = sum(each["before"] or 0 for each in done.rows.values())
        lines.append(
            f"  rows         {total} in {len(done.rows)} tables; {len(changed) or 'no'} tables differ after it"
        )
        for name, each in changed.items():
            was, now = ("-" if each[key] is None else each[key] for key in ("before", "after"))
            lines.append(f"               {name}: {was} -> {now}")
    lines.append(f"  deployments  {len(done.deployments) or 'none'} would change")
    lines.extend(f"               {name}: {', '.join(fields)}" for name, fields in sorted(done.deployments.items()))
    lines.extend(
        f"  smoke run    {run['area']}: {run['state']} ({run['seconds']:.1f} s) {run['message']}".rstrip()
        for run in done.smoke
    )
    for kind, texts in (("error", done.errors), ("warning", done.warnings), ("left behind", done.left)):
        lines.extend(f"  {kind:<12} {text}" for text in texts)
    lines.append("  took         " + ", ".join(f"{part} {seconds:.0f} s" for part, seconds in done.seconds.items()))
    lines.append("  all well" if done.well else "  NOT WELL")
    return "\n".join(lines)
