"""Variables, concurrency limits and automations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class Variable(pulumi.CustomResource):
    """A value that flows look up by name. Its id is its name; after it was renamed, the former one until a refresh."""

    name: pulumi.Output[str]
    variable_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        value: pulumi.Input[Any],
        tags: pulumi.Input[Sequence[str]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "value": value, "tags": tags, "adopt": adopt, "owners": owners, "variable_id": None}
        super().__init__("prefect:index:Variable", resource_name, properties, opts)


class GlobalConcurrencyLimit(pulumi.CustomResource):
    """Slots that flows and tasks take by the limit's name.

    Its id is its name; after it was renamed, the former one until a refresh.
    """

    name: pulumi.Output[str]
    limit_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        limit: pulumi.Input[int],
        active: pulumi.Input[bool] | None = None,
        slot_decay_per_second: pulumi.Input[float] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "limit": limit,
            "active": active,
            "slot_decay_per_second": slot_decay_per_second,
            "adopt": adopt,
            "owners": owners,
            "limit_id": None,
        }
        super().__init__("prefect:index:GlobalConcurrencyLimit", resource_name, properties, opts)


class TagConcurrencyLimit(pulumi.CustomResource):
    """How many task runs of a tag go at once. Its id is the tag."""

    tag: pulumi.Output[str]
    limit_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        tag: pulumi.Input[str],
        concurrency_limit: pulumi.Input[int],
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "tag": tag,
            "concurrency_limit": concurrency_limit,
            "adopt": adopt,
            "owners": owners,
            "limit_id": None,
        }
        super().__init__("prefect:index:TagConcurrencyLimit", resource_name, properties, opts)


class Automation(pulumi.CustomResource):
    """What the server does by itself. Its id is the server's UUID."""

    name: pulumi.Output[str]
    automation_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        trigger: pulumi.Input[Mapping[str, Any]],
        description: pulumi.Input[str] | None = None,
        enabled: pulumi.Input[bool] | None = None,
        tags: pulumi.Input[Sequence[str]] | None = None,
        actions: pulumi.Input[Sequence[Mapping[str, Any]]] | None = None,
        actions_on_trigger: pulumi.Input[Sequence[Mapping[str, Any]]] | None = None,
        actions_on_resolve: pulumi.Input[Sequence[Mapping[str, Any]]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "trigger": trigger,
            "description": description,
            "enabled": enabled,
            "tags": tags,
            "actions": actions,
            "actions_on_trigger": actions_on_trigger,
            "actions_on_resolve": actions_on_resolve,
            "adopt": adopt,
            "owners": owners,
            "automation_id": None,
            "as_written": None,
        }
        super().__init__("prefect:index:Automation", resource_name, properties, opts)
