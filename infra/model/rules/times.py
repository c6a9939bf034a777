"""Time zones and schedules."""

from __future__ import annotations

from infra.model.rules.rule import Rule

_SCHEDULES = (
    "prefect-infra:areas:\n  ventas:\n    deployments:\n      - name: resumen-diario-de-ventas\n"
    "        entrypoint: flows/ventas/resumen_diario.py:resumen_diario\n        schedules:\n          "
)

UTC = Rule(
    code="PI301",
    name="utc",
    meaning="The time zone is UTC, in whichever spelling. Nobody lives there: 09:00 would be 06:00 in Buenos Aires.",
    example="prefect-infra:timezone: Etc/UTC",
    mending="Write where the people are: America/Argentina/Buenos_Aires.",
)
UNKNOWN_TIMEZONE = Rule(
    code="PI302",
    name="unknown-time-zone",
    meaning="There is no such time zone; or it is an offset such as -03:00, which knows no daylight saving.",
    example="prefect-infra:timezone: America/Buenos_Ayres",
    mending="Write an IANA name; the hint names the one that was meant.",
)
BAD_CRON = Rule(
    code="PI303",
    name="bad-cron",
    meaning="The cron expression can't be read, or the server reads it in a way that nobody expects (`*/90`).",
    example=f'{_SCHEDULES}- cron: "0 25 * * *"',
    mending="Five fields: minute, hour, day of month, month, day of week. The message names the wrong one.",
)
NEVER_FIRES = Rule(
    code="PI304",
    name="never-fires",
    meaning="No year has a day as the schedule asks for: it would never make a run, and nobody would be told.",
    example=f'{_SCHEDULES}- cron: "0 9 31 2 *"',
    mending="Check day and month; `L` is the last day of any month.",
)
BAD_INTERVAL = Rule(
    code="PI305",
    name="bad-interval",
    meaning="The interval is no length of time, or not from 1 second to 366 days.",
    example=f"{_SCHEDULES}- interval: quincena",
    mending="Seconds, or 30s, 15m, 2h, 1d, 1h30m.",
)
BAD_ANCHOR = Rule(
    code="PI306",
    name="bad-anchor-date",
    meaning="The anchor_date is no local date and time.",
    example=f"{_SCHEDULES}- {{interval: 1d, anchor_date: mañana}}",
    mending='For example `"2026-01-01T08:00:00"`, in quotes.',
)
BAD_RRULE = Rule(
    code="PI307",
    name="bad-rrule",
    meaning="The recurrence rule can't be read, or the server could not run it.",
    example=f"{_SCHEDULES}- rrule: FREQ=SOMETIMES",
    mending="RFC 5545, for example `FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0`.",
)
ONE_KIND = Rule(
    code="PI308",
    name="one-kind-of-schedule",
    meaning="A schedule has none of `cron`, `interval` and `rrule`, or several.",
    example=f'{_SCHEDULES}- {{cron: "0 9 * * *", interval: 1h}}',
    mending="Keep one; write two schedules for two rules.",
)
REPEATED_SLUG = Rule(
    code="PI309",
    name="repeated-slug",
    meaning="Two schedules of a deployment are known by the same slug.",
    example=f'{_SCHEDULES}- cron: "0 9 * * *"\n          - cron: "0 9  * * *"',
    mending="Take one away, or give one a `slug` of its own.",
)
SAME_MINUTE = Rule(
    code="PI310",
    name="same-minute",
    meaning="Two schedules of a deployment fire in the same minute, with the same parameters: the work is done twice.",
    example=f'{_SCHEDULES}- cron: "0 9 * * *"\n          - cron: "0 9 * * 1"',
    mending="Move one of them, take it away, or write active: false at it.",
    settable=True,
)
SAME_MINUTE_APART = Rule(
    code="PI311",
    name="same-minute-other-parameters",
    meaning="Two schedules of a deployment fire in the same minute, with different parameters: two runs go at once.",
    example=(
        f'{_SCHEDULES}- {{cron: "0 9 * * *", parameters: {{sucursal: Centro}}}}\n'
        '          - {cron: "0 9 * * 1", parameters: {sucursal: Norte}}'
    ),
    mending="Move one of them by some minutes if they get in each other's way, else turn the rule off, saying so.",
    severity="warning",
    settable=True,
)

RULES = (
    UTC,
    UNKNOWN_TIMEZONE,
    BAD_CRON,
    NEVER_FIRES,
    BAD_INTERVAL,
    BAD_ANCHOR,
    BAD_RRULE,
    ONE_KIND,
    REPEATED_SLUG,
    SAME_MINUTE,
    SAME_MINUTE_APART,
)
