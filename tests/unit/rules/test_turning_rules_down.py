"""A stack may turn some rules down, if it says why; none that protects correctness."""

from __future__ import annotations

import pytest

from infra.model.rules import ALL, Rule
from tests.unit.rules.conftest import Check, codes

ONE = (
    "prefect-infra:areas: {ventas: {deployments: "
    "[{name: %s, entrypoint: 'flows/ventas/resumen_diario.py:resumen_diario'}]}}"
)


def rules(setting: str) -> str:
    return f"prefect-infra:rules: {{{setting}}}\n"


@pytest.mark.parametrize("word", ["PI211", "pi211", "descriptive-name", "descriptive_name", "Descriptive-Name"])
def test_by_code_or_by_name(check: Check, word: str) -> None:
    report = check(rules(f"{word}: {{severity: warning, reason: se cambian en marzo}}") + ONE % "prueba")

    assert [(f.rule.code, f.severity) for f in report.findings] == [("PI211", "warning")]
    assert report.stack is not None


def test_off_says_nothing_and_error_is_heavier(check: Check) -> None:
    off, heavier = "{severity: off, reason: así vienen}", "{severity: error, reason: que nadie lo pase por alto}"

    assert codes(check(rules(f"PI211: {off}") + ONE % "prueba")) == []
    report = check(rules(f"PI218: {heavier}") + ONE % "precios")
    assert [(f.rule.code, f.severity) for f in report.findings] == [("PI218", "error")]
    assert report.stack is None


@pytest.mark.parametrize(
    ("setting", "code", "told"),
    [
        ("PI211: {severity: warning}", "PI102", "'reason' is missing"),
        ("PI211: {severity: warning, reason: ''}", "PI107", ""),
        ("PI211: {severity: warning, reason: '  '}", "PI107", "must say why"),
        ("PI211: {severity: wraning, reason: x}", "PI104", "must be one of error, warning, off"),
        ("PI211: off", "PI103", "must be a mapping"),
        ("PI21: {severity: off, reason: x}", "PI901", "no rule 'PI21'"),
        ("descriptive-nam: {severity: off, reason: x}", "PI901", "no rule 'descriptive-nam'"),
        ("zzz: {severity: off, reason: x}", "PI901", "no rule 'zzz'"),
        ("PI211: {severity: off, reason: x}, descriptive-name: {severity: off, reason: x}", "PI110", "set twice"),
        ("PI301: {severity: warning, reason: x}", "PI902", "can't be turned down"),
    ],
)
def test_a_wrong_setting_is_told(check: Check, setting: str, code: str, told: str) -> None:
    report = check(rules(setting))

    assert codes(report) == [code]
    assert told in report.findings[0].message


def test_the_rule_that_was_meant_is_named(check: Check) -> None:
    assert check(rules("PI2111: {severity: off, reason: x}")).findings[0].hint == "did you mean 'PI211'?"
    assert check(rules("kebab: {severity: off, reason: x}")).findings[0].hint == "did you mean 'kebab-case'?"
    assert check(rules("zzz: {severity: off, reason: x}")).findings[0].hint == "`prefect-infra rules` lists them all"


@pytest.mark.thorough
@pytest.mark.parametrize("rule", [rule for rule in ALL if not rule.settable], ids=lambda rule: rule.code)
def test_a_rule_that_protects_correctness_holds(check: Check, rule: Rule) -> None:
    assert codes(check(rules(f"{rule.code}: {{severity: 'off', reason: x}}"))) == ["PI902"]
    assert codes(check(rules(f"{rule.name}: {{severity: {rule.severity}, reason: como es}}"))) == []


def test_a_personal_stack_inherits_the_settings(check: Check, checkout: object) -> None:
    from infra.model import check_stack_file

    check(rules("PI211: {severity: off, reason: x}") + ONE % "prueba")
    assert codes(check_stack_file(checkout, "dev-ana")) == []  # type: ignore[arg-type]
