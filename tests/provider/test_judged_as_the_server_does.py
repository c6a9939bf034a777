"""Values that the provider's check and a real server both judge: what one of them takes, the other takes as well."""

from __future__ import annotations

from itertools import islice
from typing import Any

import httpx
import pytest
from dateutil.rrule import rrulestr

from infra.provider.kinds import KINDS
from infra.provider.kinds.pull_steps import OWN, PREFIX
from infra.provider.lifecycle import Checked, Lifecycle
from infra.provider.wire import render
from tests.patient import Patient

pytestmark = pytest.mark.server

LIFECYCLES = {kind.token.rsplit(":", 1)[-1]: Lifecycle(kind) for kind in KINDS}
DEPLOYMENT = {"name": "d", "flow_name": "f", "entrypoint": "a.py:f", "work_pool_name": "p"}
DATES, ONE_MORE = ("RDATE:" + ",".join(["20300101T000000"] * number) for number in (404, 405))
ANCHOR = "DTSTART:20200101T000000\n"  # the server adds it, and counts its characters

CRONS = {
    True: [
        "* * * * *",
        "30 1,13,17 * * *",
        "*/15 8-18 * * mon-fri",
        "  0   0 * * * ",
        "@daily",
        "@Weekly",
        "0 0 l * *",
        "0 0 ? * ?",
        "0 0 * * 7",
        "0 0 * * 5#2",
        "0 0 * * l5",
        "*/90 * * * *",
        "5-5 * * * *",
        "0 0 31 2 *",
        "* * * * * *",
        "* * * * * */10",
        "0 0 1 1 * 0 2030",
        "r(0-3) * * * *",
    ],
    False: [
        "",
        "x",
        "* * * *",
        "* * * * * * * *",
        "61 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * enero *",
        "* * * * 8",
        "* * * * lunes",
        "* * * * * 60",
        "*/0 * * * *",
        "*/x * * * *",
        "1- * * * *",
        "? * * * *",
        "0 0 * * 5#6",
        "@reboot",
        "@diario",
        "H * * * *",
        "h(0-5) * * * *",
        "H/15 * * * *",
        "R * * * *",
        "0 r * * *",
    ],
}
RRULES = {
    True: [
        "FREQ=DAILY",
        "freq=weekly;byday=mo",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;COUNT=3",
        "FREQ=SECONDLY",
        "FREQ=DAILY;INTERVAL=2",
        "FREQ=DAILY;UNTIL=20300101T000000Z",
        "FREQ=DAILY;BYMONTHDAY=99",
        "FREQ=YEARLY;BYDAY=99MO",
        "FREQ=DAILY;COUNT=3;UNTIL=20300101",
        "FREQ=WEEKLY;BYDAY=MO\nFREQ=DAILY",
        "DTSTART:20200101T000000\nRRULE:FREQ=DAILY",
        "DTSTART;TZID=America/New_York:20200101T000000\nRRULE:FREQ=DAILY",
        "RDATE:20300101T000000",
        DATES,
        ANCHOR + DATES,
    ],
    False: [
        "",
        "\n",
        "x",
        "FREQ",
        "INTERVAL=2",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;",
        "FREQ=DAILY;FOO=1",
        "FREQ=DAILY;BYHOUR=25",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;BYDAY=0MO",
        "FREQ=DAILY;BYDAY=",
        "FREQ=DAILY;BYSETPOS=0",
        "FREQ=DAILY;COUNT=x",
        "FREQ=DAILY;UNTIL=x",
        "FREQ=DAILY;WKST=XX",
        "FREQ=MINUTELY;INTERVAL=0",
        "FREQ=SECONDLY;INTERVAL=0",
        "FREQ=DAILY;DTSTART=20200101",
        "DTSTART:20200101T000000",
        "EXDATE:x",
        ONE_MORE,
        ANCHOR + ONE_MORE,
    ],
}
ZONES = {
    True: ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "EST", "Factory"],
    False: [
        "Foo/Bar",
        "america/argentina/buenos_aires",
        "posix/UTC",
        "posixrules",
        "localtime",
        "America",
        "xUTCx",
        "-03:00",
        "GMT+3",
        " UTC",
        "UTC ",
        "../UTC",
        "zone.tab",
    ],
}
INTERVALS = {
    True: [1, 0.5, 3600, 1e-6, 1e9, 86_399_999_999_999],
    False: [0, -1, 1e-7, 8.64e13, 1e15],
}
ANCHORS = {
    True: [
        "2020-01-01",
        "20200101",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00-03:00",
        "2020-01-01 08:30",
        "2020-W01-1",
    ],
    False: ["", "x", "2020-1-1", "2020-13-01", "2020-01-01T25:00:00", "01/01/2020"],
}
RULES: dict[str, tuple[dict[str, Any], dict[bool, list[Any]]]] = {
    "cron": ({}, CRONS),
    "rrule": ({}, RRULES),
    "interval": ({}, INTERVALS),
    "timezone": ({"cron": "* * * * *"}, ZONES),
    "anchor_date": ({"interval": 60}, ANCHORS),
}
TABLE = [
    pytest.param(key, others, value, taken, id=f"{key}-{n}-{'taken' if taken else 'refused'}")
    for key, (others, values) in RULES.items()
    for taken, each in values.items()
    for n, value in enumerate(each)
]


