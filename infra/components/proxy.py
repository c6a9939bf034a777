"""The proxy: the one published port of prod, and the API's address for the stack's own containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components import haproxy
from infra.components.container import SECRETS, Container, Health, Limits, Port, Running
from infra.components.platform import Platform
from infra.components.secret_values import required
from infra.model import Scaled
from infra.resources import LocalCertificate

CONFIGURATION: Final = "/usr/local/etc/haproxy/haproxy.cfg"
CERTIFICATE: Final = f"{SECRETS}/tls.pem"


@dataclass(frozen=True)
class Certificate:
    pem: pulumi.Output[str]
    """Chain and key."""
    authority: pulumi.Output[str] | None
    """Who has to be trusted, where machines don't do so anyway."""


def certificate(platform: Platform, scaled: Scaled, opts: pulumi.ResourceOptions) -> Certificate:
    """The given one; else one by an authority of the stack's own."""
    tls = scaled.proxy.tls
    if tls is not None:
        pem = pulumi.Output.concat(required(platform, tls.certificate), "\n", required(platform, tls.key))
        # What a certificate says is public; that it is kept among the secrets is for the ease of setting it.
        authority = pulumi.Output.unsecret(required(platform, tls.authority)) if tls.authority else None
        return Certificate(pulumi.Output.secret(pem), authority)
    bind = platform.stack.server.bind
    inner = platform.naming.of("proxy")
    hosts = list(dict.fromkeys([scaled.proxy.host.strip("[]"), bind, "localhost", "127.0.0.1", inner]))
    made = LocalCertificate("proxy", hosts=hosts, opts=opts)
    pem = pulumi.Output.concat(made.certificate, made.key)
    return Certificate(pulumi.Output.secret(pem), made.authority)


def proxy(
    platform: Platform,
    scaled: Scaled,
    network: docker.Network,
    port: pulumi.Output[int],
    api: Running,
    shown: Certificate,
    opts: pulumi.ResourceOptions,
) -> Running:
    declared, server, naming = scaled.proxy, platform.stack.server, platform.naming
    within = f"http://127.0.0.1:{haproxy.METRICS_PORT}"
    servers = haproxy.servers(api.names, api.shared_name, haproxy.INNER_PORT)
    text = port.apply(
        lambda number: haproxy.configuration(
            servers, CERTIFICATE, declared.host, int(number), strict=declared.tls is not None
        )
    )
    ports = [Port(internal=haproxy.HTTPS_PORT, external=port, ip=server.bind)]
    if declared.http_port is not None:
        plain = platform.runtime.port("proxy-http", declared.http_port, server.bind, opts, other_than=port)
        ports.append(Port(internal=haproxy.HTTP_PORT, external=plain, ip=server.bind))
    return platform.runtime.run(
        Container(
            name=naming.of("proxy"),
            labels=naming.labels("proxy"),
            image=platform.images.build("haproxy").reference,
            command=["haproxy", "-W", "-db", "-f", CONFIGURATION],
            environment={"TZ": platform.stack.timezone},
            limits=Limits(memory_mb=declared.memory_mb, cpus=declared.cpus, pids=declared.pids),
            network=network,
            health=Health(url=within + haproxy.READY, alive_url=within + haproxy.METRICS),
            ports=ports,
            configs={CONFIGURATION: text},
            files={CERTIFICATE: shown.pem},
            # Soft: it takes nothing new, and ends when what is under way has ended.
            stop_signal="SIGUSR1",
            everywhere=True,
        ),
        opts,
    )
