"""What secrets hold is looked at before anything is made, and told without showing it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.model import Finding, check_stack
from tests.authorities import Issued, issue

HOST = "prefect.example.com"
ROOT = issue("Raíz de la empresa")
BETWEEN = issue("Emisora de la empresa", ROOT)
SERVER = issue(HOST, BETWEEN, hosts=[HOST, "10.1.2.3"])
OTHER = issue("otro", BETWEEN, hosts=["otro.example.com"])
BEGIN = "-----BEGIN CERTIFICATE-----"
NAMES = {part: {"secret": f"tls_{part}"} for part in ("certificate", "key", "authority")}


def findings(root: Path, server: dict[str, Any], values: dict[str, str]) -> tuple[Finding, ...]:
    raw = {"environment": "prod", "server": {"database": {"type": "postgres"}, **server}}
    report = check_stack(raw, project="p", stack="prod", root=root, secrets=set(values), open_=values.get)
    assert not any(value in str(finding) for finding in report.findings for value in values.values() if value)
    return report.findings


def of_certificate(root: Path, values: dict[str, str], host: str = HOST) -> list[tuple[str, str, str]]:
    given = {"certificate": SERVER.pem + BETWEEN.pem, "key": SERVER.key, "authority": ROOT.pem, **values}
    secrets = {f"tls_{part}": value for part, value in given.items()}
    found = findings(root, {"proxy": {"host": host, "tls": NAMES}}, secrets)
    prefix = "prefect-infra:server.proxy.tls."
    return [(each.rule.code, each.path.removeprefix(prefix), each.message) for each in found]


@pytest.mark.parametrize("host", [HOST, "10.1.2.3"])
def test_a_whole_chain_with_its_key_is_good(tmp_path: Path, host: str) -> None:
    assert not of_certificate(tmp_path, {}, host)
    assert not of_certificate(tmp_path, {"certificate": SERVER.pem + BETWEEN.pem + ROOT.pem}, host)


def test_a_star_stands_for_one_part_of_a_name(tmp_path: Path) -> None:
    star = issue("*.example.com", BETWEEN, hosts=["*.example.com"])
    values = {"certificate": star.pem + BETWEEN.pem, "key": star.key}
    assert not of_certificate(tmp_path, values)
    assert of_certificate(tmp_path, values, f"a.{HOST}")


def with_key(issued: Issued) -> dict[str, str]:
    return {"certificate": issued.pem + BETWEEN.pem, "key": issued.key}


@pytest.mark.parametrize(
    ("values", "part", "told"),
    [
        ({"certificate": ""}, "certificate", "no certificate"),
        ({"certificate": SERVER.key}, "certificate", "holds a private key"),
        ({"certificate": f"{BEGIN}\nAAAA\n{BEGIN.replace('BEGIN', 'END')}"}, "certificate", "can't be read"),
        ({"certificate": SERVER.pem}, "certificate", "by “Emisora de la empresa”, not by “Raíz de la empresa”"),
        ({"certificate": BETWEEN.pem + SERVER.pem}, "certificate", "has to be the first"),
        ({"certificate": SERVER.pem + ROOT.pem + BETWEEN.pem}, "certificate", "the one after it is “Raíz"),
        ({"key": OTHER.key}, "key", "not the key of “prefect.example.com”"),
        ({"key": SERVER.pem}, "key", "holds a certificate"),
        ({"key": "secreto"}, "key", "no private key"),
        ({"key": SERVER.key_with(b"x")}, "key", "passphrase"),
        ({"authority": issue("Otra raíz").pem}, "certificate", "not by “Otra raíz”"),
        ({"authority": OTHER.pem}, "authority", "no authority"),
        ({"authority": ROOT.key}, "authority", "holds a private key"),
        (with_key(OTHER), "certificate", "it is for otro.example.com, and people reach the server by prefect.ex"),
        (with_key(issue("viejo", BETWEEN, hosts=[HOST], days=-1)), "certificate", "expired on"),
        (with_key(issue("nuevo", BETWEEN, hosts=[HOST], since=timedelta(days=2))), "certificate", "isn't good before"),
    ],
)
def test_a_certificate_that_would_not_do_is_refused(
    tmp_path: Path, values: dict[str, str], part: str, told: str
) -> None:
    found = of_certificate(tmp_path, values)
    assert ("PI801", part) in [(code, path) for code, path, _ in found]
    assert any(told in message and f"tls_{part}: " in message for _, path, message in found if path == part), found


def test_a_certificate_that_is_good_for_days_is_a_warning(tmp_path: Path) -> None:
    found = of_certificate(tmp_path, with_key(issue("pronto", BETWEEN, hosts=[HOST], days=9)))
    assert [(code, path) for code, path, _ in found] == [("PI803", "certificate")]


@pytest.mark.parametrize(
    ("part", "url", "told"),
    [
        ("database", "postgresql+asyncpg://prefect:p%40ss@db.example.com:5432/prefect", None),
        ("database", "postgresql+asyncpg://prefect:p@db.example.com/prefect?ssl=require", None),
        ("database", "postgres://prefect:p4ss@db.example.com/prefect", "not postgres://"),
        ("database", "secreto-de-otro", "doesn't begin with postgresql+asyncpg://"),
        ("database", "postgresql+asyncpg://prefect:p@ss@db.example.com/prefect", "more than one @"),
        ("database", "postgresql+asyncpg://prefect:p/ss@db.example.com/prefect", "port is no number"),
        ("database", "postgresql+asyncpg://prefect:p4ss@db.example.com", "names no database"),
        ("database", "postgresql+asyncpg://prefect:p4ss@localhost/prefect", "each container itself"),
        ("database", "postgresql+asyncpg://prefect:p4ss@db.example.com/prefect\nx", "line break"),
        ("redis", "redis://:p4ss@redis.example.com:6379/0", None),
        ("redis", "rediss://redis.example.com", None),
        ("redis", "http://redis.example.com", "not http://"),
        ("redis", "redis://:p4ss@127.0.0.1/0", "each container itself"),
        ("redis", "redis://:p4ss@redis.example.com/cola", "no number of a database"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(tmp_path: Path, part: str, url: str, told: str | None) -> None:
    of = {"url": {"secret": f"{part}_url"}} | ({"type": "postgres"} if part == "database" else {})
    found = findings(tmp_path, {part: of}, {f"{part}_url": url})
    if told is None:
        assert not found
    else:
        assert {(each.rule.code, each.path) for each in found} == {("PI802", f"prefect-infra:server.{part}.url")}
        assert any(told in each.message for each in found)


def test_an_authority_of_redis_goes_with_tls(tmp_path: Path) -> None:
    redis = {"url": {"secret": "url"}, "authority": {"secret": "authority"}}
    values = {"url": "redis://:p4ss@redis.example.com/0", "authority": ROOT.pem}
    (found,) = findings(tmp_path, {"redis": redis}, values)
    assert "asks for none" in found.message
    assert not findings(tmp_path, {"redis": redis}, values | {"url": "rediss://:p4ss@redis.example.com/0"})


def test_what_cannot_be_read_is_not_looked_at(tmp_path: Path) -> None:
    raw = {"environment": "prod", "server": {"database": {"url": {"secret": "database_url"}}}}
    report = check_stack(raw, project="p", stack="prod", root=tmp_path, secrets={"database_url"})
    assert not report.findings


@pytest.mark.parametrize("server", [{}, {"database": {"type": "sqlite"}, "auth": "required"}])
@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ('ana:dos palabras, y "otras"\\', None),
        ("ana:con:dos", None),
        ("contrasegna", "a colon"),
        ("ana:", "a colon"),
        (":secreto", "a colon"),
        ("ana:contraseña", "a letter with an accent"),
        ("ana:una\notra", "a line break"),
    ],
)
def test_a_credential_that_the_server_could_not_ask_for_is_refused(
    tmp_path: Path, server: dict[str, Any], auth: str, told: str | None
) -> None:
    found = findings(tmp_path, server, {"auth_string": auth})
    assert [each.rule.code for each in found] == ([] if told is None else ["PI804"])
    assert all(told in each.message for each in found if told)
