"""Spares a program what Pulumi's SDK does for each resource, and that costs more than the resource itself.

Measured with a thousand deployments that don't change: of 17 s of an `up`, the first two were 7.

- **Debug messages.** Four for each resource, each a call to the engine that all else in the program waits for. The
  engine drops them unless it runs with `--debug`, which a program isn't told: PREFECT_INFRA_SDK_DEBUG=1 has them sent.
  What a program itself logs is not touched.
- **Waiting.** At its end a program waits for its registrations, one after the other. But those that were made last
  have not begun by then, so that the SDK takes it that there are none, and waits for all outputs of all resources at
  once, anew whenever one of them is there: that is quadratic. One thing to wait for is enough for the others to begin.
- **Types.** What types a class's outputs have is found out from its annotations, for each resource of the class again:
  a sixth of a program's time.
- **Rubbish.** Python looks for it after each 700 objects, and nearly all of them live until the program's end: a tenth.
- **Stacks.** The state keeps all calls that have led to a resource: those of the SDK and of asyncio are a third of what
  a deployment has in there, with this machine's paths, and the whole state is written with each change.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pulumi._types
import pulumi.log
import pulumi.runtime.resource
import pulumi.runtime.rpc
import pulumi.runtime.rpc_manager
import pulumi.runtime.settings
import pulumi.runtime.stack
from pulumi.runtime.proto import source_pb2

SENT: Final = "PREFECT_INFRA_SDK_DEBUG"
COLLECTED_AFTER: Final = 200_000
"""Objects: megabytes."""
_TALKATIVE: Final[tuple[Any, ...]] = (
    pulumi.runtime.resource,
    pulumi.runtime.rpc,
    pulumi.runtime.rpc_manager,
    pulumi.runtime.stack,
)


class _WithoutDebug:
    """`pulumi.log` as the SDK's own modules see it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(pulumi.log, name)

    def debug(self, *message: Any, **about: Any) -> None:
        """Not sent."""


_types_of_class: Final = functools.cache(pulumi._types.resource_types)  # noqa: SLF001  # there is no public name
_whole_stack: Final = pulumi.runtime.resource._get_stack_trace  # noqa: SLF001  # likewise
_first_position: Final = pulumi.runtime.resource._get_source_position  # noqa: SLF001  # likewise


def _own_stack() -> source_pb2.StackTrace:
    """The calls within the program's folder; where it isn't there that a resource is made, the one that makes it."""
    frames, here = _whole_stack().frames, Path.cwd().as_uri()
    own = [frame for frame in frames if frame.pc.uri.startswith(f"{here}/")]
    # A comprehension is a call of its own, from the line that it is on.
    return source_pb2.StackTrace(frames=[frame for frame, _ in groupby(own or frames[:1])])


def _position(stack: source_pb2.StackTrace) -> source_pb2.SourcePosition | None:
    """Of the first call; a stack of that alone says it again, and goes."""
    position = _first_position(stack)
    if position is not None and len(stack.frames) == 1:
        del stack.frames[:]
    return position


def lighten(environ: Mapping[str, str] = os.environ) -> None:
    """To be called before a resource is made, as often as there are."""
    for module in _TALKATIVE if not environ.get(SENT) else ():
        if getattr(module, "log", None) is pulumi.log:
            module.log = _WithoutDebug()
    pulumi.runtime.resource._get_stack_trace = _own_stack  # noqa: SLF001  # likewise
    pulumi.runtime.resource._get_source_position = _position  # noqa: SLF001  # likewise
    pulumi._types.resource_types = _types_of_class  # noqa: SLF001  # likewise
    gc.set_threshold(COLLECTED_AFTER)
    waited_for = pulumi.runtime.settings._get_rpc_manager().rpcs  # noqa: SLF001  # likewise
    if not waited_for:
        waited_for.append(asyncio.ensure_future(asyncio.sleep(0)))


def given(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that were given: the SDK makes an output, with five futures, of each that is None as well."""
    return {name: value for name, value in properties.items() if value is not None}
