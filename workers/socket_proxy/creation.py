"""The description of a container, rebuilt from what the rules allow.

The request's own JSON is never sent on, not even when it looks harmless. The engine decodes it with Go's
`encoding/json`, for which `privileged` and `Privileged` are one key and the last of two equal keys wins; what this
proxy had read and what the engine would obey could be two different things. So the values that are understood are
checked and put into a new object, the fixed ones are added, and anything else that says something is refused.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.socket_proxy.rules import OWNER_LABEL, RESERVED_LABELS, Bind, Rules

Json = dict[str, Any]

MEGABYTE = 1024 * 1024
NANO = 1_000_000_000
NO_NETWORK_CHOSEN = ("", "default")


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The request is not allowed; the text is the reason that the worker's log shows."""


class _Asked(BaseModel):
    """Fields that have a say; other keys may be sent as long as they say nothing."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    def refuse_the_rest(self, where: str) -> None:
        for key, value in (self.model_extra or {}).items():
            if not _says_nothing(value):
                raise Refused(f"{where}{key} = {value!r}: containers of flow runs can't set this")


class _HostConfig(_Asked):
    binds: list[str] | None = Field(default=None, alias="Binds")
    network_mode: str | None = Field(default=None, alias="NetworkMode")
    memory: int | None = Field(default=None, alias="Memory", ge=0)
    memory_swap: int | None = Field(default=None, alias="MemorySwap")
    nano_cpus: int | None = Field(default=None, alias="NanoCpus", ge=0)
    pids_limit: int | None = Field(default=None, alias="PidsLimit", ge=0)
    auto_remove: bool | None = Field(default=None, alias="AutoRemove")
    read_only: bool | None = Field(default=None, alias="ReadonlyRootfs")


class _Container(_Asked):
    image: str = Field(alias="Image")
    cmd: list[str] | None = Field(default=None, alias="Cmd")
    entrypoint: list[str] | None = Field(default=None, alias="Entrypoint")
    env: list[str] | None = Field(default=None, alias="Env")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")
    working_dir: str | None = Field(default=None, alias="WorkingDir")
    user: str | None = Field(default=None, alias="User")
    host_config: _HostConfig = Field(default_factory=_HostConfig, alias="HostConfig")
    networking: dict[str, dict[str, Any] | None] | None = Field(default=None, alias="NetworkingConfig")
    # docker-py repeats the targets of the mounts here; on their own they would make anonymous volumes.
    volumes: dict[str, Any] | None = Field(default=None, alias="Volumes")
    # Attaching is a matter between a client and its connection; this proxy offers none.
    attach_stdout: bool = Field(default=False, alias="AttachStdout")
    attach_stderr: bool = Field(default=False, alias="AttachStderr")


def allowed_container(body: bytes, rules: Rules) -> Json:
    """The description to send to the engine in the place of `body`."""
    try:
        asked = _Container.model_validate_json(body)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
        raise Refused(f"the container's description is not understood: {reasons}") from error
    asked.refuse_the_rest("")
    asked.host_config.refuse_the_rest("HostConfig.")
    if not rules.allows(asked.image):
        raise Refused(f"Image = {asked.image!r} is not one of {', '.join(sorted(rules.images))}")
    if asked.user and asked.user not in (rules.user, rules.user.split(":", maxsplit=1)[0]):
        raise Refused(f"User = {asked.user!r}: flow runs run as {rules.user}")
    binds = [_allowed_bind(text, rules) for text in asked.host_config.binds or []]
    if strange := set(asked.volumes or {}) - {bind.target for bind in binds}:
        raise Refused(f"Volumes = {', '.join(sorted(strange))}: only the stack's own mounts are allowed")
    _check_network(asked, rules)
    fixed = {
        "Image": asked.image,
        "User": rules.user,
        "Labels": _labels(asked.labels or {}, rules),
        "HostConfig": _host_config(asked.host_config, binds, rules),
    }
    chosen = {
        "Cmd": asked.cmd,
        "Entrypoint": asked.entrypoint,
        "Env": _environment(asked.env or [], rules),
        "WorkingDir": asked.working_dir,
    }
    return fixed | {key: value for key, value in chosen.items() if value}


def _environment(asked: list[str], rules: Rules) -> list[str]:
    """Without what a flow run finds in a file: whoever may ask the engine reads a container's environment."""
    return [variable for variable in asked if variable.partition("=")[0] not in rules.withheld]


def _host_config(asked: _HostConfig, binds: list[Bind], rules: Rules) -> Json:
    memory = _within("Memory", asked.memory, rules.memory_mb * MEGABYTE)
    if asked.memory_swap and asked.memory_swap != memory:
        raise Refused(f"HostConfig.MemorySwap = {asked.memory_swap}: flow runs get no swap beside their memory")
    return {
        "Binds": [str(bind) for bind in binds],
        "NetworkMode": rules.network,
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": _within("NanoCpus", asked.nano_cpus, int(rules.cpus * NANO)),
        "PidsLimit": _within("PidsLimit", asked.pids_limit, rules.pids),
        # Whatever was asked: see sweep.
        "AutoRemove": False,
        "ReadonlyRootfs": bool(asked.read_only),
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": rules.log_max_size, "max-file": str(rules.log_max_files)},
        },
    }


def _within(name: str, asked: int | None, limit: int) -> int:
    if (asked or 0) > limit:
        raise Refused(f"HostConfig.{name} = {asked} is above the {limit} that the area's workers allow")
    return asked or limit


def _allowed_bind(text: str, rules: Rules) -> Bind:
    try:
        asked = Bind.parse(text)
    except ValueError as error:
        raise Refused(f"HostConfig.Binds: {error}") from error
    for allowed in rules.binds:
        if asked[:2] == allowed[:2] and (asked.read_only or not allowed.read_only):
            return asked
    allowed_texts = ", ".join(map(str, rules.binds)) or "none"
    raise Refused(f"HostConfig.Binds: {asked} is not among the stack's mounts, {allowed_texts}")


def _check_network(asked: _Container, rules: Rules) -> None:
    mode = asked.host_config.network_mode or ""
    if mode not in (*NO_NETWORK_CHOSEN, rules.network):
        raise Refused(f"HostConfig.NetworkMode = {mode!r}: flow runs are on the network {rules.network}")
    # docker-py puts the network's name where the engine's API has EndpointsConfig; Prefect's worker comes that way.
    networking = dict(asked.networking or {})
    endpoints = networking.pop("EndpointsConfig", None) or {}
    endpoints |= networking
    if set(endpoints) - {rules.network} or not _says_nothing(endpoints):
        raise Refused(f"NetworkingConfig = {asked.networking!r}: flow runs are on the network {rules.network} alone")


def _labels(asked: Mapping[str, str], rules: Rules) -> dict[str, str]:
    """Other programs obey labels (reverse proxies, updaters): a flow run has Prefect's, plain words, and ours."""
    for key in asked:
        if key.startswith(RESERVED_LABELS) or ("." in key and not key.startswith("io.prefect.")):
            raise Refused(f"Labels: {key!r} is not allowed; a label is a word without a dot, or one of io.prefect.*")
    return {**asked, **rules.labels, OWNER_LABEL: rules.owner}


def _says_nothing(value: object) -> bool:
    match value:
        case dict():
            return all(_says_nothing(item) for item in value.values())
        case list():
            return all(_says_nothing(item) for item in value)
        case _:
            return not value
