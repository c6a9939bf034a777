"""Secrets' values, where they can be read: held against what they are for. No finding shows a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from infra.model import addresses, declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.rules import secret_values
from infra.model.servers import AUTH_KEY
from infra.model.stack import Stack

Open: TypeAlias = Callable[[str], str | None]
"""A top-level secret's value by its name; None where it can't be read."""
_PATH: Final[KeyPath] = ("server",)


def check(given: declared.Stack, stack: Stack, open_: Open, found: Findings, now: datetime) -> None:
    if stack.server.auth == "required" and stack.server.api_url is None:
        _credential(open_, found)
    scaled = stack.server.scaled
    if scaled is None:
        return
    for part, of, faults in (
        ("database", given.server.database, addresses.database_faults),
        ("redis", given.server.redis, addresses.redis_faults),
    ):
        if of.url is not None and (url := open_(of.url.secret)) is not None:
            for message, hint in faults(url, trusted=of.authority is not None):
                path = (*_PATH, part, "url")
                found.add(secret_values.UNUSABLE_ADDRESS, path, f"{of.url.secret}: {message}", hint=hint)
    # Of the normalised stack: a throwaway one has no certificate of its base's.
    if scaled.proxy.tls is not None:
        _certificate(given, scaled.proxy.host, open_, found, now)


def _credential(open_: Open, found: Findings) -> None:
    auth = open_(AUTH_KEY)
    if auth is None:
        return
    user, _, password = auth.partition(":")
    fault = None
    if not (user and password):
        fault = "it has to be a name, a colon and a password"
    elif not (auth.isascii() and auth.isprintable()):
        # The server compares by `hmac.compare_digest`, which takes no others: 500 instead of 401 or 200 (3.8.8, run).
        fault = "it has a letter with an accent, a line break or another character that the server can't compare"
    if fault is not None:
        hint = f"pulumi config set --secret prefect-infra:{AUTH_KEY} 'user:password', in ASCII"
        found.add(secret_values.UNUSABLE_CREDENTIAL, (*_PATH, "auth"), f"{AUTH_KEY}: {fault}", hint=hint)


def _certificate(given: declared.Stack, host: str, open_: Open, found: Findings, now: datetime) -> None:
    tls = given.server.proxy.tls
    if tls is None:
        return
    certificate, key = open_(tls.certificate.secret), open_(tls.key.secret)
    authority = open_(tls.authority.secret) if tls.authority else None
    if certificate is None or key is None or (tls.authority and authority is None):
        return
    # Few stacks have one, and what reads them takes a while to import.
    from infra.model import certificates  # noqa: PLC0415

    for fault in certificates.faults(certificate, key, authority, host, now):
        ref = {"certificate": tls.certificate, "key": tls.key, "authority": tls.authority}[fault.part]
        rule = secret_values.EXPIRES_SOON if fault.weight == "soon" else secret_values.UNUSABLE_CERTIFICATE
        path = (*_PATH, "proxy", "tls", fault.part)
        found.add(rule, path, f"{ref.secret if ref else fault.part}: {fault.message}", hint=fault.hint)
