"""`python -m benchmarks`: contestants at the same work, each on a fresh local server; JSON, a table and a plot."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks import chart, raw, report
from benchmarks.deploy import create_pools, deploy_all
from benchmarks.postgres import cluster
from benchmarks.server import Databases, Servers, Sqlite
from benchmarks.stack import Project, Taken
from benchmarks.terraform import Terraform
from benchmarks.work import Work
from infra.components.server import WRITES_AT_ONCE

RESULTS: Final = Path(__file__).parent / "results"
CONTESTANTS: Final = ("raw", "ours", "deploy")
IN_FLIGHT: Final = (1, 2, 4, 8)
SLOWER: Final = 1.5  # from a concurrency that takes that many times the best, no higher one is tried


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end along with it
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        databases: Databases = Sqlite(folder)
        if options.database == "postgres":
            databases = stack.enter_context(cluster(folder, install=options.install))
        servers = Servers(folder, databases, stock=options.stock)
        servers.prepare()
        name = options.name or options.database + ("-stock" if options.stock else "")
        in_flight = list(options.in_flight)
        sizes: dict[int, dict[str, Any]] = {}
        results: dict[str, Any] = {
            "database": options.database,
            "server": "as Prefect ships it" if options.stock else "as in our images",
            "machine": _machine(),
            "pulumi_environment": dict(options.env),
            "load_before": [round(load, 1) for load in os.getloadavg()],
        }
        for size in options.sizes:
            work, run = Work(size), sizes.setdefault(size, {})
            tried: list[raw.Creation] = []
            ours: list[dict[str, Any]] = []
            for turn in range(options.rounds):
                if "raw" in options.only:
                    tried += _raw(servers, work, in_flight)
                    run["raw"] = _at_best(tried)
                    in_flight = [run["raw"]["in_flight"]]  # what is best at first serves the rest
                if "ours" in options.only:
                    ours.append(_ours(servers, work, folder / f"ours-{size}-{turn}", dict(options.env)))
                    run |= {"ours": report.least(ours), "ours_each": ours}
            if "deploy" in options.only and size <= options.deploy_up_to:
                run |= _deploy(servers, work, folder / f"deploy-{size}")
            if options.terraform_provider and size <= options.deploy_up_to:
                peer = Terraform(folder / f"terraform-{size}", options.terraform_provider)
                run["terraform"] = _terraform(servers, work, peer)
            results["load_after"] = [round(load, 1) for load in os.getloadavg()]
            _keep({**results, "sizes": sizes, "targets": report.targets(sizes)}, name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=_numbers, default=(50, 200, 1000), help="deployments (default: 50,200,1000)")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--stock", action="store_true", help="without what our images set for the server")
    parser.add_argument("--only", type=_contestants, default=CONTESTANTS, help=f"of {','.join(CONTESTANTS)}")
    parser.add_argument(
        "--rounds", type=int, default=1, help="bare calls and ours, turn by turn; the least of each counts (default: 1)"
    )
    parser.add_argument("--in-flight", type=_numbers, default=IN_FLIGHT, help="of the bare calls, at the first size")
    parser.add_argument("--deploy-up-to", type=int, default=200, metavar="N", help="largest size for the other peers")
    parser.add_argument(
        "--terraform-provider", type=Path, metavar="FILE", help="measure Terraform too, with its Prefect provider there"
    )
    parser.add_argument("--env", type=_setting, action="append", default=[], metavar="KEY=VALUE", help="for Pulumi")
    parser.add_argument("--name", help="of the files in benchmarks/results (default: the database)")
    parser.add_argument("--install", action="store_true", help="install Debian's Postgres when it isn't there")
    return parser.parse_args()


def _raw(servers: Servers, work: Work, in_flight: list[int]) -> list[raw.Creation]:
    tried: list[raw.Creation] = []
    for number in in_flight:
        with servers.fresh() as server:
            before = server.cpu_seconds()
            made = raw.create(server.url, work, number)
            tried.append(replace(made, server_cpu_seconds=server.cpu_seconds() - before))
        best = min(tried, key=lambda creation: creation.seconds)
        _tell(f"{work.size}: bare calls, {number} in flight: {tried[-1].seconds:.1f} s, {tried[-1].retries} retries")
        if tried[-1].seconds > SLOWER * best.seconds:
            break
    return tried


def _at_best(tried: list[raw.Creation]) -> dict[str, Any]:
    best = min(tried, key=lambda creation: creation.seconds)
    return {"best": best.seconds, "in_flight": best.in_flight, "tried": [asdict(creation) for creation in tried]}


def _ours(servers: Servers, work: Work, folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    project = Project(folder, **environment)
    at_once = WRITES_AT_ONCE if servers.database == "postgres" else 1  # as a stack on either declares it
    project.up()  # the first one of a project has to find the plugins
    steps: dict[str, Any] = {}

    took = _noting(steps, f"{work.size}")
    took("empty_up", project.up())
    with servers.fresh() as server:
        project.declare(server.url, work, at_once)
        took("preview", project.preview())
        before = server.cpu_seconds()
        took("first_up", project.up())
        steps["first_up"]["server_cpu_seconds"] = server.cpu_seconds() - before
        took("no_op", project.up("--expect-no-changes"))
        took("listing", raw.listing_seconds(server.url))
        took("no_op_refresh", project.up("--refresh", "--expect-no-changes"))
        project.declare(server.url, work, at_once, description="Something else.")
        took("change_one", project.up())
        took("destroy", project.destroy())
    return steps


def _deploy(servers: Servers, work: Work, folder: Path) -> dict[str, float]:
    folder.mkdir()
    with servers.fresh() as server:
        taken = {
            "create_pools": create_pools(server.url, work, folder),
            "deploy_all": deploy_all(server.url, work, folder),
        }
    _tell(f"{work.size}: prefect work-pool create: {taken['create_pools']:.1f} s")
    _tell(f"{work.size}: prefect deploy --all: {taken['deploy_all']:.1f} s")
    return taken


def _terraform(servers: Servers, work: Work, peer: Terraform) -> dict[str, float]:
    taken: dict[str, float] = {}
    took = _noting(taken, f"{work.size}: terraform")
    with servers.fresh() as server:
        peer.declare(server.url, work)
        took("first_apply", peer.apply())
        took("no_op_plan", peer.plan())
        peer.declare(server.url, work, description="Something else.")
        took("change_one", peer.apply())
        took("destroy", peer.destroy())
    return taken


def _noting(steps: dict[str, Any], whose: str) -> Callable[[str, Taken | float], None]:
    """What keeps what a step took, and tells it."""

    def took(step: str, measured: Taken | float) -> None:
        steps[step] = measured if isinstance(measured, float) else asdict(measured)
        seconds = measured if isinstance(measured, float) else measured.seconds
        _tell(f"{whose}: {step}: {seconds:.1f} s")

    return took


def _keep(results: dict[str, Any], name: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / f"{name}.svg").write_text(chart.svg(results))
    _tell(report.table(results))


def _machine() -> dict[str, Any]:
    packages = {name: version(name) for name in ("prefect", "pulumi", "fastapi", "sqlalchemy")}
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version(), **packages}


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def _contestants(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(CONTESTANTS)):
        raise argparse.ArgumentTypeError(f"no contestant {', '.join(unknown)}; there are: {', '.join(CONTESTANTS)}")
    return names


def _setting(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value


if __name__ == "__main__":
    main()
