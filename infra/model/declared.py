"""What a stack file may say: the shape of each key. What a key means beside the others is not checked here.

From the same classes comes the JSON Schema that editors use (infra/model/json_schema.py): the text below a field is
what they show for it.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from infra.model.declaration import Cpus, Declared, Json, Limit, Memory, Pids, Text, field_of, keys_of
from infra.model.declared_server import Database, Redis, SecretRef, Server
from infra.model.declared_swarm import Registry, Swarm
from infra.model.declared_triggers import Condition, Trigger
from infra.model.declared_upkeep import Alerts, Autoscale, Backup, Janitor
from infra.model.partial import Partial
from infra.model.schema_hints import OrFile, OrNumber
from infra.model.stack import LogLevel
from infra.model.timezones import BUENOS_AIRES

__all__ = [
    "Condition",
    "Database",
    "Declared",
    "Json",
    "Redis",
    "SecretRef",
    "Server",
    "Text",
    "Trigger",
    "field_of",
    "keys_of",
]

AREA_NAME = r"^[a-z][a-z0-9_]*$"
ENVIRONMENT_NAME = r"^[a-z][a-z0-9]*$"
VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
SETTING_NAME = r"^PREFECT_[A-Z0-9_]+$"
PROFILE_NAME = r"^[A-Za-z0-9_.{}-]+$"
COMMIT = r"^[0-9a-f]{7,40}$"
PREFECT_VARIABLE = r"^[a-z0-9_-]{1,255}$"
REMOTE_HOST = r"^ssh://([A-Za-z_][A-Za-z0-9._-]*@)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"
MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)$"

AreaName = Annotated[str, StringConstraints(pattern=AREA_NAME)]
EnvironmentName = Annotated[str, StringConstraints(pattern=ENVIRONMENT_NAME)]
Env = dict[Annotated[str, StringConstraints(pattern=VARIABLE_NAME)], str]
DrainSeconds = Annotated[int, Field(ge=0, le=86_400)]
WorkerType = Literal["process", "docker"]
Placement = Literal["any", "area"]
# `pulumi config set` writes a lone value as text.
BoolOrItsText = Annotated[
    bool,
    BeforeValidator(
        lambda value: {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    ),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]}),
]


class LoggingOverride(Declared):
    level: LogLevel | None = None
    """The level of the runs, and of an area's workers."""
    print: bool | None = None
    """true: what flows print() becomes a log record."""


class Logging(Declared):
    level: LogLevel = "INFO"
    """The level of the workers and their runs."""
    print: bool = False
    """true: what flows print() becomes a log record."""
    extra_loggers: list[Text] = Field([], examples=[["sqlalchemy"]])
    """Further loggers whose records reach the UI."""


class WorkersOverride(Declared):
    type: WorkerType | None = None
    """process: runs inside the worker's container. docker: each run in a container of its own."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """How many workers; 0 keeps the pool and stops them."""
    autoscale: Autoscale | None = None
    """Instead of replicas: as many workers as the runs that are due need. With a limit."""
    memory_mb: Memory | None = None
    """Memory limit of each worker's container, in MiB."""
    cpus: Cpus | None = None
    """Processor limit of each worker's container."""
    pids: Pids | None = None
    """How many processes and threads each worker's container may have."""
    limit: Limit | None = None
    """Runs at once per worker; null: no limit."""
    drain_seconds: DrainSeconds | None = None
    """How long a worker that is told to stop waits for its runs."""
    placement: Placement | None = None
    """On a swarm. area: only on nodes with the label prefect-infra.area=<area>. any: on each."""


class Workers(Declared):
    type: WorkerType = "process"
    """process: runs inside the worker's container. docker: each run in a container of its own."""
    replicas: Annotated[int, Field(ge=0)] = 1
    """How many workers each area has; 0 keeps the pool and stops them."""
    autoscale: Autoscale | None = None
    """Instead of replicas: as many workers as the runs that are due need. With a limit."""
    memory_mb: Memory = 1024
    """Memory limit of each worker's container, in MiB."""
    cpus: Cpus = 1.0
    """Processor limit of each worker's container."""
    pids: Pids = 512
    """How many processes and threads each worker's container may have."""
    limit: Limit | None = None
    """Runs at once per worker; null: no limit."""
    drain_seconds: DrainSeconds | None = None
    """How long a worker that is told to stop waits for its runs; default: 30 in the environment dev, 600 in others."""
    placement: Placement = "any"
    """On a swarm. area: only on nodes with the label prefect-infra.area=<area>. any: on each."""


