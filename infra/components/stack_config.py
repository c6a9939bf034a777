"""The stack file, as Pulumi hands it to the program: read, checked as a whole, and refused in plain words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from infra.model import Stack, check_stack
from infra.model.excerpts import Excerpts


def declared_stack() -> Stack:
    """What the current stack declares.

    Raises:
        pulumi.RunError: all errors, by file, line and key; nothing was made. Warnings are logged.

    """
    namespace = f"{pulumi.get_project()}:"
    raw: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    # Pulumi has no public way to list a stack's keys, only to ask for one.
    for key, text in {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}.items():
        if not key.startswith(namespace):
            continue
        name = key.removeprefix(namespace)
        if runtime_config.is_config_secret(key):
            secrets[name] = text  # certificates and addresses among them are looked at, and shown to nobody
        else:
            raw[name] = _value(text)
    report = check_stack(
        raw,
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
        root=root(),
        secrets=set(secrets),
        open_=secrets.get,
    )
    excerpts = Excerpts(root(), report.findings)
    for warning in report.warnings:
        pulumi.log.warn(excerpts.told(warning))
    if report.stack is None:
        raise pulumi.RunError("\n".join(map(excerpts.told, report.errors)))
    return report.stack


def root() -> Path:
    """The checkout: Pulumi runs the program in `infra/`."""
    return Path.cwd().parent


def secret(name: str) -> pulumi.Output[str] | None:
    """The value of a top-level secret key, still encrypted for everybody else; None where there is none."""
    return pulumi.Config().get_secret(name)


def _value(text: str) -> Any:
    """Structured values come as JSON, plain ones as they are: `true` and `3` read the same either way."""
    try:
        return json.loads(text)
    except ValueError:
        return text
