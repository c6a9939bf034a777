"""What a stack declares once it is checked: complete, coherent, ready to be built. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Normalised(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class SecretRef(Normalised):
    secret: str
    """Name of the top-level secret key. Its value is never seen here."""


class Limits(Normalised):
    memory_mb: int
    cpus: float
    pids: int


class Database(Limits):
    url: SecretRef | None
    """None: a container of the stack's own."""
    authority: SecretRef | None
    """Who vouches for one elsewhere, where machines don't know that anyway."""
    rotation: int


class Redis(Limits):
    url: SecretRef | None
    """None: a container of the stack's own."""
    authority: SecretRef | None
    """As of the database."""
    rotation: int


class Tls(Normalised):
    certificate: SecretRef
    key: SecretRef
    authority: SecretRef | None


class Proxy(Limits):
    host: str
    http_port: int | Literal["auto"] | None
    tls: Tls | None
    """None: a certificate by an authority of the stack's own."""


class Scaled(Normalised):
    """A server of several containers, with a database, Redis and a proxy."""

    replicas: int
    services_replicas: int
    database: Database
    redis: Redis
    proxy: Proxy


class Server(Limits):
    api_url: str | None
    """Of a server that is there already: none is made, and its workers are elsewhere."""
    port: int | Literal["auto"]
    bind: str
    address: str
    """The name or address that the machine which runs `pulumi up` reaches it by."""
    auth: Literal["none", "required"]
    log_level: LogLevel
    protect: bool
    csrf: bool
    metrics: bool
    scaled: Scaled | None
    """None: one container on SQLite."""


class RemoteHost(Normalised):
    """Another machine, whose engine the stack is on."""

    url: str
    """As Docker takes it: ssh://user@machine:port."""
    machine: str
    """Its name or address alone."""


class Swarm(Normalised):
    registry: str
    data_node: str | None
    """None: nothing is kept here."""
    encrypted: bool
    socket_group: int | None
    """None: as on this machine."""


class Logging(Normalised):
    level: LogLevel
    print: bool
    extra_loggers: tuple[str, ...]


class Autoscale(Normalised):
    min: int
    cool_down: int
    """Seconds."""


class Workers(Normalised):
    type: Literal["process", "docker"]
    replicas: int
    """With autoscale: the most that there are."""
    autoscale: Autoscale | None = None
    memory_mb: int
    cpus: float
    pids: int
    limit: int | None
    drain_seconds: int
    placement: Literal["any", "area"]

    @property
    def always(self) -> int:
        """How many are never stopped."""
        return self.replicas if self.autoscale is None else self.autoscale.min


class Janitor(Normalised):
    """All in seconds; None: never."""

    every: int
    heartbeat_seconds: int
    zombie_runs: bool
    pending_timeout: int | None
    late_runs: Literal["run_all", "keep_latest"] | int
    """A number: skip those that are later."""
    dead_workers: int | None
    finished_containers: int
    rerun_crashed: int
    keep_events: int | None
    keep_runs: int | None


class Backup(Normalised):
    every: int
    """Seconds."""
    keep: int
    folder: str | None
    """None: a volume."""


class Profile(Normalised):
    name: str
    activate: bool
    settings: dict[str, str]


class CheckoutCode(Normalised):
    location: Literal["checkout"] = "checkout"


class ImageCode(Normalised):
    location: Literal["image"] = "image"


class GitCode(Normalised):
    location: Literal["git"] = "git"
    repository: str
    branch: str | None = None
    commit_sha: str | None = None
    access_token: SecretRef | None = None


Code: TypeAlias = Annotated[CheckoutCode | ImageCode | GitCode, Field(discriminator="location")]


class WorkQueue(Normalised):
    name: str
    priority: int
    concurrency_limit: int | None
    description: str | None
    paused: bool
    adopt: bool


class WorkPool(Normalised):
    name: str
    type: Literal["process", "docker"]
    description: str | None
    concurrency_limit: int | None
    paused: bool
    queues: tuple[WorkQueue, ...]
    """The declared ones by priority. The server makes `default` by itself, so it is here only if declared."""


class Schedule(Normalised):
    """Exactly one of cron, interval (seconds) and rrule is set."""

    slug: str
    cron: str | None = None
    interval: int | None = None
    rrule: str | None = None
    """Always with its DTSTART, as the server keeps it."""
    day_or: bool = True
    timezone: str
    anchor_date: str | None = None
    """With an interval, always: ISO 8601 with the offset of the time zone."""
    active: bool
    parameters: dict[str, Any]


class Deployment(Normalised):
    name: str
    area: str
    pool_name: str
    flow_name: str
    entrypoint: str
    description: str | None
    tags: tuple[str, ...]
    parameters: dict[str, Any]
    parameter_schema: dict[str, Any]
    enforce_parameter_schema: bool
    paused: bool
    concurrency_limit: int | None
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] | None
    """None without a limit."""
    grace_period_seconds: int | None
    work_queue_name: str
    job_variables: dict[str, Any]
    schedules: tuple[Schedule, ...]
    triggers: tuple[dict[str, Any], ...]
    """As the provider takes them."""
    version: str | None
    code: Code
    pull: tuple[dict[str, Any], ...] | None
    """The steps that stand in for `code`; None where that counts."""
    on_trust: bool
    """Whether its flow is in another repository, so that nothing is known of its parameters."""


class AlertTarget(Normalised):
    block_type: str
    block_name: str
    secret: str | None
    """The stack's secret that the block is made with. None: the block is there already."""
    settings: dict[str, Any]
    """What else the block has."""


class Alerts(Normalised):
    on: tuple[Literal["failed", "crashed", "late", "offline"], ...]
    to: AlertTarget


class Area(Normalised):
    name: str
    title: str
    pool: WorkPool
    workers: Workers
    logging: Logging
    env: dict[str, str]
    alerts: Alerts | None
    deployments: tuple[Deployment, ...]


class Variable(Normalised):
    name: str
    value: Any
    tags: tuple[str, ...]


class GlobalConcurrencyLimit(Normalised):
    name: str
    limit: int
    active: bool
    slot_decay_per_second: float


class TagConcurrencyLimit(Normalised):
    tag: str
    concurrency_limit: int


class Stack(Normalised):
    project: str
    stack: str
    environment: str
    timezone: str
    root: Path
    server: Server
    host: RemoteHost | None
    """None: the engine that this machine has at hand."""
    swarm: Swarm | None
    """None: all on one engine."""
    logging: Logging
    profiles: tuple[Profile, ...]
    janitor: Janitor | None
    backup: Backup | None
    areas: tuple[Area, ...]
    variables: tuple[Variable, ...]
    global_concurrency_limits: tuple[GlobalConcurrencyLimit, ...]
    tag_concurrency_limits: tuple[TagConcurrencyLimit, ...]
    weights: Mapping[str, Literal["error", "warning", "off"]] = Field(default_factory=dict, exclude=True, repr=False)
    """By code: what it makes of rules that may be turned down."""
