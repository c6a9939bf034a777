"""What Pulumi told of a real stack after edits in the UI, as people and scripts read it: golden texts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from infra.drift import ReadingError, Report, Traces, differences, observed
from infra.drift.differences import Field
from infra.drift.observation import ABSENT
from infra.drift.shown import sides

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
BUENOS_AIRES = "America/Argentina/Buenos_Aires"
DEPLOYMENT = "81b5da18-f3fe-41b3-9103-ba3967f7d935"
PREVIEW = (HERE / "preview.json").read_text()
TRACES = Traces(
    tuple(json.loads((HERE / "events.json").read_text())),
    {
        DEPLOYMENT: {
            "id": DEPLOYMENT,
            "updated": "2026-11-25T18:31:54Z",
            "schedules": [
                {"id": "1", "slug": "uno", "updated": "2026-11-25T18:31:53Z"},
                {"id": "c96ef6e4-abb9-4fd3-bb95-948fcfa7944e", "slug": None, "updated": "2026-11-25T18:31:53Z"},
            ],
        }
    },
)


def report(preview: str = PREVIEW, traces: Traces = TRACES) -> Report:
    return Report("dev", BUENOS_AIRES, differences(observed(preview), traces))


def told(form: str, of: Report) -> str:
    match form:
        case "json":
            return json.dumps(of.table(), ensure_ascii=False, indent=2) + "\n"
        case "md":
            return of.markdown()
    return "\n".join(of.lines()) + "\n"


@pytest.mark.parametrize("form", ["txt", "md", "json"])
def test_the_report_is_as_it_was(form: str) -> None:
    """After a change on purpose: `GOLDEN=write pytest tests/unit/drift`."""
    file = GOLDEN / f"drift.{form}"
    text = told(form, report())
    if os.environ.get("GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["txt", "md", "json"])
def test_the_order_in_which_pulumi_tells_of_things_does_not_matter(form: str) -> None:
    preview = json.loads(PREVIEW)
    preview["steps"] = [step for step in preview["steps"] if step["op"] == "refresh"][::-1] + [
        step for step in preview["steps"] if step["op"] != "refresh"
    ][::-1]

    assert told(form, report(json.dumps(preview))) == told(form, report())


def with_value(preview: str, key: str, value: Any) -> str:
    """The value on the server in the place of a job variable."""
    document = json.loads(preview)
    for step in document["steps"]:
        if step["op"] == "update" and step["urn"].endswith("importar-lista-compras"):
            step["oldState"]["inputs"]["job_variables"] = {"env": {"A": "2", key: value}}
            step["detailedDiff"][f"job_variables.env.{key}"] = {"kind": "add"}
    return json.dumps(document)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("N", "ghp_" + "A1b2C3d4" * 5),
        ("ERP_PASSWORD", "zorzal"),
        ("DSN", "postgresql://ana:zorzal-9-azul@db/ventas"),
    ],
)
@pytest.mark.parametrize("form", ["txt", "md", "json"])
def test_no_credential_that_somebody_typed_in_the_ui_is_shown(form: str, key: str, secret: str) -> None:
    text = told(form, report(with_value(PREVIEW, key, secret)))

    assert f"job_variables.env.{key}" in text
    assert secret not in text
    assert "zorzal" not in text


def test_what_pulumi_keeps_secret_on_one_side_is_shown_on_none() -> None:
    document = json.loads(with_value(PREVIEW, "N", "azul"))
    for step in document["steps"]:
        if step["op"] == "update" and step["urn"].endswith("importar-lista-compras"):
            step["newState"]["inputs"]["job_variables"]["env"]["N"] = "[secret]"

    for form in ("txt", "md", "json"):
        assert "azul" not in told(form, report(json.dumps(document)))


def test_what_stands_beside_a_secret_is_shown() -> None:
    field = Field(
        ("work_pool", "job_variables"),
        "job_variables",
        ABSENT,
        {"env": {"N": "[secret]", "A": "1"}},
        {"env": {"N": "azul", "A": "2"}, "image": "otra"},
    )
    assert sides(field) == {
        "declared": None,
        "state": {"env": {"N": "********", "A": "1"}},
        "server": {"env": {"N": "********", "A": "2"}, "image": "otra"},
    }


def test_without_the_servers_memory_the_same_is_told_without_times() -> None:
    table = report(traces=Traces()).table()

    assert {each["name"] for each in table["objects"]} == {each["name"] for each in report().table()["objects"]}
    assert all(field["changed"] is None for each in table["objects"] for field in each["fields"])


def test_what_only_the_files_have_changed_is_no_drift() -> None:
    document = json.loads(PREVIEW)
    document["steps"] = [s for s in document["steps"] if s["op"] == "refresh" or s["urn"].endswith("compras-dev")]
    for step in document["steps"]:
        if step["op"] == "update":  # the server is as the state has it, the file says another limit
            (known,) = [s["oldState"] for s in document["steps"] if s["urn"] == step["urn"] and s["op"] == "refresh"]
            step["oldState"] = known
            step["newState"]["inputs"]["concurrency_limit"] = 7
            step["detailedDiff"] = {"concurrency_limit": {"kind": "update"}}
    found = report(json.dumps(document))

    assert not found.drifted
    assert [field.name for each in found.pending for field in each.fields] == ["concurrency_limit"]
    assert "no drift" in told("txt", found)
    assert "pulumi up --stack dev" in told("txt", found)


def test_nothing_is_told_in_one_line() -> None:
    none = report('{"steps": [], "changeSummary": {"same": 12}}')

    assert told("txt", none) == "dev: no drift\n"
    assert told("md", none) == "### Drift: `dev`\n\nNo drift.\n"
    assert none.table() == {"stack": "dev", "drift": False, "objects": []}


def test_a_failed_preview_is_no_report_and_says_each_reason_once() -> None:
    reason = "error: Preview failed: http://127.0.0.1:4200/api: GET work_pools/compras-dev: it does not answer\n"
    failed = {"steps": [], "diagnostics": [{"message": reason, "severity": "error"}] * 2}

    with pytest.raises(ReadingError) as raised:
        observed(json.dumps(failed), failed=True)
    assert str(raised.value) == "http://127.0.0.1:4200/api: GET work_pools/compras-dev: it does not answer"


def test_an_error_that_pulumi_got_over_is_none() -> None:
    document = {**json.loads(PREVIEW), "diagnostics": [{"message": "a plugin ended too soon", "severity": "error"}]}

    assert observed(json.dumps(document)) == observed(PREVIEW)


@pytest.mark.parametrize("text", ["", "nothing", "[]", '{"steps": [{}]}', '{"steps": 3}'])
def test_what_is_no_preview_is_refused(text: str) -> None:
    with pytest.raises(ReadingError, match="pulumi preview --refresh --json"):
        observed(text)


def test_containers_are_told_by_the_fields_that_pulumi_found() -> None:
    urn = "urn:pulumi:dev::prefect-infra::prefect-infra:index:Area$docker:index/container:Container::worker"
    state = {
        "inputs": {"memory": 1024, "envs": ["A=1"]},
        "parent": "urn:pulumi:dev::p::prefect-infra:index:Area::compras",
    }
    now = {**state, "inputs": {"memory": 512, "envs": ["A=1", "API_KEY=zorzal"]}}
    steps = [
        {"op": "refresh", "urn": urn, "oldState": state},
        {
            "op": "replace",
            "urn": urn,
            "oldState": now,
            "newState": state,
            "detailedDiff": {"memory": {"kind": "update"}, "envs[1]": {"kind": "delete"}},
        },
        {"op": "create-replacement", "urn": urn, "newState": state},
    ]

    found = report(json.dumps({"steps": steps}), Traces())

    assert [(each.area, each.kind, each.name) for each in found.drifted] == [("compras", "container", "worker")]
    assert "memory: 512 on the engine, 1024 declared" in told("txt", found)
    assert "zorzal" not in told("json", found)
