"""How long it takes to find the flows of a large checkout: `python benchmarks/discovery.py [files]`.

Three kinds of file, as in a team's repository: one in ten holds flows, one in ten talks about them, the rest is code.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra.discovery import find_flows  # after the path that leads to it

SECONDS_ALLOWED = 5.0

_CODE = "\n".join(f"def funcion_{n}(a: int, b: str = 'x') -> int:\n    return a * {n} + len(b)\n" for n in range(40))
_FLOW = (
    "from prefect import flow, task\n\n"
    + _CODE
    + "\n@flow(name='Flujo {n}')\ndef flujo(fecha: str, dias: int = 1) -> int:\n    return dias\n\n"
    "if __name__ == '__main__':\n    flujo('hoy')\n"
)
_TALK = "# a prefect flow would do\n" + _CODE


def make_checkout(root: Path, files: int) -> None:
    for n in range(files):
        folder = root / f"paquete_{n % 50}"
        folder.mkdir(exist_ok=True)
        text = _FLOW.replace("{n}", str(n)) if n % 10 == 0 else _TALK if n % 10 == 1 else _CODE
        (folder / f"modulo_{n}.py").write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)


def measured(files: int) -> tuple[int, float]:
    """Flows found, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_checkout(root, files)
        started = time.perf_counter()
        found = find_flows(root)
        return len(found.flows), time.perf_counter() - started


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    flows, seconds = measured(files)
    print(f"{files} files, {flows} flows: {seconds:.2f} s (allowed for 5,000: {SECONDS_ALLOWED:.0f} s)")


if __name__ == "__main__":
    main()
