"""The Prefect server's HTTP API, for the kinds: one pooled client, retries, errors in words, reads in bulk.

Why not Prefect's own client: importing it takes two seconds of processor time, at each start of the plugin, and it
backs off two seconds and more after a 503, which a busy SQLite server answers often; see docs/adr/0003.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_never,
    wait_random_exponential,
)

from infra.provider import answers, csrf
from infra.provider.connection import Connection
from infra.provider.errors import NotFound, ProviderError, Unreachable, Untrusted
from infra.provider.listing import WRITTEN_ELSEWHERE, Fetch, Listing
from infra.provider.pace import Pace

PAGE: Final = 200  # the server's most for one answer
DEADLINE_SECONDS: Final = 60.0  # a cold start of the server takes 8 to 15
PATIENCE_SECONDS: Final = 180.0  # with a server that has answered before: it is there, and busy
# On SQLite it waits up to 60 s for its lock, now and then. A request given up before is still done some time after.
READ_SECONDS: Final = 75.0
FAILURES: Final = 3  # answers of 500 before it is taken for what it is
READS_AT_ONCE: Final = 8
MOST_WRITES_AT_ONCE: Final = 4
"""Where it is not said. No more than that is of use: docs/benchmarks.md."""
Made = Callable[[], Awaitable[Any]]
"""Looks for what a POST was to make: None where there is none."""
_BACK_OFF: Final = wait_random_exponential(multiplier=0.05, max=2.0)
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _Transient(Exception):  # noqa: N818  # not an error of ours: a reason to try again
    """The same request may well succeed in a moment, or after as many seconds as the server has asked for."""

    def __init__(self, text: str, wait: float = 0.0, *, sent: bool = True) -> None:
        super().__init__(text)
        self.wait = wait
        self.sent = sent


class _Failing(_Transient):
    """The server failed over the request: it may have been the moment, and may be the request."""


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome is not None else None
    return max(_BACK_OFF(state), failure.wait if isinstance(failure, _Transient) else 0.0)


class Api:
    """One server. Closed with the plugin's process; safe for as many tasks as there are."""

    def __init__(
        self,
        connection: Connection,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline: float = DEADLINE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.url = connection.api_url.rstrip("/")
        self._connection = connection
        most_writes = connection.writes_at_once or MOST_WRITES_AT_ONCE
        self._deadline = deadline
        self._patience = patience
        self._answered = False
        self._client = httpx.AsyncClient(
            base_url=f"{self.url}/",
            auth=connection.auth(),
            headers=connection.all_headers(),
            timeout=httpx.Timeout(READ_SECONDS, connect=5.0),
            limits=httpx.Limits(max_connections=most_writes + READS_AT_ONCE),
            verify=connection.verification(),
            transport=transport,
        )
        self._csrf = csrf.CsrfToken(
            lambda client: self._send(self._reads, "GET", "csrf-token", params={"client": client})
        )
        self._writes = Pace(start=connection.writes_at_once or 1, most=most_writes)
        self._reads = Pace(start=READS_AT_ONCE, most=READS_AT_ONCE)
        self._listings: dict[tuple[str, str], Listing] = {}
        self._memory: dict[str, asyncio.Task[Any]] = {}

    async def get(self, path: str, **query: str) -> Any:
        async with self._reads.turn():
            return await self._send(self._reads, "GET", path, params=query)

    async def get_or_none(self, *paths: str) -> Any:
        """The first of them that is there. None where there is no such thing."""
        for path in paths:
            with suppress(NotFound):
                return await self.get(path)
        return None

    async def find(self, path: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All rows that match a filter, page after page, as few calls as there are pages of 200."""
        rows: list[dict[str, Any]] = []
        async with self._reads.turn():
            while True:
                page = await self._send(self._reads, "POST", path, json={**body, "limit": PAGE, "offset": len(rows)})
                rows.extend(page)
                if len(page) < PAGE:
                    return rows

    async def post(self, path: str, body: Mapping[str, Any] | list[Any], made: Made | None = None) -> Any:
        """`made` is asked before a POST is repeated whose answer was lost: it may have made a thing already."""
        return await self._write("POST", path, made, json=body)

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        await self._write("PUT", path, json=body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        await self._write("PATCH", path, json=body)

    async def delete(self, path: str, *, attempts: int | None = None) -> bool:
        """That there is nothing to delete is success, and False. `attempts`: for who knows another way after those."""
        with suppress(NotFound):
            await self._write("DELETE", path, attempts=attempts)
            return True
        return False

    async def _write(
        self, method: str, path: str, made: Made | None = None, attempts: int | None = None, **content: Any
    ) -> Any:
        """A request that changes something: what was listed of that before is asked for anew."""
        row: Any = None
        try:
            async with self._writes.turn():
                row = await self._send(self._writes, method, path, made, attempts, **content)
            return row
        finally:
            for (filtered, _), listing in self._listings.items():
                if path.startswith(listing.upset_by):
                    listing.start_over()
                collection = filtered.removesuffix("filter")
                if path.startswith(collection):
                    for step in path.removeprefix(collection).split("/"):  # some are written to as `name/<name>`
                        listing.forget(step, content.get("json"), row)

    def listing(
        self, path: str, key: str, fetch: Fetch | None = None, *, body: Mapping[str, Any] | None = None
    ) -> Listing:
        """All rows behind a filter's path (those that `body` lets through), read once and kept.

        `fetch` reads them in another form.
        """
        name = (path, json.dumps(body or {}, sort_keys=True))
        if name not in self._listings:
            rows = fetch or (lambda: self.find(path, body or {}))
            self._listings[name] = Listing(rows, key, WRITTEN_ELSEWHERE.get(path, ()))
        return self._listings[name]

    def relist(self) -> None:
        """What was read in bulk is read anew: for who needs an object as it is at this moment."""
        for listing in self._listings.values():
            listing.start_over()

    async def remembered(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET of what doesn't change while the plugin lives (the server's worker types, block types): asked once.

        With a `body` it is what a filter lets through, which is asked for by POST.
        """
        key = f"{path} {json.dumps(body, sort_keys=True)}"
        if key not in self._memory:
            self._memory[key] = asyncio.create_task(self._asked(path, body))
        try:
            # Shielded: when one who waits for it is cancelled, the others still get it.
            return await asyncio.shield(self._memory[key])
        except ProviderError:
            self._memory.pop(key, None)
            raise

    async def _asked(self, path: str, body: Mapping[str, Any] | None) -> Any:
        method, content = _question(body)
        async with self._reads.turn():
            return await self._send(self._reads, method, path, **content)

    async def once(self, path: str, within: float, body: Mapping[str, Any] | None = None) -> Any:
        """GET, or a filter's rows, without a second attempt, for an answer that can be done without.

        Raises: Unreachable: there is none within so many seconds, or no good one.
        """
        method, content = _question(body)
        try:
            async with asyncio.timeout(within):
                return await self._send_once(self._reads, method, path, **content)
        except (_Transient, TimeoutError) as failure:
            raise Unreachable(f"{self.url}: {path}: {failure}") from failure

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(
        self,
        pace: Pace,
        method: str,
        path: str,
        made: Made | None = None,
        attempts: int | None = None,
        **content: Any,
    ) -> Any:
        again = AsyncRetrying(
            retry=retry_if_exception_type(_Transient),
            wait=_wait,
            stop=stop_never if attempts is None else stop_after_attempt(attempts),
            reraise=True,
        )
        reason, maybe_done, failures = "the Prefect server does not answer", False, 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        ends = began + (self._patience if self._answered else self._deadline)
        try:
            async with asyncio.timeout_at(ends):
                async for attempt in again:
                    with attempt:
                        if made is not None and maybe_done and (there := await made()) is not None:
                            return there
                        try:
                            return await self._send_once(pace, method, path, **content)
                        except _Transient as failure:
                            reason = str(failure)
                            maybe_done = maybe_done or failure.sent
                            failures += isinstance(failure, _Failing)
                            if failures >= FAILURES:
                                raise TimeoutError from failure
                            if not failure.sent and loop.time() > began + self._deadline:
                                raise TimeoutError from failure  # it was there, and is gone
                            if loop.time() + failure.wait > ends:
                                reason += f"; it asks to be left alone for {failure.wait:.0f} s"
                                raise TimeoutError from failure
                            raise
        except (_Transient, TimeoutError) as failure:
            raise Unreachable(f"{self.url}: {method} {path}: {reason}") from failure
        raise AssertionError("unreachable: the loop returns or raises")

    async def _send_once(self, pace: Pace, method: str, path: str, **content: Any) -> Any:
        sent = self._csrf.headers
        response = await self._request(method, path, headers=sent, **content)
        if csrf.missed(response):
            await self._csrf.renew(sent)
            response = await self._request(method, path, headers=self._csrf.headers, **content)
        if response.is_success:
            self._answered = True
            pace.went_well()
            return answers.content(self._connection, method, path, response)
        if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            raise _Failing(f"the Prefect server failed: {answers.detail(response)}; its own log says why")
        if response.status_code in answers.TRANSIENT:
            pace.was_busy()
            raise _Transient(
                f"the Prefect server is busy or failing ({response.status_code}): {answers.detail(response)}",
                answers.asked_to_wait(response),
            )
        raise answers.error(self._connection, method, path, response)

    async def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            # Names may hold a `?` or a `#`.
            return await self._client.request(method, quote(path), **content)
        except httpx.TransportError as failure:
            if (distrust := _distrust(failure)) is not None:
                raise Untrusted(f"{self.url}: {distrust}") from failure
            raise _Transient(
                f"the Prefect server does not answer: {str(failure) or type(failure).__name__}",
                sent=not isinstance(failure, _NEVER_SENT),
            ) from failure


def _question(body: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """How something is asked for: by GET, or by POST where a filter goes along."""
    return ("GET", {}) if body is None else ("POST", {"json": body})


def _distrust(failure: BaseException) -> str | None:
    """Why TLS failed, where trying again can't help."""
    cause: BaseException | None = failure
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return (
                    f"the server's certificate can't be trusted: {cause.verify_message}. Give that of the authority "
                    "which signed it: the provider's `ca_file` or PREFECT_API_SSL_CERT_FILE names its file, "
                    "`ca_certificate` holds it"
                )
            case ssl.SSLError() if cause.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
                return "there is a server, but it doesn't speak TLS: is it `http://`?"
        cause = cause.__cause__ or cause.__context__
    return None
