"""What holds for all tests."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # xdist says no types

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell or a CI server starts in the background ignores it, and so would all that tests start: a worker of
    # Prefect's then never stops.
    signal.signal(signal.SIGINT, signal.default_int_handler)

IMPORTS_PREFECT = {"test_parameter_schemas.py", "test_firing_times.py", "test_prefect_yaml.py"}
WAITS_FOR_PROCESSES = {
    "test_cache.py",
    "test_cannot_go_on.py",
    "test_database_backup.py",
    "test_errors.py",
    "test_healthcheck.py",
    "test_healthcheck_services.py",
}
TRIES_WHOLE_COMMANDS = {
    "test_crontab.py",
    "test_deploy.py",
    "test_formats.py",
    "test_import_server.py",
    "test_parity.py",
    "test_review_command.py",
    "test_timeline.py",
    "test_ui_edits.py",
}
SHARED = {
    "declared_prod": {
        f"tests/stack/test_{name}.py" for name in ("prod", "prod_at_work", "prod_goes_on", "prod_is_changed")
    },
    "machine": {f"tests/remote/test_remote_{name}.py" for name in ("host", "prod")},
}
"""Fixtures that several modules have one of: they follow one another in one process."""
LEFT_OUT = IMPORTS_PREFECT | WAITS_FOR_PROCESSES | TRIES_WHOLE_COMMANDS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make unit` leaves to `make test` what takes its time: hundreds of cases, Prefect's import, other processes."""
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property or item.path.name in LEFT_OUT or item.path.parent.name == "flows":
            item.add_marker(pytest.mark.thorough)
        for shared in SHARED.keys() & {*getattr(item, "fixturenames", ())}:
            if item.nodeid.partition("::")[0] not in SHARED[shared]:
                raise pytest.UsageError(
                    f"{item.nodeid} has `{shared}` from others: name its module in tests/conftest.py"
                )


class SideBySide(LoadFileScheduling):  # type: ignore[misc]
    """Whole modules to each process, and to one process those that share. (`--dist loadgroup` groups nothing under
    pytest 9.2: it puts the group into an attribute that names of tests aren't made of any more.)"""

    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        return next((shared for shared, modules in SHARED.items() if module in modules), module)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SideBySide | None:
    return SideBySide(config, log) if config.getvalue("dist") == "loadfile" else None