class Code(Declared):
    location: Literal["checkout", "image", "git"]
    """checkout: mounted from here. image: baked into the worker's image. git: cloned before each run."""
    repository: Text | None = Field(None, examples=["https://git.example.com/datos/flujos.git"])
    """With location: git. The repository's URL."""
    branch: Text | None = Field(None, examples=["main"])
    """With location: git. Each run takes the newest commit of it."""
    commit_sha: Annotated[str, StringConstraints(pattern=COMMIT)] | None = Field(None, examples=["1f0c2d9a"])
    """With location: git, instead of a branch. What runs is what was released."""
    access_token: SecretRef | None = None
    """With location: git. The secret that opens a private repository."""


class Profile(Declared):
    name: Annotated[str, StringConstraints(pattern=PROFILE_NAME)] = Field(examples=["prefect-infra-{stack}"])
    """The profile's name; {project} and {stack} may be used."""
    activate: bool = False
    """true: the active profile of whoever runs `pulumi up` is switched to it; one at most."""
    settings: dict[Annotated[str, StringConstraints(pattern=SETTING_NAME)], str] = Field(
        {}, examples=[{"PREFECT_LOGGING_LEVEL": "INFO"}]
    )
    """Prefect settings, but for the server's address and credential, which are the stack's."""


class Queue(Declared):
    priority: Annotated[int, Field(ge=1)] | None = None
    """1 goes first; unique in the pool. Default: the lowest number that is free."""
    concurrency_limit: Annotated[int, Field(ge=0)] | None = None
    """Runs of the queue at once; default: no limit."""
    description: str | None = None
    """What the queue is for."""
    paused: bool = False
    """true: nothing is taken from the queue."""


class Schedule(Declared):
    """One of `cron`, `interval` and `rrule`."""

    cron: Text | None = Field(None, examples=["30 1,13,17 * * *", "0 8 * * 1-5", "0 18 L * *"])
    """Minute, hour, day of month, month, day of week; in local time."""
    day_or: bool | None = None
    """With cron. false: day of month and day of week must both hold."""
    interval: int | Text | None = Field(None, examples=["15m", "2h", "1d", 3600])
    """Whole seconds, or text such as 30s, 15m, 2h, 1d, 1h30m."""
    anchor_date: Text | None = Field(None, examples=["2026-01-01T08:00:00"])
    """With interval. The local time that it counts from."""
    rrule: Text | None = Field(None, examples=["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=7;BYMINUTE=0;BYSECOND=0"])
    """RFC 5545, one rule or several lines."""
    timezone: Text | None = Field(None, examples=["America/Santiago"])
    """An IANA name; default: the stack's. Never UTC."""
    slug: Text | None = Field(None, examples=["tres-por-dia"])
    """What the schedule is known by; default: from its rule."""
    active: bool | None = None
    """Whether it makes runs; default: schedules_active of the deployment, the area or the stack."""
    parameters: Json = Field({})
    """Over the deployment's own."""


class WorkPool(Declared):
    name: Text | None = Field(None, examples=["compras-dev"])
    """May be left out: it can only be <area>-<environment>."""
    work_queue_name: Text | None = Field(None, examples=["urgente"])
    """One of the area's queues; default: default."""
    job_variables: Json = Field({}, examples=[{"stream_output": True}])
    """What a run gets from the worker, over everything else."""


class Concurrency(Declared):
    limit: Limit
    """Runs of the deployment at once."""
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    """What becomes of a run over the limit. ENQUEUE: it waits. CANCEL_NEW: it is dropped."""


class DeploymentDefaults(Declared):
    """What deployments have unless they say otherwise."""

    tags: list[Text] = Field([], examples=[["precios", "proveedores"]])
    """Tags of the deployment and its runs."""
    parameters: Json = Field({})
    """The flow's arguments. From `defaults`, each goes to the flows that take it."""
    enforce_parameter_schema: bool = True
    """true: the server refuses runs whose parameters don't fit."""
    paused: bool = False
    """true: its schedules make no runs."""
    concurrency_limit: Annotated[Concurrency, OrNumber()] | None = Field(None, examples=[1])
    """Runs at once; a number, or limit and collision_strategy."""
    work_pool: WorkPool = Field(default_factory=WorkPool)
    """Which queue its runs wait in, and what the worker is told."""
    command: Text | None = None
    """What the worker runs instead of its own command."""


