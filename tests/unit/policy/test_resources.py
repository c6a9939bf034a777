"""What the policy pack says of single resources, whoever declared them."""

from __future__ import annotations

from typing import Any

import pytest

from infra.model.rules import Rule
from infra.policy.resources import CONTAINER, DEPLOYMENT, OF_TYPE, SERVICE, VARIABLE, WORK_POOL, of_stack

HARDENED: dict[str, Any] = {
    "user": "10001:10001",
    "memory": 256,
    "capabilities": {"drops": ["ALL"]},
    "securityOpts": ["no-new-privileges:true"],
    "ports": [{"internal": 4200, "external": 8080, "ip": "127.0.0.1"}],
}
SOUND: dict[str, Any] = {"name": "resumen-diario", "schedules": [{"slug": "a", "cron": "0 9 * * *"}]}
SOCKET = {"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}


def codes(kind: str, props: dict[str, Any]) -> list[str]:
    return [violation.rule.code for violation in OF_TYPE[kind](props)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"user": None}, "PI601"),
        ({"user": "0:0"}, "PI601"),
        ({"user": "root"}, "PI601"),
        ({"privileged": True}, "PI602"),
        ({"capabilities": None}, "PI602"),
        ({"securityOpts": []}, "PI602"),
        ({"ports": [{"internal": 80, "ip": "0.0.0.0"}]}, "PI603"),
        ({"ports": [{"internal": 80}]}, "PI603"),
        ({"ports": [{"internal": 80, "ip": "::1"}]}, None),
        (
            {
                "ports": [{"internal": 80, "ip": "0.0.0.0"}],
                "uploads": [{"file": "/etc/prefect/server-profile.toml"}],
            },
            None,
        ),
        ({"mounts": [SOCKET]}, "PI604"),
        ({"mounts": [SOCKET], "labels": [{"label": "prefect-infra.role", "value": "socket-proxy"}]}, None),
        ({"volumes": [{"hostPath": "/var/run/docker.sock"}]}, "PI604"),
        ({"memory": None}, "PI605"),
        ({"envs": ["BASE=postgresql://u:ejemplo-de-clave@db/x"]}, "PI501"),
        ({"envs": ["CLAVE_DEL_ERP=x7Gq2Lw9ZtB4", None]}, "PI502"),
        ({"envs": ["TZ=America/Santiago", "PREFECT_API_URL=http://server:4200/api"]}, None),
    ],
)
def test_a_container_is_confined(change: dict[str, Any], code: str | None) -> None:
    assert codes(CONTAINER, HARDENED | change) == ([code] if code else [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"user": None}, "PI601"),
        ({"user": "0:999"}, "PI601"),
        ({"cap_drop": ["NET_RAW"]}, "PI602"),
        ({"cap_add": ["NET_ADMIN"]}, "PI602"),
        ({"volumes": [SOCKET]}, "PI604"),
        ({"volumes": [SOCKET], "labels": {"prefect-infra.role": "socket-proxy"}}, None),
        ({"deploy": {"mode": "global"}}, "PI605"),
        ({"environment": {"CLAVE_DEL_ERP": "x7Gq2Lw9ZtB4"}}, "PI502"),
    ],
)
def test_a_service_of_a_swarm_is_confined(change: dict[str, Any], code: str | None) -> None:
    limits = {"resources": {"limits": {"memory": "256M"}}}
    sound = {"user": "10001:10001", "cap_drop": ["ALL"], "deploy": limits}
    assert codes(SERVICE, {"service": sound | change}) == ([code] if code else [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"name": "prueba2"}, "PI211"),
        ({"name": "precios"}, "PI218"),
        ({"name": None}, None),
        ({"schedules": [{"slug": "a", "cron": "0 9 * * *", "timezone": "zulu"}]}, "PI301"),
        ({"schedules": [{"slug": "a", "interval": 60, "timezone": "Marte/Olimpo"}]}, "PI302"),
        ({"schedules": [{"slug": "a", "cron": "0 25 * * *"}]}, "PI303"),
        ({"schedules": [{"slug": "a", "cron": "0 9 30 2 *"}]}, "PI304"),
        ({"schedules": None}, None),
        ({"parameters": {"token": "x7Gq2Lw9ZtB4"}}, "PI502"),
        ({"job_variables": {"env": {"token": "{{ prefect.blocks.secret.erp }}"}}}, None),
    ],
)
def test_a_deployment_is_held_against_the_rules_of_stack_files(change: dict[str, Any], code: str | None) -> None:
    assert codes(DEPLOYMENT, SOUND | change) == ([code] if code else [])


def test_pools_and_variables_too() -> None:
    assert codes(WORK_POOL, {"name": "Prefect-pool", "job_defaults": {"env": {"K": "AKIA" + "A" * 16}}}) == [
        "PI202",
        "PI501",
    ]
    assert codes(VARIABLE, {"value": {"api_key": "x7Gq2Lw9ZtB4"}}) == ["PI502"]


def test_a_secret_is_never_shown() -> None:
    told = [v.message for v in OF_TYPE[VARIABLE]({"value": {"AKIA" + "A" * 16: "x", "clave": "x7Gq2Lw9ZtB4"}})]

    assert len(told) == 2
    assert not any("AAAA" in each or "x7Gq" in each for each in told)


@pytest.mark.parametrize(
    ("pools", "of", "wrong"),
    [
        (["ventas-dev", "compras-dev"], "ventas-dev", []),
        (["ventas-dev", "Pool de antes", "default-agent-pool"], "Pool de antes", []),
        (["ventas-dev", "compras-prod"], "ventas-dev", ["ventas-dev"]),
        (["ventas-dev"], "ventas-prod", ["d"]),
        ([None], None, []),
    ],
)
def test_pools_of_a_stack_are_of_one_environment_and_deployments_of_its_pools(
    pools: list[str | None], of: str | None, wrong: list[str]
) -> None:
    resources: list[tuple[str, str, dict[str, Any]]] = [(str(name), WORK_POOL, {"name": name}) for name in pools]
    resources.append(("d", DEPLOYMENT, {"work_pool_name": of}))
    found: list[tuple[str, Rule]] = [(urn, violation.rule) for urn, violation in of_stack(resources)]

    assert [urn for urn, _ in found] == wrong
    assert {rule.code for _, rule in found} <= {"PI201"}
