from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.adoption import Imported, SourceFaults
from infra.adoption.prefect_yaml import Surroundings, translate
from infra.adoption.stack_edit import rendered
from infra.model import Schedule, next_runs
from infra.model.recurrence import anchor

BUENOS_AIRES = "America/Argentina/Buenos_Aires"
NOW = datetime(2026, 2, 15, 12, tzinfo=ZoneInfo(BUENOS_AIRES))


def imported(text: str, *, here: bool = True, timezone: str = BUENOS_AIRES, taken: tuple[str, ...] = ()) -> Imported:
    around = Surroundings(timezone, taken, ("urgente",), lambda _: here, NOW)
    return translate(text, around)


def with_one(**given: Any) -> str:
    return rendered({"deployments": [{"name": "uno", "entrypoint": "flows/a.py:f", **given}]})


def deployment(text: str, *, here: bool = True) -> dict[str, Any]:
    (draft,) = imported(text, here=here).drafts
    assert draft.flow_file is None
    return draft.deployment


def told(text: str) -> list[str]:
    return [str(each) for each in imported(text).remarks]


def test_what_both_files_call_the_same_is_taken_as_it_is() -> None:
    given = {
        "description": "Una descripción",
        "version": "2026.11",
        "triggers": [{"expect": ["lista.recibida"], "parameters": {"archivo": "{{ event.payload.archivo }}"}}],
        "tags": ["a", "b"],
        "parameters": {"x": [1, {"y": None}]},
        "enforce_parameter_schema": False,
        "paused": True,
        "concurrency_limit": {"limit": 2, "collision_strategy": "CANCEL_NEW", "grace_period_seconds": 90},
        "work_pool": {
            "work_queue_name": "urgente",
            "job_variables": {"env": {"A": "b"}, "x": "{{ prefect.variables.y }}"},
        },
        "schedules": [
            {"cron": "0 9 * * *", "timezone": "America/Santiago", "slug": "s", "active": False, "parameters": {"x": 1}}
        ],
    }

    assert deployment(with_one(**given)) == {"name": "uno", "entrypoint": "flows/a.py:f", **given}
    assert told(with_one(**given)) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"version": "{{ build.version }}"}, "version:"),
        ({"version_type": "simple"}, "version_type:"),
        ({"sla": [{"x": 1}]}, "sla:"),
        ({"build": [{"x": {}}]}, "build:"),
        ({"push": [{"x": {}}]}, "push:"),
        ({"nonsense": 1}, "nonsense:"),
        ({"parameters": {"a": "{{ $VAR }}"}}, "parameters:"),
        ({"description": "{{ build.x }}"}, "description:"),
        ({"paused": "{{ x }}"}, "paused"),
        ({"concurrency_limit": {"limit": 1, "grace_period_seconds": 3}}, "grace_period_seconds: Prefect takes 60"),
        ({"work_pool": {"work_queue_name": "otra"}}, "'otra'"),
        ({"work_pool": {"job_variables": {"image": "{{ build.image }}"}}}, "job_variables.image"),
        ({"work_pool": {"nonsense": 1}}, "work_pool.nonsense"),
        ({"pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "/x"}}]}, "set_working_directory"),
        ({"schedules": [{"cron": "0 9 * * *", "interval": 3}]}, "cron and interval"),
        ({"schedules": [{"rrule": "FREQ=DAILY"}]}, "UTC"),
        ({"schedules": [{"cron": "0 1 1 * *"}]}, "another day"),
        ({"schedules": [{"cron": "0 9 31 2 *", "timezone": BUENOS_AIRES}]}, "never fires"),
        ({"schedules": [{"interval": 0.5}]}, "seconds"),
        ({"schedules": [{"cron": "{{ x }}"}]}, "filled in"),
        ({"schedules": [{"cron": "0 9 * * *", "timezone": "Narnia"}]}, "Narnia"),
        ({"schedules": [{"cron": "0 9 * * *", "max_scheduled_runs": 3}]}, "max_scheduled_runs"),
    ],
)
def test_what_is_left_out_is_told_and_the_rest_goes_on(given: dict[str, Any], reason: str) -> None:
    text = with_one(**given)

    assert deployment(text)["name"] == "uno"
    assert any("left out" in each and reason in each for each in told(text))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"entrypoint": "a.py:f"}, "no name"),
        ({"name": "{{ x }}", "entrypoint": "a.py:f"}, "no name"),
        ({"name": "uno"}, "no entrypoint"),
        ({"name": "uno", "entrypoint": "paquete.modulo"}, "module"),
        ({"name": "ya-estaba", "entrypoint": "a.py:f"}, "already"),
    ],
)
def test_a_deployment_that_cannot_be_is_left_out_with_the_reason(given: dict[str, Any], reason: str) -> None:
    found = imported(rendered({"deployments": [given]}), taken=("ya-estaba",))

    assert found.drafts == ()
    assert any(reason in str(each) for each in found.remarks)


