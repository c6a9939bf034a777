"""Become a program once the server's database and Redis can be used; say in one line each why they can't.

    with_secrets.py python once_they_answer.py prefect server database upgrade -y

They may be elsewhere, and then nobody has seen before whether their addresses lead anywhere: the server itself would
try for minutes, and end with a traceback. What may pass is waited for a while: a name that isn't known yet, a machine
that is being started. What won't, a wrong password say, is told at once.
"""

import asyncio
import os
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import redis.asyncio
from redis import exceptions
from sqlalchemy.engine import URL, make_url

PATIENCE_SECONDS = 20.0
AGAIN_SECONDS = 1.0
CONNECT_SECONDS = 8.0
TLS = "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS"
EXTENSION = "pg_trgm"


class UnusableError(Exception):
    """It answers, and can't be used. The text says why."""


async def database(environment: dict[str, str]) -> str | None:
    """Why the database can't be used, or None."""
    url = make_url(environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"])
    ask: dict[str, Any] = {"ssl": url.query.get("ssl")} if "ssl" in url.query else {}
    if environment.get(f"{TLS}_ENABLED") == "true":
        ask = {"ssl": ssl.create_default_context(cafile=environment.get(f"{TLS}_CA_FILE"))}

    async def look() -> None:
        connection = await asyncpg.connect(**_told(url), **ask, timeout=CONNECT_SECONDS)
        try:
            await _has_what_prefect_needs(connection, url)
        finally:
            await connection.close()

    return await _patiently(f"the database {url.host}:{url.port or 5432}", look)


def _told(url: URL) -> dict[str, Any]:
    return url.translate_connect_args(username="user")


async def _has_what_prefect_needs(connection: asyncpg.Connection, url: URL) -> None:
    has = await connection.fetchval("SELECT true FROM pg_extension WHERE extname = $1", EXTENSION)
    if not has and not await connection.fetchval("SELECT true FROM pg_available_extensions WHERE name = $1", EXTENSION):
        raise UnusableError(f"has no extension {EXTENSION}, which comes with Postgres's contrib modules")
    if not has and not await connection.fetchval("SELECT has_database_privilege(current_database(), 'CREATE')"):
        owner = f'GRANT CREATE ON DATABASE "{url.database}" TO "{url.username}"'
        raise UnusableError(f"lacks the extension {EXTENSION}, which {url.username} may not create: {owner}")
    if not await connection.fetchval("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"):
        raise UnusableError(f'{url.username} may make no tables: GRANT CREATE ON SCHEMA public TO "{url.username}"')


async def messaging(environment: dict[str, str]) -> str | None:
    """Why Redis can't be used, or None."""
    given = environment["PREFECT_REDIS_MESSAGING_URL"]
    url = make_url(given)

    async def look() -> None:
        client = redis.asyncio.from_url(given, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS)
        try:
            await client.ping()
        finally:
            await client.aclose()

    return await _patiently(f"Redis {url.host}:{url.port or 6379}", look)


async def _patiently(what: str, look: Callable[[], Awaitable[None]]) -> str | None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await look()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told
            if not _may_pass(error) or time.monotonic() > deadline:
                return f"{what}: {_in_words(error)}"
        else:
            return None
        await asyncio.sleep(AGAIN_SECONDS)


def _may_pass(error: BaseException) -> bool:
    if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
        return False
    if isinstance(error, (exceptions.AuthenticationError, exceptions.AuthorizationError)):
        return False
    passing = (OSError, TimeoutError, exceptions.ConnectionError, exceptions.TimeoutError)
    return isinstance(error, (*passing, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError))


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _in_words(error: BaseException) -> str:
    """One line. Neither library tells passwords in its errors."""
    for each in _causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {each.verify_message}"
    text = " ".join(str(error).split())
    if isinstance(error, TimeoutError):
        return text or f"no answer within {CONNECT_SECONDS:.0f} s"
    return text or type(error).__name__


async def problems(environment: dict[str, str]) -> list[str]:
    return [each for each in await asyncio.gather(database(environment), messaging(environment)) if each]


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit("usage: once_they_answer.py PROGRAM [ARGUMENT ...]")
    if found := asyncio.run(problems(dict(os.environ))):
        sys.exit("\n".join(found))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
