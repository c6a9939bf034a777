"""HAProxy's configuration: TLS to the outside, plain HTTP to the workers, both to whichever replica is ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

HTTPS_PORT: Final = 8443
HTTP_PORT: Final = 8080
INNER_PORT: Final = 4200
"""Where the stack's own containers find the API."""
METRICS_PORT: Final = 8405
METRICS: Final = "/metrics"
READY: Final = "/ready"
_DEFAULT_HTTPS: Final = 443
# The intermediate configuration of Mozilla's recommendations, version 5.7.
_CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)

_TEMPLATE: Final = """\
global
    log stdout format raw local0 info
    maxconn 4096
    # Told to stop, it takes nothing new, and its successor can't have the port before it is gone: what lasts longer,
    # websockets above all, of which each worker has one, is cut off and comes again.
    hard-stop-after 3s
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    ssl-default-bind-ciphers {ciphers}

defaults
    mode http
    log global
    option httplog
    # Workers ask every few seconds: only what went wrong is worth a line.
    option dontlog-normal
    option dontlognull
    # A try at a replica that has just gone costs its share of a request; the next one goes to another.
    option redispatch 1
    retries 3
    timeout connect 3s
    # A connection that a replica closes for want of work, just as the next request sets out on it, would fail that one.
    option http-server-close
    option forwardfor
    timeout queue 30s
    timeout http-request 10s
    timeout client 75s
    timeout server 75s
    # Websockets (events, logs) may be silent for long.
    timeout tunnel 1h

# A replica that was replaced has another address: the engine's own name server knows it.
resolvers engine
    nameserver dns 127.0.0.11:53
    accepted_payload_size 8192
    hold valid 5s
    hold nx 5s
    hold other 5s

frontend public
    bind :{https} ssl crt {certificate} alpn h2,http/1.1
    # Metrics are for within.
    http-request deny deny_status 404 if {{ path,url_dec -m reg -i ^/+api/+metrics/*$ }}
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Port {public_port}
    http-response set-header X-Content-Type-Options nosniff
    http-response set-header X-Frame-Options DENY
{strict}    default_backend api

frontend redirect
    bind :{http}
    http-request redirect location https://{host}%[capture.req.uri] code 308

frontend inner
    bind :{inner}
    default_backend api

frontend metrics
    bind :{metrics}
    no log
    monitor-uri {ready}
    monitor fail if {{ nbsrv(api) lt 1 }}
    http-request use-service prometheus-exporter if {{ path {exported} }}
    http-request deny deny_status 404

backend api
    balance leastconn
    # To another replica, when one has just died: always where no connection was made, and once it was where the
    # request changes nothing.
    retry-on conn-failure empty-response
    http-request disable-l7-retry unless {{ method GET HEAD }}
    option httpchk
    http-check send meth GET uri /api/ready ver HTTP/1.1 hdr Host localhost
    http-check expect status 200
    # Sessions of a replica that is found to be gone end by themselves: among them are requests that are being tried at
    # it, and go to another one in a moment.
    default-server check inter 2s fall 2 rise 1
    default-server resolvers engine resolve-prefer ipv4 init-addr none
{servers}"""


def servers(names: Sequence[str], shared_name: str | None, port: int) -> str:
    """The backend's lines: a replica by its own name, or as many as answer to the name that they share.

    Twice as many places as replicas: a successor comes before what it replaces is gone.
    """
    if shared_name is None:
        return "".join(f"    server {name} {name}:{port}\n" for name in names)
    return f"    server-template replica 1-{2 * len(names)} {shared_name}:{port}\n"


def configuration(servers: str, certificate: str, host: str, public_port: int, *, strict: bool) -> str:
    """Args: servers: of `servers`; certificate: the file with chain and key; strict: tell browsers to never
    come without TLS again, which a certificate that they don't know would lock them out by.
    """
    shown = host if public_port == _DEFAULT_HTTPS else f"{host}:{public_port}"
    hsts = "    http-response set-header Strict-Transport-Security max-age=31536000\n" if strict else ""
    return _TEMPLATE.format(
        ciphers=_CIPHERS,
        certificate=certificate,
        host=shown,
        public_port=public_port,
        https=HTTPS_PORT,
        http=HTTP_PORT,
        inner=INNER_PORT,
        metrics=METRICS_PORT,
        exported=METRICS,
        ready=READY,
        strict=hsts,
        servers=servers,
    )