def test_the_work_pool_is_the_area_s() -> None:
    text = with_one(work_pool={"name": "viejo"})

    assert "work_pool" not in deployment(text)
    assert any("differs" in each and "viejo" in each for each in told(text))


CLONE = {"prefect.deployments.steps.git_clone": {"repository": "https://git/x", "branch": "main", "access_token": "t"}}


PLAIN_CLONE = {"prefect.deployments.steps.git_clone": {"repository": "https://git/x", "branch": "main"}}


def test_a_clone_becomes_the_code_of_flows_that_are_elsewhere() -> None:
    text = with_one(pull=[PLAIN_CLONE])

    assert deployment(text, here=False)["code"] == {"location": "git", "repository": "https://git/x", "branch": "main"}
    assert "code" not in deployment(text, here=True)


@pytest.mark.parametrize(
    "steps",
    [
        [CLONE],  # with a token, which the worker looks up
        [{"prefect_aws.deployments.steps.pull_from_s3": {"bucket": "flujos", "folder": "compras"}}],
        [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}],
    ],
)
def test_steps_that_no_code_says_stay_as_they_are(steps: list[Any]) -> None:
    made = deployment(with_one(pull=steps), here=False)

    assert made["pull"] == steps
    assert "code" not in made


def test_a_step_that_is_filled_in_at_the_deploy_is_left_out() -> None:
    text = with_one(pull=[{"a.b.pull": {"bucket": "{{ push.bucket }}"}}])

    assert "pull" not in deployment(text, here=False)
    assert any("a.b.pull" in str(each) for each in imported(text, here=False).remarks)


def test_a_flow_elsewhere_keeps_the_name_that_it_is_given() -> None:
    text = with_one(pull=[PLAIN_CLONE], flow_name="Importar")

    assert deployment(text, here=False)["flow_name"] == "Importar"
    assert "flow_name" not in deployment(text, here=True)
    assert any("flow_name" in each for each in told(text))


def test_the_file_s_pull_counts_for_deployments_without_one() -> None:
    text = rendered({"pull": [PLAIN_CLONE], "deployments": [{"name": "uno", "entrypoint": "a.py:f"}]})

    assert deployment(text, here=False)["code"]["location"] == "git"


def test_anchors_and_the_words_of_yaml_1_1_are_read_as_prefect_does() -> None:
    text = (
        "definitions:\n  s: &s\n    cron: '0 9 * * *'\n    timezone: America/Santiago\n"
        "deployments:\n- name: uno\n  entrypoint: a.py:f\n"
        "  paused: yes\n  parameters: {y: n}\n  schedules:\n  - <<: *s\n    active: off\n"
    )

    assert deployment(text)["paused"] is True
    assert deployment(text)["parameters"] == {"y": "n"}
    assert deployment(text)["schedules"] == [{"cron": "0 9 * * *", "timezone": "America/Santiago", "active": False}]


