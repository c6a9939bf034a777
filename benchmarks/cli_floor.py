"""What the CLI and the SDK take for many resources that no plugin is asked about: components.

`python -m benchmarks.cli_floor 1000` prints an `up` of as many that don't change, and an empty one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.stack import Project

PROGRAM: Final = """\
import pulumi

from infra.resources.light_program import lighten

lighten()
for n in range({number}):
    pulumi.ComponentResource("benchmark:index:Nothing", f"nothing-{{n}}")
"""


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        project = Project(Path(folder) / "components", PULUMI_SKIP_CHECKPOINTS="true")
        project.up()  # the first one of a project has to find the plugins
        empty = project.up()
        (Path(folder) / "components/__main__.py").write_text(PROGRAM.format(number=number))
        project.up()
        same = project.up("--expect-no-changes")
    sys.stdout.write(
        f"empty up: {empty.seconds:.1f} s ({empty.cpu_seconds:.1f} s of processor time); "
        f"{number} components that don't change: {same.seconds:.1f} s ({same.cpu_seconds:.1f} s)\n"
    )


if __name__ == "__main__":
    main()
