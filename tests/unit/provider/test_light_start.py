"""The plugin's process imports Pulumi's protocol, not its SDK: each phase of each command pays for its start."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

HEAVY: Final = {"pulumi.output", "pulumi.automation", "rich", "click", "prefect"}


def test_the_plugins_process_imports_neither_pulumis_sdk_nor_httpx_command_line() -> None:
    script = f"import sys, infra.provider.__main__; print(*{HEAVY}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
