"""What a stack file may say: the shape of each key. What a key means beside the others is not checked here.

A key with nothing after it counts as left out, so a file may keep `deployments:` for later.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from infra.model.stack import LogLevel
from infra.model.timezones import BUENOS_AIRES

AREA_NAME = r"^[a-z][a-z0-9_]*$"
ENVIRONMENT_NAME = r"^[a-z][a-z0-9]*$"
VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
SETTING_NAME = r"^PREFECT_[A-Z0-9_]+$"
PROFILE_NAME = r"^[A-Za-z0-9_.{}-]+$"
COMMIT = r"^[0-9a-f]{7,40}$"

Text = Annotated[str, StringConstraints(min_length=1)]
AreaName = Annotated[str, StringConstraints(pattern=AREA_NAME)]
Env = dict[Annotated[str, StringConstraints(pattern=VARIABLE_NAME)], str]
Json = dict[str, Any]
Limit = Annotated[int, Field(ge=1)]
Memory = Annotated[int, Field(ge=128)]
Cpus = Annotated[float, Field(gt=0)]
Pids = Annotated[int, Field(ge=32)]
WorkerType = Literal["process", "docker"]


class Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_left_out(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None or cls._keeps_nothing(key)}

    @classmethod
    def _keeps_nothing(cls, key: str) -> bool:
        field = cls.model_fields.get(key)
        return field is None or field.is_required() or _takes_none(field.annotation)


class Server(Declared):
    port: int | Literal["auto"] = "auto"
    bind: Text = "127.0.0.1"
    auth: Literal["none", "required"] = "none"
    log_level: LogLevel = "WARNING"
    memory_mb: Memory = 2048
    cpus: Cpus = 2.0
    pids: Pids = 512
    protect: bool = False


class LoggingOverride(Declared):
    level: LogLevel | None = None
    print: bool | None = None


class Logging(Declared):
    level: LogLevel = "INFO"
    print: bool = False
    extra_loggers: list[Text] = []


class WorkersOverride(Declared):
    type: WorkerType | None = None
    replicas: Annotated[int, Field(ge=0)] | None = None
    memory_mb: Memory | None = None
    cpus: Cpus | None = None
    pids: Pids | None = None
    limit: Limit | None = None


class Workers(Declared):
    type: WorkerType = "process"
    replicas: Annotated[int, Field(ge=0)] = 1
    memory_mb: Memory = 1024
    cpus: Cpus = 1.0
    pids: Pids = 512
    limit: Limit | None = None


class SecretRef(Declared):
    secret: Text


class Code(Declared):
    location: Literal["checkout", "image", "git"]
    repository: Text | None = None
    branch: Text | None = None
    commit_sha: Annotated[str, StringConstraints(pattern=COMMIT)] | None = None
    access_token: SecretRef | None = None


class Profile(Declared):
    name: Annotated[str, StringConstraints(pattern=PROFILE_NAME)]
    activate: bool = False
    settings: dict[Annotated[str, StringConstraints(pattern=SETTING_NAME)], str] = {}


class Queue(Declared):
    priority: Annotated[int, Field(ge=1)] | None = None
    concurrency_limit: Annotated[int, Field(ge=0)] | None = None
    description: str | None = None
    paused: bool = False


class Schedule(Declared):
    cron: Text | None = None
    day_or: bool | None = None
    interval: int | Text | None = None
    anchor_date: Text | None = None
    rrule: Text | None = None
    timezone: Text | None = None
    slug: Text | None = None
    active: bool | None = None
    parameters: Json = {}


class WorkPool(Declared):
    name: Text | None = None
    work_queue_name: Text | None = None
    job_variables: Json = {}


def _number_is_the_limit(data: Any) -> Any:
    return {"limit": data} if isinstance(data, int) and not isinstance(data, bool) else data


class Concurrency(Declared):
    limit: Limit
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"


class Deployment(Declared):
    name: Text
    entrypoint: Text
    description: str | None = None
    tags: list[Text] = []
    parameters: Json = {}
    enforce_parameter_schema: bool = True
    paused: bool = False
    concurrency_limit: Annotated[Concurrency, BeforeValidator(_number_is_the_limit)] | None = None
    work_pool: WorkPool = Field(default_factory=WorkPool)
    schedules: list[Schedule] = []
    env: Env = {}
    command: Text | None = None
    logging: LoggingOverride = Field(default_factory=LoggingOverride)
    code: Code | None = None


class Area(Declared):
    title: Text | None = None
    description: str | None = None
    concurrency_limit: Annotated[int, Field(ge=0)] | None = None
    queues: dict[Text, Queue] = {}
    workers: WorkersOverride = Field(default_factory=WorkersOverride)
    logging: LoggingOverride = Field(default_factory=LoggingOverride)
    env: Env = {}
    code: Code | None = None
    deployments: list[Deployment] = []


class Stack(Declared):
    environment: Annotated[str, StringConstraints(pattern=ENVIRONMENT_NAME)]
    timezone: Text = BUENOS_AIRES
    server: Server = Field(default_factory=Server)
    logging: Logging = Field(default_factory=Logging)
    workers: Workers = Field(default_factory=Workers)
    code: Code = Field(default_factory=lambda: Code(location="checkout"))
    # `pulumi config set` writes a lone value as text.
    schedules_active: Annotated[bool, Field(strict=False)] | None = None
    profiles: list[Profile] = Field(default_factory=lambda: [Profile(name="prefect-infra-{stack}")])
    areas: dict[AreaName, Area] = {}


def model_at(path: tuple[str | int, ...]) -> type[Declared] | None:
    """The model whose keys may stand at the path."""
    return in_model(Stack, path)


def in_model(outer: type[Declared], path: tuple[str | int, ...]) -> type[Declared] | None:
    annotation: Any = outer
    for part in path:
        model = _model_in(annotation)
        if model is not None and isinstance(part, str):
            field = model.model_fields.get(part)
            if field is None:
                return None
            annotation = field.annotation
        elif (arguments := typing.get_args(_container(annotation))) and model is None:
            annotation = arguments[-1]
        else:
            return None
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[Declared] | None:
    if isinstance(annotation, type) and issubclass(annotation, Declared):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated):
        return next((found for arg in typing.get_args(annotation) if (found := _model_in(arg))), None)
    return None


def _container(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (list, dict):
        return annotation
    return next((a for a in typing.get_args(annotation) if typing.get_origin(a) in (list, dict)), None)


def _takes_none(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)