class DeploymentKeys(DeploymentDefaults):
    """What an overlay may change of a deployment."""

    entrypoint: Text = Field(examples=["flows/compras/lista_de_precios.py:importar_lista_de_precios"])
    """path/file.py:function, relative to the root of the code."""
    flow_name: Text | None = Field(None, examples=["importar-lista-de-precios"])
    """The flow's name, where its file is in another repository; default: its function's, with - for _."""
    description: str | None = None
    """Default: the first paragraph of the flow's docstring; "" for none."""
    version: Text | None = None
    """Of the code, at will."""
    schedules: list[Schedule] = Field([])
    """When it runs. An overlay replaces all of them."""
    schedules_active: bool | None = None
    """Whether its schedules make runs unless they say otherwise; default: the area's or the stack's."""
    triggers: list[Trigger] = Field([])
    """What it runs upon, beside schedules. An overlay replaces all of them."""
    env: Env = Field({}, examples=[{"CLAVE": "valor"}])
    """Environment variables of its runs, over the area's."""
    logging: LoggingOverride = Field(default_factory=LoggingOverride)
    """Over the area's."""
    code: Code | None = None
    """Where its flow is found; default: the area's or the stack's."""
    pull: list[Json] | None = Field(
        None, examples=[[{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}]]
    )
    """The steps by which a worker gets the code, in place of `code`; [] for none."""


class Deployment(DeploymentKeys):
    name: Text = Field(examples=["importar-lista-de-precios"])
    """Unique in the stack."""
    only_in: list[EnvironmentName] | None = Field(None, examples=[["dev"]])
    """The environments that have it; default: all."""
    overlays: dict[EnvironmentName, Annotated[DeploymentKeys, Partial()] | None] = Field(default={}, alias="in")
    """What differs, by environment: mappings are merged, the rest replaced; null takes away."""


class AreaKeys(Declared):
    """What an overlay may change of an area."""

    title: Text | None = Field(None, examples=["Compras"])
    """Default: the area's name with a capital."""
    description: str | None = None
    """Of the work pool."""
    work_pool_name: Text | None = Field(None, examples=["pool-de-antes"])
    """A pool that is there already under another name; the rule PI219 must be turned down for it."""
    concurrency_limit: Annotated[int, Field(ge=0)] | None = None
    """Runs of the pool at once; default: no limit."""
    paused: bool = False
    """true: nothing is taken from the pool."""
    queues: dict[Text, Queue] = Field({}, examples=[{"urgente": {"priority": 1}}])
    """The pool's queues, by name."""
    workers: WorkersOverride = Field(default_factory=WorkersOverride)
    """Over the stack's, field by field."""
    logging: LoggingOverride = Field(default_factory=LoggingOverride)
    """Over the stack's, field by field."""
    env: Env = Field({}, examples=[{"DATOS_DIR": "/datos"}])
    """Environment variables of its workers and runs, over the stack's."""
    code: Code | None = None
    """Where workers find the flows; default: the stack's."""
    schedules_active: bool | None = None
    """Whether its schedules make runs unless they say otherwise; default: the stack's."""
    alerts: Alerts | None = None
    """Who is told when its runs fail or its workers are gone; default: the stack's."""
    defaults: DeploymentDefaults = Field(default_factory=DeploymentDefaults)
    """What its deployments have unless they say otherwise."""


class Area(AreaKeys):
    deployments: list[Deployment] = Field([])
    """Flows that can be run here, by schedule or by hand."""
    overlays: dict[EnvironmentName, Annotated[AreaKeys, Partial()] | None] = Field(default={}, alias="in")
    """What differs, by environment: mappings are merged, the rest replaced; null takes away."""


class Variable(Declared):
    value: Any = Field(examples=[21, "Aceros del Sur", ["a", "b"]])
    """Anything that JSON has but null, up to 5,000 characters. Never a secret."""
    tags: list[Text] = Field([])
    """To find it by."""


class GlobalConcurrencyLimit(Declared):
    limit: Annotated[int, Field(ge=0)]
    """Slots."""
    active: bool = True
    """false: it limits nothing."""
    slot_decay_per_second: Annotated[float, Field(ge=0)] = 0.0
    """Slots freed per second: for rate limits."""


class Naming(Declared):
    min_words: Annotated[int, Field(ge=1)] = 2
    """Of a deployment's name; articles, prepositions and numbers don't count."""
    forbidden: list[Text] = Field([])
    """Further words that say nothing."""
    allowed: list[Text] = Field([])
    """Names that are good as they are."""


class RuleSetting(Declared):
    severity: Literal["error", "warning", "off"]
    """What the rule's findings are in this stack."""
    reason: Text
    """Why, for who reads it next."""


