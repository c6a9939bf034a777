"""What a stack says of its server and the parts of that. What goes together is told by infra/model/servers.py."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.model.declared.declaration import Cpus, Declared, Limit, Memory, Pids, Port, Text
from infra.model.stack import LogLevel

API_URL = r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$"


class SecretRef(Declared):
    secret: Text = Field(examples=["git_token"])
    """The name of a secret key of the stack: pulumi config set --secret prefect-infra:<name>."""


class Database(Declared):
    type: Literal["sqlite", "postgres"] = "postgres"
    """sqlite: a file of the server's one container. postgres: a container of its own, or the one that `url` names."""
    url: SecretRef | None = None
    """With postgres. The secret with the address of a database elsewhere: postgresql+asyncpg://user:password@host/name."""
    authority: SecretRef | None = None
    """With url. The secret with the certificate, as PEM, of who vouches for that database: TLS it is then."""
    rotation: Annotated[int, Field(ge=1)] = 1
    """Of a container's generated password: another number makes another one at the next `up`."""
    memory_mb: Memory = 1024
    """Memory limit of the database's container, in MiB."""
    cpus: Cpus = 2.0
    """Processor limit of the database's container."""
    pids: Pids = 256
    """How many processes the database's container may have."""


class Redis(Declared):
    url: SecretRef | None = None
    """The secret with the address of a Redis elsewhere: redis://user:password@host:6379/0, or rediss://."""
    authority: SecretRef | None = None
    """With url, of rediss://. The secret with the certificate, as PEM, of who vouches for that Redis."""
    rotation: Annotated[int, Field(ge=1)] = 1
    """Of a container's generated password: another number makes another one at the next `up`."""
    memory_mb: Memory = 256
    """Memory limit of Redis's container, in MiB."""
    cpus: Cpus = 0.5
    """Processor limit of Redis's container."""
    pids: Pids = 64
    """How many processes and threads Redis's container may have."""


class Tls(Declared):
    certificate: SecretRef
    """The secret with the server's certificate and those between it and the authority, as PEM."""
    key: SecretRef
    """The secret with the certificate's private key, as PEM without a passphrase."""
    authority: SecretRef | None = None
    """The secret with the authority's certificate, as PEM, where machines don't know it anyway."""


class Proxy(Declared):
    host: Text | None = Field(None, examples=["prefect.example.com"])
    """The name that people's browsers reach the server by; default: the address of `bind`."""
    http_port: Port | Literal["auto"] | None = Field(None, examples=[80, 4280, "auto"])
    """A port where plain HTTP is answered with the way to HTTPS; default: none."""
    tls: Tls | None = None
    """The certificate to show; default: one by an authority that is made for this stack alone."""
    memory_mb: Memory = 128
    """Memory limit of the proxy's container, in MiB."""
    cpus: Cpus = 1.0
    """Processor limit of the proxy's container."""
    pids: Pids = 64
    """How many processes and threads the proxy's container may have."""


class Server(Declared):
    port: Port | Literal["auto"] = Field("auto", examples=["auto", 4200])
    """The port on this machine. auto: a free one, which then stays the same."""
    bind: Text = Field("127.0.0.1", examples=["127.0.0.1", "0.0.0.0"])  # noqa: S104  # needs auth, which is checked
    """The address that the server listens on; others than this machine's own need `auth: required`."""
    auth: Literal["none", "required"] | None = None
    """required: each request needs basic auth. The credential is generated, or the secret prefect-infra:auth_string.
    Default: required with Postgres, else none."""
    log_level: LogLevel = "WARNING"
    """The level of the server's own log."""
    memory_mb: Memory = 2048
    """Memory limit of each of the server's containers, in MiB."""
    cpus: Cpus = 2.0
    """Processor limit of each of the server's containers."""
    pids: Pids = 512
    """How many processes and threads each of the server's containers may have."""
    protect: bool = False
    """true: Pulumi refuses to destroy the server's data volume; with `api_url`, its work pools."""
    api_url: Annotated[str, StringConstraints(pattern=API_URL)] | None = Field(
        None, examples=["https://prefect.example.com/api"]
    )
    """A server that is there already, with workers of its own: no container is made, only Prefect's objects on it."""
    database: Database = Field(default_factory=lambda: Database(type="sqlite"), examples=[{"type": "postgres"}])
    """Where the server keeps what it knows. With Postgres, all that stands below here counts, too."""
    replicas: Limit | None = None
    """With Postgres. How many containers answer the API; default: 2."""
    services_replicas: Limit | None = None
    """With Postgres. How many containers run the background services, such as the scheduler; default: 1."""
    redis: Redis = Field(default_factory=Redis)
    """With Postgres. What the server's containers tell each other things by."""
    proxy: Proxy = Field(default_factory=Proxy)
    """With Postgres. What is before the API: the one published port, and TLS."""
    csrf: bool | None = None
    """Whether writes need a token against forged requests; default: with Postgres, true."""
    metrics: bool | None = None
    """Whether the server and docker workers tell Prometheus how they are, within; default: with Postgres, true."""
