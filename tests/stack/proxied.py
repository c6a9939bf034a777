"""What prod's proxy tells of the replicas that it sends requests to."""

from __future__ import annotations

import re

from tests.stack.platforms import Platform, docker

READ = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8405/metrics').read().decode())"
ANSWERS = re.compile(
    r'^haproxy_server_http_responses_total\{proxy="api",server="([^"]+)",code="2xx"\} (\d+)', re.MULTILINE
)


def told_by_the_proxy(prod: Platform) -> str:
    return docker("exec", prod.named("proxy"), "python3", "-c", READ)


def is_asked(prod: Platform, replica: str) -> bool:
    return f'haproxy_server_status{{proxy="api",server="{replica}",state="UP"}} 1' in told_by_the_proxy(prod)


def answers(prod: Platform) -> dict[str, int]:
    """How many good ones each replica has given, by its name."""
    return {replica: int(number) for replica, number in ANSWERS.findall(told_by_the_proxy(prod))}
