"""Alerts of an area: automations of the server that tell a notification block of what happens in its pool."""

from __future__ import annotations

import functools
from typing import Any, Final

import pulumi

from infra.components.platform import Platform
from infra.model import Alerts
from infra.resources import Automation, Block, get_block_output

RUN_BODY: Final = (
    "{{ flow.name }}/{{ deployment.name }}: {{ flow_run.name }} {{ flow_run.state.name }}. "
    "{{ flow_run.state.message }}\n{{ flow_run|ui_url }}"
)
POOL_BODY: Final = "{{ work_pool.name }}: {{ work_pool.status.value }}, no worker.\n{{ work_pool|ui_url }}"
SECRET_FIELD: Final = {"sendgrid-email": "api_key"}
_AS_HTML: Final = frozenset({"sendgrid-email"})
"""Blocks that send what they are given for HTML (apprise/plugins/sendgrid.py): what a run says in `<…>` and its lines
would be lost.
"""
_EVENTS: Final = {
    # A run that takes too long is Failed by another name.
    "failed": ("prefect.flow-run.Failed", "prefect.flow-run.TimedOut"),
    "crashed": ("prefect.flow-run.Crashed",),
    "late": ("prefect.flow-run.Late",),
    "offline": ("prefect.work-pool.not-ready",),
}


def alerts(declared: Alerts, pool: str, platform: Platform, opts: pulumi.ResourceOptions) -> list[Automation]:
    """One automation for each thing that is told of, so that each can be switched off in the UI by itself."""
    block = _block_id(declared, platform, opts)
    return [
        Automation(
            f"{pool}-{kind}",
            name=f"{pool} {kind}",
            description=f"Tells {declared.to.block_type}/{declared.to.block_name}.",
            trigger=trigger(kind, pool),
            actions=block.apply(functools.partial(_actions, kind, pool, declared.to.block_type)),
            opts=opts,
        )
        for kind in declared.on
    ]


def trigger(kind: str, pool: str) -> dict[str, Any]:
    """Once for each event. Events of a run have its pool among what they are related to; a pool's are its own."""
    of_pool = {"prefect.resource.id": "prefect.work-pool.*", "prefect.resource.name": pool}
    match = of_pool if kind == "offline" else {"prefect.resource.id": "prefect.flow-run.*"}
    return {
        "type": "event",
        "posture": "Reactive",
        "match": match,
        "match_related": {} if kind == "offline" else {"prefect.resource.role": "work-pool", **of_pool},
        "expect": list(_EVENTS[kind]),
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": 0,
    }


def _actions(kind: str, pool: str, block_type: str, block_document_id: str) -> list[dict[str, Any]]:
    return [action(kind, pool, block_type, block_document_id)]


def action(kind: str, pool: str, block_type: str, block_document_id: str) -> dict[str, Any]:
    body = POOL_BODY if kind == "offline" else RUN_BODY
    if block_type in _AS_HTML:
        body = f"{{% filter escape|replace('\\n', '<br>') %}}{body}{{% endfilter %}}"
    return {
        "type": "send-notification",
        "block_document_id": block_document_id,
        "subject": f"{pool}: {kind}",
        "body": body,
    }


def _block_id(declared: Alerts, platform: Platform, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    to = declared.to
    if to.secret is None:
        invoke = pulumi.InvokeOutputOptions(parent=opts.parent, provider=opts.provider)
        # All of a block that is looked up counts for a secret; its id is none.
        return pulumi.Output.unsecret(get_block_output(to.block_type, to.block_name, opts=invoke)).block_document_id
    secret = {SECRET_FIELD.get(to.block_type, "url"): platform.secret(to.secret) or ""}
    block = Block(to.block_name, name=to.block_name, type_slug=to.block_type, data={**to.settings, **secret}, opts=opts)
    return block.block_document_id
