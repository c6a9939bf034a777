from __future__ import annotations

import json

import pytest

from infra.review import plan
from tests.unit.review.plans import preview, step, urn

MARKED = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "plaintext": '"hunter-two-and-a-half"',
}


def test_a_change_tells_its_field_its_kind_and_both_values() -> None:
    told = plan.read(
        preview(
            step(
                "update",
                "Deployment",
                "importar",
                {"schedules": [{"cron": "30 1 * * *"}], "tags": ["a"]},
                {"schedules": [{"cron": "0 2 * * *"}], "tags": ["a", "b"]},
                diff={"tags[1]": "add", "schedules[0].cron": "update"},
            )
        )
    )

    (made,) = told.steps
    assert (made.verb, made.type, made.name) == ("update", "prefect:index:Deployment", "importar")
    assert [(each.path, each.kind, each.before, each.after) for each in made.changes] == [
        ("schedules[0].cron", "update", "30 1 * * *", "0 2 * * *"),
        ("tags[1]", "add", None, "b"),
    ]
    assert told.counts == {"same": 12, "update": 1}


def test_a_replacement_is_one_step_whichever_way_pulumi_tells_it() -> None:
    old, new = {"image": "a", "name": "w"}, {"image": "b", "name": "w"}
    rows = [
        step(op, "Container", "w", old, new, diff={"image": "update-replace"}, replaceReasons=["image"])
        for op in ("delete-replaced", "replace", "create-replacement")
    ]

    (made,) = plan.read(preview(*rows)).steps

    assert (made.verb, made.replace_reasons) == ("replace", ("image",))
    assert made.changes == (plan.Change("image", "update", replaces=True, before="a", after="b"),)


def test_what_stays_as_it_is_and_the_stack_itself_are_no_steps() -> None:
    stack = {"op": "update", "urn": "urn:pulumi:dev::prefect-infra::pulumi:pulumi:Stack::prefect-infra-dev"}
    told = plan.read(preview(step("same", "WorkPool", "p", {}, {}), stack))

    assert told.is_empty


def test_the_order_in_which_pulumi_came_upon_the_steps_plays_no_part() -> None:
    rows = [step("create", "Deployment", name, None, {"name": name}) for name in ("c", "a", "b")]

    assert plan.read(preview(*rows)).steps == plan.read(preview(*reversed(rows))).steps


def test_what_pulumi_marks_as_a_secret_is_hidden_also_where_it_stands_without_its_mark() -> None:
    new = {"value": MARKED, "description": "the key is hunter-two-and-a-half, keep it"}
    told = plan.read(
        preview(step("create", "WorkPool", "p", None, new), diagnostics=[{"message": "hunter-two-and-a-half"}])
    )

    assert told.steps[0].new == {"value": "[secret]", "description": "the key is ********, keep it"}
    assert "hunter" not in told.diagnostics[0].message


def test_a_secret_that_changes_is_named_and_not_told() -> None:
    row = step("update", "Block", "token", {"data": {"value": "one-of-two"}}, {"data": {"value": "two-of-two"}})
    row["detailedDiff"] = {"data.value": {"kind": "update", "inputDiff": True}}

    (made,) = plan.read(preview(row)).steps

    assert made.changes == (plan.Change("data.value", "update", replaces=False, before="[secret]", after="[secret]"),)
    assert made.changes[0].is_secret


def test_a_credential_in_an_environment_variable_is_hidden() -> None:
    new = {"envs": ["ERP_PASSWORD=9rTk2mQx7Lz", "TZ=America/Argentina/Buenos_Aires"]}

    (made,) = plan.read(preview(step("create", "Container", "w", None, new))).steps

    assert made.new == {"envs": ["ERP_PASSWORD=********", "TZ=America/Argentina/Buenos_Aires"]}


def test_a_value_that_is_known_only_after_up_is_told_as_such() -> None:
    new = {"deployment_id": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}

    assert plan.read(preview(step("create", "Deployment", "d", None, new))).steps[0].new == {
        "deployment_id": "(known after up)"
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "write it with `pulumi preview --json`"),
        ("[]", "write it with `pulumi preview --json`"),
        (json.dumps({"version": 3}), "write it with `pulumi preview --json`"),
        ('{"type": "a"}\n{"type": "b"}', "unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW"),
        (json.dumps({"steps": [{"op": "create"}]}), "a `urn`"),
        (json.dumps({"steps": [{"op": "create", "urn": "x"}]}), "no URN"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_way_to_get_one(text: str, told: str) -> None:
    with pytest.raises(plan.PlanError, match=r".") as refused:
        plan.read(text)

    assert told in str(refused.value)


def test_a_path_may_have_dots_and_quotes_in_it() -> None:
    assert plan.keys_of('labels["a.b"][2].c') == ("labels", "a.b", 2, "c")
    assert plan.at({"labels": {"a.b": [0, 1, {"c": "x"}]}}, 'labels["a.b"][2].c') == "x"


def test_a_name_may_have_colons_in_it() -> None:
    assert plan.urn_parts(urn("WorkPool", "a::b"))[1] == "a::b"
