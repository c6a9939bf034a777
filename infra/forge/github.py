"""GitHub, as its own Actions tell of it: address, repository and token are in the environment of each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infra.forge.api import Api, needed
from infra.forge.notes import Note

AUTHOR: Final = "github-actions[bot]"
"""Whom an Action's own token writes as."""


class GitHub:
    def __init__(self, environment: Mapping[str, str], author: str | None = None) -> None:
        self._author = author or AUTHOR
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
        url, repository, token = needed(environment, names, "a step of GitHub Actions, with the token in its `env`")
        self._at = f"/repos/{repository}"
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        rights = "does the job have `permissions: pull-requests: write`, or `issues: write` for a report?"
        self._api = Api(url, headers, rights)

    @property
    def author(self) -> str:
        return self._author

    def comments(self, pull: int) -> list[Note]:
        return [_note(row) for row in self._api.all(f"{self._at}/issues/{pull}/comments")]

    def comment(self, pull: int, text: str) -> None:
        self._api.call("POST", f"{self._at}/issues/{pull}/comments", {"body": text})

    def change_comment(self, pull: int, note: Note, text: str) -> None:  # noqa: ARG002  # known by its own id
        self._api.call("PATCH", f"{self._at}/issues/comments/{note.id}", {"body": text})

    def pull_of(self, commit: str) -> int | None:
        """The pull request that brought the commit into the default branch; of several, the one that is merged."""
        rows = self._api.all(f"{self._at}/commits/{commit}/pulls")
        merged = [row for row in rows if row.get("merged_at")] or rows
        return int(merged[0]["number"]) if merged else None

    def issues(self) -> list[Note]:
        rows = self._api.all(f"{self._at}/issues", {"state": "open", "creator": self.author})
        return [_note(row, "number") for row in rows if "pull_request" not in row]

    def open_issue(self, title: str, text: str) -> None:
        self._api.call("POST", f"{self._at}/issues", {"title": title, "body": text})

    def change_issue(self, note: Note, title: str, text: str) -> None:
        self._api.call("PATCH", f"{self._at}/issues/{note.id}", {"title": title, "body": text})

    def close_issue(self, note: Note, text: str) -> None:
        self._api.call("POST", f"{self._at}/issues/{note.id}/comments", {"body": text})
        self._api.call("PATCH", f"{self._at}/issues/{note.id}", {"state": "closed"})


def _note(row: Mapping[str, Any], id_: str = "id") -> Note:
    return Note(int(row[id_]), str((row.get("user") or {}).get("login")), str(row.get("body") or ""))