def check(kind: str, inputs: dict[str, Any]) -> Checked:
    return LIFECYCLES[kind].check({}, inputs)


def told(checked: Checked) -> dict[str, str]:
    return {render(failure.path): failure.reason for failure in checked.failures}


def post(server: str, path: str, body: dict[str, Any]) -> httpx.Response:
    with httpx.Client(base_url=f"{server}/", transport=Patient(), timeout=60) as client:
        return client.post(path, json=body)


def answer(server: str, path: str, body: dict[str, Any]) -> bool:
    """Whether the server takes it. A 500 is a refusal."""
    response = post(server, path, body)
    assert response.is_success or response.status_code in {422, 500}, response.text
    return response.is_success


@pytest.fixture(scope="module")
def flow_id(prefect_server: str) -> str:
    made = post(prefect_server, "flows/", {"name": "juzgado"}).raise_for_status()
    return str(made.json()["id"])


def scheduled(server: str, flow_id: str, schedule: dict[str, Any]) -> bool:
    body = {"name": "d", "flow_id": flow_id, "schedules": [{"slug": "s", "schedule": schedule}]}
    return answer(server, "deployments/", body)


@pytest.mark.parametrize(("key", "others", "value", "taken"), TABLE)
def test_a_schedule_is_judged_as_the_server_judges_it(
    prefect_server: str, flow_id: str, key: str, others: dict[str, Any], value: Any, taken: bool
) -> None:
    schedule = {"timezone": "UTC", **others, key: value}

    checked = check("Deployment", {**DEPLOYMENT, "schedules": [{"slug": "s", **schedule}]})

    assert [*told(checked)] == ([] if taken else [f"schedules[0].{key}"])
    assert scheduled(prefect_server, flow_id, schedule) is taken


SEND_NO_MORE = {
    "the scheduler would seek the next time for ever": {"rrule": "FREQ=DAILY;INTERVAL=0", "timezone": "UTC"},
    "the scheduler would fail over it": {"rrule": "FREQ=DAILY;INTERVAL=-1", "timezone": "UTC"},
    "the scheduler would know no such zone": {"rrule": "FREQ=DAILY", "timezone": "xUTCx"},
}


@pytest.mark.parametrize("schedule", SEND_NO_MORE.values(), ids=SEND_NO_MORE)
def test_what_the_server_takes_and_then_stumbles_over_is_refused(
    prefect_server: str, flow_id: str, schedule: dict[str, Any]
) -> None:
    assert len(told(check("Deployment", {**DEPLOYMENT, "schedules": [{"slug": "s", **schedule}]}))) == 1
    assert scheduled(prefect_server, flow_id, schedule)


def test_a_rule_whose_interval_is_no_step_forward_has_no_next_time() -> None:
    assert len({*islice(rrulestr("FREQ=DAILY;INTERVAL=0"), 100)}) == 1
    with pytest.raises(ValueError, match="out of range"):
        list(islice(rrulestr("FREQ=DAILY;INTERVAL=-1"), 100))


