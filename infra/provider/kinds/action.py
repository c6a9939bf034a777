"""What an automation does when it fires: the server's actions, told apart by their `type`.

The server leaves out what an action doesn't have, without a word, and guesses one that doesn't say its type. The forms
are those of `prefect.server.events.actions`, which is not imported: that takes seconds (a test holds ours against it).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from infra.provider.kinds import templates
from infra.provider.kinds.part import Part
from infra.provider.kinds.trigger import Seconds, seconds
from infra.provider.nearness import near
from infra.provider.wire import UNKNOWN

States = Literal[
    "SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "PAUSED", "CANCELLING"
]


def _is_template(text: str) -> str:
    if reason := templates.wrong(text):
        raise ValueError(reason)
    return text


def _templates_inside(parameters: dict[str, Any]) -> dict[str, Any]:
    details = [
        InitErrorDetails(type=PydanticCustomError("template", "{text}", {"text": reason}), loc=place, input=None)
        for place, reason in templates.wrong_ones(parameters)
    ]
    if details:
        raise ValidationError.from_exception_data("parameters", details)
    return parameters


Template = Annotated[str, AfterValidator(_is_template)]
Parameters = Annotated[dict[str, Any], AfterValidator(_templates_inside)]


class Action(Part):
    type: str


class Selecting(Action):
    """One that acts on an object: on a selected one, or on that of the event."""

    selects: ClassVar[str]
    source: Literal["selected", "inferred"] = "selected"

    @model_validator(mode="after")
    def _selected(self) -> Self:
        given = getattr(self, self.selects) is not None
        if self.source == "selected" and not given:
            raise ValueError(f"needs `{self.selects}`: it acts on the selected one; or say `source: inferred`")
        if self.source == "inferred" and given:
            raise ValueError(f"`{self.selects}` goes with `source: selected`")
        return self


class OnDeployment(Selecting):
    selects = "deployment_id"
    deployment_id: UUID | None = None


class RunDeployment(OnDeployment):
    parameters: Parameters | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: Seconds = 0.0


class OnWorkPool(Selecting):
    selects = "work_pool_id"
    work_pool_id: UUID | None = None


class OnWorkQueue(Selecting):
    selects = "work_queue_id"
    work_queue_id: UUID | None = None


class OnAutomation(Selecting):
    selects = "automation_id"
    automation_id: UUID | None = None


class ChangeFlowRunState(Action):
    state: States
    name: str | None = None
    message: str | None = None
    force: bool = False


class SendNotification(Action):
    block_document_id: UUID
    body: Template
    subject: Template = ""


class CallWebhook(Action):
    block_document_id: UUID
    payload: Any = ""  # what is no text is sent as JSON

    @field_validator("payload")
    @classmethod
    def _if_it_is_a_text(cls, payload: Any) -> Any:
        return _is_template(payload) if isinstance(payload, str) else payload


FORMS: Final[Mapping[str, type[Action]]] = {
    "do-nothing": Action,
    "run-deployment": RunDeployment,
    "pause-deployment": OnDeployment,
    "resume-deployment": OnDeployment,
    "cancel-flow-run": Action,
    "delete-flow-run": Action,
    "suspend-flow-run": Action,
    "resume-flow-run": Action,
    "change-flow-run-state": ChangeFlowRunState,
    "pause-work-queue": OnWorkQueue,
    "resume-work-queue": OnWorkQueue,
    "pause-work-pool": OnWorkPool,
    "resume-work-pool": OnWorkPool,
    "pause-automation": OnAutomation,
    "resume-automation": OnAutomation,
    "send-notification": SendNotification,
    "call-webhook": CallWebhook,
}


def check(given: Mapping[str, Any]) -> None:
    """Raises: ValueError: the server has no such action, or would guess or drop a part of it."""
    named = given.get("type")
    if named is UNKNOWN:
        return
    if named is None:
        raise ValueError(f"needs a `type`: there are: {', '.join(FORMS)}")
    if not isinstance(named, str) or named not in FORMS:
        told = PydanticCustomError("action", "{text}", {"text": f"there is no such action: {near(str(named), FORMS)}"})
        raise ValidationError.from_exception_data("action", [InitErrorDetails(type=told, loc=("type",), input=named)])
    FORMS[named].model_validate(given)


def without_nulls(given: Mapping[str, Any]) -> dict[str, Any]:
    """A null says nothing here, which is what the server has for each key but those inside of parameters."""
    return {key: value for key, value in given.items() if value is not None}


def sent(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the server tells it again."""
    whole = without_nulls(given)
    with suppress(ValueError):
        whole |= {key: seconds(value) for key, value in whole.items() if key == "schedule_after"}
    return whole
