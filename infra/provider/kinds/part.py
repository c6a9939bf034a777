"""A part of a resource's inputs that has keys of its own, and tells what was probably meant by one that it hasn't."""

from __future__ import annotations

from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from infra.provider.nearness import near

NO_SUCH_KEY: Final = "no_such_key"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _with_what_was_meant(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(given)
        except ValidationError as error:
            items = error.errors(include_url=False)
            raise ValidationError.from_exception_data(cls.__name__, [cls._told(item) for item in items]) from error

    @classmethod
    def _told(cls, item: Any) -> InitErrorDetails:
        kind, text = item["type"], item["msg"]
        if kind == "extra_forbidden" and len(item["loc"]) == 1:
            kind, text = NO_SUCH_KEY, f"no such property: {near(str(item['loc'][0]), cls.model_fields)}"
        # As a type of its own, since that is how one is made again of what is told of it.
        remade = PydanticCustomError(kind, "{text}", {**item.get("ctx", {}), "text": text})
        return InitErrorDetails(type=remade, loc=item["loc"], input=item["input"])
