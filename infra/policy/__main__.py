"""The pack as Pulumi's engine runs it: one policy for each rule that resources can break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from infra.model.rules import Rule, coherence, containers, times
from infra.model.rules import credentials as credential_rules
from infra.policy.resources import OF_TYPE, of_stack

_OF_RESOURCES: Final = (
    coherence.RESERVED_NAME,
    coherence.DESCRIPTIVE_NAME,
    coherence.FEW_WORDS,
    times.UTC,
    times.UNKNOWN_TIMEZONE,
    times.BAD_CRON,
    times.NEVER_FIRES,
    *credential_rules.RULES,
    *containers.RULES,
)


def _resource_policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        of_type = OF_TYPE.get(args.resource_type)
        for violation in of_type(_known(args.props)) if of_type else ():
            if violation.rule is rule:
                report(_told(rule, violation.message), None)

    return ResourceValidationPolicy(
        name=rule.name, description=rule.meaning, validate=validate, enforcement_level=_level(rule)
    )


def _pool_coherence() -> StackValidationPolicy:
    rule = coherence.POOL_COHERENCE

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [(each.urn, each.resource_type, _known(each.props)) for each in args.resources]
        for urn, violation in of_stack(resources):
            report(_told(rule, violation.message), urn)

    return StackValidationPolicy(
        name=rule.name, description=rule.meaning, validate=validate, enforcement_level=_level(rule)
    )


def _level(rule: Rule) -> EnforcementLevel:
    return EnforcementLevel.MANDATORY if rule.severity == "error" else EnforcementLevel.ADVISORY


def _told(rule: Rule, message: str) -> str:
    return f"{rule.code} {message}. {rule.mending}"


def _known(props: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values, None for what a preview doesn't know: what is known is judged all the same."""
    return {key: _value(props, key) for key in props}


def _value(container: Any, key: Any) -> Any:
    try:
        value = container[key]
    except UnknownValueError:
        return None
    if isinstance(value, Mapping):
        return _known(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_value(value, index) for index in range(len(value))]
    return value


if __name__ == "__main__":
    PolicyPack("prefect-infra", [*map(_resource_policy, _OF_RESOURCES), _pool_coherence()])
