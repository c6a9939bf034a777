"""What is refused of a server, and what it becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.model import check_stack


def findings(root: Path, server: dict[str, Any], **further: Any) -> list[tuple[str, str]]:
    raw = {"environment": "prod", "server": server, **further}
    report = check_stack(raw, project="p", stack="prod", root=root, secrets={"database_url", "tls_key"})
    return [(finding.rule.code, finding.path.removeprefix("prefect-infra:")) for finding in report.errors]


POSTGRES: dict[str, Any] = {"database": {"type": "postgres"}}


def test_defaults_of_prod_are_safe(tmp_path: Path) -> None:
    raw = {"environment": "prod", "server": POSTGRES}
    server = check_stack(raw, project="p", stack="prod", root=tmp_path).stack_or_raise().server
    assert (server.auth, server.csrf, server.metrics, server.bind) == ("required", True, True, "127.0.0.1")
    assert server.scaled is not None
    assert (server.scaled.replicas, server.scaled.services_replicas) == (2, 1)
    assert server.scaled.proxy.host == "127.0.0.1"


def test_a_server_on_sqlite_stays_one_container(tmp_path: Path) -> None:
    server = check_stack({"environment": "dev"}, project="p", stack="dev", root=tmp_path).stack_or_raise().server
    assert server.scaled is None
    assert (server.auth, server.csrf, server.metrics) == ("none", False, False)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"replicas": 2, "redis": {}}, [("PI109", "server.replicas"), ("PI109", "server.redis")]),
        ({"database": {"type": "sqlite", "url": {"secret": "database_url"}}}, [("PI109", "server.database.url")]),
        (
            {"database": {"url": {"secret": "database_url"}, "rotation": 2}, "redis": {"rotation": 2}},
            [("PI109", "server.database.rotation")],
        ),
        ({"database": {"type": "sqlite", "rotation": 2}}, [("PI109", "server.database.rotation")]),
        (
            {**POSTGRES, "redis": {"authority": {"secret": "tls_key"}}},
            [("PI109", "server.redis.authority")],
        ),
        ({"port": 443}, [("PI106", "server.port")]),
        ({**POSTGRES, "port": 443, "proxy": {"http_port": 80}}, []),
        ({**POSTGRES, "port": 70000}, [("PI106", "server.port")]),
        ({"database": {"url": {"secret": "database_ulr"}}}, [("PI207", "server.database.url.secret")]),
        ({"database": {"url": {"secret": "database_url"}}}, []),
        ({**POSTGRES, "auth": "none"}, []),
        ({**POSTGRES, "auth": "none", "bind": "10.0.0.1"}, [("PI209", "server.bind")]),
        ({**POSTGRES, "bind": "10.0.0.1"}, []),
        ({**POSTGRES, "bind": "0.0.0.0"}, [("PI102", "server.proxy")]),
        ({**POSTGRES, "bind": "0.0.0.0", "proxy": {"host": "prefect.example.com"}}, []),
        ({"bind": "0.0.0.0"}, [("PI209", "server.bind")]),
        (
            {**POSTGRES, "proxy": {"tls": {"certificate": {"secret": "tls"}, "key": {"secret": "tls_key"}}}},
            [("PI207", "server.proxy.tls.certificate.secret")],
        ),
        ({**POSTGRES, "proxy": {"tls": {"key": {"secret": "tls_key"}}}}, [("PI102", "server.proxy.tls.certificate")]),
        ({**POSTGRES, "replicas": 0}, [("PI106", "server.replicas")]),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, server: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sorted(findings(tmp_path, server)) == sorted(expected)


def test_what_the_stack_sets_itself_can_not_be_set_by_an_env(tmp_path: Path) -> None:
    """A key in a worker's environment would beat the credential that the stack gives it."""
    area = {"env": {"PREFECT_API_URL": "http://x"}}
    refused = findings(tmp_path, {}, env={"PREFECT_API_KEY": "x"}, areas={"compras": area})
    assert ("PI109", "env.PREFECT_API_KEY") in refused
    assert ("PI109", "areas.compras.env.PREFECT_API_URL") in refused


def test_what_is_said_of_workers_that_are_elsewhere_is_told_and_stops_nothing(tmp_path: Path) -> None:
    raw = {
        "environment": "prod",
        "server": {"api_url": "https://prefect.example.com/api"},
        "workers": {"type": "docker", "replicas": 3},
        "logging": {"level": "DEBUG"},
        "areas": {
            "compras": {"workers": {"type": "process", "memory_mb": 512}, "logging": {"print": True}},
            "ventas": {"workers": {"limit": 2, "autoscale": {"max": 3}}},
        },
    }
    report = check_stack(raw, project="p", stack="prod", root=tmp_path)
    assert report.stack is not None
    assert {(warning.rule.code, warning.path.removeprefix("prefect-infra:")) for warning in report.warnings} == {
        ("PI223", "workers.replicas"),
        ("PI223", "logging.level"),
        ("PI223", "areas.compras.workers.memory_mb"),
        ("PI223", "areas.compras.logging.print"),
        ("PI223", "areas.ventas.workers.limit"),
        ("PI223", "areas.ventas.workers.autoscale"),
    }
    of_its_own = check_stack({**raw, "server": {}}, project="p", stack="prod", root=tmp_path)
    assert not of_its_own.findings
