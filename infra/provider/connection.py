"""Which Prefect server, and how to get in: from the provider's settings, a Prefect profile or the environment.

The order is told in docs/credentials.md. Its one rule: credentials come from where the address comes from, or from the
provider's own settings. A key that was exported for one server is never sent to another.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx

from infra.provider.errors import LocalFile, Unauthorised, Unreachable, Untrusted
from infra.provider.profiles_file import ProfilesFile, default_path

EXAMPLE: Final = "such as http://127.0.0.1:4200/api"
OWN: Final = "the provider's own settings"
SETTINGS: Final[Mapping[str, str]] = {
    "api_url": "PREFECT_API_URL",
    "auth_string": "PREFECT_API_AUTH_STRING",
    "api_key": "PREFECT_API_KEY",
    "headers": "PREFECT_CLIENT_CUSTOM_HEADERS",
    "ca_file": "PREFECT_API_SSL_CERT_FILE",
}
"""What Prefect's own tools call them, in the environment and in profiles."""
INSECURE: Final = "PREFECT_API_TLS_INSECURE_SKIP_VERIFY"
BUILT_IN: Final[Mapping[str, Mapping[str, str]]] = {
    "ephemeral": {},  # active where a person has chosen none
    "local": {"PREFECT_API_URL": "http://127.0.0.1:4200/api"},
}
"""Prefect's own profiles, which are there even where no file has them."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where the server is and how to get in."""

    api_url: str
    auth_string: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None
    ca_certificate: str | None = None
    writes_at_once: int | None = None
    """None: the provider finds out what the server bears."""
    source: str = OWN
    """Where the address is from, for messages."""

    def __post_init__(self) -> None:
        """Refuse what no request could be made with, however often: texts here never repeat a credential.

        Raises: Unreachable: the address is none. Unauthorised: credentials that can't be sent. LocalFile: `ca_file`.
        """
        named = "the provider's `api_url`" if self.source == OWN else f"PREFECT_API_URL of {self.source}"
        try:
            url = httpx.URL(self.api_url)
        except httpx.InvalidURL as error:
            raise Unreachable(f"{named} is no URL, {EXAMPLE}") from error
        if url.userinfo:
            raise Unauthorised(f"{named} holds credentials: give them as `auth_string`, apart from it")
        if url.scheme not in {"http", "https"} or not url.host:
            raise Unreachable(f"{named} is {self.api_url!r}, expected {EXAMPLE[len('such as ') :]}")
        if self.auth_string is not None and ":" not in self.auth_string:
            raise Unauthorised("the provider's `auth_string` has no colon: expected `user:password`")
        for name, value in {"api_key": self.api_key or "", **self.headers}.items():
            if not (value.isascii() and value.isprintable() and name.isascii() and name.isprintable()):
                raise Unauthorised(f"the provider's {name!r} has characters that can't be sent, such as a line break")
        if self.ca_file is not None and not Path(self.ca_file).expanduser().is_absolute():
            raise LocalFile(
                f"{self.ca_file}: as `ca_file` or {SETTINGS['ca_file']}, it depends on where Pulumi is run: expected "
                "an absolute path"
            )

    @classmethod
    def resolve(cls, properties: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Self:
        """By the order of docs/credentials.md.

        Raises: Unreachable: no address anywhere, or one that is none; Unauthorised: impossible credentials; Untrusted:
        verification is switched off; LocalFile: no such profile, or a file that can't be read.
        """
        own = {key: value for key, value in properties.items() if value is not None}
        profile = own.pop("profile", None)
        if "api_url" in own:
            return cls(**own)
        if profile is not None:
            settings, source = _profile(profile, environment)
        elif environment.get(SETTINGS["api_url"]):
            settings, source = dict(environment), "the environment"
        else:
            settings, source = _active_profile(environment)
        if not settings.get(SETTINGS["api_url"]):
            raise Unreachable(
                "no Prefect server to talk to: give the provider its `api_url` or a `profile`, or set "
                f"PREFECT_API_URL, {EXAMPLE} ({source} has none)"
            )
        if settings.get(INSECURE, "").lower() in {"1", "true", "yes", "on", "t", "y"}:
            raise Untrusted(
                f"{INSECURE} of {source}: credentials are sent to verified servers only: take it out, and name the "
                f"authority's certificate by `ca_file` or {SETTINGS['ca_file']}"
            )
        given: dict[str, Any] = {key: settings[name] for key, name in SETTINGS.items() if settings.get(name)}
        if "headers" in given:
            given["headers"] = _headers(given["headers"], source)
        return cls(**{**given, **own, "source": source})

    def auth(self) -> httpx.BasicAuth | None:
        if not self.auth_string:
            return None
        user, _, password = self.auth_string.partition(":")
        return httpx.BasicAuth(user, password)

    def all_headers(self) -> dict[str, str]:
        # The auth string first, as in Prefect's own client: a self-hosted server answers 401 to a key.
        bearer = {"Authorization": f"Bearer {self.api_key}"} if self.api_key and not self.auth_string else {}
        return {**self.headers, **bearer}

    def verification(self) -> ssl.SSLContext | bool:
        """What httpx verifies the server by. Raises: LocalFile: `ca_file` can't be read, or holds no certificate."""
        if self.api_url.startswith("http://"):
            return False  # nothing to verify, and loading the certificates takes a quarter of a second
        if self.ca_certificate is not None:
            try:
                return ssl.create_default_context(cadata=self.ca_certificate)
            except (ssl.SSLError, ValueError, TypeError) as error:  # the last one where it isn't even ASCII
                raise Untrusted(f"the provider's `ca_certificate` is no certificate as PEM: {error}") from error
        if self.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=str(Path(self.ca_file).expanduser()))
        except OSError as error:
            raise LocalFile(f"{self.ca_file}: can't be used as `ca_file` or {SETTINGS['ca_file']}: {error}") from error

    def secret_texts(self) -> frozenset[str]:
        """What must never be shown, in each form that a message could hold it in."""
        texts = {self.api_key or "", *self.headers.values()}
        if self.auth_string:
            texts |= {self.auth_string, self.auth_string.partition(":")[2]}
            texts.add(base64.b64encode(self.auth_string.encode()).decode())
        return frozenset(texts - {""})


def _active_profile(environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """What Prefect's own tools would use: the environment's settings over those of the active profile."""
    path = default_path(environment)
    name = environment.get("PREFECT_PROFILE") or ProfilesFile.load(path).active
    if name is None:
        return {}, f"{path}, which names no active profile,"
    settings, source = _profile(name, environment)
    return {**settings, **{key: value for key, value in environment.items() if value}}, source


def _profile(name: str, environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    path = default_path(environment)
    document = ProfilesFile.load(path)
    table: Mapping[str, str] | None = document.table(name)
    if table is None:
        table = BUILT_IN.get(name)
    if table is None:
        there = ", ".join(document.names()) or "none"
        raise LocalFile(f"{path}: there is no profile {name!r}; there are: {there}")
    return dict(table), f"the profile {name!r} in {path}"


def _headers(text: str, source: str) -> dict[str, str]:
    try:
        headers = json.loads(text)
    except ValueError:
        headers = None
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Unauthorised(f'{SETTINGS["headers"]} of {source}: expected JSON such as {{"X-Gate": "..."}}')
    return headers
