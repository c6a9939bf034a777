"""What a stack on a swarm must say, and what can't be on one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.model import check_stack

ON_A_SWARM: dict[str, Any] = {
    "environment": "prod",
    "runtime": "swarm",
    "registry": "registry.example.com:5000/prefect",
    "swarm": {"data_node": "node-1"},
    "server": {"database": {"type": "postgres"}, "port": 443, "proxy": {"host": "prefect.example.com"}},
    "code": {"location": "image"},
}
ELSEWHERE = {"database": {"url": {"secret": "database_url"}}, "redis": {"url": {"secret": "redis_url"}}}


def report(root: Path, **changed: Any) -> Any:
    raw = {key: value for key, value in {**ON_A_SWARM, **changed}.items() if value is not None}
    (root / "flows").mkdir(exist_ok=True)
    (root / "flows" / "f.py").write_text("from prefect import flow\n\n@flow\ndef revisar_pedidos():\n    pass\n")
    return check_stack(raw, project="p", stack="prod", root=root, secrets={"database_url", "redis_url"})


def server(**changed: Any) -> dict[str, Any]:
    return {**ON_A_SWARM["server"], **changed}


def test_a_stack_on_a_swarm_listens_on_all_addresses_and_asks_who_one_is(tmp_path: Path) -> None:
    stack = report(tmp_path).stack_or_raise()
    assert (stack.server.bind, stack.server.auth) == ("0.0.0.0", "required")
    assert (stack.swarm.data_node, stack.swarm.encrypted, stack.swarm.socket_group) == ("node-1", True, None)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"registry": None}, [("PI102", "")]),
        ({"registry": "https://registry.example.com"}, [("PI105", "registry")]),
        ({"swarm": {}}, [("PI102", "swarm")]),
        ({"swarm": {}, "server": server(**ELSEWHERE)}, []),
        ({"server": server(port="auto")}, [("PI224", "server.port")]),
        (
            {"server": server(proxy={"host": "x.example.com", "http_port": "auto"})},
            [("PI224", "server.proxy.http_port")],
        ),
        ({"server": server(bind="127.0.0.1")}, [("PI224", "server.bind")]),
        ({"server": server(bind="0.0.0.0")}, []),
        ({"server": server(proxy={})}, [("PI102", "server.proxy")]),
        ({"server": {"port": 4200}}, [("PI209", "server.bind"), ("PI224", "server.database")]),
        ({"code": {"location": "checkout"}}, [("PI224", "code")]),
        ({"workers": {"placement": "area"}}, []),
        (
            {"workers": {"limit": 2, "autoscale": {"min": 1, "max": 3}}},
            [("PI224", "workers.autoscale")],
        ),
        (
            {"areas": {"ventas": {"workers": {"limit": 2, "autoscale": {"min": 1, "max": 3}}}}},
            [("PI224", "areas.ventas.workers.autoscale")],
        ),
        ({"areas": {"ventas": {"code": {"location": "checkout"}}}}, [("PI224", "areas.ventas.code")]),
        (
            {"runtime": None, "workers": {"placement": "area"}},
            [("PI109", "registry"), ("PI109", "swarm"), ("PI109", "workers.placement")],
        ),
        (
            {
                "runtime": "docker",
                "registry": None,
                "swarm": None,
                "areas": {"ventas": {"workers": {"placement": "any"}}},
            },
            [("PI109", "areas.ventas.workers.placement")],
        ),
        ({"runtime": "kubernetes", "registry": None, "swarm": None}, [("PI104", "runtime")]),
    ],
)
def test_what_is_wrong_with_a_swarm_is_told_by_key(
    tmp_path: Path, changed: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    told = [
        (finding.rule.code, finding.path.removeprefix("prefect-infra:").removeprefix("prefect-infra"))
        for finding in report(tmp_path, **changed).errors
    ]
    assert sorted(told) == sorted(expected)


def test_the_checkouts_code_is_refused_only_where_a_deployment_counts_on_it(tmp_path: Path) -> None:
    deployment = {"name": "revisar-pedidos", "entrypoint": "flows/f.py:revisar_pedidos"}
    areas = {"ventas": {"deployments": [deployment]}}
    assert [each.rule.code for each in report(tmp_path, code=None, areas=areas).errors] == ["PI224"]
    in_the_image = {"ventas": {"code": {"location": "image"}, "deployments": [deployment]}}
    assert report(tmp_path, code=None, areas=in_the_image).errors == ()
