"""What the engine is told of a throwaway stack, on an empty volume that is made first and goes last.

Neither the stack file nor the state would do: both lie in one checkout, and git heeds neither. Labels of a container
can't be changed, and an `up` that was killed early has none. So whatever there is of the stack, there is its note.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.components.naming import LABEL, Naming
from infra.throwaway.engine import Engine
from infra.throwaway.lifetime import Lifetime

ROLE: Final = "throwaway"
_FIELD: Final = "\t"


@dataclass(frozen=True)
class Note:
    stack: str
    base: str
    checkout: Path
    """Where its file and, unless a backend is shared, its state are."""
    life: Lifetime


def volume(naming: Naming) -> str:
    return naming.of(ROLE)


def write(engine: Engine, project: str, note: Note) -> None:
    """Make it, or renew it. Raises: EngineError."""
    naming = Naming(project, note.stack)
    labels = naming.labels(ROLE) | {
        f"{LABEL}.base": note.base,
        f"{LABEL}.checkout": str(note.checkout),
        f"{LABEL}.made": note.life.made.isoformat(),
        f"{LABEL}.expires": note.life.expires.isoformat(),
    }
    remove(engine, naming)
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    engine.ask("volume", "create", *words, volume(naming))


def remove(engine: Engine, naming: Naming) -> None:
    """Raises: EngineError."""
    engine.ask("volume", "rm", "--force", volume(naming))


def read_all(engine: Engine, project: str) -> dict[str, Note]:
    """By stack. What can't be read is nobody's note. Raises: EngineError."""
    filters = ["--filter", f"label={LABEL}.project={project}", "--filter", f"label={LABEL}.role={ROLE}"]
    columns = _FIELD.join(
        f'{{{{.Label "{LABEL}.{name}"}}}}' for name in ("stack", "base", "checkout", "made", "expires")
    )
    notes = map(_read, engine.ask("volume", "ls", *filters, "--format", columns))
    return {note.stack: note for note in notes if note is not None}


def _read(line: str) -> Note | None:
    try:
        stack, base, checkout, made, expires = line.split(_FIELD)
        return Note(stack, base, Path(checkout), Lifetime.read(made, expires))
    except ValueError:
        return None
