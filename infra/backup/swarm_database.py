"""A database on a swarm: its container is on a node that this engine, a manager's, can't reach into.

So a container of the same image, with the same secret and on the same network, is put on the manager's own node for as
long as it takes. From there it is an ordinary database on Postgres, and nothing of a backup is ever on another machine.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from infra.backup.engine import HEALTHY_SECONDS, DatabaseError, docker
from infra.backup.postgres_database import PostgresDatabase
from infra.components.naming import LABEL

THERE_SECONDS: Final = 180
"""For the node to get the image."""
ANSWERS_SECONDS: Final = 60
LONGEST_SECONDS: Final = 6 * 3600
"""Where whoever asked for it was killed, it ends by itself."""
_OF_THE_DATABASE: Final = ("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE")
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
"""A swarm tells that there are none before those that there were have ended."""
GONE_SECONDS: Final = 90
_STATE: Final = "{{.CurrentState}} {{.Error}}"
_OF_A_SERVICE: Final = "com.docker.swarm.service.name"


@dataclass(frozen=True)
class SwarmDatabase(PostgresDatabase):
    """`container` and `servers` are names of services."""

    _reached: list[str] = field(default_factory=list)
    _before: dict[str, int] = field(default_factory=dict)
    """How many replicas of each server there were."""

    @classmethod
    def of(cls, project: str, stack: str) -> SwarmDatabase | None:
        """None: the stack is on no swarm. Raises: DatabaseError: on one that isn't this engine's to ask."""
        asked = "{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}"
        state, _, manages = docker("info", "--format", asked).partition(" ")
        if state != "active":
            return None
        wanted = (f"{LABEL}.project={project}", f"{LABEL}.stack={stack}")
        if manages != "true":
            filters = [word for label in (*wanted, _OF_A_SERVICE) for word in ("--filter", f"label={label}")]
            if docker("ps", "--quiet", *filters):
                raise DatabaseError(
                    f"{stack} is on a swarm, and this engine is none of its managers: "
                    "name one, DOCKER_HOST=ssh://user@manager (docs/operations.md)"
                )
            return None
        by_role = {role: _services((*wanted, f"{LABEL}.role={role}")) for role in ("postgres", "api", "services")}
        servers = (*by_role["api"], *by_role["services"])
        if not servers:
            return None
        if not by_role["postgres"]:
            raise DatabaseError(
                f"the database of {stack} is elsewhere: back it up there, and restore it there, with pg_dump and "
                "pg_restore of its own version (docs/operations.md)"
            )
        image = _inspected(servers[0])["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
        return cls(container=by_role["postgres"][0], servers=servers, image=image)

    @contextmanager
    def reached(self) -> Iterator[str]:
        if self._reached:
            yield self._reached[0]
            return
        self._runs()
        name = f"{self.container}-access-{secrets.token_hex(3)}"
        try:
            docker(*_access(name, _inspected(self.container)["Spec"]))
            container = _container_of(name)
            self._reached.append(container)
            self._wait_until_it_answers(container)
            yield container
        finally:
            self._reached.clear()
            with suppress(DatabaseError):  # it was never made
                docker("service", "rm", name)

    def _runs(self) -> None:
        """Raises: DatabaseError: it doesn't; with why, as when the node of its data is away."""
        # Ready: what follows a task that has ended, for the seconds until it is to run.
        wanted = ("--filter", "desired-state=running", "--filter", "desired-state=ready")
        listed = docker("service", "ps", *wanted, "--format", _STATE, self.container).splitlines()
        if not any(state.startswith("Running") for state in listed):
            told = listed[0] if listed else "it has no task at this moment"
            raise DatabaseError(f"{self.container} doesn't run: {told}. See `docker service ps {self.container}`")

    def _wait_until_it_answers(self, container: str) -> None:
        asked = f"for n in $(seq {ANSWERS_SECONDS}); do pg_isready -q && exit 0; sleep 1; done; exit 1"
        try:
            docker("exec", container, "sh", "-c", asked)
        except DatabaseError as error:
            told = f"{self.container} doesn't answer from this node"
            raise DatabaseError(f"{told}: see `docker service logs {self.container}`") from error

    def stop_servers(self) -> None:
        """Where this is killed before they are started again, `pulumi up --refresh` does it."""
        self._before.update({each: _replicas(each) for each in self.servers})
        _scale(dict.fromkeys(self.servers, 0))
        told = f"other processes use the database of {self.container} all the same"
        _until(lambda: self.value(_OTHERS) == "0", GONE_SECONDS, told)

    def start_servers(self) -> None:
        _scale(self._before)

    def wait_for_servers(self) -> None:
        so = {f"{service} {number}/{number}" for service, number in self._before.items()}
        listed = ("service", "ls", "--format", "{{.Name}} {{.Replicas}}")
        told = f"not healthy after {HEALTHY_SECONDS} s: `docker service ps --no-trunc {' '.join(self._before)}`"
        _until(lambda: so <= set(docker(*listed).splitlines()), HEALTHY_SECONDS, told)


