"""A text brought to other values: only the lines of what differs, whatever way it is written."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.adoption.rewriting import rewritten
from infra.adoption.stack_edit import EditError
from infra.model.positions import read
from tests.unit.adoption.plain_values import plain

AREA = """\
# the team's own file
title: Compras # as people call it
concurrency_limit: 4
queues:
  urgente: {priority: 1, concurrency_limit: 1} # in one line
deployments:
  # the first one
  - name: uno
    entrypoint: a.py:f
    tags: [a, b] # kept in one line
    parameters: # by the flow
      desde: ayer # a day
      minimo: 5
    schedules: # in local time
      - cron: "0 7 * * *" # early
        active: true
      # in the evening
      - {cron: "0 19 * * *", slug: tarde}

  # the second one
  - entrypoint: b.py:g
    name: 'dos'
# by environment
in: # what differs
  dev:
    description: Compras (dev)
"""


def changed(change: Callable[[Any], None], text: str = AREA) -> str:
    wanted = copy.deepcopy(read(text).values)
    change(wanted)
    return rewritten(text, wanted, file="areas/compras.yaml")


def touched(after: str, before: str = AREA) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            lambda area: area.update(concurrency_limit=9),
            ["- concurrency_limit: 4", "+ concurrency_limit: 9"],
        ),
        (
            lambda area: area["queues"]["urgente"].update(concurrency_limit=5),
            [
                "-   urgente: {priority: 1, concurrency_limit: 1} # in one line",
                "+   urgente: {priority: 1, concurrency_limit: 5} # in one line",
            ],
        ),
        (
            lambda area: area["deployments"][0].update(tags=["a", "c"]),
            ["-     tags: [a, b] # kept in one line", "+     tags: [a, c] # kept in one line"],
        ),
        (
            lambda area: area["deployments"][0]["schedules"][0].update(cron="45 6 * * *"),
            ['-       - cron: "0 7 * * *" # early', '+       - cron: "45 6 * * *" # early'],
        ),
        (
            lambda area: area["deployments"][0]["schedules"].pop(1),
            ['-       - {cron: "0 19 * * *", slug: tarde}'],
        ),
        (
            lambda area: area["deployments"][0]["schedules"].append({"cron": "5 5 * * *", "active": False}),
            ['+       - cron: "5 5 * * *"', "+         active: false"],
        ),
        (
            lambda area: area["deployments"][0]["parameters"].pop("minimo"),
            ["-       minimo: 5"],
        ),
        (
            lambda area: area["deployments"][1].update(paused=True),
            ["+     paused: true"],
        ),
        (
            lambda area: area.update(description="Todo"),
            ["+ description: Todo"],
        ),
        (
            lambda area: area["in"]["dev"].update(paused=True),
            ["+     paused: true"],
        ),
        (
            lambda area: area["deployments"][1].update({"in": {"dev": {"paused": True}}}),
            ["+     in:", "+       dev:", "+         paused: true"],
        ),
        (
            lambda area: area["deployments"][0]["schedules"][0].pop("cron"),
            ['-       - cron: "0 7 * * *" # early', "-         active: true", "+       - active: true"],
        ),
        (
            lambda area: area["deployments"][0]["schedules"].__setitem__(0, {"interval": "2h", "active": False}),
            [
                '-       - cron: "0 7 * * *" # early',
                "+       - interval: 2h",
                "-         active: true",
                "+         active: false",
            ],
        ),
    ],
    ids=lambda given: given[-1] if isinstance(given, list) else "",
)
def test_a_change_touches_its_own_lines(change: Callable[[Any], None], lines: list[str]) -> None:
    assert touched(changed(change)) == lines


def test_new_keys_of_an_area_come_before_what_differs_by_environment() -> None:
    after = changed(lambda area: area.update(description="Todo"))

    assert "    name: 'dos'\ndescription: Todo\n# by environment\nin:" in after


def test_what_is_so_already_changes_no_byte_and_windows_line_ends_stay() -> None:
    assert changed(lambda _: None) == AREA
    windows = AREA.replace("\n", "\r\n")
    after = changed(lambda area: area.update(concurrency_limit=9), windows)
    assert after == windows.replace("limit: 4", "limit: 9")


@pytest.mark.parametrize(
    "text",
    ["a: &x [1]\nb: *x\n", "base: &b\n  a: [1]\nc:\n  <<: *b\n", "{a: [1]}\n"],
)
def test_what_would_change_elsewhere_too_is_refused(text: str) -> None:
    def change(document: Any) -> None:
        next(iter(document.values())).clear() if isinstance(document, dict) else None

    with pytest.raises(EditError, match=r"line|one"):
        changed(change, text)


@pytest.mark.parametrize("text", [":a", "::", "?a", "? a", "-a", "a: b", "a #b", "[a", "*a", "&a"])
def test_a_text_that_would_mean_something_in_yaml_stays_one(text: str) -> None:
    def change(area: Any) -> None:
        area["deployments"][0]["tags"] = [text]
        area["deployments"][1]["parameters"] = {"a": {text: text}}

    wanted = copy.deepcopy(read(AREA).values)
    change(wanted)
    assert read(changed(change)).values == wanted


@pytest.mark.thorough
@settings(deadline=None)
@given(
    new=st.fixed_dictionaries({}, optional=dict.fromkeys(("tags", "parameters", "schedules", "description"), plain)),
    which=st.integers(0, 1),
    limit=plain,
)
def test_whatever_is_wanted_is_what_it_reads_as(new: dict[str, Any], which: int, limit: Any) -> None:
    def change(area: Any) -> None:
        area["deployments"][which].update(new)
        area["in"]["dev"]["concurrency_limit"] = limit

    wanted = copy.deepcopy(read(AREA).values)
    change(wanted)

    assert read(changed(change)).values == wanted
