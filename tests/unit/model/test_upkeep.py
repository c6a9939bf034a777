"""What a stack file says of its janitor, its backups, and the time that workers have to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.model import Janitor, Stack, StackErrors

Load = Callable[..., Stack]


def stack(load: Load, **keys: Any) -> Stack:
    environment = keys.pop("environment", "dev")
    lines = "".join(f"  prefect-infra:{key}: {value}\n" for key, value in keys.items())
    return load(f"config:\n  prefect-infra:environment: {environment}\n{lines}")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ({}, 30),
        ({"environment": "prod"}, 600),
        ({"environment": "prod", "workers": "{drain_seconds: 7}"}, 7),
        ({"workers": "{drain_seconds: 0}"}, 0),
        ({"workers": "{drain_seconds: 7}", "areas": "{compras: {workers: {drain_seconds: 9}}}"}, 9),
    ],
)
def test_how_long_a_worker_waits_for_its_runs(load: Load, written: dict[str, str], seconds: int) -> None:
    (area,) = stack(load, **{"areas": "{compras: {}}", **written}).areas

    assert area.workers.drain_seconds == seconds


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({}, (1, None)),
        ({"workers": "{limit: 2, autoscale: {max: 4}}"}, (4, {"min": 1, "cool_down": 300})),
        ({"workers": "{autoscale: {max: 4, min: 0}}", "area": "{limit: 1}"}, (4, {"min": 0, "cool_down": 300})),
        ({"workers": "{limit: 2, replicas: 2}", "area": "{autoscale: {max: 3}}"}, (3, {"min": 1, "cool_down": 300})),
        ({"workers": "{limit: 2, autoscale: {max: 4, cool_down: 1h}}"}, (4, {"min": 1, "cool_down": 3600})),
        ({"workers": "{limit: 2, autoscale: {max: 4}}", "area": "{replicas: 2}"}, (2, None)),
        ({"workers": "{limit: 2, autoscale: {max: 4}}", "area": "{limit: 9}"}, (4, {"min": 1, "cool_down": 300})),
    ],
)
def test_an_area_has_a_number_of_workers_or_as_many_as_it_needs(
    load: Load, written: dict[str, str], expected: tuple[int, Any]
) -> None:
    own = written.get("area", "{}")
    (area,) = stack(load, workers=written.get("workers", "{}"), areas=f"{{compras: {{workers: {own}}}}}").areas

    scale = area.workers.autoscale
    assert (area.workers.replicas, scale and scale.model_dump()) == expected


ALERTS = "alerts: {to: {block: slack-webhook/avisos}}"


@pytest.mark.parametrize(
    ("written", "code", "told"),
    [
        ("workers: {limit: 1, autoscale: {}}", "PI102", "'max' is missing"),
        ("workers: {limit: 1, autoscale: {min: -1, max: 2}}", "PI106", "at least 0"),
        ("workers: {limit: 1, autoscale: {min: 3, max: 2}}", "PI106", "nothing would be started or stopped"),
        ("workers: {limit: 1, autoscale: {min: 2, max: 2}}", "PI106", "replicas: 2"),
        ("workers: {limit: 1, autoscale: {max: 2, cool_down: 0s}}", "PI106", "from a second"),
        ("workers: {limit: 1, autoscale: {max: 2, cool_down: 5}}", "PI103", "must be text"),
        ("workers: {limit: 1, autoscale: {max: 2, every: 5s}}", "PI101", "every"),
        ("workers: {limit: 1, autoscale: {max: 2}, replicas: 2}", "PI110", "keep one of them"),
        ("workers: {autoscale: {max: 2}}", "PI102", "limit: 5"),
        (f"workers: {{limit: 1, autoscale: {{min: 0, max: 2}}}}, {ALERTS}", "PI110", "min: 1"),
    ],
)
@pytest.mark.parametrize("of", ["stack", "area"])
def test_a_scale_that_makes_no_sense_is_told(load: Load, written: str, code: str, told: str, of: str) -> None:
    keys = {"areas": "{compras: {}}"} | dict(each.split(": ", 1) for each in written.split(", alerts")[:1])
    if ALERTS in written:
        keys["alerts"] = ALERTS.removeprefix("alerts: ")
    if of == "area":
        keys = {"areas": f"{{compras: {{{written}}}}}"}
    with pytest.raises(StackErrors) as raised:
        stack(load, **keys)

    assert code in str(raised.value)
    assert told in str(raised.value)


def test_a_janitor_of_which_nothing_more_is_said_does_what_loses_nothing(load: Load) -> None:
    assert stack(load, janitor="{}").janitor == Janitor(
        every=60,
        heartbeat_seconds=60,
        zombie_runs=True,
        pending_timeout=600,
        late_runs="run_all",
        dead_workers=3600,
        finished_containers=3600,
        rerun_crashed=0,
        keep_events=None,
        keep_runs=None,
    )


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("{pending_timeout: null}", "pending_timeout", None),
        ("{dead_workers: 1d12h}", "dead_workers", 129_600),
        ("{late_runs: keep_latest}", "late_runs", "keep_latest"),
        ("{late_runs: skip_after, skip_after: 90m}", "late_runs", 5400),
        ("{retention: {events: 30d, runs: 730d}}", "keep_runs", 730 * 86_400),
        ("{zombie_runs: false}", "zombie_runs", False),
    ],
)
def test_each_policy_is_a_line(load: Load, written: str, field: str, value: Any) -> None:
    assert getattr(stack(load, janitor=written).janitor, field) == value


def test_backups_are_made_each_day_and_a_fortnight_is_kept(load: Load) -> None:
    made = stack(load, backup="{}").backup
    assert made is not None
    assert made.model_dump() == {"every": 86_400, "keep": 14, "folder": None}


@pytest.mark.parametrize(
    ("key", "written", "code", "told"),
    [
        ("janitor", "{pending_timeout: 10}", "PI103", "10"),
        ("janitor", "{pending_timeout: ten minutes}", "PI105", "a length of time"),
        ("janitor", "{every: 0s}", "PI106", "from a second"),
        ("janitor", "{every: 999999999d}", "PI106", "ten years"),
        ("janitor", "{heartbeat_seconds: 10}", "PI106", "at least 30"),
        ("janitor", "{late_runs: some}", "PI104", "run_all, keep_latest, skip_after"),
        ("janitor", "{late_runs: skip_after}", "PI102", "skip_after: 2h"),
        ("janitor", "{skip_after: 2h}", "PI109", "late_runs"),
        ("janitor", "{retention: {runs: 10m}}", "PI106", "more than an hour"),
        ("janitor", "{zombies: true}", "PI101", "zombie_runs"),
        ("backup", "{every: 1s}", "PI106", "from a minute"),
        ("backup", "{keep: 0}", "PI106", "at least 1"),
        ("backup", "{folder: backups}", "PI105", "whole path"),
        (
            "server",
            "{auth: required, database: {type: postgres, url: {secret: u}}}\n  prefect-infra:backup: {}",
            "PI109",
            "where it is",
        ),
        ("workers", "{drain_seconds: -1}", "PI106", "at least 0"),
        ("server", "{api_url: 'http://127.0.0.1:4200/api'}\n  prefect-infra:janitor: {}", "PI109", "there already"),
        ("server", "{api_url: 'http://127.0.0.1:4200/api'}\n  prefect-infra:backup: {}", "PI109", "there already"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_place(load: Load, key: str, written: str, code: str, told: str) -> None:
    with pytest.raises(StackErrors) as raised:
        stack(load, **{key: written})

    assert code in str(raised.value)
    assert told in str(raised.value)


def test_an_areas_alerts_take_the_place_of_the_stacks(load: Load) -> None:
    made = stack(
        load,
        alerts="{on: [late], to: {block: slack-webhook/sistemas}}",
        areas="{compras: {alerts: {to: {block: ms-teams-webhook/compras}}}, ventas: {}}",
    )

    compras, ventas = (area.alerts for area in made.areas)
    assert compras is not None
    assert ventas is not None
    assert (compras.on, compras.to.block_type) == (("failed", "crashed", "late", "offline"), "ms-teams-webhook")
    assert (ventas.on, ventas.to.block_name) == (("late",), "sistemas")


@pytest.mark.parametrize(
    ("written", "code", "told"),
    [
        ("{to: {}}", "PI102", "nobody would be told"),
        ("{on: [failed]}", "PI102", "'to' is missing"),
        ("{on: [fallida], to: {block: slack-webhook/avisos}}", "PI104", "failed, crashed, late, offline"),
        ("{to: {block: avisos}}", "PI105", "a block's type and name"),
        ("{to: {block: slack-webhook/avisos, type: slack, secret: x}}", "PI110", "exclude each other"),
        ("{to: {type: slack}}", "PI102", "needs a secret"),
        ("{to: {type: slack, secret: nadie}}", "PI207", "nadie"),
        ("{to: {block: slack-webhook/avisos, sender: a@example.com}}", "PI109", "type: email"),
        ("{to: {type: email, secret: x}}", "PI102", "recipients"),
    ],
)
@pytest.mark.parametrize("of", ["stack", "area"])
def test_alerts_that_would_reach_nobody_are_refused(load: Load, written: str, code: str, told: str, of: str) -> None:
    keys = {"alerts": written} if of == "stack" else {"areas": f"{{compras: {{alerts: {written}}}}}"}
    with pytest.raises(StackErrors) as raised:
        stack(load, **keys)

    assert code in str(raised.value)
    assert told in str(raised.value)
