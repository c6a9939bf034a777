"""Run a program with what lies in files as its environment: nobody who may ask the engine sees the values.

    with_secrets.py prefect server start ...

Each file of /run/secrets that is called like a setting (PREFECT_...) becomes that variable of the program, and of
nothing else. Swarm puts its secrets in that folder; a single engine gets them there as files.
"""

import os
import re
import sys
from pathlib import Path

FOLDER = Path("/run/secrets")
SETTING = re.compile(r"PREFECT_[A-Z0-9_]+")


def settings(folder: Path) -> dict[str, str]:
    """Values by name. A last line break is the editor's, not the secret's."""
    files = [each for each in sorted(folder.iterdir()) if SETTING.fullmatch(each.name)] if folder.is_dir() else []
    return {each.name: each.read_text(encoding="utf-8").removesuffix("\n") for each in files}


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit("usage: with_secrets.py PROGRAM [ARGUMENT ...]")
    try:
        found = settings(FOLDER)
    except OSError as error:
        sys.exit(f"with_secrets.py: {error}")
    os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, **found})  # noqa: S606
