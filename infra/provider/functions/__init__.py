"""The functions that the provider serves: look-ups, for what a stack uses and doesn't make."""

from __future__ import annotations

from typing import Any, Final

from infra.provider.functions.block import GetBlock
from infra.provider.functions.deployment import GetDeployment
from infra.provider.functions.function import Function
from infra.provider.functions.server_version import GetServerVersion
from infra.provider.functions.variable import GetVariable
from infra.provider.functions.work_pool import GetDefaultBaseJobTemplate, GetWorkPool

FUNCTIONS: Final[tuple[Function[Any], ...]] = (
    GetWorkPool(),
    GetDefaultBaseJobTemplate(),
    GetDeployment(),
    GetBlock(),
    GetVariable(),
    GetServerVersion(),
)
