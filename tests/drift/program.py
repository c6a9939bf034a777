"""The areas of the program on a server that is there already, but for what the Docker engine would make."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pulumi

from infra.components import area as areas
from infra.components.naming import Naming
from infra.components.outputs import stack_outputs
from infra.components.stack_config import declared_stack
from infra.resources import Provider

stack = declared_stack()
on_engine: Any = areas
nothing = {"Volume": lambda *_, **__: None, "VolumeLabelArgs": lambda **_: None, "Container": object}
on_engine.docker = SimpleNamespace(**nothing)
on_engine.process_workers = lambda *_: []
url = os.environ["TEST_PREFECT_API_URL"]
provider = Provider("prefect", api_url=url)
server: Any = SimpleNamespace(
    child_options=lambda parent: pulumi.ResourceOptions(parent=parent, provider=provider),
    api_url=url,
    ui_url=url,
    auth_string=None,
)
platform: Any = SimpleNamespace(
    stack=stack,
    naming=Naming(stack.project, stack.stack),
    images=SimpleNamespace(build=lambda *_: None),
    secret=lambda _: None,
)
made = [areas.Area(each, platform, server) for each in stack.areas]
for name, value in stack_outputs(stack, server, made, []).items():
    pulumi.export(name, value)
