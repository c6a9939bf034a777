"""What a function has to say for itself; `infra.provider.invocation` does the rest.

A function looks something up and changes nothing. Like a kind it is pure declaration and plain HTTP calls, and its
names are those of Prefect's API.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from infra.provider.api import Api


class Arguments(BaseModel):
    """What a user asks with."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Result(BaseModel):
    """What comes back."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def properties(self) -> dict[str, Any]:
        """As they go to the program: an optional one without a value is left out."""
        fields = type(self).model_fields
        values = self.model_dump(mode="json")
        return {key: value for key, value in values.items() if value is not None or fields[key].is_required()}


MANAGED_BY: Any = Field(
    default=None, description="The stack, `<project>/<stack>`, that made it; none for what was made by hand."
)

A = TypeVar("A", bound=Arguments)


class Function(ABC, Generic[A]):
    """One function. Its class docstring is its published description."""

    token: ClassVar[str]
    arguments: type[A]
    result: ClassVar[type[Result]]
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Properties of the result that are secret, however they were asked for."""

    @abstractmethod
    async def call(self, api: Api, given: A) -> Result:
        """Raises: infra.provider.errors.ProviderError; `absent.not_there` makes the one for what doesn't exist."""
