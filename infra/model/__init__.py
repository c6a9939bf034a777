"""What a stack may declare, checked as a whole before anything is called: no Pulumi, no network, no flow imported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.model import lint, loading, normalise, opened, overlays, shape, versions, weights
from infra.model.collecting import Findings, masked, weighed
from infra.model.errors import NAMESPACE, Finding, StackErrors
from infra.model.firing import next_runs, runs_between
from infra.model.stack import (
    Alerts,
    Area,
    Autoscale,
    Backup,
    CheckoutCode,
    Code,
    Database,
    Deployment,
    GitCode,
    GlobalConcurrencyLimit,
    ImageCode,
    Janitor,
    Limits,
    Logging,
    Profile,
    Proxy,
    Redis,
    RemoteHost,
    Scaled,
    Schedule,
    SecretRef,
    Server,
    Stack,
    Swarm,
    TagConcurrencyLimit,
    Tls,
    Variable,
    Workers,
    WorkPool,
    WorkQueue,
)

__all__ = [
    "NAMESPACE",
    "Alerts",
    "Area",
    "Autoscale",
    "Backup",
    "CheckoutCode",
    "Code",
    "Database",
    "Deployment",
    "Finding",
    "GitCode",
    "GlobalConcurrencyLimit",
    "ImageCode",
    "Janitor",
    "Limits",
    "Logging",
    "Profile",
    "Proxy",
    "Redis",
    "RemoteHost",
    "Report",
    "Scaled",
    "Schedule",
    "SecretRef",
    "Server",
    "Stack",
    "StackErrors",
    "Swarm",
    "TagConcurrencyLimit",
    "Tls",
    "Variable",
    "WorkPool",
    "WorkQueue",
    "Workers",
    "check_stack",
    "check_stack_file",
    "load_stack",
    "load_stack_file",
    "next_runs",
    "running_versions",
    "runs_between",
]

DEFAULT_PROJECT = "prefect-infra"


@dataclass(frozen=True)
class Report:
    """What came of a check: the stack, unless an error stands in its way, and all that there is to say."""

    stack: Stack | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    def stack_or_raise(self) -> Stack:
        if self.stack is None:
            raise StackErrors(self.errors)
        return self.stack


def check_stack(
    raw: Mapping[str, Any],
    *,
    project: str,
    stack: str,
    root: Path,
    secrets: Collection[str] = (),
    now: datetime | None = None,
    open_: opened.Open | None = None,
) -> Report:
    """Hold what Pulumi's configuration declares against all rules.

    Args:
        raw: Plain values by top-level key, without the namespace.
        project: The Pulumi project.
        stack: The Pulumi stack. Of a personal one, such as dev-ana, keys that `raw` lacks come from Pulumi.dev.yaml.
        root: The checkout, which entrypoints are relative to.
        secrets: Names of the top-level keys that are secret.
        now: When schedules that meet are looked for from.
        open_: Reads a secret's value, where that can be done: certificates and addresses are then looked at, too.

    """
    identity = normalise.Identity(project, stack, root)
    return _report(lambda: loading.from_values(raw, secrets, root, stack), identity, now, open_)


def check_stack_file(root: Path, stack: str, *, now: datetime | None = None) -> Report:
    """Hold what a stack's file declares against all rules, without Pulumi."""
    identity = normalise.Identity(DEFAULT_PROJECT, stack, root)
    return _report(lambda: loading.from_file(root, stack), identity, now)


def load_stack(raw: Mapping[str, Any], *, project: str, stack: str, root: Path, secrets: Collection[str] = ()) -> Stack:
    """The stack that Pulumi's configuration declares. Arguments: see `check_stack`.

    Raises:
        StackErrors: All that is wrong with it.

    """
    return check_stack(raw, project=project, stack=stack, root=root, secrets=secrets).stack_or_raise()


def load_stack_file(root: Path, stack: str) -> Stack:
    """The stack that its file declares, read without Pulumi.

    Raises:
        StackErrors: All that is wrong with it.

    """
    return check_stack_file(root, stack).stack_or_raise()


def running_versions(stack: Stack, answered: str) -> list[Finding]:
    """What clashes with the release of Prefect that the stack's server answered with, as the stack weighs its rules."""
    return weighed(versions.running(stack, answered), stack.weights)


def _report(
    load: Callable[[], loading.Sources],
    identity: normalise.Identity,
    now: datetime | None,
    open_: opened.Open | None = None,
) -> Report:
    try:
        sources = load()
        findings = Findings(sources)
        findings.add_files()
    except StackErrors as errors:
        return Report(None, tuple(map(masked, errors.findings)))
    as_written = shape.plain(sources.raw)
    lint.check_secrets(as_written, findings)
    composed = overlays.composed(as_written)
    findings.before(composed)
    given, places = shape.shaped(as_written, findings)
    normalise.known_environments(as_written, sources, findings)
    if composed.values != as_written:  # then what holds here is not what is written
        findings.follow(composed)
        given, places = shape.shaped(composed.values, findings)
    stack = None
    if given is not None:
        settled = weights.settled(given.rules, findings)
        findings.weigh(settled)
        stack = normalise.stack(given, identity, sources.secrets, places, findings).model_copy(
            update={"weights": settled}
        )
        findings.add_of_other_files(versions.declared(stack))
        lint.check(given, stack, places, findings, now or datetime.now(UTC))
        if open_ is not None:
            opened.check(given, stack, open_, findings, now or datetime.now(UTC))
    told = findings.all()
    if stack is None and not told:
        raise AssertionError("a declaration without a shape and without a finding")
    return Report(None if any(finding.severity == "error" for finding in told) else stack, told)
