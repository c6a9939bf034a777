"""The kinds of resources that the provider serves."""

from __future__ import annotations

from typing import Any, Final

from infra.provider.kinds.automation import Automation
from infra.provider.kinds.block import Block
from infra.provider.kinds.completed_run import CompletedRun
from infra.provider.kinds.concurrency_limit import GlobalConcurrencyLimit, TagConcurrencyLimit
from infra.provider.kinds.deployment import Deployment
from infra.provider.kinds.encryption_check import EncryptionCheck
from infra.provider.kinds.generated_secret import GeneratedSecret
from infra.provider.kinds.handed_over import HandedOver
from infra.provider.kinds.host_port import HostPort
from infra.provider.kinds.kind import Kind
from infra.provider.kinds.local_certificate import LocalCertificate
from infra.provider.kinds.node_image import NodeImage
from infra.provider.kinds.node_volume import NodeVolume
from infra.provider.kinds.pids_limit import PidsLimit
from infra.provider.kinds.profile import Profile
from infra.provider.kinds.pushed_image import PushedImage
from infra.provider.kinds.swarm_service import SwarmService
from infra.provider.kinds.variable import Variable
from infra.provider.kinds.work_pool import WorkPool
from infra.provider.kinds.work_queue import WorkQueue

KINDS: Final[tuple[Kind[Any], ...]] = (
    WorkPool(),
    WorkQueue(),
    Deployment(),
    Block(),
    Variable(),
    GlobalConcurrencyLimit(),
    TagConcurrencyLimit(),
    Automation(),
    Profile(),
    HostPort(),
    GeneratedSecret(),
    PidsLimit(),
    CompletedRun(),
    HandedOver(),
    LocalCertificate(),
    PushedImage(),
    SwarmService(),
    NodeVolume(),
    NodeImage(),
    EncryptionCheck(),
)
