"""The provider's resources and functions, as a Pulumi program in Python uses them.

This package isn't called `prefect`: Pulumi puts the program's folder first on the path of imports, where a folder of
that name would hide the real Prefect.
"""

from infra.resources.block import Block
from infra.resources.deployment import Condition, Deployment, Schedule, Trigger
from infra.resources.local import (
    CompletedRun,
    GeneratedSecret,
    HandedOver,
    HostPort,
    LocalCertificate,
    PidsLimit,
    Profile,
)
from infra.resources.lookups import (
    GetBlockResult,
    GetDefaultBaseJobTemplateResult,
    GetDeploymentResult,
    GetServerVersionResult,
    GetVariableResult,
    GetWorkPoolResult,
    get_block,
    get_block_output,
    get_default_base_job_template,
    get_default_base_job_template_output,
    get_deployment,
    get_deployment_output,
    get_server_version,
    get_server_version_output,
    get_variable,
    get_variable_output,
    get_work_pool,
    get_work_pool_output,
)
from infra.resources.provider import Provider
from infra.resources.rules import Automation, GlobalConcurrencyLimit, TagConcurrencyLimit, Variable
from infra.resources.swarm import EncryptionCheck, NodeImage, NodeVolume, PushedImage, SwarmService
from infra.resources.work_pool import StorageConfiguration, WorkPool, WorkQueue

__all__ = [
    "Automation",
    "Block",
    "CompletedRun",
    "Condition",
    "Deployment",
    "EncryptionCheck",
    "GeneratedSecret",
    "GetBlockResult",
    "GetDefaultBaseJobTemplateResult",
    "GetDeploymentResult",
    "GetServerVersionResult",
    "GetVariableResult",
    "GetWorkPoolResult",
    "GlobalConcurrencyLimit",
    "HandedOver",
    "HostPort",
    "LocalCertificate",
    "NodeImage",
    "NodeVolume",
    "PidsLimit",
    "Profile",
    "Provider",
    "PushedImage",
    "Schedule",
    "StorageConfiguration",
    "SwarmService",
    "TagConcurrencyLimit",
    "Trigger",
    "Variable",
    "WorkPool",
    "WorkQueue",
    "get_block",
    "get_block_output",
    "get_default_base_job_template",
    "get_default_base_job_template_output",
    "get_deployment",
    "get_deployment_output",
    "get_server_version",
    "get_server_version_output",
    "get_variable",
    "get_variable_output",
    "get_work_pool",
    "get_work_pool_output",
]
