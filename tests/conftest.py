"""What holds for all tests."""

from __future__ import annotations

import pytest

IMPORTS_PREFECT = {"test_parameter_schemas.py", "test_firing_times.py", "test_prefect_yaml.py"}
WAITS_FOR_PROCESSES = {"test_cannot_go_on.py", "test_healthcheck.py", "test_cache.py", "test_database_backup.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make unit` leaves to `make test` what tries hundreds of cases, imports Prefect, or waits for other processes."""
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property or item.path.name in IMPORTS_PREFECT | WAITS_FOR_PROCESSES or item.path.parent.name == "flows":
            item.add_marker(pytest.mark.thorough)
