"""How a stack is looked after once it runs. What goes together is told by infra/model/upkeep.py."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from infra.model.declared.declaration import Declared, Text

DURATION: Final = r"^([0-9]{1,9}[smhd])+$"
FOLDER: Final = r"^/[^:]*[^:/]$"
BLOCK: Final = r"^[a-z0-9-]+/[A-Za-z0-9-]+$"
Duration = Annotated[str, StringConstraints(pattern=DURATION)]


class Autoscale(Declared):
    min: Annotated[int, Field(ge=0)] = 1
    """How many workers there are at least; 0: none, where nothing is due."""
    max: Annotated[int, Field(ge=1)] = Field(examples=[4])
    """How many workers there are at most."""
    cool_down: Duration = Field("5m", examples=["5m"])
    """A worker is stopped once fewer have been enough for so long."""


class Retention(Declared):
    events: Duration | None = Field(None, examples=["30d"])
    """How long the server keeps events; default: the server's, 7d."""
    runs: Duration | None = Field(None, examples=["180d"])
    """How long the server keeps runs that ended, with their logs; default: for ever."""


class Janitor(Declared):
    every: Duration = Field("1m", examples=["1m"])
    """How often it looks."""
    heartbeat_seconds: Annotated[int, Field(ge=30)] = 60
    """How often a run gives a sign of life."""
    zombie_runs: bool = True
    """true: a run without a sign of life for three heartbeats ends Crashed."""
    pending_timeout: Duration | None = Field("10m", examples=["10m"])
    """A run that a worker took and hasn't started after this ends Crashed; null: never."""
    late_runs: Literal["run_all", "keep_latest", "skip_after"] = "run_all"
    """Of a schedule's runs that are late: all run, the latest alone, or those less late than skip_after."""
    skip_after: Duration | None = Field(None, examples=["2h"])
    """With late_runs: skip_after. A run that is later than this is skipped."""
    dead_workers: Duration | None = Field("1h", examples=["1h"])
    """A worker that wasn't heard of for this is forgotten; null: never."""
    finished_containers: Duration = Field("1h", examples=["24h"])
    """How long a docker run's container stays to be looked at."""
    rerun_crashed: Annotated[int, Field(ge=0)] = 0
    """How often a run that crashed is run again; never one with the tag no-rerun."""
    retention: Retention = Field(default_factory=Retention)
    """What the server deletes by itself."""


class Backup(Declared):
    every: Duration = Field("1d", examples=["1d", "6h"])
    """How often the server's database is backed up."""
    keep: Annotated[int, Field(ge=1)] = 14
    """How many backups are kept."""
    folder: Annotated[str, StringConstraints(pattern=FOLDER)] | None = Field(None, examples=["/srv/backups"])
    """A folder of the engine's machine, writable for user 10001; default: a volume that a destroy leaves there."""


class AlertTarget(Declared):
    """Either `block`, or `type` with its secret."""

    block: Annotated[str, StringConstraints(pattern=BLOCK)] | None = Field(None, examples=["slack-webhook/avisos"])
    """A notification block that is there already: <type>/<name>."""
    type: Literal["slack", "teams", "webhook", "email"] | None = None
    """What the stack makes a block of."""
    secret: Text | None = Field(None, examples=["slack_compras"])
    """With type. The secret key with the webhook's URL; of an email, SendGrid's API key."""
    sender: Text | None = Field(None, examples=["prefect@example.com"])
    """With type: email. Whom it is from."""
    recipients: list[Text] = Field([], examples=[["compras@example.com"]])
    """With type: email. Whom it goes to."""


class Alerts(Declared):
    on: list[Literal["failed", "crashed", "late", "offline"]] = Field(["failed", "crashed", "late", "offline"])
    """failed, crashed, late: a run is. offline: the pool has no worker."""
    to: AlertTarget
    """Who is told."""
