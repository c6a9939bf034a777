"""What stacks, areas and deployments say alike: environment variables, logging, workers, where the code is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.model.declared.declaration import Cpus, Declared, Limit, Memory, Pids, Text
from infra.model.declared.server import SecretRef
from infra.model.declared.upkeep import Autoscale
from infra.model.stack import LogLevel

VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
COMMIT = r"^[0-9a-f]{7,40}$"
Env = dict[Annotated[str, StringConstraints(pattern=VARIABLE_NAME)], str]
DrainSeconds = Annotated[int, Field(ge=0, le=86_400)]
WorkerType = Literal["process", "docker"]
Placement = Literal["any", "area"]


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
