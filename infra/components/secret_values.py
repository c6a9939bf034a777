"""Values of a stack's top-level secrets, where the model has made sure that they are there."""

from __future__ import annotations

import pulumi

from infra.components.platform import Platform
from infra.model import SecretRef


def required(platform: Platform, ref: SecretRef) -> pulumi.Output[str]:
    value = platform.secret(ref.secret)
    if value is None:
        raise pulumi.RunError(f"the stack has no secret {ref.secret!r}: pulumi config set --secret")
    return pulumi.Output.secret(value)
