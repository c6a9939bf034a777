"""What was measured, and as ratios beside what was asked for; `python -m benchmarks.report FILE` prints them again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

_Measured = Callable[[Mapping[str, Any]], float]
_ROWS: Final[Mapping[str, _Measured]] = {
    "bare calls, at their best": lambda run: float(run["raw"]["best"]),
    "**first up**": lambda run: float(run["ours"]["first_up"]["seconds"]),
    "`prefect work-pool create`, for each pool": lambda run: float(run["create_pools"]),
    "`prefect deploy --all`": lambda run: float(run["deploy_all"]),
    "Terraform's first apply": lambda run: float(run["terraform"]["first_apply"]),
    "preview of the first up": lambda run: float(run["ours"]["preview"]["seconds"]),
    "no-op up": lambda run: float(run["ours"]["no_op"]["seconds"]),
    "no-op up `--refresh`": lambda run: float(run["ours"]["no_op_refresh"]["seconds"]),
    "Terraform's plan with nothing to do": lambda run: float(run["terraform"]["no_op_plan"]),
    "one field of one deployment changed": lambda run: float(run["ours"]["change_one"]["seconds"]),
    "Terraform's change of one field": lambda run: float(run["terraform"]["change_one"]),
    "destroy": lambda run: float(run["ours"]["destroy"]["seconds"]),
    "Terraform's destroy": lambda run: float(run["terraform"]["destroy"]),
    "an empty up (the CLI by itself)": lambda run: float(run["ours"]["empty_up"]["seconds"]),
    "all rows of both kinds, listed": lambda run: float(run["ours"]["listing"]),
    "the server's processor time in the bare calls": lambda run: float(_best(run)["server_cpu_seconds"]),
    "the server's, in the first up": lambda run: float(run["ours"]["first_up"]["server_cpu_seconds"]),
    "ours, in the first up": lambda run: float(run["ours"]["first_up"]["cpu_seconds"]),
}


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
            first_up, alone = ours["first_up"]["seconds"], run["deploy_all"]
            whole = f"first up of {size} / (prefect work-pool create + prefect deploy --all)"
            found.append(Target(whole, first_up / (run["create_pools"] + alone), 1 / 3))
            found.append(Target(f"first up of {size}, pools included / prefect deploy --all", first_up / alone, 1 / 3))
        found += _beside_terraform(size, run)
    if all("ours" in sizes.get(size, {}) for size in (200, 1000)):
        growth = sizes[1000]["ours"]["first_up"]["seconds"] / sizes[200]["ours"]["first_up"]["seconds"]
        found.append(Target("first up of 1000 / of 200", growth, 6.0))
    return [target.row() for target in found]


def least(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of each step the round in which it took least, by the clock: when others left the machine alone."""
    return {step: min((each[step] for each in rounds), key=_seconds) for step in rounds[0]}


def _seconds(step: Mapping[str, Any] | float) -> float:
    return step if isinstance(step, float) else float(step["seconds"])


def _beside_terraform(size: int, run: Mapping[str, Any]) -> list[Target]:
    if "terraform" not in run:
        return []
    ours, peer = run["ours"], run["terraform"]
    return [
        Target(f"first up of {size} / Terraform's", ours["first_up"]["seconds"] / peer["first_apply"], 1 / 3),
        Target(
            f"no-op up --refresh at {size} / Terraform's plan",
            ours["no_op_refresh"]["seconds"] / peer["no_op_plan"],
            0.2,
        ),
        Target(f"destroy of {size} / Terraform's", ours["destroy"]["seconds"] / peer["destroy"], 0.25),
    ]


def _best(run: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = min(run["raw"]["tried"], key=lambda tried: tried["seconds"])
    return found


def _steps(ours: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [step for step in ours.values() if isinstance(step, dict)]


def table(results: Mapping[str, Any]) -> str:
    lines = ["| ratio | measured | at most | |", "|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['measured']} | {row['most']:.2f} | {'met' if row['met'] else '**missed**'} |"
        for row in results["targets"]
    ]
    return "\n".join(lines)


def seconds(results: Mapping[str, Any]) -> str:
    """A column for each size."""
    sizes: Mapping[str, Any] = results["sizes"]
    lines = ["| | " + " | ".join(f"{int(size):,}" for size in sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    for name, measured in _ROWS.items():
        lines.append(f"| {name} | " + " | ".join(_cell(run, measured) for run in sizes.values()) + " |")
    return "\n".join(lines)


def _cell(run: Mapping[str, Any], measured: _Measured) -> str:
    try:
        return f"{measured(run):.1f} s"
    except KeyError:
        return "not run"


if __name__ == "__main__":
    for file in sys.argv[1:]:
        told = json.loads(Path(file).read_text())
        sys.stdout.write(f"{told['database']}, {told['server']}\n\n{seconds(told)}\n\n{table(told)}\n\n")
