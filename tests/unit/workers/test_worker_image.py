"""What the worker image is made of: the Dockerfile, the locks and logging.yml agree with each other."""

import re
import subprocess
import sys
from pathlib import Path
from zoneinfo import available_timezones

import pytest
import yaml
from packaging.requirements import Requirement

WORKERS = Path(__file__).parents[3] / "workers"
DOCKERFILE = (WORKERS / "Dockerfile").read_text()
LOCK = WORKERS / "requirements.lock"
AREAS = sorted((WORKERS / "areas").iterdir())


def pins(lock: Path) -> dict[str, Requirement]:
    found = [Requirement(line.rstrip(" \\")) for line in lock.read_text().splitlines() if re.match(r"\w", line)]
    return {requirement.name: requirement for requirement in found}


def test_the_lock_holds_what_is_required_and_keeps_prefect_working():
    locked = pins(LOCK)
    wanted = [
        Requirement(line.split("#")[0])
        for line in (WORKERS / "requirements.in").read_text().splitlines()
        if line and not line.startswith("#")
    ]

    assert {requirement.name for requirement in wanted} >= {"prefect", "fastapi", "sqlalchemy", "prefect-docker"}
    for requirement in wanted:
        [pin] = locked[requirement.name].specifier
        assert requirement.specifier.contains(pin.version), requirement


@pytest.mark.parametrize("lock", [LOCK, *(area / "requirements.txt" for area in AREAS)], ids=str)
def test_every_pin_has_hashes_and_no_lock_names_an_index(lock: Path):
    text = lock.read_text()

    for pin in pins(lock):
        assert re.search(rf"^{re.escape(pin)}==[^\\\n]+ \\\n    --hash=sha256:", text, flags=re.MULTILINE), pin
    assert not re.search(r"https?://|--index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.name)
def test_what_an_area_adds_never_changes_what_the_image_has(area: Path):
    locked = pins(LOCK)

    for name, requirement in pins(area / "requirements.txt").items():
        assert requirement.specifier == locked.get(name, requirement).specifier


def test_the_classic_builder_can_build_the_image():
    instructions = re.sub(r"^\s*#.*$", "", DOCKERFILE, flags=re.MULTILINE)

    assert not re.search(r"<<|--mount|--chmod|--link|^#\s*syntax", instructions, flags=re.MULTILINE)
    assert not re.search(r"^#\s*syntax", DOCKERFILE, flags=re.MULTILINE)


def test_images_take_time_zones_from_the_package_which_has_all_that_teams_may_name():
    """Among the system's files, looking for all there are would be two fifths of what the server does."""
    assert re.search(r"^    PYTHONTZPATH= \\$", DOCKERFILE, flags=re.MULTILINE)
    assert "tzdata" in pins(LOCK)
    program = "import zoneinfo as z; assert not z.TZPATH; print(*sorted(z.available_timezones()))"
    run = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONTZPATH": ""}, capture_output=True, text=True, check=True
    )
    assert set(run.stdout.split()) >= available_timezones() - {"localtime"}


def test_every_target_ends_as_the_same_user_without_rights():
    user = ""
    for line in DOCKERFILE.splitlines():
        if line.startswith("FROM") and user:
            assert user == "10001:10001", line
        user = line.removeprefix("USER ") if line.startswith("USER ") else user

    assert user == "10001:10001"


def test_logging_loads_and_takes_its_levels_from_the_settings(monkeypatch: pytest.MonkeyPatch):
    from prefect.logging.configuration import load_logging_config  # takes a second to import

    monkeypatch.setenv("PREFECT_LOGGING_ROOT_LEVEL", "ERROR")

    config = load_logging_config(WORKERS / "logging.yml")

    assert config["loggers"]["prefect"]["handlers"] == ["api"]
    assert "$" not in str(config)
    assert config["root"]["level"] == "ERROR"


def test_no_logger_of_the_packaged_file_is_forgotten():
    from prefect.logging.configuration import DEFAULT_LOGGING_SETTINGS_PATH  # takes a second to import

    packaged = yaml.safe_load(DEFAULT_LOGGING_SETTINGS_PATH.read_text())
    ours = yaml.safe_load((WORKERS / "logging.yml").read_text())

    assert packaged["loggers"].keys() <= ours["loggers"].keys()
    for name, logger in ours["loggers"].items():
        if name.startswith("prefect."):
            assert logger["propagate"] is False, f"{name} would reach the API a second time, through `prefect`"
