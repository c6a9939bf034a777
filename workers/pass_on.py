"""Lay files where the containers that a program starts find them, and become that program.

    pass_on.py /run/secrets/worker-profile.toml=/etc/prefect/credentials/worker-profile.toml -- python worker.py ...

Swarm shows a secret to its service's containers alone. A worker's flow runs are containers of their own, which share a
volume in memory with it.
"""

import os
import sys
from pathlib import Path


def lay(source: Path, target: Path) -> None:
    """Whole or not at all, and for its owner alone: runs have the same user."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_bytes(source.read_bytes())
    beside.chmod(0o400)
    beside.replace(target)


def main(words: list[str]) -> None:
    pairs, program = words[: words.index("--")], words[words.index("--") + 1 :]
    for pair in pairs:
        source, _, target = pair.partition("=")
        lay(Path(source), Path(target))
    os.execvp(program[0], program)  # noqa: S606


if __name__ == "__main__":
    if "--" not in sys.argv[2:-1]:
        sys.exit("usage: pass_on.py SOURCE=TARGET ... -- PROGRAM [ARGUMENT ...]")
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"pass_on.py: {error}")
