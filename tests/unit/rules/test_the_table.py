"""The table of rules is whole, its examples break just the rule they stand for, and the page is written from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.cli.rules import page
from infra.model import check_stack_file
from infra.model.rules import ALL, GROUPS, Rule, containers, reading, secret_values, versions
from tests.unit.rules.conftest import REPOSITORY, Check, codes

SHOWN_BY_FILES = {"PI001", "PI002", "PI008", "PI009", "PI010", *(rule.code for rule in versions.RULES)}
"""What no lines of one stack file can break; each has a test of its own."""
BROKEN_BY_LINES = [
    rule for rule in ALL
    if rule not in (*containers.RULES, *secret_values.RULES) and rule.code not in SHOWN_BY_FILES
]  # fmt: skip


def test_codes_and_names_are_unique_and_well_formed() -> None:
    assert len({rule.code for rule in ALL}) == len({rule.name for rule in ALL}) == len(ALL)
    assert all(re.fullmatch(r"PI\d{3}", rule.code) for rule in ALL)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name) for rule in ALL)
    assert all(rule.meaning and rule.example and rule.mending for rule in ALL)


def test_a_group_has_codes_of_one_hundred() -> None:
    assert all(len({rule.code[:3] for rule in rules}) == 1 for rules in GROUPS.values())


def test_the_page_is_the_table() -> None:
    """Written by `prefect-infra rules --markdown > docs/rules.md`."""
    assert (REPOSITORY / "docs" / "rules.md").read_text(encoding="utf-8") == page()


def test_what_protects_correctness_cannot_be_turned_down() -> None:
    settable = {rule.name for rule in ALL if rule.settable}

    assert settable == {
        "descriptive-name", "few-words", "kebab-case", "unknown-block", "same-minute", "same-minute-other-parameters",
        "secret-in-plain", "likely-secret", "pool-name", "workers-elsewhere", "expires-soon",
        "worker-ahead-of-server", "worker-behind-server", "program-ahead-of-server", "server-downgrade",
    }  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN_BY_LINES, ids=lambda rule: f"{rule.code} {rule.name}")
def test_an_example_breaks_its_rule_and_no_other(check: Check, rule: Rule) -> None:
    report = check(rule.example)

    assert set(codes(report)) == {rule.code}
    assert {finding.severity for finding in report.findings} == {rule.severity}


def test_a_file_that_is_not_there_or_not_utf8_has_its_rule(checkout: Path) -> None:
    assert codes(check_stack_file(checkout, "prd")) == [reading.NO_STACK_FILE.code]
    (checkout / "Pulumi.prd.yaml").write_bytes("config:\n  # año\n".encode("latin-1"))
    assert codes(check_stack_file(checkout, "prd")) == [reading.UNREADABLE.code]
