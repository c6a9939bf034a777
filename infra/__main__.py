"""A Prefect platform, as its stack file declares it: a server, its areas, and the profiles to reach it by."""

from __future__ import annotations

import pulumi

from infra.components.area import Area
from infra.components.autoscaler import autoscaler
from infra.components.backups import backups
from infra.components.existing_server import ExistingServer
from infra.components.image import ImageBuilder
from infra.components.importing import import_what_is_there
from infra.components.janitor import janitor
from infra.components.naming import Naming
from infra.components.outputs import stack_outputs
from infra.components.platform import Platform
from infra.components.profiles import register_profiles
from infra.components.remote_host import base_first, check_engine
from infra.components.running_version import check_running_version
from infra.components.runtimes import runtime_of
from infra.components.server import Server
from infra.components.shared_objects import shared_objects
from infra.components.stack_config import declared_stack, secret
from infra.toolchain.facts import read_facts


def main() -> None:
    import_what_is_there()
    stack = declared_stack()
    check_engine(stack)
    naming = Naming(stack.project, stack.stack)
    registry = stack.swarm.registry if stack.swarm else None
    facts = read_facts(stack.root)
    before = base_first(facts.base_image, facts.docker.host, stack.host) if stack.host else None
    images = ImageBuilder(stack.root, facts.base_image, registry, before)
    platform = Platform(
        stack=stack,
        naming=naming,
        images=images,
        runtime=runtime_of(stack, naming, images),
        secret=secret,
    )
    api_url = stack.server.api_url
    server = ExistingServer(platform, api_url) if api_url is not None else Server(platform)
    check_running_version(stack, server)
    shared_objects(stack, server)
    areas = [Area(area, platform, server) for area in stack.areas]
    autoscaler(platform, server)
    janitor(platform, server)
    backups(platform, server)
    profiles = register_profiles(stack, server)
    for name, value in stack_outputs(stack, server, areas, profiles).items():
        pulumi.export(name, value)


main()
