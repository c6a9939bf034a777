"""Rows as a server's API gives them, each with what a test wants to be otherwise."""

from __future__ import annotations

from typing import Any

ZONE = "America/Argentina/Buenos_Aires"


def pool(name: str = "compras-prod", **other: Any) -> dict[str, Any]:
    row = {"id": f"pool-{name}", "name": name, "type": "process", "description": None, "concurrency_limit": None}
    return {**row, "is_paused": False, "base_job_template": {}, **other}


def queue(name: str = "default", **other: Any) -> dict[str, Any]:
    row = {"id": f"queue-{name}", "name": name, "priority": 1, "concurrency_limit": None, "is_paused": False}
    return {**row, "description": "The work pool's default queue." if name == "default" else "", **other}


def schedule(
    slug: str | None = "diario", *, active: bool = True, parameters: Any = None, **rule: Any
) -> dict[str, Any]:
    when = {"cron": "0 8 * * *", "day_or": True} if not rule.keys() & {"cron", "interval", "rrule"} else {}
    row = {"id": "5c0f2a7e-0000-4000-8000-000000000000", "slug": slug, "active": active}
    return {**row, "parameters": parameters or {}, "schedule": {"timezone": ZONE, **when, **rule}}


def deployment(name: str = "importar-stock", **other: Any) -> dict[str, Any]:
    row = {
        "id": f"id-{name}",
        "flow_id": "flow",
        "name": name,
        "entrypoint": "stock/importar.py:importar_stock",
        "description": None,
        "version": None,
        "path": None,
        "tags": [],
        "parameters": {},
        "parameter_openapi_schema": None,
        "enforce_parameter_schema": True,
        "paused": False,
        "global_concurrency_limit": None,
        "concurrency_options": None,
        "work_pool_name": "compras-prod",
        "work_queue_name": "default",
        "job_variables": {},
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}],
        "schedules": [],
    }
    return {**row, **other}


def automation(name: str, deployment_id: str, **other: Any) -> dict[str, Any]:
    run = {"type": "run-deployment", "source": "selected", "deployment_id": deployment_id, "parameters": None}
    trigger = {
        "type": "event", "id": "x", "match": {}, "match_related": {}, "after": [],
        "expect": ["lista.recibida"], "for_each": [], "posture": "Reactive", "threshold": 1, "within": 0.0,
    }  # fmt: skip
    row = {"id": f"automation-{name}", "name": name, "description": "", "enabled": True, "trigger": trigger}
    return {**row, "actions": [run], "actions_on_trigger": [], "actions_on_resolve": [], "tags": [], **other}
