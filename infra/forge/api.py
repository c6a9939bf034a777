"""Calls of a host's REST API: JSON, pages, and errors in words without what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from infra.forge.notes import ForgeError

PAGE: Final = 100
MOST_PAGES: Final = 50
DEADLINE_SECONDS: Final = 30.0


class Api:
    def __init__(self, url: str, headers: Mapping[str, str], missing: str) -> None:
        """`missing`: what is probably lacking where the host says no."""
        self._client = httpx.Client(base_url=url, timeout=DEADLINE_SECONDS, headers=dict(headers))
        self._missing = missing

    def all(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            got = self.call("GET", path, query={**(query or {}), "per_page": str(PAGE), "page": str(page)})
            rows += got
            if len(got) < PAGE:
                return rows
        raise ForgeError(f"{path}: more than {MOST_PAGES * PAGE} of them")

    def call(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        try:
            answer = self._client.request(verb, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise ForgeError(f"{verb} {path}: {error or type(error).__name__}") from error
        if answer.is_error:
            hint = f" ({self._missing})" if answer.status_code in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND) else ""
            raise ForgeError(f"{verb} {path}: {answer.status_code} {_message(answer)}{hint}")
        return answer.json() if answer.content else None


def needed(environment: Mapping[str, str], names: tuple[str, ...], where: str) -> list[str]:
    """The values of these variables. Raises ForgeError."""
    if missing := [name for name in names if not environment.get(name)]:
        raise ForgeError(f"{', '.join(missing)} not set: this is for {where}")
    return [environment[name] for name in names]


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        return answer.text[:200]
