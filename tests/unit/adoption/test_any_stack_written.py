"""What our tools write of any stack is what was read: loaded, written and loaded again it is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.adoption.stack_edit import add_deployments, rendered, values
from infra.model import load_stack_file
from tests.unit.model import stacks
from tests.unit.model.conftest import PRECIOS

pytestmark = pytest.mark.thorough
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "precios.py").write_text(PRECIOS, encoding="utf-8")
    for environment in stacks.ENVIRONMENTS:
        (tmp_path / f"Pulumi.{environment}.yaml").write_text(f"config: {{prefect-infra:environment: {environment}}}\n")
    return tmp_path


@SETTINGS
@given(raw=stacks.stacks(), environment=st.sampled_from(stacks.ENVIRONMENTS))
def test_a_stack_survives_being_written_whole(checkout: Path, raw: dict[str, Any], environment: str) -> None:
    file = checkout / f"Pulumi.{environment}.yaml"
    stacks.write(checkout, raw, environment, areas_in_files=False)
    loaded, text = load_stack_file(checkout, environment), file.read_text(encoding="utf-8")

    file.write_text(rendered(values(text, file.name)), encoding="utf-8")

    assert load_stack_file(checkout, environment) == loaded


@SETTINGS
@given(raw=stacks.stacks(), environment=st.sampled_from(stacks.ENVIRONMENTS))
def test_a_stack_survives_its_deployments_being_added_one_after_the_other(
    checkout: Path, raw: dict[str, Any], environment: str
) -> None:
    file = checkout / f"Pulumi.{environment}.yaml"
    stacks.write(checkout, raw, environment, areas_in_files=False)
    loaded = load_stack_file(checkout, environment)
    apart = {name: area.pop("deployments") for name, area in raw["areas"].items()}
    text = rendered(
        {"config": {f"prefect-infra:{key}": value for key, value in {**raw, "environment": environment}.items()}}
    )

    for name, listed in apart.items():
        for each in listed:
            text = add_deployments(text, name, [each])
    file.write_text(text, encoding="utf-8")

    assert load_stack_file(checkout, environment) == loaded
