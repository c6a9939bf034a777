"""A timeline as plain data, for programs."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from infra.timeline.calculation import Lane, Pool, Timeline


def table(timeline: Timeline) -> dict[str, Any]:
    """Times are ISO 8601 in the stack's time zone; lengths of time are seconds; a limit that there isn't is null."""
    window = timeline.window
    return {
        "stack": timeline.stack,
        "timezone": window.timezone,
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "assumed_seconds": timeline.assumed_seconds,
        "pools": [_pool(pool, window.zone) for pool in timeline.pools],
        "overlaps": [
            {
                "scope": each.scope,
                "name": each.name,
                "concurrency_limit": each.limit,
                "peak": each.peak,
                "from": each.start.isoformat(),
                "to": each.end.isoformat(),
                "deployments": list(each.deployments),
                "consequence": each.consequence,
            }
            for each in timeline.overlaps
        ],
        "clock_changes": [
            {"timezone": each.timezone, "at": each.moment.isoformat(), "by_seconds": each.by.total_seconds()}
            for each in timeline.clock_changes
        ],
    }


def _pool(pool: Pool, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": pool.name,
        "concurrency_limit": pool.concurrency_limit,
        "runs": len(pool.runs),
        "deployments": [_lane(lane, zone) for lane in (*pool.lanes, *pool.inactive)],
    }


def _lane(lane: Lane, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "name": lane.deployment,
        "active": lane.active,
        "work_queue_name": lane.queue,
        "concurrency_limit": lane.concurrency_limit,
        "seconds": lane.seconds,
        "seconds_from": "history" if lane.from_history else "assumed",
        "schedules": {
            slug: [each.start.astimezone(zone).isoformat() for each in lane.runs if each.schedule == slug]
            for slug in lane.slugs
        },
    }