Moment = Annotated[str, StringConstraints(pattern=MOMENT)]


class Throwaway(Declared):
    """Written by `prefect-infra stack new`."""

    made: Moment = Field(examples=["2026-11-25T15:40:00-03:00"])
    """When."""
    expires: Moment = Field(examples=["2026-11-25T23:40:00-03:00"])
    """From then on `prefect-infra stack rm --expired` takes it away."""


class Stack(Declared):
    environment: EnvironmentName = Field(examples=["dev", "prod"])
    """The second half of each pool's name: the area compras has the pool compras-<environment>."""
    timezone: Text = Field(BUENOS_AIRES, examples=[BUENOS_AIRES])
    """An IANA name: of the workers, and of schedules that say none. Never UTC."""
    server: Server = Field(default_factory=Server)
    """The Prefect server."""
    runtime: Literal["docker", "swarm"] = "docker"
    """docker: all containers on one engine. swarm: services on several; with Postgres, and a registry."""
    host: Annotated[str, StringConstraints(pattern=REMOTE_HOST)] | None = Field(
        None, examples=["ssh://deploy@prefect.example.com", "ssh://deploy@10.0.0.5:2222"]
    )
    """The machine whose engine has all containers, reached by ssh; default: this one."""
    registry: Registry | None = Field(None, examples=["registry.example.com:5000/prefect"])
    """On a swarm. Where images are pushed to, and nodes get them: host:port/prefix."""
    swarm: Swarm = Field(default_factory=Swarm)
    """On a swarm. Which node keeps the data, and how nodes talk."""
    logging: Logging = Field(default_factory=Logging)
    """Levels, and what becomes of print."""
    workers: Workers = Field(default_factory=Workers)
    """What the workers of each area are like unless it says otherwise."""
    code: Code = Field(default_factory=lambda: Code(location="checkout"))
    """Where workers find the flows."""
    env: Env = Field({}, examples=[{"DATOS_DIR": "/datos"}])
    """Environment variables of all workers and runs."""
    schedules_active: BoolOrItsText | None = None
    """Whether schedules make runs unless they say otherwise; default: false in the environment dev, true in others."""
    defaults: DeploymentDefaults = Field(default_factory=DeploymentDefaults)
    """What all deployments have unless they, or their area's defaults, say otherwise."""
    profiles: list[Profile] = Field(default_factory=lambda: [Profile(name="prefect-infra-{stack}")])
    """Prefect profiles registered on the machine that runs `pulumi up`."""
    alerts: Alerts | None = None
    """Who is told when runs fail or workers are gone, in areas that don't say."""
    janitor: Janitor | None = None
    """Ends runs without a process, forgets workers that are gone; nothing: no janitor."""
    backup: Backup | None = None
    """Backs the server's database up now and then; nothing: only by hand."""
    areas: dict[AreaName, Annotated[Area, OrFile()]] = Field({})
    """By name: an area's own keys, or the path of its file."""
    variables: dict[Annotated[str, StringConstraints(pattern=PREFECT_VARIABLE)], Variable] = Field(
        {}, examples=[{"tasa_iva": {"value": 21}}]
    )
    """Prefect variables, which flows look up by name."""
    global_concurrency_limits: dict[Text, Annotated[GlobalConcurrencyLimit, OrNumber(0)]] = Field(
        {}, examples=[{"erp": 5}]
    )
    """Slots that flows and tasks take by name: a number, or limit, active and slot_decay_per_second."""
    tag_concurrency_limits: dict[Text, Annotated[int, Field(ge=0)]] = Field({}, examples=[{"erp": 2}])
    """How many task runs of a tag go at once."""
    naming: Naming = Field(default_factory=Naming)
    """What the names of deployments must be like."""
    throwaway: Throwaway | None = None
    """Of a stack that is meant to go: no schedule makes runs, any free port of the loopback, nothing protected."""
    rules: dict[Text, RuleSetting] = Field({}, examples=[{"PI215": {"severity": "off", "reason": "made by hand"}}])
    """Rules that this stack weighs in another way, by code or name, and why."""


def model_at(path: tuple[str | int, ...]) -> type[Declared] | None:
    """The model whose keys may stand at the path."""
    return in_model(Stack, path)


def in_model(outer: type[Declared], path: tuple[str | int, ...]) -> type[Declared] | None:
    annotation: Any = outer
    for part in path:
        model = _model_in(annotation)
        if model is not None and isinstance(part, str):
            field = field_of(model, part)
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
