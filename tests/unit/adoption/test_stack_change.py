"""A deployment that is in a file already: what changes is what was said, and nothing else."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.adoption.stack_change import change_deployment, declared_deployment, merged
from infra.adoption.stack_edit import EditError
from infra.model.positions import read
from tests.unit.adoption.plain_values import plain

AREA = """\
title: Compras # the area's own file
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

  # the second one
  - entrypoint: b.py:g
    name: 'dos'
in: {}
"""


def changed(text: str, new: dict[str, Any], name: str = "uno", area: str | None = None) -> str:
    return change_deployment(text, area, name, new, file="areas/compras.yaml")


def touched(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_one_value_changes_within_its_line_and_the_comment_stays() -> None:
    after = changed(AREA, {"parameters": {"desde": "hoy"}})

    assert touched(AREA, after) == ["-       desde: ayer # a day", "+       desde: hoy # a day"]


def test_a_list_is_replaced_and_what_stands_behind_its_key_stays() -> None:
    after = changed(AREA, {"schedules": [{"cron": "30 8 * * 1-5", "active": True}]})

    assert (
        '    schedules: # in local time\n      - cron: "30 8 * * 1-5"\n        active: true\n\n  # the second one'
        in after
    )


def test_new_keys_come_last_and_what_follows_stays_where_it_was() -> None:
    after = changed(AREA, {"concurrency_limit": 1, "work_pool": {"work_queue_name": "urgente"}}, "dos")

    assert after == AREA.replace(
        "    name: 'dos'\n",
        "    name: 'dos'\n    concurrency_limit: 1\n    work_pool:\n      work_queue_name: urgente\n",
    )


def test_what_is_so_already_changes_no_byte() -> None:
    there = declared_deployment(AREA, None, "uno", file="f")

    assert there is not None
    assert changed(AREA, there) == AREA


def test_line_ends_of_windows_stay() -> None:
    after = changed(AREA.replace("\n", "\r\n"), {"tags": ["c"]})

    assert after.count("\n") == after.count("\r\n")


def test_in_a_stack_file_the_area_is_found() -> None:
    stack = "config:\n  prefect-infra:areas:\n    compras:\n" + "".join(
        f"      {line}\n" for line in AREA.splitlines()[:-1]
    )

    after = changed(stack, {"tags": ["c"]}, area="compras")

    assert touched(stack, after) == [
        "-           tags: [a, b] # kept in one line",
        "+           tags: # kept in one line",
        "+             - c",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("deployments:\n  - {name: uno, tags: [a]}\n", "one line"),
        ("base: &b\n  name: uno\n  tags: [a]\ndeployments:\n  - *b\n", "alias"),
        ("deployments:\n  - &b\n    name: uno\n    tags: [a]\n  - <<: *b\n    name: dos\n", "anchor"),
        ("deployments:\n  - name: uno\n    tags: &t [a]\n  - name: dos\n    tags: *t\n", "line"),
    ],
)
def test_what_would_change_elsewhere_too_is_refused(text: str, told: str) -> None:
    with pytest.raises(EditError, match=told):
        changed(text, {"tags": ["c"]})


def test_over_what_a_merge_brings_comes_a_key_of_its_own() -> None:
    text = "base: &b\n  tags: [a]\ndeployments:\n  - <<: *b\n    name: uno\n"

    assert changed(text, {"tags": ["c"]}).endswith("    name: uno\n    tags:\n      - c\n")


@pytest.mark.thorough
@settings(deadline=None)
@given(new=st.fixed_dictionaries({}, optional=dict.fromkeys(("tags", "parameters", "schedules", "description"), plain)))
def test_whatever_is_said_reads_back_and_the_rest_is_as_it_was(new: dict[str, Any]) -> None:
    before = read(AREA).values

    after = read(changed(AREA, new)).values

    assert after["deployments"][0] == merged(before["deployments"][0], new)
    assert {**after, "deployments": after["deployments"][1:]} == {**before, "deployments": before["deployments"][1:]}
