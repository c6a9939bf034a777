"""Look-ups of what a stack uses and doesn't make.

Each comes in two forms. The plain one takes plain values and answers at once: for objects that exist before the
program runs. The one called `..._output` takes outputs too, waits for what it depends on, and is unknown in a preview
for as long as that is: for objects, or servers, that the same `up` makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pulumi

from infra.resources.deployment import Schedule

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class GetWorkPoolResult:
    """A work pool as the server has it."""

    name: str
    type: str
    description: str | None = None
    concurrency_limit: int | None = None
    """Runs at once; None where there is no limit."""
    is_paused: bool
    base_job_template: Mapping[str, Any]
    """Empty until a worker fills in its type's default."""
    work_pool_id: str
    """The server's UUID: another one means that the pool was made anew."""
    managed_by: str | None = None
    """The stack that made it, `<project>/<stack>`."""


@dataclass(frozen=True, kw_only=True)
class GetDefaultBaseJobTemplateResult:
    """What a new pool of a worker type starts with."""

    worker_type: str
    base_job_template: Mapping[str, Any]
    """`job_configuration`, and the JSON schema of its `variables`."""


@dataclass(frozen=True, kw_only=True)
class GetDeploymentResult:
    """A deployment as the server has it, but for its job variables and pull steps, which may hold credentials."""

    name: str
    flow_name: str
    entrypoint: str | None = None
    description: str | None = None
    version: str | None = None
    path: str | None = None
    tags: Sequence[str]
    parameters: Mapping[str, Any]
    parameter_openapi_schema: Mapping[str, Any] | None = None
    enforce_parameter_schema: bool
    work_pool_name: str | None = None
    """None when the pool was deleted."""
    work_queue_name: str | None = None
    paused: bool
    concurrency_limit: int | None = None
    """Runs at once; None where there is no limit."""
    schedules: Sequence[Schedule]
    deployment_id: str
    flow_id: str
    schedule_ids: Mapping[str, str]
    """The schedules' UUIDs by slug."""
    managed_by: str | None = None
    """The stack that made it, `<project>/<stack>`."""


@dataclass(frozen=True, kw_only=True)
class GetBlockResult:
    """A block. Its data is a secret output in both forms: as a plain value it would lose its mark."""

    name: str
    type_slug: str
    data: pulumi.Output[Mapping[str, Any]]
    block_document_id: str


@dataclass(frozen=True, kw_only=True)
class GetVariableResult:
    """A variable. Prefect keeps its value in plain."""

    name: str
    value: Any
    """Anything that JSON has."""
    tags: Sequence[str]
    variable_id: str


@dataclass(frozen=True, kw_only=True)
class GetServerVersionResult:
    """Which release of Prefect a server runs."""

    version: str | None = None
    """None where no answer came within seconds."""
    reason: str | None = None
    """Why none came."""


def get_work_pool(name: str, *, opts: pulumi.InvokeOptions | None = None) -> GetWorkPoolResult:
    """A work pool by its name. Raises: pulumi.RunError: there is none, and which was probably meant."""
    return _now("getWorkPool", {"name": name}, GetWorkPoolResult, opts)


def get_work_pool_output(
    name: pulumi.Input[str], *, opts: pulumi.InvokeOutputOptions | None = None
) -> pulumi.Output[GetWorkPoolResult]:
    """A work pool by its name. Where there is none, the output fails and says which was probably meant."""
    return _later("getWorkPool", {"name": name}, GetWorkPoolResult, opts)


def get_default_base_job_template(
    worker_type: str, *, opts: pulumi.InvokeOptions | None = None
) -> GetDefaultBaseJobTemplateResult:
    """The server's job template for a worker type: docker, … Raises: pulumi.RunError: it knows no such type."""
    arguments = {"worker_type": worker_type}
    return _now("getDefaultBaseJobTemplate", arguments, GetDefaultBaseJobTemplateResult, opts)


def get_default_base_job_template_output(
    worker_type: pulumi.Input[str], *, opts: pulumi.InvokeOutputOptions | None = None
) -> pulumi.Output[GetDefaultBaseJobTemplateResult]:
    """The server's job template for a worker type: process, docker, … The output fails where it knows no such type."""
    arguments = {"worker_type": worker_type}
    return _later("getDefaultBaseJobTemplate", arguments, GetDefaultBaseJobTemplateResult, opts)


