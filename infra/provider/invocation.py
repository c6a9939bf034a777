"""What every function has in common: arguments checked, secrets kept, nothing asked for what is unknown still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from pydantic import BaseModel, ValidationError

from infra.provider.api import Api
from infra.provider.errors import InvalidArguments
from infra.provider.functions.function import A, Function
from infra.provider.nearness import near
from infra.provider.wire import Properties, holds_unknown, render


@dataclass(frozen=True)
class Invocation(Generic[A]):
    """One function, as the engine wants to use it: plain property values in and out."""

    function: Function[A]

    async def call(self, connect: Callable[[], Api], given: Properties) -> Properties | None:
        """The result; None while an argument is unknown, as in the preview of an `up` that will make it known.

        Raises: InvalidArguments: all that is wrong with them; ProviderError: the look-up failed.
        """
        if holds_unknown(given.values):
            return None
        try:
            arguments = self.function.arguments.model_validate(given.values)
        except ValidationError as error:
            told = "; ".join(_told(error, self.function.arguments))
            raise InvalidArguments(f"{self.function.token.rsplit(':', 1)[-1]}: {told}") from error
        result = (await self.function.call(connect(), arguments)).properties()
        # A result may well repeat what was asked with, so that a secret argument makes all of it secret.
        secret = result if given.secrets else self.function.secrets
        return Properties(result, frozenset((key,) for key in secret))


def _told(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """All of it in one text: programs in Python are shown only the first of several failures."""
    for item in error.errors(include_url=False, include_input=False):
        where, reason = render(item["loc"]), str(item["msg"]).removeprefix("Value error, ")
        match item["type"]:
            case "extra_forbidden":
                yield f"{where}: no such argument: {near(where, model.model_fields)}"
            case "missing":
                yield f"{where}: is required"
            case _:
                yield f"{where}: {reason}" if where else reason
