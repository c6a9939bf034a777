"""What a stack on another machine's engine must say, and what can't be on one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.model import check_stack

ELSEWHERE: dict[str, Any] = {
    "environment": "dev",
    "host": "ssh://deploy@prefect.example.com",
    "server": {"bind": "0.0.0.0", "auth": "required"},
    "code": {"location": "image"},
}
POSTGRES = {"database": {"type": "postgres"}}


def report(root: Path, **changed: Any) -> Any:
    raw = {key: value for key, value in {**ELSEWHERE, **changed}.items() if value is not None}
    (root / "flows").mkdir(exist_ok=True)
    (root / "flows" / "f.py").write_text("from prefect import flow\n\n@flow\ndef revisar_pedidos():\n    pass\n")
    return check_stack(raw, project="p", stack="dev", root=root)


def server(**changed: Any) -> dict[str, Any]:
    return {**ELSEWHERE["server"], **changed}


@pytest.mark.parametrize(
    ("url", "machine"),
    [
        ("ssh://deploy@prefect.example.com", "prefect.example.com"),
        ("ssh://deploy@10.0.0.5:2222", "10.0.0.5"),
        ("ssh://machine-1", "machine-1"),
    ],
)
def test_the_machine_is_how_people_reach_a_server_that_listens_on_all_of_its_addresses(
    tmp_path: Path, url: str, machine: str
) -> None:
    stack = report(tmp_path, host=url).stack_or_raise()
    assert (stack.host.url, stack.host.machine) == (url, machine)
    assert stack.server.address == machine
    scaled = report(tmp_path, host=url, server=server(**POSTGRES)).stack_or_raise().server.scaled
    assert scaled.proxy.host == machine


def test_an_address_that_is_declared_is_the_one_to_reach_it_by(tmp_path: Path) -> None:
    stack = report(tmp_path, host="ssh://alias-in-my-config", server=server(bind="10.0.0.5")).stack_or_raise()
    assert (stack.server.bind, stack.server.address) == ("10.0.0.5", "10.0.0.5")
    named = server(**POSTGRES, proxy={"host": "flujos.example.com"})
    assert report(tmp_path, server=named).stack_or_raise().server.scaled.proxy.host == "flujos.example.com"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"host": "deploy@prefect.example.com"}, [("PI105", "host")]),
        ({"host": "tcp://prefect.example.com:2375"}, [("PI105", "host")]),
        ({"host": "ssh://deploy@prefect.example.com/run/docker.sock"}, [("PI105", "host")]),
        ({"host": "ssh://deploy:s3cr3t@prefect.example.com"}, [("PI105", "host"), ("PI501", "host")]),
        ({"host": "ssh://-oProxyCommand=x"}, [("PI105", "host")]),
        ({"server": None}, [("PI225", "server.bind")]),
        ({"server": {"bind": "localhost"}}, [("PI225", "server.bind")]),
        ({"server": POSTGRES}, [("PI225", "server.bind")]),
        ({"server": {"bind": "0.0.0.0"}}, [("PI209", "server.bind")]),
        ({"code": {"location": "checkout"}}, [("PI225", "code")]),
        ({"areas": {"ventas": {"code": {"location": "checkout"}}}}, [("PI225", "areas.ventas.code")]),
        ({"server": {"api_url": "https://prefect.example.com/api"}}, [("PI109", "host")]),
        (
            {
                "runtime": "swarm",
                "registry": "registry.example.com:5000/prefect",
                "server": {"port": 443, "proxy": {"host": "x.example.com"}, **POSTGRES},
                "swarm": {"data_node": "node-1"},
            },
            [("PI109", "host")],
        ),
    ],
)
def test_what_is_wrong_with_another_machine_is_told_by_key(
    tmp_path: Path, changed: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    told = [
        (finding.rule.code, finding.path.removeprefix("prefect-infra:"))
        for finding in report(tmp_path, **changed).errors
    ]
    assert sorted(told) == sorted(expected)


def test_the_error_says_what_to_write(tmp_path: Path) -> None:
    (of_bind,) = report(tmp_path, server=None).errors
    assert "prefect.example.com's own loopback" in of_bind.message
    assert "bind: 0.0.0.0" in of_bind.hint
    assert "auth: required" in of_bind.hint


def test_a_misspelt_key_is_recognised(tmp_path: Path) -> None:
    (finding,) = report(tmp_path, host=None, hots="ssh://deploy@prefect.example.com").errors
    assert "did you mean 'host'?" in finding.hint


def test_the_checkouts_code_is_refused_only_where_a_deployment_counts_on_it(tmp_path: Path) -> None:
    deployment = {"name": "revisar-pedidos", "entrypoint": "flows/f.py:revisar_pedidos"}
    areas = {"ventas": {"deployments": [deployment]}}
    assert [each.rule.code for each in report(tmp_path, code=None, areas=areas).errors] == ["PI225"]
    in_the_image = {"ventas": {"code": {"location": "image"}, "deployments": [deployment]}}
    assert report(tmp_path, code=None, areas=in_the_image).errors == ()


def test_a_throwaway_stack_is_on_this_machine_whatever_its_base_says(tmp_path: Path) -> None:
    lives = {"made": "2026-11-25T15:40:00-03:00", "expires": "2026-11-25T23:40:00-03:00"}
    stack = report(tmp_path, throwaway=lives, code={"location": "checkout"}).stack_or_raise()
    assert stack.host is None
    assert (stack.server.bind, stack.server.address) == ("127.0.0.1", "127.0.0.1")
