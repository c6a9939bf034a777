"""Looking up variables."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from infra.provider.api import Api
from infra.provider.functions.absent import not_there
from infra.provider.functions.function import Arguments, Function, Result
from infra.provider.listing import first


class VariableArguments(Arguments):
    name: str = Field(min_length=1, description="The variable's name.")


class VariableResult(Result):
    name: str = Field(description="Unique on the server.")
    value: Any = Field(description="Anything that JSON has.")
    tags: tuple[str, ...] = Field(description="To find it by.")
    variable_id: str = Field(description="The server's UUID.")


class GetVariable(Function[VariableArguments]):
    """Looks up a variable by its name. Prefect keeps variables in plain: what is secret belongs into a block."""

    token = "prefect:index:getVariable"  # noqa: S105  # a function's token
    arguments = VariableArguments
    result = VariableResult

    async def call(self, api: Api, given: VariableArguments) -> VariableResult:
        variables = api.listing("variables/filter", "name")
        row = await variables.search(
            first(lambda variable: variable["name"] == given.name),
            lambda: api.get_or_none(f"variables/name/{given.name}"),
        )
        if row is None:
            raise not_there("variable", given.name, await variables.rows())
        return VariableResult(
            **{key: row[key] for key in ("name", "value")}, tags=row["tags"] or (), variable_id=row["id"]
        )
