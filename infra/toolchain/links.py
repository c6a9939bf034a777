"""Links of a checkout into the cache."""

from __future__ import annotations

import os
from pathlib import Path


def link(place: Path, binary: Path) -> None:
    """Whole at any moment, also when another checkout's set-up looks."""
    if place.is_symlink() and place.readlink() == binary:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}.{os.getpid()}")
    aside.symlink_to(binary)
    aside.replace(place)
