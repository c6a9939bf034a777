"""What a container must not be: looked at as resources, by the policy pack alone, whoever declared them."""

from __future__ import annotations

from infra.model.rules.rule import Rule

ROOT_USER = Rule(
    code="PI601",
    name="root-user",
    meaning="A container runs as root, or as whoever its image says. Who breaks out of it is root on the machine.",
    example="# docker:index:Container\nimage: prefecthq/prefect:3-latest",
    mending="Give it `user`, a number other than 0: `10001:10001`.",
)
PRIVILEGES = Rule(
    code="PI602",
    name="container-privileges",
    meaning="A container is privileged, keeps capabilities, or may gain new privileges.",
    example="# docker:index:Container\nuser: 10001:10001\nprivileged: true",
    mending='`capabilities: {drops: ["ALL"]}`, `security_opts: ["no-new-privileges:true"]`, and no `privileged`.',
)
OPEN_PORT = Rule(
    code="PI603",
    name="open-port",
    meaning="A container publishes a port on an address that other machines reach, and has no credentials of its own.",
    example="# docker:index:Container\nports: [{internal: 4200, external: 4200}]",
    mending="Publish it on 127.0.0.1; or `auth: required`, which gives the server its credentials.",
)
ENGINE_SOCKET = Rule(
    code="PI604",
    name="engine-socket",
    meaning="A container other than a socket proxy has the engine's socket: whoever has that owns the machine.",
    example="# docker:index:Container\nmounts: [{type: bind, source: /var/run/docker.sock, target: /s}]",
    mending="Go through the socket proxy, which lets through what a worker needs.",
)
NO_LIMITS = Rule(
    code="PI605",
    name="no-limits",
    meaning="A container has no limit of memory: one run that goes astray takes the machine's from all others.",
    example="# docker:index:Container\nmemory: 0",
    mending="Give it `memory` (MB).",
)

RULES = (ROOT_USER, PRIVILEGES, OPEN_PORT, ENGINE_SOCKET, NO_LIMITS)
