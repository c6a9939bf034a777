"""What an HTTP answer of the Prefect server means: its content, or an error in words."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from infra.provider.connection import OWN, Connection
from infra.provider.errors import Conflict, NotFound, ProviderError, Rejected, Unauthorised

TRANSIENT: Final = frozenset({408, 425, 429, 502, 503, 504})
NO_SUCH_PATH: Final = "Not Found"  # an object that isn't there is told with its kind: "Flow not found"


def content(connection: Connection, method: str, path: str, response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise _not_the_api(connection.api_url, method, path) from error


def error(connection: Connection, method: str, path: str, response: httpx.Response) -> ProviderError:
    told = detail(response)
    # With 403 the server also answers names that it keeps for itself.
    reserved = "prefect" in told.lower()
    match response.status_code:
        case status if status == httpx.codes.UNAUTHORIZED or (status == httpx.codes.FORBIDDEN and not reserved):
            return _unauthorised(connection, response)
        case 404 if told == NO_SUCH_PATH:
            return _not_the_api(connection.api_url, method, path)
        case 404:
            return NotFound(f"{method} {path}: not found: {told}")
        case 409:
            return Conflict(f"{method} {path}: {told}")
        case status:
            return Rejected(f"the Prefect server refuses {method} {path} ({status}): {told}")


def asked_to_wait(response: httpx.Response) -> float:
    """Seconds, by the answer's Retry-After, which is a number or a date; 0 where there is none that makes sense."""
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def _unauthorised(connection: Connection, response: httpx.Response) -> Unauthorised:
    server = f"the Prefect server at {response.url.host}:{response.url.port or response.url.scheme}"
    where = (
        "the provider's `auth_string` or `api_key`"
        if connection.source == OWN
        else f"PREFECT_API_AUTH_STRING or PREFECT_API_KEY of {connection.source}"
    )
    if connection.auth_string or connection.api_key:
        return Unauthorised(f"{server} refuses the credentials ({response.status_code}): check {where}")
    return Unauthorised(f"{server} asks for credentials ({response.status_code}) and there are none: give {where}")


def _not_the_api(url: str, method: str, path: str) -> ProviderError:
    """Not to be taken for an object that is gone: a refresh with a wrong address would forget the whole stack."""
    return Rejected(f"{url}: {method} {path} is nothing that Prefect's API has: the API's address ends with /api")


def detail(response: httpx.Response) -> str:
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
