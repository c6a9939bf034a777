"""How long it takes to find the flows of a large checkout: `python benchmarks/discovery.py [files]`.

Three kinds of file, as in a team's repository: one in ten holds flows, one in ten talks about them, the rest is code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from infra.discovery import find_flows  # noqa: E402  # after the path that leads to it

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
    (root / "infra").mkdir(exist_ok=True)
    (root / "Pulumi.yaml").write_text("name: prefect-infra\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)


def measured(files: int) -> tuple[int, dict[str, tuple[float, float]]]:
    """Flows found; and of each way to ask, seconds and processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_checkout(root, files)
        wall, processor = time.perf_counter(), _processor()
        found = find_flows(root)
        library = (time.perf_counter() - wall, _processor() - processor)
        wall, processor = time.perf_counter(), _processor()
        listed = subprocess.run(
            [sys.executable, "-c", "from infra.cli import main; main()", "flows", "--json"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(HERE)},
            check=True,
            capture_output=True,
        )
        command = (time.perf_counter() - wall, _processor() - processor)
        if len(json.loads(listed.stdout)) != len(found.flows):
            raise SystemExit("the command lists other flows than the library finds")
        return len(found.flows), {"find_flows": library, "prefect-infra flows --json": command}


def _processor() -> float:
    """Of this process and those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    """Exit code 1 if it takes longer than it may. Judged by processor time: other load on the machine is no fault."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    flows, taken = measured(files)
    print(f"{files} files, {flows} flows; load average {os.getloadavg()[0]:.1f}")
    for way, (seconds, processor) in taken.items():
        print(f"  {way}: {seconds:.2f} s, of them {processor:.2f} s of processor time")
    allowed = SECONDS_ALLOWED * files / 5000
    if max(processor for _, processor in taken.values()) > max(allowed, 1.0):
        raise SystemExit(f"longer than the {allowed:.1f} s that it may take")


if __name__ == "__main__":
    main()
