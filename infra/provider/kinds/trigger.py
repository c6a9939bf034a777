"""A deployment's triggers, as `prefect.yaml` says them: automations of the server that run the deployment.

The form and its defaults are those of `prefect.events.schemas.deployment_triggers`, which is not imported: that takes
seconds (tests/provider/test_triggers.py holds ours against it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from infra.provider.kinds.kind import OWNER_LABEL
from infra.provider.kinds.part import Part

MADE_BY_PREFECT: Final = "__automation_"
"""What `prefect deploy` puts between a deployment's name and a trigger's number; so do we."""
SHORTEST_PROACTIVE: Final = 10.0  # seconds
SHORTEST_METRIC: Final = 300.0  # seconds
CLOUD_ONLY: Final = "; a self-hosted server has no metric triggers, Prefect Cloud has"
"""What is told along when a server has refused one: it doesn't say that it knows none."""
_DURATION: Final = TypeAdapter(timedelta)
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "event": frozenset({"match", "match_related", "after", "expect", "for_each", "posture", "threshold", "within"}),
    "metric": frozenset({"match", "match_related", "posture", "metric"}),
    "compound": frozenset({"triggers", "within", "require"}),
    "sequence": frozenset({"triggers", "within"}),
}
_SETS: Final = frozenset({"after", "expect", "for_each"})
_CONDITION: Final = frozenset({"type"}).union(*_OF_KIND.values())


def seconds(given: Any) -> Any:
    """As Prefect takes durations: a number, or a text such as PT1H or 01:00:00."""
    if not isinstance(given, str):
        return given
    try:
        return _DURATION.validate_python(given).total_seconds()
    except ValidationError as error:
        raise ValueError(f"expected seconds, or a duration such as PT1H or 01:00:00, got {given!r}") from error


def _sorted(given: Any) -> Any:
    """What Prefect has as a set: one order, so that a diff shows none."""
    texts = isinstance(given, list | tuple | set) and all(isinstance(item, str) for item in given)
    return tuple(sorted(set(given))) if texts else given


Seconds = Annotated[float, Field(ge=0), BeforeValidator(seconds)]
Set = Annotated[tuple[str, ...], BeforeValidator(_sorted)]
Labels = dict[str, str | list[str]]


class Metric(Part):
    """What a metric trigger asks, and when the answer counts."""

    name: Literal["lateness", "duration", "successes"] = Field(description="The metric.")
    threshold: float = Field(description="What it is compared with.")
    operator: Literal["<", "<=", ">", ">="] = Field(description="How it is compared.")
    range: Annotated[Seconds, Field(ge=SHORTEST_METRIC)] = Field(default=300.0, description="Seconds to look back.")
    firing_for: Annotated[Seconds, Field(ge=SHORTEST_METRIC)] = Field(
        default=300.0, description="Seconds for which it must hold."
    )


