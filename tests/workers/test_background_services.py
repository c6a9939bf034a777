"""What is taken for granted of the background services, as Prefect has them."""

from __future__ import annotations

from datetime import timedelta

import prefect.server.services.base
from docket import Perpetual
from docket.dependencies import get_single_dependency_parameter_of_type
from prefect.server.services import perpetual_services

from workers import catch_up, healthcheck_services


def intervals() -> dict[str, timedelta]:
    """By the key that a service is queued by."""
    prefect.server.services.base.Service.all_services()  # imports them
    found = {}
    for service in perpetual_services.get_perpetual_services():
        perpetual = get_single_dependency_parameter_of_type(service.function, Perpetual)
        assert perpetual is not None
        found[service.function.__name__] = perpetual.every
    return found


def test_what_makes_the_runs_of_schedules_is_queued_by_the_name_that_the_health_check_looks_for() -> None:
    every = intervals()[healthcheck_services.EACH_MINUTE]
    assert every.total_seconds() < healthcheck_services.PUT_OFF_SECONDS / 5


def test_only_what_clears_up_waits_so_long_that_it_is_taken_for_put_off() -> None:
    every = intervals()
    assert all(catch_up.SERVICE.fullmatch(name) for name in every)
    long = {name for name, each in every.items() if each.total_seconds() >= catch_up.NEVER_SO_LONG_SECONDS}
    assert long == {
        "schedule_vacuum_tasks",
        "schedule_event_vacuum_tasks",
        "schedule_orphan_vacuum_tasks",
        "send_telemetry_heartbeat",
    }