NAMED: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "WorkPool": ("name", {"type": "process"}, "work_pools/", {"type": "process"}),
    "WorkQueue": ("name", {"work_pool_name": "nombres-juzgados"}, "work_pools/nombres-juzgados/queues", {}),
    "GlobalConcurrencyLimit": ("name", {"limit": 1}, "v2/concurrency_limits/", {"limit": 1}),
    "TagConcurrencyLimit": ("tag", {"concurrency_limit": 1}, "concurrency_limits/", {"concurrency_limit": 1}),
    "Variable": ("name", {"value": 1}, "variables/", {"value": 1}),
    "flow": ("flow_name", {**DEPLOYMENT}, "flows/", {}),
    "Deployment": ("name", {**DEPLOYMENT}, "deployments/", {}),
    "queue of a deployment": (
        "work_queue_name",
        {**DEPLOYMENT},
        "deployments/",
        {"work_pool_name": "nombres-juzgados"},
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_is_judged_as_the_server_judges_it(prefect_server: str, flow_id: str, kind: str) -> None:
    pool = post(prefect_server, "work_pools/", {"name": "nombres-juzgados", "type": "process"})
    assert pool.status_code in {201, 409}
    key, inputs, path, body = NAMED[kind]
    resource = kind if kind in LIFECYCLES else "Deployment"
    if path == "deployments/":
        body = {**body, "name": "d", "flow_id": flow_id}
    for character in "/%&<>#?ñ_- .:\\\"'@+":
        name = f"{kind[:3]}a{character}b".lower()
        told_ = told(check(resource, {**inputs, key: name}))
        sent = key if key == "work_queue_name" else "tag" if key == "tag" else "name"
        assert (name, answer(prefect_server, path, {**body, sent: name})) == (name, not told_)
        assert [*told_] in ([], [key])


@pytest.mark.parametrize("name", ["", " ", "''", '" "'])
def test_a_pools_name_is_more_than_quotes_and_spaces(prefect_server: str, name: str) -> None:
    assert [*told(check("WorkPool", {"name": name, "type": "process"}))] == ["name"]
    assert not answer(prefect_server, "work_pools/", {"name": name, "type": "process"})


VALUES: list[tuple[Any, bool]] = [
    ("x" * 4998, True),
    ("x" * 4999, False),
    ("á" * 2499, True),
    ("á" * 2500, False),
    (["x"] * 1249, True),
    (["x"] * 1250, False),
    ({"a": 1.5, "b": [None, True, ""]}, True),
    ('"' * 2499, True),
    ('"' * 2500, False),
]


@pytest.mark.parametrize(("value", "taken"), VALUES, ids=range(len(VALUES)))
def test_a_variables_value_is_as_long_as_the_server_takes_it(
    prefect_server: str, unique: str, value: Any, taken: bool
) -> None:
    told_ = told(check("Variable", {"name": unique, "value": value}))

    assert [*told_] == ([] if taken else ["value"])
    assert answer(prefect_server, "variables/", {"name": unique, "value": value}) is taken


LIMITS = [
    ("WorkPool", "concurrency_limit", {"name": "límite", "type": "process"}, "work_pools/"),
    (
        "WorkQueue",
        "concurrency_limit",
        {"name": "límite", "work_pool_name": "nombres-juzgados"},
        "work_pools/nombres-juzgados/queues",
    ),
    (
        "WorkQueue",
        "priority",
        {"name": "prioridad", "work_pool_name": "nombres-juzgados"},
        "work_pools/nombres-juzgados/queues",
    ),
    ("GlobalConcurrencyLimit", "limit", {"name": "límite"}, "v2/concurrency_limits/"),
    ("GlobalConcurrencyLimit", "slot_decay_per_second", {"name": "baja", "limit": 1}, "v2/concurrency_limits/"),
    ("Deployment", "concurrency_limit", DEPLOYMENT, "deployments/"),
]


@pytest.mark.parametrize(("kind", "key", "inputs", "path"), LIMITS)
def test_a_number_is_judged_as_the_server_judges_it(
    prefect_server: str, flow_id: str, kind: str, key: str, inputs: dict[str, Any], path: str
) -> None:
    post(prefect_server, "work_pools/", {"name": "nombres-juzgados", "type": "process"})
    body = {"name": inputs["name"]} | ({"flow_id": flow_id} if path == "deployments/" else {})
    body |= {name: inputs[name] for name in ("type", "limit") if name in inputs}
    for number in (-1, 0, 1):
        told_ = told(check(kind, {**inputs, key: number}))
        sent = {**body, "name": f"{body['name']}{number}", key: number}
        assert (number, answer(prefect_server, path, sent)) == (number, not told_)
        assert [*told_] in ([], [key])


def test_prefects_own_pull_steps_are_those_that_it_exports() -> None:
    from prefect.deployments import steps
    from prefect.utilities.importtools import import_object

    exported = {name for name in dir(steps) if callable(getattr(steps, name)) and not name.startswith("_")}
    assert {*OWN} == exported - {"run_step"}  # which runs the others
    assert all(callable(import_object(PREFIX + name)) for name in OWN)


@pytest.mark.parametrize("name", ["git_clone", f"{PREFIX}git_clon", "prefect.deployment.steps.git_clone", "clonar"])
def test_a_name_of_a_step_that_is_refused_is_one_that_a_worker_could_not_import(name: str) -> None:
    from prefect.utilities.importtools import import_object

    (path,) = told(check("Deployment", {**DEPLOYMENT, "pull_steps": [{name: {}}]}))
    assert path.startswith("pull_steps[0]")
    with pytest.raises((ValueError, AttributeError, ImportError)):
        import_object(name)


@pytest.mark.parametrize("name", [f"{PREFIX}pull.git_clone", "prefect_aws.deployments.steps.pull_from_s3", "a.py:f"])
def test_steps_of_others_and_other_names_of_prefects_own_are_taken(name: str) -> None:
    assert told(check("Deployment", {**DEPLOYMENT, "pull_steps": [{name: {}}]})) == {}
