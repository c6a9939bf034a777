"""GitLab, as its own jobs tell of it. The job's own token may write no notes: a token of the project is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from infra.forge.api import Api, needed
from infra.forge.notes import Note


class GitLab:
    def __init__(self, environment: Mapping[str, str], author: str | None = None) -> None:
        self._author = author
        names = ("CI_API_V4_URL", "CI_PROJECT_ID", "GITLAB_TOKEN")
        url, project, token = needed(environment, names, "a job of GitLab, with a token of the project in GITLAB_TOKEN")
        self._at = f"/projects/{project}"
        self._api = Api(url, {"PRIVATE-TOKEN": token}, "does the token have the scope `api`, and its user a role?")

    @cached_property
    def author(self) -> str:
        """Whoever the token is of."""
        return self._author or str(self._api.call("GET", "/user")["username"])

    def comments(self, pull: int) -> list[Note]:
        return [_note(row) for row in self._api.all(f"{self._at}/merge_requests/{pull}/notes")]

    def comment(self, pull: int, text: str) -> None:
        self._api.call("POST", f"{self._at}/merge_requests/{pull}/notes", {"body": text})

    def change_comment(self, pull: int, note: Note, text: str) -> None:
        self._api.call("PUT", f"{self._at}/merge_requests/{pull}/notes/{note.id}", {"body": text})

    def pull_of(self, commit: str) -> int | None:
        rows = self._api.all(f"{self._at}/repository/commits/{commit}/merge_requests")
        merged = [row for row in rows if row.get("state") == "merged"] or rows
        return int(merged[0]["iid"]) if merged else None

    def issues(self) -> list[Note]:
        rows = self._api.all(f"{self._at}/issues", {"state": "opened", "author_username": self.author})
        return [_note(row, "iid", "description") for row in rows]

    def open_issue(self, title: str, text: str) -> None:
        self._api.call("POST", f"{self._at}/issues", {"title": title, "description": text})

    def change_issue(self, note: Note, title: str, text: str) -> None:
        self._api.call("PUT", f"{self._at}/issues/{note.id}", {"title": title, "description": text})

    def close_issue(self, note: Note, text: str) -> None:
        self._api.call("POST", f"{self._at}/issues/{note.id}/notes", {"body": text})
        self._api.call("PUT", f"{self._at}/issues/{note.id}", {"state_event": "close"})


def _note(row: Mapping[str, Any], id_: str = "id", text: str = "body") -> Note:
    return Note(int(row[id_]), str((row.get("author") or {}).get("username")), str(row.get(text) or ""))
