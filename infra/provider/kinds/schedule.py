"""A deployment's schedules: their form, and the calls that bring a deployment's schedules to the declared ones.

A schedule keeps its id over every change, since the server derives the idempotency keys of the runs it makes from it:
a new id means duplicate runs. So schedules are never sent with the deployment once that exists (the server would
recreate them), but one by one, and only those that changed; each such call also drops the schedule's upcoming runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from infra.provider.api import Api
from infra.provider.errors import Conflict
from infra.provider.kinds import times, waiting_runs
from infra.provider.kinds.kind import given_before
from infra.provider.kinds.times import moment

ATTEMPTS: Final = 3
UNNAMED = "unnamed-"
"""Schedules made in the UI have no slug: here they are called by this and the beginning of their id."""


class Schedule(BaseModel):
    """One of cron, interval and rrule, in a time zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: str = Field(min_length=1, description="Unique in the deployment; what the schedule is known by.")
    cron: str | None = Field(default=None, description="Five fields, such as `30 1,13,17 * * *`.")
    interval: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="Seconds between two runs.")
    rrule: str | None = Field(default=None, description="An RFC 5545 rule, such as `FREQ=WEEKLY;BYDAY=MO`.")
    timezone: str = Field(description="An IANA zone, such as America/Argentina/Buenos_Aires.")
    day_or: bool = Field(default=True, description="Cron only: day of month *or* day of week (true), or both.")
    anchor_date: str | None = Field(default=None, description="Interval only: a moment that the runs count from.")
    active: bool = Field(default=True, description="Whether it makes runs.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Over the deployment's own, for its runs.")

    @field_validator("cron", "rrule")
    @classmethod
    def _taken_by_the_server(cls, rule: str | None, info: ValidationInfo) -> str | None:
        if rule is not None and _is_new(str(info.field_name), rule, given_before(info)):
            _refuse(times.wrong_cron(rule) if info.field_name == "cron" else times.wrong_rrule(rule))
        return rule

    @field_validator("interval")
    @classmethod
    def _countable(cls, interval: float | None) -> float | None:
        if interval is not None:
            _refuse(times.wrong_interval(interval))
        return interval

    @field_validator("timezone")
    @classmethod
    def _exists(cls, zone: str) -> str:
        _refuse(times.wrong_zone(zone))
        return zone

    @field_validator("anchor_date")
    @classmethod
    def _is_a_moment(cls, anchor: str | None, info: ValidationInfo) -> str | None:
        if anchor is not None:
            moment(anchor, info.data.get("timezone", "UTC"))
        return anchor

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        rules = [name for name in ("cron", "interval", "rrule") if getattr(self, name) is not None]
        if len(rules) != 1:
            raise ValueError(f"a schedule has exactly one of cron, interval and rrule, got {rules or 'none'}")
        if self.anchor_date is not None and self.interval is None:
            raise ValueError("anchor_date goes with interval")
        return self

    def when(self) -> dict[str, Any]:
        """The rule as the API has it."""
        if self.cron is not None:
            return {"cron": self.cron, "timezone": self.timezone, "day_or": self.day_or}
        if self.rrule is not None:
            return {"rrule": self.rrule, "timezone": self.timezone}
        anchor = {"anchor_date": moment(self.anchor_date, self.timezone)} if self.anchor_date else {}
        return {"interval": self.interval, "timezone": self.timezone, **anchor}

    def body(self) -> dict[str, Any]:
        # A schedule sent without its parameters loses them.
        return {"slug": self.slug, "schedule": self.when(), "active": self.active, "parameters": self.parameters}

    def canonical(self) -> Self:
        if self.anchor_date is None:
            return self
        return self.model_copy(update={"anchor_date": moment(self.anchor_date, self.timezone)})

    def same_but_slug(self, other: Schedule) -> bool:
        return self.model_copy(update={"slug": other.slug}) == other


