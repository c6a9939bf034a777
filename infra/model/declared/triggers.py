"""Triggers of deployments, in the words of `prefect.yaml`. What goes together is told by infra/model/triggers.py."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from infra.model.declared.declaration import Declared, Json, Text


class Metric(Declared):
    name: Literal["lateness", "duration", "successes"]
    """What is measured."""
    threshold: float
    """What it is compared with."""
    operator: Literal["<", "<=", ">", ">="]
    """How it is compared."""
    range: float | Text = Field(300, examples=[300, "PT10M"])
    """Seconds to look back, 300 at least."""
    firing_for: float | Text = Field(300, examples=[300, "PT10M"])
    """Seconds for which it must hold, 300 at least."""


class Condition(Declared):
    """When a trigger fires: an event or its absence, a metric, or several conditions."""

    type: Literal["event", "metric", "compound", "sequence"] | None = None
    """Default: told by the other keys."""
    match: dict[str, Any] = Field({}, examples=[{"prefect.resource.id": "prefect.flow-run.*"}])
    """Labels of the event's resource, with wildcards."""
    match_related: dict[str, Any] | list[dict[str, Any]] = Field({})
    """Labels of related resources."""
    after: list[Text] = Field([])
    """Events that must have come first."""
    expect: list[Text] = Field([], examples=[["prefect.flow-run.Completed"]])
    """Events that are waited for, with wildcards."""
    for_each: list[Text] = Field([])
    """Labels for each value of which it is evaluated apart."""
    posture: Literal["Reactive", "Proactive", "Metric"] | None = None
    """Reactive (the default): fires at events. Proactive: at their absence."""
    threshold: int | None = None
    """How many events; default: 1."""
    within: float | Text | None = Field(None, examples=[30, "PT1H"])
    """Seconds in which they come."""
    metric: Metric | None = None
    """Prefect Cloud only: what is measured."""
    triggers: list[Condition] = Field([])
    """The conditions of a compound or a sequence."""
    require: int | Literal["any", "all"] | None = None
    """With type: compound. How many must fire."""


class Trigger(Condition):
    """A condition upon which the deployment runs, as in `prefect.yaml`."""

    name: Text | None = None
    """Of its automation; default: made of the deployment's."""
    description: str = ""
    """Of its automation."""
    enabled: bool = True
    """false: it never fires."""
    parameters: Json = Field({}, examples=[{"archivo": "{{ event.payload.archivo }}"}])
    """Over the deployment's own."""
    job_variables: Json = Field({})
    """Over the deployment's own."""
    schedule_after: float | Text = Field(0, examples=[60, "PT5M"])
    """Seconds to wait before the run."""
