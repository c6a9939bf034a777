"""`python -m benchmarks.plugin_start`: processor time of importing all that the plugin needs, light and plain."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

RUNS: Final = 9
WAYS: Final = {
    "as the engine starts it": "import infra.provider.__main__",
    "without light_start": "import infra.provider.server, infra.provider.kinds",
}


def main() -> None:
    for name, statement in WAYS.items():
        script = f"import time; {statement}; print(time.process_time())"
        seconds = [
            float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
            for _ in range(RUNS)
        ]
        least, middle, most = min(seconds), statistics.median(seconds), max(seconds)
        sys.stdout.write(f"{name:25} {middle:.2f} s of processor time ({least:.2f} to {most:.2f}, {RUNS} runs)\n")


if __name__ == "__main__":
    main()
