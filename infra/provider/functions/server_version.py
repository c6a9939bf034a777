"""Which release of Prefect a server runs."""

from __future__ import annotations

import asyncio
from typing import Final

from pydantic import Field

from infra.provider.api import Api
from infra.provider.errors import ProviderError
from infra.provider.functions.function import Arguments, Function, Result

PATIENCE_SECONDS: Final = 5.0
"""A preview can do without the answer: a server that is being started, or is down, doesn't hold it up for longer."""


class ServerVersionArguments(Arguments):
    pass


class ServerVersionResult(Result):
    version: str | None = Field(default=None, description="Such as 3.8.8; none where no answer came in time.")
    reason: str | None = Field(default=None, description="Why none came.")


class GetServerVersion(Function[ServerVersionArguments]):
    """Asks the server which release of Prefect it runs. That no answer comes within seconds is an answer, too."""

    token = "prefect:index:getServerVersion"  # noqa: S105  # a function's token
    arguments = ServerVersionArguments
    result = ServerVersionResult

    async def call(self, api: Api, given: ServerVersionArguments) -> ServerVersionResult:
        del given
        try:
            # `/version` is the form of the API, for years the same; this is the package (server/api/admin.py, 3.8.8).
            answer = await asyncio.wait_for(api.get("admin/version"), PATIENCE_SECONDS)
        except TimeoutError:
            return ServerVersionResult(reason=f"{api.url}: no answer within {PATIENCE_SECONDS:.0f} s")
        except ProviderError as error:
            return ServerVersionResult(reason=str(error))
        if not isinstance(answer, str):
            return ServerVersionResult(reason=f"{api.url}: admin/version answers no text")
        return ServerVersionResult(version=answer)
