"""What holds for any stack, whichever it is: written and read again it is the same, and what is wrong has a place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.model import Finding, StackErrors, load_stack, load_stack_file
from infra.model.rules import ALL
from tests.unit.model import stacks

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def two_stacks(checkout: Path) -> Path:
    """So that both environments are known."""
    for environment in stacks.ENVIRONMENTS:
        (checkout / f"Pulumi.{environment}.yaml").write_text(f"config: {{prefect-infra:environment: {environment}}}\n")
    return checkout


@SETTINGS
@given(raw=stacks.stacks(), environment=st.sampled_from(stacks.ENVIRONMENTS))
def test_a_stack_is_the_same_inline_in_files_and_from_pulumis_values(
    two_stacks: Path, raw: dict[str, Any], environment: str
) -> None:
    given_by_pulumi = load_stack(
        {"environment": environment, **raw}, project="prefect-infra", stack=environment, root=two_stacks
    )
    stacks.write(two_stacks, raw, environment, areas_in_files=False)
    inline = load_stack_file(two_stacks, environment)
    stacks.write(two_stacks, raw, environment, areas_in_files=True)

    assert inline == given_by_pulumi
    assert load_stack_file(two_stacks, environment) == inline


@SETTINGS
@given(raw=stacks.stacks())
def test_an_overlay_of_one_environment_is_not_seen_in_another(two_stacks: Path, raw: dict[str, Any]) -> None:
    values = {"environment": "dev", **raw}
    for each in stacks.containers(raw["areas"]):
        if isinstance(each, dict) and isinstance(each.get("in"), dict):
            each["in"].setdefault("dev", None)
    before = load_stack(values, project="p", stack="dev", root=two_stacks)
    for each in stacks.containers(raw["areas"]):
        if isinstance(each, dict) and isinstance(each.get("in"), dict):
            each["in"].pop("prod", None)

    assert load_stack(values, project="p", stack="dev", root=two_stacks) == before


@SETTINGS
@given(raw=stacks.mutated(), environment=st.sampled_from(stacks.ENVIRONMENTS), in_files=st.booleans())
def test_any_change_of_a_stack_is_valid_or_told_with_its_place(
    two_stacks: Path, raw: dict[str, Any], environment: str, *, in_files: bool
) -> None:
    shutil.rmtree(two_stacks / "areas", ignore_errors=True)
    areas = raw.get("areas")
    in_files = in_files and isinstance(areas, dict) and all(name.isidentifier() for name in areas)
    stacks.write(two_stacks, raw, environment, areas_in_files=in_files)
    for finding in faults(two_stacks, environment):
        assert finding.message
        assert finding.file is not None
        assert finding.line is not None, str(finding)
        text = (two_stacks / finding.file).read_text(encoding="utf-8")
        assert 1 <= finding.line <= len(text.split("\n"))


def faults(root: Path, environment: str) -> tuple[Finding, ...]:
    """None for a valid stack. Anything else than these is raised."""
    try:
        load_stack_file(root, environment)
    except StackErrors as errors:
        return errors.findings or (Finding(rule=ALL[0], path="", message=""),)
    return ()
