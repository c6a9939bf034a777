"""What a user sees while the set-up is at work."""

from __future__ import annotations

import io
import re

import pytest

from infra.toolchain import progress
from infra.toolchain.progress import Progress


def test_a_step_that_only_looks_is_silent_and_still_in_the_table() -> None:
    out = io.StringIO()
    with Progress(out) as run, run.step("base image") as step:
        step.done("as it was")
    assert out.getvalue() == ""
    assert re.fullmatch(r"  base image +0\.\d s  as it was", run.table())


def test_what_takes_time_is_said_when_it_begins_and_when_it_ends() -> None:
    out = io.StringIO()
    with Progress(out) as run, run.step("Pulumi CLI") as step:
        step.now("building")
        step.done("3.250.0")
    assert re.fullmatch(r"Pulumi CLI: building\nPulumi CLI: 3\.250\.0 \(0\.\d s\)\n", out.getvalue())


def test_a_long_step_is_heard_of_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SILENT_FOR", 0.0)
    monkeypatch.setattr(progress, "_EVERY", 0.05)
    monkeypatch.setattr(progress, "_TTY_EVERY", 0.01)
    out = io.StringIO()
    with Progress(out) as run, run.step("Docker plugin") as step:
        step.now("building")
        step.progress._stop.wait(0.3)
    ticks = re.findall(r"Docker plugin: building … \d+ s", out.getvalue())
    assert 2 <= len(ticks) <= 6


def _fail_while_starting(out: io.StringIO) -> None:
    with Progress(out) as run, run.step("Docker engine") as step:
        step.now("starting")
        raise ZeroDivisionError


def test_a_step_that_fails_does_not_say_that_it_is_done() -> None:
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError):
        _fail_while_starting(out)
    assert out.getvalue() == "Docker engine: starting\n"
