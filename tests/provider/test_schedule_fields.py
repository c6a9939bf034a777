"""Every field of a schedule: an edit by somebody else is seen at its place, mended under the same id, and it clears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from infra.provider.kinds.schedule import Schedule

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"
CRON = {"slug": "a", "cron": "0 6 1 * 1", "timezone": ZONE}
INTERVAL = {"slug": "a", "interval": 3600, "timezone": ZONE}
RRULE = {"slug": "a", "rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": ZONE}
NOON, LATER = "2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00+00:00"


@dataclass(frozen=True)
class Case:
    field: str
    bare: dict[str, Any]
    """The schedule without it: as it is by default, or with another value where it must have one."""
    value: Any
    rule: dict[str, Any] | None = None
    """What somebody else makes of the rule."""
    row: dict[str, Any] | None = None
    """Likewise of the rest."""


CASES = [
    Case("cron", CRON, "0 7 * * *", {"cron": "0 9 * * *", "timezone": ZONE, "day_or": True}),
    Case("interval", INTERVAL, 7200, {"interval": 900, "timezone": ZONE}),
    Case("rrule", RRULE, "FREQ=DAILY", {"rrule": "FREQ=MONTHLY", "timezone": ZONE}),
    Case("timezone", CRON, "Europe/Madrid", {"cron": CRON["cron"], "timezone": "UTC", "day_or": True}),
    Case("timezone", INTERVAL, "Europe/Madrid", {"interval": 3600, "timezone": "UTC"}),
    Case("timezone", RRULE, "Europe/Madrid", {"rrule": RRULE["rrule"], "timezone": "UTC"}),
    Case("timezone", CRON, "Europe/Madrid", {"cron": CRON["cron"], "timezone": None}),
    Case("day_or", CRON, False, {"cron": CRON["cron"], "timezone": ZONE, "day_or": True}),
    Case("anchor_date", INTERVAL, NOON, {"interval": 3600, "timezone": ZONE, "anchor_date": LATER}),
    Case("active", CRON, False, row={"active": True}),
    Case("parameters", CRON, {"n": 3}, row={"parameters": {"n": 4}}),
    Case("slug", CRON, "b", row={"slug": "ui"}),
]


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {"name": "d", "flow_name": f"{unique}-f", "entrypoint": "a.py:f", "work_pool_name": unique}


async def the_one(client: Any, id_: str) -> dict[str, Any]:
    (row,) = (await client.get(f"deployments/{id_}"))["schedules"]
    return dict(row)


def test_every_field_is_looked_at() -> None:
    assert {case.field for case in CASES} == set(Schedule.model_fields)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.field}-{'-'.join(case.rule or case.row or {})}")
async def test_it_can_be_set_is_seen_when_changed_outside_is_mended_and_clears(
    engine: Any, client: Any, base: dict[str, Any], case: Case
) -> None:
    bare, declared = {**base, "schedules": [case.bare]}, {**base, "schedules": [{**case.bare, case.field: case.value}]}
    resource = await engine.up("Deployment", "d", bare)
    first = await the_one(client, resource.id)
    assert (await engine.up("Deployment", "d", declared)).steps == [f"update schedules[0].{case.field}"]
    assert await engine.refresh(resource) == []

    row = await the_one(client, resource.id)
    # A PATCH without parameters or slug would take them away.
    edit = {"slug": row["slug"], "active": row["active"], "parameters": row["parameters"], "schedule": row["schedule"]}
    edit |= {"schedule": case.rule} if case.rule else case.row or {}
    await client.patch(f"deployments/{resource.id}/schedules/{row['id']}", edit)
    assert [path.split(".n")[0] for path in await engine.refresh(resource)] == [f"schedules[0].{case.field}"]

    await engine.up("Deployment", "d", declared)
    assert await engine.refresh(resource) == []
    await engine.up("Deployment", "d", bare)
    assert await engine.refresh(resource) == []

    last = await the_one(client, resource.id)
    kept = ("id", "slug", "active", "parameters")
    assert {key: last[key] for key in kept} == {key: first[key] for key in kept}
    if case.field != "anchor_date":  # the server makes one up, from the moment
        same = {key: value for key, value in last["schedule"].items() if key not in {"anchor_date", "rrule"}}
        assert same == {key: value for key, value in first["schedule"].items() if key not in {"anchor_date", "rrule"}}


async def test_day_or_false_is_what_the_server_has(engine: Any, client: Any, base: dict[str, Any]) -> None:
    resource = await engine.up("Deployment", "d", {**base, "schedules": [{**CRON, "day_or": False}]})
    assert (await the_one(client, resource.id))["schedule"]["day_or"] is False


@pytest.mark.parametrize(("before", "after"), [(CRON, INTERVAL), (INTERVAL, RRULE), (RRULE, CRON)])
async def test_another_kind_of_rule_is_no_other_schedule(
    engine: Any, client: Any, base: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    resource = await engine.up("Deployment", "d", {**base, "schedules": [before]})
    id_ = (await the_one(client, resource.id))["id"]
    await engine.up("Deployment", "d", {**base, "schedules": [after]})
    assert (await the_one(client, resource.id))["id"] == id_
    assert await engine.refresh(resource) == []


async def test_one_that_was_deleted_is_seen_and_comes_back(engine: Any, client: Any, base: dict[str, Any]) -> None:
    declared = {**base, "schedules": [CRON, {**INTERVAL, "slug": "b"}]}
    resource = await engine.up("Deployment", "d", declared)
    ids = resource.values["schedule_ids"]
    await client.delete(f"deployments/{resource.id}/schedules/{ids['a']}")
    assert any(path.startswith("schedules") for path in await engine.refresh(resource))

    await engine.up("Deployment", "d", declared)

    assert await engine.refresh(resource) == []
    now = resource.values["schedule_ids"]
    assert (sorted(now), now["b"], now["a"] == ids["a"]) == (["a", "b"], ids["b"], False)
