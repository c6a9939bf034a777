"""The whole of a stack's configuration."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from infra.model.declared.areas import Area
from infra.model.declared.declaration import Declared, Text
from infra.model.declared.deployments import DeploymentDefaults, EnvironmentName
from infra.model.declared.server import Server
from infra.model.declared.swarm import Registry, Swarm
from infra.model.declared.upkeep import Alerts, Backup, Janitor
from infra.model.declared.workers import Code, Env, Logging, Workers
from infra.model.schema_hints import OrFile, OrNumber
from infra.model.timezones import BUENOS_AIRES

AREA_NAME = r"^[a-z][a-z0-9_]*$"
SETTING_NAME = r"^PREFECT_[A-Z0-9_]+$"
PROFILE_NAME = r"^[A-Za-z0-9_.{}-]+$"
PREFECT_VARIABLE = r"^[a-z0-9_-]{1,255}$"
REMOTE_HOST = r"^ssh://([A-Za-z_][A-Za-z0-9._-]*@)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?$"
MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)$"
AreaName = Annotated[str, StringConstraints(pattern=AREA_NAME)]
Moment = Annotated[str, StringConstraints(pattern=MOMENT)]
# `pulumi config set` writes a lone value as text.
BoolOrItsText = Annotated[
    bool,
    BeforeValidator(
        lambda value: {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    ),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]}),
]


class Profile(Declared):
    name: Annotated[str, StringConstraints(pattern=PROFILE_NAME)] = Field(examples=["prefect-infra-{stack}"])
    """The profile's name; {project} and {stack} may be used."""
    activate: bool = False
    """true: the active profile of whoever runs `pulumi up` is switched to it; one at most."""
    settings: dict[Annotated[str, StringConstraints(pattern=SETTING_NAME)], str] = Field(
        {}, examples=[{"PREFECT_LOGGING_LEVEL": "INFO"}]
    )
    """Prefect settings, but for the server's address and credential, which are the stack's."""


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
