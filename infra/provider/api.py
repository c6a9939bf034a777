"""The Prefect server's HTTP API, for the kinds: one pooled client, retries, errors in words, reads in bulk.

Why not Prefect's own client: importing it takes two seconds of processor time, at each start of the plugin, and it
backs off two seconds and more after a 503, which a busy SQLite server answers often; see docs/adr/0003-provider.md.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from infra.provider.errors import Conflict, LocalFile, NotFound, ProviderError, Rejected, Unauthorised, Unreachable
from infra.provider.listing import Listing
from infra.provider.pace import Pace

PAGE: Final = 200  # the server's most for one answer
DEADLINE_SECONDS: Final = 60.0  # a cold start of the server takes 8 to 15
TRANSIENT: Final = frozenset({408, 425, 429, 502, 503, 504})
NO_SUCH_PATH: Final = "Not Found"  # an object that isn't there is told with its kind: "Flow not found"
FAILURES: Final = 3  # answers of 500 before it is taken for what it is
WRITES_AT_ONCE: Final = 1  # measured: see infra/provider/pace.py
READS_AT_ONCE: Final = 8


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where the server is and how to get in.

    Taken from the provider's own properties; whatever they leave out comes from the environment, as Prefect's own
    tools read it, but credentials from the environment only along with the address from there: a key that was
    exported for one server must never be sent to another.
    """

    api_url: str
    auth_string: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no request could be made with, however often: texts here never repeat a credential.

        Raises: Unreachable: the address is none. Unauthorised: a header can't hold the credentials.
        """
        try:
            url = httpx.URL(self.api_url)
        except httpx.InvalidURL as error:
            raise Unreachable("the provider's `api_url` is no URL, such as http://127.0.0.1:4200/api") from error
        if url.userinfo:
            raise Unauthorised("the provider's `api_url` holds credentials: give them as `auth_string`, apart from it")
        if url.scheme not in {"http", "https"} or not url.host:
            raise Unreachable(
                f"the provider's `api_url` is {self.api_url!r}, expected such as http://127.0.0.1:4200/api"
            )
        for name, value in {"api_key": self.api_key or "", **self.headers}.items():
            if not (value.isascii() and value.isprintable() and name.isascii() and name.isprintable()):
                raise Unauthorised(f"the provider's {name!r} has characters that can't be sent, such as a line break")

    @classmethod
    def resolve(cls, properties: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Self:
        """Raises: Unreachable: no address anywhere, or one that is none; Unauthorised: impossible credentials."""
        given = {key: value for key, value in properties.items() if value is not None and key in cls.__annotations__}
        if "api_url" not in given:
            url = environment.get("PREFECT_API_URL")
            if not url:
                raise Unreachable(
                    "no Prefect server to talk to: give the provider its `api_url`, or set PREFECT_API_URL, "
                    "such as http://127.0.0.1:4200/api"
                )
            given = {
                "api_url": url,
                "auth_string": environment.get("PREFECT_API_AUTH_STRING"),
                "api_key": environment.get("PREFECT_API_KEY"),
                **given,
            }
        return cls(**given)


class _Transient(Exception):  # noqa: N818  # not an error of ours: a reason to try again
    """The same request may well succeed in a moment."""

    def __init__(self, text: str) -> None:
        super().__init__(text)


class _Failing(_Transient):
    """The server failed over the request: it may have been the moment, and may be the request."""


def _failed_enough(state: RetryCallState) -> bool:
    failed = state.outcome is not None and isinstance(state.outcome.exception(), _Failing)
    return failed and state.attempt_number >= FAILURES


class Api:
    """One server. Closed with the plugin's process; safe for as many tasks as there are."""

    def __init__(
        self,
        connection: Connection,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self.url = connection.api_url.rstrip("/")
        self._deadline = deadline
        headers = dict(connection.headers)
        auth: httpx.BasicAuth | None = None
        # The auth string first: with both, Prefect's own client lets the key win and a self-hosted server answers 401.
        if connection.auth_string:
            user, _, password = connection.auth_string.partition(":")
            auth = httpx.BasicAuth(user, password)
        elif connection.api_key:
            headers["Authorization"] = f"Bearer {connection.api_key}"
        verify: ssl.SSLContext | bool = True
        if self.url.startswith("http://"):
            verify = False  # nothing to verify, and loading the certificates takes a quarter of a second
        elif connection.ca_file:
            try:
                verify = ssl.create_default_context(cafile=connection.ca_file)
            except OSError as error:
                raise LocalFile(f"{connection.ca_file}: can't be used as the provider's `ca_file`: {error}") from error
        self._client = httpx.AsyncClient(
            base_url=f"{self.url}/",
            auth=auth,
            headers=headers,
            timeout=httpx.Timeout(30.0, connect=5.0),
            limits=httpx.Limits(max_connections=WRITES_AT_ONCE + READS_AT_ONCE),
            verify=verify,
            transport=transport,
        )
        self._writes = Pace(start=WRITES_AT_ONCE, most=WRITES_AT_ONCE)
        self._reads = Pace(start=READS_AT_ONCE, most=READS_AT_ONCE)
        self._listings: dict[str, Listing] = {}
        self._memory: dict[str, asyncio.Task[Any]] = {}

    async def get(self, path: str, **query: str) -> Any:
        async with self._reads.turn():
            return await self._send(self._reads, "GET", path, params=query)

    async def get_or_none(self, path: str) -> Any:
        """None where there is no such thing."""
        try:
            return await self.get(path)
        except NotFound:
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

    async def post(self, path: str, body: Mapping[str, Any] | list[Any]) -> Any:
        return await self._write("POST", path, json=body)

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        await self._write("PUT", path, json=body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        await self._write("PATCH", path, json=body)

    async def delete(self, path: str) -> None:
        """That there is nothing to delete is success."""
        with suppress(NotFound):
            await self._write("DELETE", path)

    async def _write(self, method: str, path: str, **content: Any) -> Any:
        """A request that changes something: what was listed of that before is asked for anew."""
        row: Any = None
        try:
            async with self._writes.turn():
                row = await self._send(self._writes, method, path, **content)
            return row
        finally:
            for filtered, listing in self._listings.items():
                collection = filtered.removesuffix("filter")
                if path.startswith(collection):
                    listing.forget(path.removeprefix(collection).partition("/")[0], row)

    def listing(self, path: str, key: str) -> Listing:
        """All rows behind a filter's path, read once and kept."""
        if path not in self._listings:
            self._listings[path] = Listing(lambda: self.find(path, {}), key)
        return self._listings[path]

    async def remembered(self, path: str) -> Any:
        """GET of what doesn't change while the plugin lives (the server's worker types, block types): asked once."""
        if path not in self._memory:
            self._memory[path] = asyncio.create_task(self.get(path))
        try:
            # Shielded: when one who waits for it is cancelled, the others still get it.
            return await asyncio.shield(self._memory[path])
        except ProviderError:
            self._memory.pop(path, None)
            raise

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, pace: Pace, method: str, path: str, **content: Any) -> Any:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_Transient),
            stop=_failed_enough,
            wait=wait_random_exponential(multiplier=0.05, max=2.0),
            reraise=True,
        )
        reason = "the Prefect server does not answer"
        try:
            async with asyncio.timeout(self._deadline):
                async for attempt in attempts:
                    with attempt:
                        try:
                            return await self._send_once(pace, method, path, **content)
                        except _Transient as failure:
                            reason = str(failure)
                            raise
        except (_Transient, TimeoutError) as failure:
            raise Unreachable(f"{self.url}: {method} {path}: {reason}") from failure
        raise AssertionError("unreachable: the loop returns or raises")

    async def _send_once(self, pace: Pace, method: str, path: str, **content: Any) -> Any:
        try:
            response = await self._client.request(method, quote(path), **content)  # names may hold a `?` or a `#`
        except httpx.TransportError as failure:
            raise _Transient(
                f"the Prefect server does not answer: {str(failure) or type(failure).__name__}"
            ) from failure
        if response.is_success:
            pace.went_well()
            return _content(self.url, method, path, response)
        if response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            raise _Failing(f"the Prefect server failed: {_detail(response)}; its own log says why")
        if response.status_code in TRANSIENT:
            pace.was_busy()
            raise _Transient(f"the Prefect server is busy or failing ({response.status_code}): {_detail(response)}")
        raise _error(self.url, method, path, response)


