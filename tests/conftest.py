"""What holds for all tests."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell or a CI server starts in the background ignores it, and so would all that tests start: a worker of
    # Prefect's then never stops.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Thousands of tests and all that they import are there to stay: looking through them again and again takes the
# fast tests longer than it gives back.
gc.disable()


def pytest_collection_finish() -> None:
    gc.set_threshold(100_000)
    gc.enable()


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
LEFT_OUT = IMPORTS_PREFECT | WAITS_FOR_PROCESSES | TRIES_WHOLE_COMMANDS


def _is_left_out(path: Path) -> bool:
    return path.name in LEFT_OUT or path.parent.name == "flows"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only importing some of these costs seconds."""
    if "not thorough" in config.option.markexpr and _is_left_out(collection_path):
        return True
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make unit` leaves to `make test` what takes its time: hundreds of cases, Prefect's import, other processes."""
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property or _is_left_out(item.path):
            item.add_marker(pytest.mark.thorough)