class Condition(Part):
    """When something fires: an event or its absence, a metric, or several conditions."""

    type: Literal["event", "metric", "compound", "sequence"] = Field(
        default="event", description="Left out: told by the other keys, as Prefect does."
    )
    match: Labels = Field(default_factory=dict, description="Labels of the event's resource, with wildcards.")
    match_related: Labels | list[Labels] = Field(default_factory=dict, description="Labels of related resources.")
    after: Set = Field(default=(), description="Events that must have come first.")
    expect: Set = Field(default=(), description="Events that are waited for, with wildcards; any when left out.")
    for_each: Set = Field(default=(), description="Labels for each value of which it is evaluated apart.")
    posture: Literal["Reactive", "Proactive", "Metric"] = Field(
        default="Reactive", description="Reactive: fires at events; Proactive: at their absence."
    )
    threshold: int = Field(default=1, description="How many events.")
    within: Seconds | None = Field(default=None, description="Seconds in which they come; a Proactive one's least: 10.")
    metric: Metric | None = Field(default=None, description="Prefect Cloud only: what is measured.")
    triggers: tuple[Condition, ...] = Field(default=(), description="The conditions of a compound or a sequence.")
    require: int | Literal["any", "all"] | None = Field(default=None, description="Compound only: how many must fire.")

    @model_validator(mode="before")
    @classmethod
    def _kind(cls, given: Any) -> Any:
        """By the rules of Prefect's `deployment_trigger_discriminator`, and with the defaults of each kind."""
        if not isinstance(given, Mapping):
            return given
        if given.get("posture") == "Metric":
            inferred = "metric"
        elif "triggers" in given:
            inferred = "compound" if "require" in given else "sequence"
        else:
            inferred = "event"
        given = {"type": inferred, **given}
        match given["type"]:
            case "metric":
                return {"posture": "Metric", **given}
            case "event" if given.get("posture") == "Proactive" and (
                given.get("within") is None or given["within"] == 0
            ):
                return {**given, "within": SHORTEST_PROACTIVE}
            case "event" if given.get("within") is None:
                return {**given, "within": 0.0}
        return given

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        allowed = _OF_KIND[self.type]
        if strange := sorted((self.model_fields_set & _CONDITION) - {"type"} - allowed):
            raise ValueError(f"a trigger of type {self.type} has no {', '.join(strange)}; it has: {', '.join(allowed)}")
        if (self.type == "metric") is not (self.posture == "Metric"):
            raise ValueError("the posture Metric goes with the type metric, and no other")
        if self.type == "metric" and self.metric is None:
            raise ValueError("a trigger of type metric needs `metric`")
        if self.posture == "Proactive" and (self.within or 0) < SHORTEST_PROACTIVE:
            raise ValueError("`within` of a Proactive trigger is 10 seconds or more")
        if (
            self.type == "event"
            and self.posture == "Reactive"
            and not (self.expect or self.match or self.match_related)
        ):
            # Seen on a real server: it was busy with this one trigger until its events became too long to be read.
            raise ValueError("any event at all would fire it: it would fire at its own firing, for ever; say `expect`")
        if self.type in {"compound", "sequence"} and not self.triggers:
            raise ValueError(f"a trigger of type {self.type} needs `triggers`")
        if self.type == "compound":
            if self.require is None:
                raise ValueError("a trigger of type compound needs `require`: any, all or a number")
            if isinstance(self.require, int) and not 1 <= self.require <= len(self.triggers):
                raise ValueError(f"`require` is from 1 to the number of triggers, {len(self.triggers)}")
        return self

    def condition(self) -> dict[str, Any]:
        """As Prefect's API has it."""
        body = {
            key: value for key, value in self.model_dump(mode="json").items() if key in {"type", *_OF_KIND[self.type]}
        }
        if "triggers" in body:
            body["triggers"] = [inner.condition() for inner in self.triggers]
        return body


class Trigger(Condition):
    """A condition, with the automation that it makes and what the deployment is run with."""

    name: str | None = Field(default=None, min_length=1, description="Of the automation; made of the deployment's.")
    description: str = Field(default="", description="Of the automation; shown in the UI.")
    enabled: bool = Field(default=True, description="A disabled trigger never fires.")
    parameters: dict[str, Any] | None = Field(
        default=None, description="Over the deployment's own; texts may be templates, such as {{ event.id }}."
    )
    job_variables: dict[str, Any] | None = Field(default=None, description="Over the deployment's own.")
    schedule_after: Seconds = Field(default=0.0, description="Seconds to wait before the run.")

    def body(self, deployment_id: str, owner: str) -> dict[str, Any]:
        """The automation as the API takes it."""
        run = {
            "type": "run-deployment",
            "source": "selected",
            "deployment_id": deployment_id,
            "parameters": self.parameters,
            "job_variables": self.job_variables,
            "schedule_after": self.schedule_after,
        }
        return {
            "name": self.name,
            "description": self.description,
            "enabled": self.enabled,
            "tags": [tag(owner)],
            "trigger": self.condition(),
            "actions": [run],
            "actions_on_trigger": [],
            "actions_on_resolve": [],
        }


def named(given: Iterable[Trigger], deployment: str) -> tuple[Trigger, ...]:
    """With the names that `prefect deploy` gives those without one. Raises: ValueError: two of one name."""
    triggers = tuple(
        trigger if trigger.name else trigger.model_copy(update={"name": f"{deployment}{MADE_BY_PREFECT}{n}"})
        for n, trigger in enumerate(given, 1)
    )
    names = [str(trigger.name) for trigger in triggers]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two triggers of one name: {', '.join(repeated)}")
    return triggers


def tag(owner: str) -> str:
    """What the triggers' automations carry, for people and for an `up` that was killed."""
    return f"{OWNER_LABEL}:{owner}"


def comparable(condition: Mapping[str, Any]) -> dict[str, Any]:
    """The server's form of a condition, without the ids that it gives anew with each write.

    What it has as sets in one order: each process of a server tells them in another, and so do two of its replicas.
    """
    plain = {key: value for key, value in condition.items() if key != "id"}
    plain |= {key: sorted(plain[key], key=str) for key in _SETS & plain.keys() if isinstance(plain[key], list | tuple)}
    if "triggers" in plain:
        plain["triggers"] = [comparable(inner) for inner in plain["triggers"]]
    return plain
