from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger


@pytest.fixture(autouse=True)
def as_in_a_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The working directory and the data folder that a worker gives; tasks are called without a run."""
    monkeypatch.chdir(Path(__file__).parents[3])
    monkeypatch.setenv("DATOS_DIR", str(tmp_path / "datos"))
    with disable_run_logger():
        yield
