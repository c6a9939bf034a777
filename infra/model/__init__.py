"""What a stack may declare, checked as a whole before anything is called: no Pulumi, no network, no flow imported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from infra.model import loading, normalise, overlays, shape
from infra.model.collecting import Findings
from infra.model.errors import NAMESPACE, Finding, StackErrors
from infra.model.firing import next_runs, runs_between
from infra.model.stack import (
    Area,
    CheckoutCode,
    Code,
    Deployment,
    GitCode,
    ImageCode,
    Logging,
    Profile,
    Schedule,
    SecretRef,
    Server,
    Stack,
    Workers,
    WorkPool,
    WorkQueue,
)

__all__ = [
    "NAMESPACE",
    "Area",
    "CheckoutCode",
    "Code",
    "Deployment",
    "Finding",
    "GitCode",
    "ImageCode",
    "Logging",
    "Profile",
    "Schedule",
    "SecretRef",
    "Server",
    "Stack",
    "StackErrors",
    "WorkPool",
    "WorkQueue",
    "Workers",
    "load_stack",
    "load_stack_file",
    "next_runs",
    "runs_between",
]

DEFAULT_PROJECT = "prefect-infra"


def load_stack(raw: Mapping[str, Any], *, project: str, stack: str, root: Path, secrets: Collection[str] = ()) -> Stack:
    """The stack that Pulumi's configuration declares.

    Args:
        raw: Plain values by top-level key, without the namespace.
        project: The Pulumi project.
        stack: The Pulumi stack. Of a personal one, such as dev-ana, keys that `raw` lacks come from Pulumi.dev.yaml.
        root: The checkout, which entrypoints are relative to.
        secrets: Names of the top-level keys that are secret. Their values play no part.

    Raises:
        StackErrors: All that is wrong with it.

    """
    return _checked(loading.from_values(raw, secrets, root, stack), normalise.Identity(project, stack, root))


def load_stack_file(root: Path, stack: str) -> Stack:
    """The stack that its file declares, read without Pulumi.

    Raises:
        StackErrors: All that is wrong with it.

    """
    return _checked(loading.from_file(root, stack), normalise.Identity(DEFAULT_PROJECT, stack, root))


def _checked(sources: loading.Sources, identity: normalise.Identity) -> Stack:
    findings = Findings(sources)
    findings.add_files()
    as_written = shape.plain(sources.raw)
    composed = overlays.composed(as_written)
    findings.before(composed)
    given, places = shape.shaped(as_written, findings)
    normalise.known_environments(as_written, sources, findings)
    if composed.values != as_written:  # then what holds here is not what is written
        findings.follow(composed)
        given, places = shape.shaped(composed.values, findings)
    if given is None:
        findings.raise_if_any()
        raise AssertionError("a declaration without a shape and without a finding")
    stack = normalise.stack(given, identity, sources.secrets, places, findings)
    findings.raise_if_any()
    return stack