def _content(url: str, method: str, path: str, response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise _not_the_api(url, method, path) from error


def _error(url: str, method: str, path: str, response: httpx.Response) -> ProviderError:
    detail = _detail(response)
    # With 403 the server also answers names that it keeps for itself.
    reserved = "prefect" in detail.lower()
    match response.status_code:
        case status if status == httpx.codes.UNAUTHORIZED or (status == httpx.codes.FORBIDDEN and not reserved):
            return Unauthorised(
                f"the Prefect server at {response.url.host}:{response.url.port} refuses the credentials "
                f"({status}): check the provider's `auth_string` or `api_key`"
            )
        case 404 if detail == NO_SUCH_PATH:
            return _not_the_api(url, method, path)
        case 404:
            return NotFound(f"{method} {path}: not found: {detail}")
        case 409:
            return Conflict(f"{method} {path}: {detail}")
        case status:
            return Rejected(f"the Prefect server refuses {method} {path} ({status}): {detail}")


def _not_the_api(url: str, method: str, path: str) -> ProviderError:
    """Not to be taken for an object that is gone: a refresh with a wrong address would forget the whole stack."""
    return Rejected(f"{url}: {method} {path} is nothing that Prefect's API has: the API's address ends with /api")


def _detail(response: httpx.Response) -> str:
    """The server's own words, without its echo of what was sent: that may hold a secret."""
    try:
        body = response.json()
    except ValueError:
        return response.reason_phrase
    if not isinstance(body, dict):
        return response.reason_phrase
    told = body.get("exception_detail") or body.get("detail") or body.get("exception_message")
    if isinstance(told, list):
        return "; ".join(
            f"{'.'.join(str(step) for step in item.get('loc') or ())}: {item.get('msg', '')}"
            for item in told
            if isinstance(item, dict)
        )
    return told if told and isinstance(told, str) else response.reason_phrase
