"""What all parts of one stack's platform share: the declaration, the names, the images, the runtime, the secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from infra.components.image import ImageBuilder
from infra.components.naming import Naming
from infra.components.runtime import Runtime
from infra.model import Stack


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Passed down, never looked up: no component knows of a global."""

    stack: Stack
    naming: Naming
    images: ImageBuilder
    runtime: Runtime
    secret: Callable[[str], pulumi.Output[str] | None]
    """The value of a top-level secret key of the stack, None where there is none."""
