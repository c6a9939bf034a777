"""GitHub, as its own Actions tell of it: address, repository and token are in the environment of each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from infra.forge.notes import ForgeError, Note

AUTHOR: Final = "github-actions[bot]"
"""Whom an Action's own token writes as."""
PAGE: Final = 100
MOST_PAGES: Final = 50
DEADLINE_SECONDS: Final = 30.0


class GitHub:
    def __init__(self, environment: Mapping[str, str], author: str = AUTHOR) -> None:
        self.author = author
        names = ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
        if missing := [name for name in names if not environment.get(name)]:
            raise ForgeError(
                f"{', '.join(missing)} not set: this is for a step of GitHub Actions, with the token in `env`"
            )
        api, repository, token = (environment[name] for name in names)
        self._at = f"/repos/{repository}"
        self._client = httpx.Client(
            base_url=api,
            timeout=DEADLINE_SECONDS,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )

    def comments(self, pull: int) -> list[Note]:
        return [_note(row) for row in self._all(f"{self._at}/issues/{pull}/comments")]

    def comment(self, pull: int, text: str) -> None:
        self._call("POST", f"{self._at}/issues/{pull}/comments", {"body": text})

    def change_comment(self, pull: int, note: Note, text: str) -> None:  # noqa: ARG002  # known by its own id
        self._call("PATCH", f"{self._at}/issues/comments/{note.id}", {"body": text})

    def pull_of(self, commit: str) -> int | None:
        """The pull request that brought the commit into the default branch; of several, the one that is merged."""
        rows = self._all(f"{self._at}/commits/{commit}/pulls")
        merged = [row for row in rows if row.get("merged_at")] or rows
        return int(merged[0]["number"]) if merged else None

    def issues(self) -> list[Note]:
        rows = self._all(f"{self._at}/issues", {"state": "open", "creator": self.author})
        return [_note(row, "number") for row in rows if "pull_request" not in row]

    def open_issue(self, title: str, text: str) -> None:
        self._call("POST", f"{self._at}/issues", {"title": title, "body": text})

    def change_issue(self, note: Note, title: str, text: str) -> None:
        self._call("PATCH", f"{self._at}/issues/{note.id}", {"title": title, "body": text})

    def close_issue(self, note: Note, text: str) -> None:
        self._call("POST", f"{self._at}/issues/{note.id}/comments", {"body": text})
        self._call("PATCH", f"{self._at}/issues/{note.id}", {"state": "closed"})

    def _all(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            got = self._call("GET", path, query={**(query or {}), "per_page": str(PAGE), "page": str(page)})
            rows += got
            if len(got) < PAGE:
                return rows
        raise ForgeError(f"{path}: more than {MOST_PAGES * PAGE} of them")

    def _call(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        try:
            answer = self._client.request(verb, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise ForgeError(f"{verb} {path}: {error or type(error).__name__}") from error
        if answer.is_error:
            raise ForgeError(f"{verb} {path}: {answer.status_code} {_message(answer)}{_hint(answer.status_code)}")
        return answer.json() if answer.content else None


def _note(row: Mapping[str, Any], id_: str = "id") -> Note:
    return Note(int(row[id_]), str((row.get("user") or {}).get("login")), str(row.get("body") or ""))


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        return answer.text[:200]


def _hint(status: int) -> str:
    if status in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
        return " (does the job have `permissions: pull-requests: write`, or `issues: write` for a report?)"
    return ""