def get_deployment(
    name: str | None = None,
    *,
    flow_name: str | None = None,
    deployment_id: str | None = None,
    opts: pulumi.InvokeOptions | None = None,
) -> GetDeploymentResult:
    """A deployment by `flow/deployment`, by its name and `flow_name`, or by its UUID.

    Raises: pulumi.RunError: there is none, and which was probably meant.
    """
    arguments = {"name": name, "flow_name": flow_name, "deployment_id": deployment_id}
    return _now("getDeployment", arguments, GetDeploymentResult, opts)


def get_deployment_output(
    name: pulumi.Input[str] | None = None,
    *,
    flow_name: pulumi.Input[str] | None = None,
    deployment_id: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[GetDeploymentResult]:
    """A deployment by `flow/deployment`, by its name and `flow_name`, or by its UUID.

    Where there is none, the output fails and says which was probably meant.
    """
    arguments = {"name": name, "flow_name": flow_name, "deployment_id": deployment_id}
    return _later("getDeployment", arguments, GetDeploymentResult, opts)


def get_block(
    type_slug: str | None = None,
    name: str | None = None,
    *,
    block_document_id: str | None = None,
    opts: pulumi.InvokeOptions | None = None,
) -> GetBlockResult:
    """A block by its type, such as `secret`, and its name, or by its UUID. Raises: pulumi.RunError: there is none."""
    arguments = {"type_slug": type_slug, "name": name, "block_document_id": block_document_id}
    return _now("getBlock", arguments, GetBlockResult, opts)


def get_block_output(
    type_slug: pulumi.Input[str] | None = None,
    name: pulumi.Input[str] | None = None,
    *,
    block_document_id: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOutputOptions | None = None,
) -> pulumi.Output[GetBlockResult]:
    """A block by its type, such as `secret`, and its name, or by its UUID. All of the result is a secret."""
    arguments = {"type_slug": type_slug, "name": name, "block_document_id": block_document_id}
    return _later("getBlock", arguments, GetBlockResult, opts)


def get_variable(name: str, *, opts: pulumi.InvokeOptions | None = None) -> GetVariableResult:
    """A variable by its name. Raises: pulumi.RunError: there is none, and which was probably meant."""
    return _now("getVariable", {"name": name}, GetVariableResult, opts)


def get_variable_output(
    name: pulumi.Input[str], *, opts: pulumi.InvokeOutputOptions | None = None
) -> pulumi.Output[GetVariableResult]:
    """A variable by its name. Where there is none, the output fails and says which was probably meant."""
    return _later("getVariable", {"name": name}, GetVariableResult, opts)


def get_server_version(*, opts: pulumi.InvokeOptions | None = None) -> GetServerVersionResult:
    """Which release of Prefect the provider's server runs; without one where it doesn't answer within seconds."""
    return _now("getServerVersion", {}, GetServerVersionResult, opts)


def get_server_version_output(
    *, opts: pulumi.InvokeOutputOptions | None = None
) -> pulumi.Output[GetServerVersionResult]:
    """Which release of Prefect the provider's server runs; without one where it doesn't answer within seconds."""
    return _later("getServerVersion", {}, GetServerVersionResult, opts)


def _now(function: str, arguments: Mapping[str, Any], of: type[R], opts: pulumi.InvokeOptions | None) -> R:
    try:
        found = pulumi.runtime.invoke(f"prefect:index:{function}", arguments, opts).value
    except Exception as error:  # Pulumi raises nothing narrower
        raise _failed(error) from error
    if not found:
        # What Pulumi answers for a provider whose settings are outputs of what is still to be made.
        raise pulumi.RunError(f"{function}: its server or arguments aren't known yet: use the form called `..._output`")
    return _result(of, found)


def _later(
    function: str, arguments: Mapping[str, Any], of: type[R], opts: pulumi.InvokeOutputOptions | None
) -> pulumi.Output[R]:
    found = pulumi.runtime.invoke_output(f"prefect:index:{function}", arguments, opts).recover(_fail)
    return found.apply(lambda properties: _result(of, properties) if properties else _unknown())


def _fail(error: Exception) -> Any:
    raise _failed(error) from error


def _failed(error: Exception) -> pulumi.RunError:
    """What Pulumi shows as it stands, where it shows a traceback of any other."""
    return pulumi.RunError(str(error).rpartition(" returned an error: ")[2])


def _result(of: type[R], found: Mapping[str, Any]) -> R:
    if of is GetBlockResult:
        found = {**found, "data": pulumi.Output.secret(found["data"])}
    return of(**found)


def _unknown() -> pulumi.Output[Any]:
    return pulumi.Output(set(), _soon(None), _soon(False))


async def _soon(value: R) -> R:
    return value
