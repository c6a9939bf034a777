"""From `prefect-infra stack new` to the first flow run that is Completed: `python -m benchmarks.throwaway`.

First one stack alone, with the seconds of each part, then several at once, with the memory that each takes. Real stacks
from this checkout; they are removed in the end. Images must be there: the first stack of a checkout builds them.

Exit code 1 if one alone takes longer than it should, or if not all of those at once come up.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from benchmarks.cgroups import Cgroups

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results"
COMMAND: Final = str(ROOT / ".venv" / "bin" / "prefect-infra")
TARGET_SECONDS: Final = 40.0
LIMIT_SECONDS: Final = 900
_STEP: Final = re.compile(r"^ \+ {1,2}(\S+) (\S+) (creating|created)\b")


def main() -> None:
    options = _options()
    results: dict[str, Any] = {"cores": os.cpu_count(), "areas": options.areas}
    names = [f"t-b{os.getpid() % 10000}-{number}" for number in range(options.at_once)]
    try:
        if not options.only_at_once:
            _new(names[0], options.areas)  # images and caches; what it takes is not counted
            _call("rm", names[0])
            results["alone"] = [_alone(names[0], options.areas) for _ in range(options.repeat)]
        if options.at_once > 1:
            results["at_once"] = _at_once(names, options.areas)
    finally:
        _call("rm", *names)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{options.name}.json").write_text(json.dumps(results, indent=1) + "\n")
    alone = results.get("alone", [])
    best = min((each["seconds"] for each in alone if each["completed"]), default=0.0)
    failed = results.get("at_once", {}).get("failed", 0) + sum(not each["completed"] for each in alone)
    print(f"best alone: {best:.1f} s, should be under {TARGET_SECONDS:.0f}; {failed} failed")
    sys.exit(1 if best > TARGET_SECONDS or failed else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throwaway", description=__doc__)
    parser.add_argument("--areas", default="compras", help="of each stack, by commas (default: compras)")
    parser.add_argument("--repeat", type=int, default=3, help="stacks alone, one after the other (default: 3)")
    parser.add_argument("--at-once", type=int, default=5, help="stacks at once (default: 5; 1: none)")
    parser.add_argument("--only-at-once", action="store_true", help="none alone")
    parser.add_argument("--name", default="throwaway", help="of the file in benchmarks/results")
    return parser.parse_args()


def _alone(name: str, areas: str) -> dict[str, Any]:
    made = _new(name, areas)
    if not made["completed"]:
        return made
    print(f"alone: {made['seconds']:.1f} s, load {made['load_before']} to {made['load_after']}, {made['parts']}")
    for step in made["steps"]:
        print(f"   {step['from']:6.1f} to {step['to']:6.1f} s  {step['resource']}")
    print(f"   processor time: {made['cpu_seconds']} s")
    removed = _call("rm", name)
    return {**made, "removal_seconds": removed}


def _at_once(names: list[str], areas: str) -> dict[str, Any]:
    began = time.monotonic()
    with ThreadPoolExecutor(len(names)) as pool:
        made = list(pool.map(lambda name: _new(name, areas), names))
    cgroups = Cgroups.of({name: f"dev-{name}" for name in names})
    result = {
        "stacks": len(names),
        "seconds": round(time.monotonic() - began, 1),
        "failed": sum(not each["completed"] for each in made),
        "each": made,
        "memory_mb": cgroups.memory_mb(),
        "idle_cpus": cgroups.idle_cpus(30),
    }
    print(f"{len(names)} at once: {result['seconds']} s, each {[each['seconds'] for each in made]}")
    print(f"   memory, MB: {result['memory_mb']}; processors once they are up: {result['idle_cpus']}")
    return result


def _new(name: str, areas: str) -> dict[str, Any]:
    """One stack, with the moment of each of Pulumi's steps as it tells them."""
    load, before = os.getloadavg()[0], resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [COMMAND, "stack", "new", name, "--areas", areas, "--ttl", "1h", "--json"]
    steps: dict[str, dict[str, Any]] = {}
    said: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            said.append(line)
            if step := _STEP.match(line):
                kind, resource_name, what = step.groups()
                at = round(time.monotonic() - began, 1)
                entry = steps.setdefault(f"{kind} {resource_name}", {"resource": f"{kind} {resource_name}", "from": at})
                entry["to"] = at
                del what
            if time.monotonic() - began > LIMIT_SECONDS:
                process.kill()
        told = process.stdout.read()
    seconds = round(time.monotonic() - began, 1)
    if process.returncode != 0:
        print("".join(said)[-2000:], file=sys.stderr)
        return {"seconds": seconds, "completed": False, "parts": {}, "steps": []}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = json.loads(told)
    containers = Cgroups.of({name: f"dev-{name}"}).cpu_seconds()
    ours = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": seconds,
        "completed": all(run["state"] == "COMPLETED" for run in answer["runs"]),
        "parts": answer["seconds"],
        "steps": sorted(steps.values(), key=lambda step: step["from"]),
        "cpu_seconds": {"command": round(ours, 1), **containers[name]},
        "load_before": round(load, 1),
        "load_after": round(os.getloadavg()[0], 1),
    }


def _call(*arguments: str) -> float:
    began = time.monotonic()
    subprocess.run([COMMAND, "stack", *arguments], cwd=ROOT, capture_output=True, check=False, timeout=LIMIT_SECONDS)
    return round(time.monotonic() - began, 1)


if __name__ == "__main__":
    main()