def _services(labels: tuple[str, ...]) -> list[str]:
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    return sorted(docker("service", "ls", "--format", "{{.Name}}", *filters).split())


def _inspected(service: str) -> dict[str, Any]:
    (found,) = json.loads(docker("service", "inspect", service))
    about: dict[str, Any] = found
    return about


def _replicas(service: str) -> int:
    number: int = _inspected(service)["Spec"]["Mode"]["Replicated"]["Replicas"]
    return number


def _scale(wanted: Mapping[str, int]) -> None:
    docker("service", "scale", "--detach", *(f"{service}={number}" for service, number in wanted.items()))


def _access(name: str, spec: Mapping[str, Any]) -> Iterator[str]:
    """The command that makes a service beside the database's own, on this node."""
    task, here = spec["TaskTemplate"], docker("info", "--format", "{{.Swarm.NodeID}}")
    there, network = task["ContainerSpec"], task["Networks"][0]
    variables = [each for each in there["Env"] if each.partition("=")[0] in _OF_THE_DATABASE]
    yield from ("service", "create", "--detach", "--quiet", "--name", name, "--constraint", f"node.id=={here}")
    yield from ("--with-registry-auth", "--no-resolve-image", "--restart-condition", "none", "--no-healthcheck")
    yield from ("--endpoint-mode", "dnsrr", "--network", network["Target"])
    yield from ("--cap-drop", "ALL", "--read-only", "--user", there["User"])
    yield from ("--limit-memory", "512M", "--limit-pids", "64", "--mount", "type=tmpfs,target=/tmp")
    for key, value in sorted(spec["Labels"].items()):
        if key in (f"{LABEL}.project", f"{LABEL}.stack"):
            yield from ("--label", f"{key}={value}", "--container-label", f"{key}={value}")
    for secret in there["Secrets"]:
        file = secret["File"]
        at = f"target={file['Name']},uid={file['UID']},gid={file['GID']},mode=0400"
        yield from ("--secret", f"source={secret['SecretName']},{at}")
    for variable in (*variables, f"PGHOST={network['Aliases'][0]}"):
        yield from ("--env", variable)
    yield from ("--entrypoint", "sleep", there["Image"], str(LONGEST_SECONDS))


def _container_of(service: str) -> str:
    """The one of this engine. Raises: DatabaseError: it didn't start."""
    command = ("ps", "--quiet", "--no-trunc", "--filter", f"label={_OF_A_SERVICE}={service}")
    try:
        return str(_until(lambda: docker(*command), THERE_SECONDS, ""))
    except DatabaseError as error:
        why = docker("service", "ps", "--no-trunc", "--format", _STATE, service)
        told = "no container on this manager's node could be put beside the database"
        raise DatabaseError(f"{told}: {why}. A node that is drained takes none: name another manager") from error


def _until(probe: Callable[[], Any], seconds: float, otherwise: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise DatabaseError(otherwise)
        time.sleep(1)
    return answer
