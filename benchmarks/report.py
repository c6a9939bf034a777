"""What was measured, as ratios beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Target(NamedTuple):
    what: str
    measured: float
    most: float

    def row(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "measured": round(self.measured, 2),
            "most": self.most,
            "met": self.measured <= self.most,
        }


def targets(sizes: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ratios of one run. What was not measured in it is not among them."""
    found: list[Target] = []
    for size, run in sorted(sizes.items()):
        ours = run.get("ours")
        if not ours:
            continue
        if "raw" in run and size in {200, 1000}:
            most = 1.3 if size == 200 else 2.0
            found.append(
                Target(f"first up of {size} / bare calls", ours["first_up"]["seconds"] / run["raw"]["best"], most)
            )
        least = ours["listing"] + ours["empty_up"]["seconds"]
        found += [
            Target(
                f"no-op up --refresh at {size} / (listing + empty up)", ours["no_op_refresh"]["seconds"] / least, 2.0
            ),
            Target(f"one field of {size} / no-op", ours["change_one"]["seconds"] / ours["no_op"]["seconds"], 1.3),
            Target(f"plugin's memory at {size}, MB", max(step["plugin_mb"] for step in _steps(ours)), 300.0),
        ]
        if size == 1000:
            found.append(Target("no-op up at 1000, s", ours["no_op"]["seconds"], 5.0))
        if "deploy_all" in run:
            ratio = ours["first_up"]["seconds"] / run["deploy_all"]
            found.append(Target(f"first up of {size} / prefect deploy --all", ratio, 1 / 3))
    if all("ours" in sizes.get(size, {}) for size in (200, 1000)):
        growth = sizes[1000]["ours"]["first_up"]["seconds"] / sizes[200]["ours"]["first_up"]["seconds"]
        found.append(Target("first up of 1000 / of 200", growth, 6.0))
    return [target.row() for target in found]


def _steps(ours: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [step for step in ours.values() if isinstance(step, dict)]


def table(results: Mapping[str, Any]) -> str:
    lines = ["| ratio | measured | at most | |", "|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['measured']} | {row['most']:.2f} | {'met' if row['met'] else '**missed**'} |"
        for row in results["targets"]
    ]
    return "\n".join(lines)
