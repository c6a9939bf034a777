"""A stack's own word on the rules."""

from __future__ import annotations

from infra.model.rules.rule import Rule

UNKNOWN_RULE = Rule(
    code="PI901",
    name="unknown-rule",
    meaning="`rules` names a code or name that no rule has.",
    example="prefect-infra:rules: {PI999: {severity: warning, reason: se arregla en marzo}}",
    mending="`prefect-infra rules` lists them all.",
)
FIXED_RULE = Rule(
    code="PI902",
    name="fixed-rule",
    meaning="`rules` would turn down what protects correctness: a stack that breaks it can't work.",
    example="prefect-infra:rules: {utc: {severity: 'off', reason: el servidor está en Irlanda}}",
    mending="Mend what the rule found. The rules that can be turned down are marked in the list.",
)

RULES = (UNKNOWN_RULE, FIXED_RULE)
