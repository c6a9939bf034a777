"""What belongs to the whole server rather than to an area: variables, and limits over all pools."""

from __future__ import annotations

from infra.components.existing_server import ExistingServer
from infra.components.server import Server
from infra.model import Stack
from infra.resources import GlobalConcurrencyLimit, TagConcurrencyLimit, Variable


def shared_objects(stack: Stack, server: Server | ExistingServer) -> None:
    opts = server.child_options(server)
    for variable in stack.variables:
        Variable(variable.name, name=variable.name, value=variable.value, tags=list(variable.tags), opts=opts)
    for limit in stack.global_concurrency_limits:
        GlobalConcurrencyLimit(
            limit.name,
            name=limit.name,
            limit=limit.limit,
            active=limit.active,
            slot_decay_per_second=limit.slot_decay_per_second,
            opts=opts,
        )
    for tagged in stack.tag_concurrency_limits:
        TagConcurrencyLimit(tagged.tag, tag=tagged.tag, concurrency_limit=tagged.concurrency_limit, opts=opts)