def next_of(made: list[dict[str, Any]], count: int) -> list[datetime]:
    times: set[datetime] = set()
    for each in made:
        zone = each.get("timezone", BUENOS_AIRES)
        rule = {key: each[key] for key in ("cron", "interval", "day_or") if key in each}
        if "interval" in each:
            rule["anchor_date"] = anchor(each.get("anchor_date"), zone)
        times |= set(next_runs(Schedule(slug="x", timezone=zone, active=True, parameters={}, **rule), count, NOW))
    return sorted(times)[:count]


@pytest.mark.parametrize(
    "expression",
    [
        *("0 12 * * *", "30 1,13 * * *", "*/10 * * * *", "15 */6 * * *", "0 12 * * 1-5", "0 1,13 * * 1-5"),
        *("0 2 * * sun", "0 12 1,15 * *", "0 23 L * *", "@daily", "0 12 * * 5#2", "5 0-5 * * 6,0", "0 12 1 1 *"),
    ],
)
def test_a_cron_in_utc_fires_at_the_same_moments_in_the_stack_s_zone(expression: str) -> None:
    from prefect.server.schemas.schedules import CronSchedule

    made = deployment(with_one(schedules=[{"cron": expression}]))["schedules"]
    theirs = asyncio.run(CronSchedule(cron=expression, timezone="UTC").get_dates(200, NOW))

    assert all("timezone" not in each for each in made)
    assert next_of(made, 200) == sorted(theirs)


@pytest.mark.parametrize("schedule", [{"cron": "0 12 * * *"}, {"interval": 86400}])
def test_days_in_utc_are_not_moved_to_a_zone_that_changes_its_clock(schedule: dict[str, Any]) -> None:
    found = imported(with_one(schedules=[schedule]), timezone="America/Santiago")

    assert "schedules" not in found.drafts[0].deployment
    assert any("America/Santiago" in str(each) for each in found.remarks)


@pytest.mark.parametrize(
    ("given", "seconds", "moment"),
    [
        ({"interval": 3600, "anchor_date": "2026-01-01T00:30:00Z"}, 3600, "2025-12-31T21:30:00"),
        ({"interval": 3600, "anchor_date": "2026-01-01T00:30:00"}, 3600, "2025-12-31T21:30:00"),
        ({"interval": 3600, "anchor_date": "2026-01-01T00:30:00-03:00"}, 3600, "2026-01-01T00:30:00"),
        (
            {"interval": "PT15M", "anchor_date": "2026-01-01T08:00:00", "timezone": BUENOS_AIRES},
            900,
            "2026-01-01T08:00:00",
        ),
        ({"interval": "00:10:00", "anchor_date": "2026-01-01T00:00:00Z"}, 600, "2025-12-31T21:00:00"),
    ],
)
def test_an_interval_keeps_the_moment_that_it_counts_from(given: dict[str, Any], seconds: int, moment: str) -> None:
    (made,) = deployment(with_one(schedules=[given]))["schedules"]

    assert (made["interval"], made["anchor_date"]) == (seconds, moment)
    assert next_of([made], 2)[1] - next_of([made], 2)[0] == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "a: b", "deployments: 3", "deployments: [3]", "a: [", "deployments: [{name: a, parameters: 3}]"),
        *("deployments: [{schedules: [3]}]", "deployments: [{schedules: {}}, {tags: 3}]", "deployments: &a [*a]"),
    ],
)
def test_what_is_no_prefect_yaml_is_refused(text: str) -> None:
    with pytest.raises(SourceFaults):
        imported(text)


words = st.sampled_from(["name", "entrypoint", "schedules", "cron", "interval", "pull", "work_pool", "tags", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text("a{}: ñ.py/*0", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)  # a busy machine is no fault of theirs
@given(given=st.lists(st.dictionaries(words, values, max_size=6), max_size=2))
def test_any_file_is_read_or_refused_in_words(given: list[dict[str, Any]]) -> None:
    full = [{"name": f"d{n}", "entrypoint": "a.py:f"} | each for n, each in enumerate(given)]
    try:
        found = imported(rendered({"deployments": full}))
    except SourceFaults as faults:
        found = Imported((), ())
        if not faults.faults:
            pytest.fail("refused without a reason")
    for draft in found.drafts:
        assert draft.deployment["name"]
