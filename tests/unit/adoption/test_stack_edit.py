from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from infra.adoption.stack_edit import EditError, add_deployments, difference, rendered
from infra.model.positions import read

HERE = Path(__file__).parents[3]
NEW = {"name": "nueva-tarea", "entrypoint": "flows/a.py:f", "schedules": [{"cron": "* * * * *", "active": True}]}
COMMENTED = """\
# of the file
config:
  prefect-infra:environment: dev
  prefect-infra:areas:
    compras: &compras # of compras
      env: &env {A: "1"}
      deployments:
        - &first
          name: 'uno'   # with single quotes
          entrypoint: a.py:f
          description: |
            a text

            # not a comment
        # below the first

        # above the second
        - <<: *first
          name: dos
      # after the deployments

    # above ventas
    ventas:
      env: *env
# at the end
"""


def kept(before: str, after: str) -> bool:
    """Whether lines were added and nothing else."""
    rest = iter(after.splitlines())
    return all(any(line == other for other in rest) for line in before.splitlines())


@pytest.mark.parametrize("area", ["compras", "ventas", "nueva"])
def test_comments_anchors_and_quotes_survive(area: str) -> None:
    after = add_deployments(COMMENTED, area, [NEW])

    assert kept(COMMENTED, after)
    assert read(after).values["config"]["prefect-infra:areas"][area]["deployments"][-1] == NEW


def test_what_stands_above_an_area_stays_above_it() -> None:
    after = add_deployments(COMMENTED, "compras", [NEW]).splitlines()

    assert after[after.index("    # above ventas") + 1] == "    ventas:"
    assert after.index("        - name: nueva-tarea") < after.index("      # after the deployments")


@pytest.mark.parametrize("file", ["Pulumi.dev.yaml", "Pulumi.prod.yaml"])
@pytest.mark.parametrize("area", ["compras", "ventas", "finanzas", "nueva"])
def test_the_stack_files_here_only_gain_lines(file: str, area: str) -> None:
    before = (HERE / file).read_text(encoding="utf-8")

    # In them, `area: areas/area.yaml` is all that there is of an area; another one gets a mapping of its own.
    if area == "nueva":
        assert kept(before, add_deployments(before, area, [NEW]))
    else:
        with pytest.raises(EditError, match="written in one line"):
            add_deployments(before, area, [NEW])


@pytest.mark.parametrize("area", ["compras", "ventas", "finanzas"])
def test_an_areas_own_file_only_gains_lines(area: str) -> None:
    before = (HERE / "areas" / f"{area}.yaml").read_text(encoding="utf-8")

    after = add_deployments(before, None, [NEW])

    assert kept(before, after)
    assert read(after).values["deployments"][-1] == NEW


@pytest.mark.parametrize("text", ["", "# only a comment\n", "title: Compras", "title: Compras\ndeployments:\n# end\n"])
def test_an_areas_own_file_may_have_no_deployments_yet(text: str) -> None:
    after = add_deployments(text, None, [NEW])

    assert kept(text, after)
    assert read(after).values == {**(read(text).values or {}), "deployments": [NEW]}


@pytest.mark.parametrize(
    "text",
    [
        "config: {}",
        "config:\n",
        "config:\n  prefect-infra:environment: dev",
        "config:\n  prefect-infra:areas: {} # none yet\n  prefect-infra:environment: dev\n",
        "config:\n  prefect-infra:areas:\n    compras:\n\n  # next\n  prefect-infra:environment: dev\n",
        "config:\n  prefect-infra:areas:\n    compras: ~\n",
        "config:\n  prefect-infra:areas:\n    compras:\n      deployments: [] # none yet\n      title: a\n",
        "config:\n  prefect-infra:areas:\n    compras:\n      deployments:\n      - name: x\n\n    b: {}\n",
        "config:\n    prefect-infra:areas:\n        compras:\n            deployments:\n                -   name: x\n",
        "config:\r\n  prefect-infra:areas:\r\n    compras:\r\n      deployments:\r\n        - name: x\r\n    b: {}\r\n",
        "config:\n  'prefect-infra:areas':\n    \"compras\":\n      deployments:\n        - {name: x}\n",
        "config:\n prefect-infra:areas:\n  compras:\n   deployments:\n   - name: >-\n      x\n\n      y\n  b: {}",
    ],
)
def test_it_finds_its_place_however_the_file_is_written(text: str) -> None:
    before = read(text).values

    after = read(add_deployments(text, "compras", [NEW])).values

    old = ((before["config"] or {}).get("prefect-infra:areas") or {}).get("compras") or {}
    new = after["config"]["prefect-infra:areas"]["compras"]
    assert new == {**old, "deployments": [*old.get("deployments", []), NEW]}


def test_line_ends_of_windows_stay() -> None:
    text = "config:\r\n  prefect-infra:environment: dev\r\n"

    after = add_deployments(text, "compras", [NEW])

    assert after.count("\n") == after.count("\r\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("a: [", "line"),
        ("config: [1]", "line"),
        ("config:\n  prefect-infra:areas: text\n", "line"),
        ("config: {prefect-infra:environment: dev}", "one line"),
        ("config:\n  prefect-infra:areas:\n    a: &a {title: x}\n    compras: *a\n", "alias"),
        ("config:\n  prefect-infra:areas:\n    compras:\n      deployments: [{name: x}]\n", "one line"),
        ("config:\n  prefect-infra:areas:\n    compras:\n      deployments: [\n      ]\n", "bracket"),
        ("config:\n  x: &d [{name: x}]\n  prefect-infra:areas:\n    compras:\n      deployments: *d\n", "alias"),
    ],
)
def test_what_cannot_be_added_to_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(EditError, match=told):
        add_deployments(text, "compras", [NEW], file="Pulumi.dev.yaml")


def test_the_difference_shows_what_is_added() -> None:
    before = "config:\n  prefect-infra:environment: dev\n"

    shown = difference(before, add_deployments(before, "compras", [NEW]), "Pulumi.dev.yaml")

    assert "+        - name: nueva-tarea" in shown
    assert not [line for line in shown.splitlines() if line.startswith("-") and not line.startswith("---")]


def test_what_is_used_twice_is_written_out_twice() -> None:
    shared = ["a"]

    assert rendered({"x": shared, "y": shared}) == "x:\n  - a\ny:\n  - a\n"


letters = st.characters(codec="utf-8", exclude_categories=["C"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(letters),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcñ :#-", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)  # a busy machine is no fault of theirs
@given(value=plain)
def test_whatever_is_added_reads_back_as_it_was(value: object) -> None:
    """And the file is YAML for other readers too."""
    new = {"name": "x", "parameters": {"p": value}}

    after = add_deployments(COMMENTED, "compras", [new])

    assert read(after).values["config"]["prefect-infra:areas"]["compras"]["deployments"][-1] == new
    assert YAML(typ="safe").load(after)


@pytest.mark.parametrize("ending", ["\xa0", "\u2003", "\u2028"])
def test_a_value_may_end_in_a_space_that_is_none_to_yaml(ending: str) -> None:
    told = {**NEW, "version": f"1{ending}"}
    text = rendered({"config": {"prefect-infra:areas": {"compras": {"title": None}}}})

    twice = add_deployments(add_deployments(text, "compras", [told]), "compras", [NEW])

    kept = YAML(typ="safe").load(twice)["config"]["prefect-infra:areas"]["compras"]["deployments"]
    assert [each.get("version") for each in kept] == [f"1{ending}", None]
