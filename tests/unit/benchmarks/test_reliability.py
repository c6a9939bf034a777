"""What counts as lost, doubled and recovered, and that a fault measured again replaces its own figures alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from benchmarks.reliability import checkout, evidence, inside, report, watch
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.evidence import State, Traces

DUE = datetime(2026, 1, 5, 12, tzinfo=UTC)
WELL = {"struck": True, "recovered_after": 4.0, "lost": 0, "doubled": 0}


def traces(types: str, begun: int = 1, ended: int = 1) -> Traces:
    states = tuple(State(name, name.title(), DUE + timedelta(seconds=at)) for at, name in enumerate(types.split()))
    return Traces("r", states, begun, ended)


@pytest.mark.parametrize(
    ("found", "lost", "doubled"),
    [
        (traces("SCHEDULED PENDING RUNNING COMPLETED"), False, False),
        (traces("SCHEDULED PENDING RUNNING CRASHED SCHEDULED PENDING RUNNING COMPLETED", begun=2), False, False),
        (traces("SCHEDULED PENDING RUNNING CRASHED"), True, False),
        (traces("SCHEDULED PENDING", begun=0, ended=0), True, False),
        (traces("SCHEDULED PENDING RUNNING COMPLETED", begun=0, ended=0), True, False),
        (traces("SCHEDULED PENDING RUNNING COMPLETED", begun=2), False, True),
        (traces("SCHEDULED PENDING RUNNING CRASHED SCHEDULED RUNNING COMPLETED", begun=2, ended=2), False, True),
        (traces("SCHEDULED RUNNING CRASHED CRASHED SCHEDULED RUNNING COMPLETED", begun=3), False, True),
    ],
    ids=[
        "completed",
        "crashed and run again",
        "crashed for good",
        "never run",
        "completed without a trace of it",
        "run twice and no crash told",
        "done twice, though a crash was told",
        "a crash that is told twice is one crash",
    ],
)
def test_a_run_is_judged_by_the_server_and_by_what_it_left_behind(found: Traces, lost: bool, doubled: bool) -> None:
    assert (found.is_lost, found.is_doubled) == (lost, doubled)


def test_a_run_counts_as_late_until_it_first_was_running() -> None:
    again = traces("SCHEDULED PENDING RUNNING CRASHED SCHEDULED RUNNING COMPLETED", begun=2)
    assert again.latency(DUE) == 2
    assert traces("SCHEDULED PENDING").latency(DUE) is None


def test_percentiles_are_latencies_that_were_measured() -> None:
    assert evidence.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert evidence.percentile(range(1, 101), 0.99) == 99
    assert evidence.percentile([], 0.5) is None


def test_runs_of_another_burst_on_the_same_volume_are_not_mixed_up() -> None:
    account = evidence.own_account("a empieza 1.0\nb empieza 1.5\na termina 2.0\na empieza 3.0\n")
    assert account == {"a": (2, 1), "b": (1, 0)}


def test_the_proxys_figures_go_on_counting_when_it_starts_again() -> None:
    text = 'haproxy_frontend_http_responses_total{proxy="inner",code="5xx"} 7\n'
    text += 'haproxy_frontend_http_responses_total{proxy="public",code="5xx"} 90\n'
    assert watch.answers(text) == {"5xx": 7}
    assert watch.since({"2xx": 100, "5xx": 7}, {"2xx": 130, "5xx": 7}) == {"2xx": 30, "5xx": 0}
    assert watch.since({"2xx": 100}, {"2xx": 20, "5xx": 1}) == {"2xx": 20, "5xx": 1}


@pytest.mark.parametrize(
    ("change", "well"),
    [
        ({}, True),
        ({"lost": 1}, False),
        ({"doubled": 1}, False),
        ({"recovered_after": None}, False),
        ({"struck": False}, False),
    ],
)
def test_a_loss_a_double_and_what_does_not_recover_are_no_success(change: dict[str, Any], well: bool) -> None:
    assert report.is_well({**WELL, **change}) is well


def test_what_asks_from_inside_tells_answers_from_refusals_and_from_a_server_that_is_gone() -> None:
    """The program that runs in the container, without one."""
    seen: list[tuple[str, str | None]] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(200 if len(seen) == 1 else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        profile = (
            f'[profiles.worker]\nPREFECT_API_URL = "http://127.0.0.1:{server.server_port}/api"\n'
            'PREFECT_API_AUTH_STRING = "a:b"\n'
        )
        answering = threading.Thread(target=lambda: [server.handle_request() for _ in range(2)])
        answering.start()
        asking = subprocess.Popen(
            [sys.executable, "-I", "-c", inside.SOURCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert asking.stdin
        assert asking.stdout
        asking.stdin.write(json.dumps(profile) + "\n")
        asking.stdin.flush()
        told = [asking.stdout.readline().strip() for _ in range(2)]
        answering.join(5)
    told.append(asking.stdout.readline().strip())
    asking.stdin.close()
    assert asking.wait(5) == 0
    assert told == ["answered", "503", "no connection"]
    assert seen == [("/api/block_types/slug/secret", "Basic YTpi")] * 2
    assert inside.error_rate(Counter(told)) == 0.66667


def test_a_fault_measured_again_replaces_its_own_figures_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    for fault, runs in (("worker", 20), ("api", 20), ("worker", 100)):
        report.keep("measured", fault, {"runs": runs}, {"cores": 2})
    kept = json.loads((tmp_path / "measured.json").read_text())["faults"]
    assert {fault: result["runs"] for fault, result in kept.items()} == {"worker": 100, "api": 20}


def test_the_deployments_are_dealt_out_to_as_many_areas_as_asked_for(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.prod.yaml").write_text((checkout.ROOT / "Pulumi.prod.yaml").read_text())
    checkout.write_stack(tmp_path, Size(areas=3, deployments=8, at_once=6, worker_type="docker"))
    config = YAML(typ="safe").load(next(tmp_path.glob("Pulumi.t-*.yaml")))["config"]
    areas = config["prefect-infra:areas"]
    assert sorted(len(area["deployments"]) for area in areas.values()) == [2, 3, 3]
    assert {area["concurrency_limit"] for area in areas.values()} == {2}
    assert len({each["name"] for area in areas.values() for each in area["deployments"]}) == 8
