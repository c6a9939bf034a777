"""`prefect:index:Profile`: a Prefect profile in a person's `profiles.toml`, so that `prefect` finds the stack's server.

The file is a person's: everything but the one table stays as it is, byte for byte. Prefect's own `save_profiles`
rewrites the whole file, loses comments and unknown keys, and holds no lock.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from infra.credential_forms import is_secret_key, places
from infra.provider import wire
from infra.provider.errors import NotOurs
from infra.provider.kinds.kind import Adoptable, Failure, Kind, Live, Outputs, Session
from infra.provider.profiles_file import ProfilesFile, default_path, locked

BUILT_IN: Final = frozenset({"ephemeral", "local", "cloud", "test"})
"""Prefect's own: there even where no file has them, and its command line writes them."""
CREDENTIALS: Final = frozenset(
    {"PREFECT_CLIENT_CUSTOM_HEADERS", "PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL"}
)
"""Settings that hold some, as their names don't say: keys and passwords are told by their names."""
CA_FILE: Final = "PREFECT_API_SSL_CERT_FILE"
_SETTING: Final = re.compile(r"PREFECT_[A-Z0-9_]+")


class ProfileInputs(Adoptable):
    name: str = Field(min_length=1, description="What `prefect profile use` is given.")
    api_url: str = Field(description="The server's API, such as http://127.0.0.1:4200/api.")
    auth_string: str | None = Field(default=None, repr=False, description="`user:password`; empty is none.")
    ca_certificate: str | None = Field(
        default=None, description="Who signed the server's certificate, as PEM; written beside the profiles."
    )
    settings: dict[str, str] = Field(
        default_factory=dict, description="Further settings, such as PREFECT_LOGGING_LEVEL."
    )
    activate: bool = Field(default=False, description="Make it the active profile; taken back when it goes.")
    file: str | None = Field(
        default=None, description="Which file; left out: PREFECT_PROFILES_PATH, else PREFECT_HOME, else ~/.prefect."
    )

    @field_validator("auth_string")
    @classmethod
    def _none_where_empty(cls, given: str | None) -> str | None:
        return given or None


class ProfileOutputs(Outputs):
    path: str = Field(description="The file that it was written to.")
    previously_active: str | None = Field(default=None, description="Active before this one was made so.")