def from_row(row: Mapping[str, Any], declared: Schedule | None) -> Schedule:
    """A schedule as the server has it.

    The server gives an interval an anchor and a rule a DTSTART where they have none: what wasn't declared isn't
    ours to compare. Of a schedule that nobody declared, all is shown.
    """
    rule = row["schedule"]
    zone = rule.get("timezone") or "UTC"  # what the server takes a missing one for
    anchor, recurrence = rule.get("anchor_date"), rule.get("rrule")
    if declared is not None and declared.anchor_date is None:
        anchor = None
    if declared is not None and recurrence and "DTSTART" not in (declared.rrule or "").upper():
        recurrence = recurrence.removeprefix(recurrence.partition("\n")[0] + "\n")
    return Schedule(
        slug=slug_of(row),
        cron=rule.get("cron"),
        interval=rule.get("interval"),
        rrule=recurrence,
        timezone=zone,
        day_or=rule.get("day_or", True),
        anchor_date=moment(anchor, zone) if anchor else None,
        active=row["active"],
        parameters=row.get("parameters") or {},
    )


def slug_of(row: Mapping[str, Any]) -> str:
    return str(row["slug"] or f"{UNNAMED}{row['id'][:8]}")


def ids(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {slug_of(row): row["id"] for row in rows}


async def reconcile(api: Api, deployment_id: str, rows: list[dict[str, Any]], wanted: tuple[Schedule, ...]) -> bool:
    """Bring the deployment's schedules (`rows`, as the server has them now) to `wanted`, with the fewest calls.

    Whether there were any.

    A conflict means that they are not as they were: the answer to our own POST was lost and it was sent again, or
    somebody else was at it. So they are looked at anew. Raises: Conflict: somebody is at it time and again.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await _bring(api, deployment_id, rows, wanted) or attempt > 0
        except Conflict as error:
            conflict = error
            rows = (await api.get(f"deployments/{deployment_id}"))["schedules"]
    raise Conflict(f"schedules of {deployment_id} are being changed by somebody else: {conflict}") from conflict


async def _bring(api: Api, deployment_id: str, rows: list[dict[str, Any]], wanted: tuple[Schedule, ...]) -> bool:
    path = f"deployments/{deployment_id}/schedules"
    changed = False
    have = {slug_of(row): row for row in rows}
    missing = {schedule.slug: schedule for schedule in wanted if schedule.slug not in have}
    surplus = {slug: row for slug, row in have.items() if slug not in {schedule.slug for schedule in wanted}}
    for slug, row in list(surplus.items()):
        renamed = next((new for new in missing.values() if from_row(row, new).same_but_slug(new)), None)
        if renamed:
            await api.patch(f"{path}/{row['id']}", _patch(row, renamed))
            changed = True
            del missing[renamed.slug], surplus[slug]
    for schedule in wanted:
        row_now = have.get(schedule.slug)
        if row_now is not None and from_row(row_now, schedule) != schedule:
            await api.patch(f"{path}/{row_now['id']}", _patch(row_now, schedule))
            changed = True
    for row in surplus.values():
        # The server drops the overdue runs of the deployment's other schedules as well.
        overdue = await waiting_runs.of_other_schedules(api, deployment_id, row["id"])
        await api.delete(f"{path}/{row['id']}")
        await waiting_runs.follow(api, overdue, deployment_id)
    if missing:
        await api.post(path, [schedule.body() for schedule in missing.values()])
    return changed or bool(surplus or missing)


def _patch(row: Mapping[str, Any], wanted: Schedule) -> dict[str, Any]:
    """Without the rule where that stays: sent again, an interval without an anchor would count from now on."""
    body = wanted.body()
    if from_row(row, wanted).when() == wanted.when():
        del body["schedule"]
    return body


def _is_new(key: str, rule: str, before: Mapping[str, Any] | None) -> bool:
    """Whether nobody has judged it yet. What the last `up` took costs the import of what judges it."""
    if before is None:
        return False
    taken = before.get("schedules")
    there = taken if isinstance(taken, list | tuple) else ()
    return not any(isinstance(schedule, Mapping) and schedule.get(key) == rule for schedule in there)


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise ValueError(reason)
