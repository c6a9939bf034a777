"""What lies in files becomes a program's environment."""

from __future__ import annotations

from pathlib import Path

from workers.with_secrets import settings


def test_files_named_like_settings_become_variables_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "PREFECT_SERVER_API_AUTH_STRING").write_text("admin:ñandú=1\n")
    (tmp_path / "PREFECT_SERVER_DOCKET_URL").write_text("redis://:x@r/0")
    for other in ("tls.pem", "postgres_password", "PATH", "prefect_x"):
        (tmp_path / other).write_text("x")

    assert settings(tmp_path) == {
        "PREFECT_SERVER_API_AUTH_STRING": "admin:ñandú=1",
        "PREFECT_SERVER_DOCKET_URL": "redis://:x@r/0",
    }


def test_no_folder_is_no_secret(tmp_path: Path) -> None:
    assert settings(tmp_path / "none") == {}