class Profile(Kind[ProfileInputs]):
    """Files are read and written in a thread: a lock that somebody holds must not halt the whole plugin."""

    token = "prefect:index:Profile"  # noqa: S105  # a type token
    inputs = ProfileInputs
    outputs = ProfileOutputs
    # No identity: of another name, the old one goes first, so that the new one finds what was active before either.
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "a profile is known by its name",
        "file": "it is taken out of the one file and written to the other",
    }
    secrets = frozenset({"auth_string"})

    def always_secret(self, values: Mapping[str, Any]) -> Iterator[wire.Path]:
        yield from super().always_secret(values)
        settings = values.get("settings")
        for key, value in settings.items() if isinstance(settings, Mapping) else ():
            at = ("settings", key)
            if key in CREDENTIALS or is_secret_key(key) or any(places(value, at)):
                yield at

    def check(self, old: ProfileInputs | None, new: ProfileInputs) -> Iterator[Failure]:
        del old
        if new.name in BUILT_IN:
            yield Failure(("name",), f"Prefect's own command line writes a profile {new.name!r}: choose another name")
        if not new.name.isprintable() or any(sign in new.name for sign in "'\"\\"):
            yield Failure(("name",), f"has no quotes, backslashes or control characters, got {new.name!r}")
        for key in new.settings:
            if not _SETTING.fullmatch(key):
                reason = "a setting is named in capitals, digits and _, and begins with PREFECT_"
                yield Failure(("settings", key), reason)
            elif key in {"PREFECT_API_URL", "PREFECT_API_AUTH_STRING"}:
                yield Failure(("settings", key), "comes from the server that the profile is for")
            elif key == CA_FILE and new.ca_certificate is not None:
                yield Failure(("settings", key), "is set by `ca_certificate`: leave one of the two out")
        if new.file is not None and not Path(new.file).expanduser().is_absolute():
            reason = f"depends on where Pulumi is run: expected an absolute path, or one from ~, got {new.file!r}"
            yield Failure(("file",), reason)

    async def create(self, session: Session, new: ProfileInputs) -> Live[ProfileInputs]:
        return await asyncio.to_thread(self._create, session.owner, new)

    def _create(self, owner: str, new: ProfileInputs) -> Live[ProfileInputs]:
        path = _path(new)
        with locked(path):
            document = ProfilesFile.load(path)
            if document.table(new.name) is not None and not (document.owner(new.name) == owner or new.adopt):
                raise NotOurs(f"profile {new.name!r} in {path}", self.token, new.name)
            document.put(new.name, _settings(new, path), owner)
            _write_authority(new, path)
            previously = _activate(document, new.name) if new.activate else None
            document.save()
        return Live(id=new.name, inputs=new, outputs=ProfileOutputs(path=str(path), previously_active=previously))

    async def read(
        self, session: Session, id_: str, known: ProfileInputs | None, state: Mapping[str, Any]
    ) -> Live[ProfileInputs] | None:
        path = Path(state["path"]) if "path" in state else _path(known)
        settings = (await asyncio.to_thread(ProfilesFile.load, path)).table(id_)
        if settings is None:
            return None
        authority = None
        if settings.get(CA_FILE) == str(_authority(path, id_)):
            del settings[CA_FILE]
            # Empty is not what was written, so a refresh tells that the file has gone, and the next `up` mends it.
            authority = await asyncio.to_thread(_read_authority, path, id_)
        inputs = ProfileInputs(
            name=id_,
            ca_certificate=authority,
            api_url=settings.pop("PREFECT_API_URL", ""),
            auth_string=settings.pop("PREFECT_API_AUTH_STRING", None),
            settings=settings,
            # Which profile is active is the person's to choose: switching away is no drift.
            activate=known.activate if known else False,
            file=known.file if known else None,
        )
        outputs = ProfileOutputs(path=str(path), previously_active=state.get("previously_active"))
        return Live(id=id_, inputs=inputs, outputs=outputs)

    async def update(
        self, session: Session, id_: str, old: ProfileInputs, new: ProfileInputs, state: Mapping[str, Any]
    ) -> Live[ProfileInputs]:
        return await asyncio.to_thread(self._update, session.owner, old, new, state)

    @staticmethod
    def _update(owner: str, old: ProfileInputs, new: ProfileInputs, state: Mapping[str, Any]) -> Live[ProfileInputs]:
        path, previously = Path(state["path"]), state.get("previously_active")
        with locked(path):
            document = ProfilesFile.load(path)
            document.put(new.name, _settings(new, path), owner)
            _write_authority(new, path)
            if old.ca_certificate is not None and new.ca_certificate is None:
                _authority(path, new.name).unlink(missing_ok=True)
            if new.activate and not old.activate:
                previously = _activate(document, new.name)
            elif old.activate and not new.activate:
                _deactivate(document, new.name, previously)
                previously = None
            document.save()
        return Live(id=new.name, inputs=new, outputs=ProfileOutputs(path=str(path), previously_active=previously))

    async def delete(self, session: Session, id_: str, old: ProfileInputs, state: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._delete, id_, old, state)

    @staticmethod
    def _delete(id_: str, old: ProfileInputs, state: Mapping[str, Any]) -> None:
        path = Path(state["path"])
        if not path.parent.is_dir():
            return
        with locked(path):
            document = ProfilesFile.load(path)
            if document.table(id_) is not None:
                _deactivate(document, id_, state.get("previously_active"))
                document.remove(id_)
            if old.ca_certificate is not None:
                _authority(path, id_).unlink(missing_ok=True)
            document.save()


def _activate(document: ProfilesFile, name: str) -> str | None:
    """Which one was active before."""
    before = document.active
    if before == name:
        return None
    document.activate(name)
    return before


def _deactivate(document: ProfilesFile, name: str, previously: str | None) -> None:
    """What was active before is active again, if there still is such a profile; nothing happens to another choice."""
    if document.active == name:
        there = previously in BUILT_IN or (previously is not None and document.table(previously) is not None)
        document.activate(previously if there else None)


def _settings(inputs: ProfileInputs, profiles: Path) -> dict[str, str]:
    auth = {"PREFECT_API_AUTH_STRING": inputs.auth_string} if inputs.auth_string else {}
    authority = {CA_FILE: str(_authority(profiles, inputs.name))} if inputs.ca_certificate is not None else {}
    return {"PREFECT_API_URL": inputs.api_url, **auth, **authority, **dict(sorted(inputs.settings.items()))}


def _authority(profiles: Path, name: str) -> Path:
    """Where the certificate of a profile's server's authority lies."""
    return profiles.parent / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.ca.pem"


def _write_authority(inputs: ProfileInputs, profiles: Path) -> None:
    if inputs.ca_certificate is None:
        return
    path = _authority(profiles, inputs.name)
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(inputs.ca_certificate)
    aside.replace(path)


def _read_authority(profiles: Path, name: str) -> str:
    try:
        return _authority(profiles, name).read_text()
    except FileNotFoundError:
        return ""


def _path(inputs: ProfileInputs | None) -> Path:
    if inputs is not None and inputs.file:
        return Path(inputs.file).expanduser()
    return default_path()
