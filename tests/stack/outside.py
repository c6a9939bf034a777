"""What a company has outside of a stack: a Postgres and a Redis by TLS, with certificates of its own authority."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote

from infra.components.image import SERVICES, ImageBuilder
from infra.toolchain.facts import read_facts
from tests.authorities import Issued, issue
from tests.stack.platforms import ROOT, docker, eventually

USER = "10001:10001"
PASSWORDS = ("con/una#barra@y?más", "otra%clave:larga")
"""What has a meaning in addresses, as passwords by people have."""


@dataclass(frozen=True)
class Outside:
    """Processes on the machine's own network, which no network of a stack is, at an address that all reach."""

    name: str
    host: str
    authority: Issued
    between: Issued
    database_port: int
    redis_port: int

    @property
    def database_url(self) -> str:
        return self.database_url_with(PASSWORDS[0])

    def database_url_with(self, password: str, user: str = "prefect", database: str = "prefect") -> str:
        where = f"{self.host}:{self.database_port}/{database}"
        return f"postgresql+asyncpg://{user}:{quote(password, safe='')}@{where}"

    @property
    def redis_url(self) -> str:
        return self.redis_url_at(self.redis_port)

    def redis_url_at(self, port: int, password: str = PASSWORDS[1]) -> str:
        return f"rediss://:{quote(password, safe='')}@{self.host}:{port}/0"

    def sql(self, text: str, database: str = "prefect") -> str:
        connect = f'PGPASSWORD="$(cat /tls/password)" psql -h /tmp -p {self.database_port} -U prefect -d {database}'
        script = f'{connect} -qAt -v ON_ERROR_STOP=1 -c "$1"'
        return docker("exec", f"{self.name}-postgres", "sh", "-c", script, "sh", text)

    def redis(self, *words: str) -> str:
        ask = ("redis-cli", "-h", self.host, "-p", str(self.redis_port), "--tls", "--cacert", "/tls/authority.pem")
        script = 'export REDISCLI_AUTH="$(cat /tls/redis_password)"; exec "$@"'
        return docker("exec", f"{self.name}-redis", "sh", "-c", script, "sh", *ask, "--no-auth-warning", *words)

    def start(self, folder: Path) -> None:
        folder.chmod(0o755)
        own = issue("bases de datos", self.between, hosts=[self.host])
        configuration = (
            f"bind {self.host}\nport 0\ntls-port {self.redis_port}\ntls-cert-file /tls/own.pem\n"
            f'tls-key-file /tls/own.key\ntls-auth-clients no\nrequirepass {PASSWORDS[1]}\nsave ""\n'
        )
        files = {
            "own.pem": own.pem + self.between.pem,
            "own.key": own.key,
            "authority.pem": self.authority.pem,
            "password": PASSWORDS[0],
            "redis_password": PASSWORDS[1],
            "redis.conf": configuration,
        }
        for file, text in files.items():
            path = folder / file
            path.write_text(text)
            path.chmod(0o644)
        run = ("run", "-d", "--network", "host", "--user", USER, "-v", f"{folder}:/tls:ro")
        variables = {"POSTGRES_USER": "prefect", "POSTGRES_DB": "prefect", "POSTGRES_PASSWORD_FILE": "/tls/password"}
        words = [word for key, value in variables.items() for word in ("-e", f"{key}={value}")]
        settings = {"listen_addresses": self.host, "port": str(self.database_port), "max_connections": "200"}
        settings |= {"ssl": "on", "ssl_cert_file": "/tls/own.pem", "ssl_key_file": "/tmp/own.key"}
        said = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        own_key = 'install -m 0600 /tls/own.key /tmp/own.key && exec sh /opt/prefect-infra/postgres.sh "$@"'
        command = ("sh", "-c", own_key, "sh", *said)  # Postgres reads no key that others could
        docker(*run, "--name", f"{self.name}-postgres", *words, service_image("postgres"), *command)
        docker(*run, "--name", f"{self.name}-redis", service_image("redis"), "redis-server", "/tls/redis.conf")
        eventually("the database answers", lambda: self.sql("SELECT 1") == "1", 120)
        eventually("Redis answers", lambda: self.redis("ping") == "PONG", 60)

    def remove(self) -> None:
        for role in ("postgres", "redis"):
            docker("rm", "--force", "--volumes", f"{self.name}-{role}")


def outside() -> Outside:
    root = issue("Raíz de la empresa")
    # An engine says the gateway of its first network only once it was started again.
    subnet = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    host = str(ip_network(subnet)[1])
    first = 20_000 + secrets.randbelow(10_000)
    between = issue("Emisora de la empresa", root)
    return Outside(f"t-outside-{secrets.token_hex(3)}", host, root, between, first, first + 1)


def service_image(target: str) -> str:
    """As a stack calls it, and builds it where it isn't there."""
    base = read_facts(ROOT).base_image
    image = ImageBuilder(ROOT, base).name(target)
    if not docker("images", "-q", image):
        options = ("--target", target, "--build-arg", f"BASE_IMAGE={base}", "-t", image)
        docker("build", "-q", "-f", str(ROOT / SERVICES), *options, str(ROOT))
    return image
