"""What a host of repositories must be able to do for us, and how one note is kept instead of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Done: TypeAlias = Literal["written", "updated", "as it was", "closed"]


class ForgeError(Exception):
    """The host refused, isn't reached, or isn't told of. The message says which, and what to do."""


@dataclass(frozen=True)
class Note:
    """A comment, or an issue."""

    id: int
    author: str
    text: str


class Forge(Protocol):
    """A host, for one repository."""

    @property
    def author(self) -> str:
        """Whose notes are ours: anybody may write a comment that looks like one."""

    def comments(self, pull: int) -> list[Note]: ...

    def comment(self, pull: int, text: str) -> None: ...

    def change_comment(self, pull: int, note: Note, text: str) -> None: ...

    def pull_of(self, commit: str) -> int | None: ...

    def issues(self) -> list[Note]: ...

    def open_issue(self, title: str, text: str) -> None: ...

    def change_issue(self, note: Note, title: str, text: str) -> None: ...

    def close_issue(self, note: Note, text: str) -> None: ...


def put_comment(forge: Forge, pull: int, text: str) -> Done:
    """Written anew only if none of ours has the same first line up to its digest."""
    ours = _ours(forge.comments(pull), forge.author, _kind(text))
    if ours is None:
        forge.comment(pull, text)
        return "written"
    if ours.text.strip() == text.strip():
        return "as it was"
    forge.change_comment(pull, ours, text)
    return "updated"


def put_issue(forge: Forge, title: str, text: str | None, mark: str) -> Done:
    """One open issue for the mark, as long as there is a text; none when there isn't."""
    ours = _ours(forge.issues(), forge.author, mark)
    whole = f"{mark}\n{text}"
    if text is None:
        if ours is None:
            return "as it was"
        forge.close_issue(ours, "No longer so.")
        return "closed"
    if ours is None:
        forge.open_issue(title, whole)
        return "written"
    if ours.text.strip() == whole.strip():
        return "as it was"
    forge.change_issue(ours, title, whole)
    return "updated"


def _kind(text: str) -> str:
    """The first line without what differs from one plan to the next."""
    first = text.splitlines()[0] if text else ""
    if not first.startswith("<!-- prefect-infra "):
        raise ForgeError("the text has no mark in its first line: write it with `prefect-infra review --output FILE`")
    return first.partition(" plan=")[0].removesuffix(" -->")


def _ours(notes: list[Note], author: str, kind: str) -> Note | None:
    """The oldest, so that two which came at once become one again."""
    for note in sorted(notes, key=lambda each: each.id):
        first = note.text.lstrip().splitlines()[0] if note.text.strip() else ""
        if note.author == author and first.partition(" plan=")[0].strip().removesuffix(" -->") == kind.removesuffix(
            " -->"
        ):
            return note
    return None
