"""Prod on a database and a Redis of the company's, with its certificate: by TLS, each vouched for by its authority.

The tests go on from one another: what is refused before anything is there, what is there, what is renewed.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from cryptography import x509

from tests.authorities import Issued, issue
from tests.stack.asked import asked_all_the_time
from tests.stack.by_the_document import commands, type_in
from tests.stack.outside import PASSWORDS, Outside, outside
from tests.stack.platforms import ROOT, Platform, console, docker, eventually, is_running
from tests.stack.secured import events, heard, listen_for, signed_in
from tests.stack.test_fresh_dev_stack import run_to_the_end

pytestmark = pytest.mark.docker
HOST = "localhost"
SLOW = '''import time

from prefect import flow


@flow
def espera() -> None:
    """Espera más de lo que dura la prueba."""
    time.sleep(900)
'''


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    made = outside()
    try:
        made.start(tmp_path_factory.mktemp("company"))
        yield made
    finally:
        made.remove()


def named(**secrets: str) -> dict[str, Any]:
    return {key: {"secret": name} for key, name in secrets.items()}


def on_what_is_outside(declared: Any) -> None:
    for area in ("compras", "finanzas"):
        del declared["areas"][area]
    slow = {"name": "esperar-mucho-tiempo", "entrypoint": "flows/espera.py:espera"}
    declared["areas"]["ventas"]["deployments"].append(slow)
    del declared["backup"]  # the company's own
    server = declared["server"]
    server |= {"port": "auto", "protect": False, "replicas": 1}
    server["database"] = {"type": "postgres", **named(url="database_url", authority="tls_authority")}
    server["redis"] = named(url="redis_url", authority="tls_authority")
    tls = named(certificate="tls_certificate", key="tls_key", authority="tls_authority")
    server["proxy"] = {"host": HOST, "http_port": "auto", "tls": tls}
    declared["workers"] = {"type": "docker", "replicas": 1}
    declared["schedules_active"] = False
    declared["janitor"] = {"every": "5s", "heartbeat_seconds": 30, "retention": {"events": "2h", "runs": "2h"}}


@pytest.fixture(scope="module")
def platform(new_platform: Callable[..., Platform], company: Outside) -> Iterator[Platform]:
    made = new_platform("prod", on_what_is_outside)
    (made.folder / "flows" / "espera.py").write_text(SLOW)
    yield made
    if made.containers():  # while there is a database, which its objects are deleted from
        made.run("destroy", "--yes", "--stack", made.stack, check=False)


def certificate(platform: Platform, company: Outside, own: Issued, key: Issued | None = None, **given: str) -> None:
    chain = given.get("chain") or own.pem + company.between.pem
    files = {"fullchain.pem": chain, "privkey.pem": (key or own).key, "authority.pem": company.authority.pem}
    for name, text in files.items():
        (platform.folder / name).write_text(text)
    for command in commands("Day 1", "3. The certificate"):
        type_in(platform, command)
    for name in files:
        (platform.folder / name).unlink()


def addresses(platform: Platform, database: str, redis: str) -> None:
    typed = commands("Day 1", "A database or Redis elsewhere")
    for command, url in zip(typed, (database, redis), strict=True):
        type_in(platform, command, url)


def own_certificate(company: Outside, **given: Any) -> Issued:
    return issue(HOST, company.between, hosts=[HOST], **given)


def refused(platform: Platform) -> str:
    """What a preview that stops says; in the time that somebody waits who has mistyped."""
    began = time.monotonic()
    done = platform.preview(check=False)
    assert done.returncode != 0, done.stdout
    assert time.monotonic() - began < 60
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_values_that_can_not_be_right_are_all_told_before_anything_is_made(
    platform: Platform, company: Outside
) -> None:
    old, other = own_certificate(company, days=-1), own_certificate(company)
    certificate(platform, company, old, key=other)
    addresses(platform, "postgres://prefect@localhost/prefect", "redis://localhost")

    text = refused(platform)

    for told in (
        "PI802 prefect-infra:server.database.url",
        "not postgres://",
        "localhost is each container itself",
        "`authority` goes with TLS",
        "“localhost” expired on",
        "tls_key: it is not the key of “localhost”",
    ):
        assert told in text
    assert re.search(rf"Pulumi\.{platform.stack}\.yaml:\d+:\d+ error PI801", text)
    certificate(platform, company, other, chain=company.between.pem + other.pem)
    assert "has to be the first" in refused(platform)
    assert platform.containers() == []


def test_addresses_that_lead_nowhere_are_told_in_a_line_each_and_in_short_time(
    platform: Platform, company: Outside
) -> None:
    certificate(platform, company, own_certificate(company))
    with socket.socket() as nobody:
        nobody.bind((company.host, 0))
        port = nobody.getsockname()[1]
        wrong = {"password": "de-nadie-más", "user": "prefect", "database": "prefect"}
        addresses(platform, company.database_url_with(**wrong), company.redis_url_at(port))
        platform.preview()  # images aside, what takes time is the answer
        done = platform.up(check=False)

    assert done.returncode != 0
    assert re.search(r"the database [\d.]+:\d+: password authentication failed for user", done.stdout), done.stdout
    assert re.search(rf"Redis [\d.]+:{port}: .*Connect", done.stdout), done.stdout
    assert "Traceback" not in done.stdout
    assert "de-nadie" not in done.stdout
    made = [name for name in platform.containers() if not name.endswith("-socket-proxy")]
    assert made == [f"prefect-infra-{platform.stack}-migration"]
    seconds = docker("inspect", "--format", "{{.State.StartedAt}} {{.State.FinishedAt}}", *made).split()
    assert (time_of(seconds[1]) - time_of(seconds[0])) < 60
    assert company.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def time_of(text: str) -> float:
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


@pytest.fixture(scope="module")
def up(platform: Platform, company: Outside) -> Platform:
    certificate(platform, company, own_certificate(company))
    addresses(platform, company.database_url, company.redis_url)
    platform.up()
    return platform


@pytest.fixture(scope="module")
def outputs(up: Platform) -> dict[str, Any]:
    return up.outputs()


@pytest.fixture(scope="module")
def trusting(company: Outside) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=company.authority.pem)


@pytest.fixture
def api(outputs: dict[str, Any], trusting: ssl.SSLContext) -> Iterator[httpx.Client]:
    with signed_in(outputs, trusting) as client:
        yield client


def test_a_flow_runs_on_a_database_and_a_redis_outside(
    up: Platform, outputs: dict[str, Any], api: httpx.Client, company: Outside
) -> None:
    assert not [name for name in up.containers() if name.endswith(("-postgres", "-redis"))]
    run = run_to_the_end(api, outputs["deployments"]["resumen-diario-de-ventas"]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert company.sql(f"SELECT state_type FROM flow_run WHERE id = '{run['id']}'") == "COMPLETED"
    assert int(company.redis("dbsize")) > 0
    unsafe = "SELECT count(*) FILTER (WHERE NOT ssl), count(*) > 2 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
    assert company.sql(f"{unsafe} WHERE client_addr IS NOT NULL AND usename = 'prefect'") == "0|t"
    assert up.up("--expect-no-changes")


def test_the_profile_trusts_the_given_certificate(up: Platform, outputs: dict[str, Any]) -> None:
    (profile,) = outputs["profiles"]
    environment = {key: value for key, value in up.environment.items() if not key.startswith("SSL_")}
    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "prefect"), "--profile", profile, "work-pool", "inspect", "ventas-prod"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ventas-prod" in done.stdout
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{outputs['api_url']}/admin/version")


def test_plain_http_is_sent_to_https_and_browsers_never_come_without_again(
    up: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    (bound,) = docker("port", f"prefect-infra-{up.stack}-proxy", "8080/tcp").splitlines()
    answer = httpx.get(f"http://{bound}/runs?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (308, f"{outputs['ui_url']}/runs?tab=1")
    assert api.get("admin/version").headers["strict-transport-security"].startswith("max-age=")


def test_events_come_by_websocket_through_the_proxy(
    outputs: dict[str, Any], trusting: ssl.SSLContext, api: httpx.Client
) -> None:
    name = f"prueba.{uuid.uuid4()}"
    with events(outputs, trusting) as listener:
        listen_for(listener, name, outputs["auth_string"])
        assert eventually("the event", partial(heard, listener, name, api), 120)


def ids(platform: Platform) -> dict[str, str]:
    listed = docker("inspect", "--format", "{{.Name}} {{.Id}}", *platform.containers()).splitlines()
    return dict(line.removeprefix("/").split() for line in listed if "-run-" not in line)


def shown_by(url: str, trusting: ssl.SSLContext) -> int:
    """The serial number of the certificate that the server shows, its chain checked."""
    where = urlsplit(url)
    with (
        socket.create_connection((where.hostname or "", where.port or 443), 10) as plain,
        trusting.wrap_socket(plain, server_hostname=where.hostname) as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown or b"").serial_number


def test_another_certificate_is_shown_after_an_up_and_a_wrong_one_changes_nothing(
    up: Platform, outputs: dict[str, Any], trusting: ssl.SSLContext, company: Outside, api: httpx.Client
) -> None:
    before, first = ids(up), shown_by(outputs["api_url"], trusting)
    certificate(up, company, own_certificate(company, days=-1))
    done = up.up(check=False)
    assert done.returncode != 0
    assert "expired on" in done.stdout
    assert (ids(up), shown_by(outputs["api_url"], trusting)) == (before, first)

    renewed = own_certificate(company)
    certificate(up, company, renewed)
    with asked_all_the_time(lambda: api.get("admin/version")) as wrong:
        up.up()

    # Workers have websockets open: these don't keep the port from the next one for long.
    assert wrong[-1].at - wrong[0].at < 20
    assert shown_by(outputs["api_url"], trusting) == renewed.certificate.serial_number != first
    changed = {name for name, id_ in ids(up).items() if before[name] != id_}
    assert changed == {f"prefect-infra-{up.stack}-proxy"}


def test_a_run_whose_worker_and_container_are_lost_is_ended_by_the_janitor(
    up: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    """The janitor is on the inner network, where there is no TLS, and gets in by the credential that the stack has."""
    deployment = outputs["deployments"]["esperar-mucho-tiempo"]["id"]
    run = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()["id"]

    def state() -> dict[str, Any]:
        found: dict[str, Any] = api.get(f"flow_runs/{run}").raise_for_status().json()["state"]
        return found

    eventually("Running", lambda: state()["type"] == "RUNNING", 300)
    docker("kill", outputs["workers"]["ventas"][0])  # by hand: the engine doesn't start it again
    docker("kill", *(name for name in up.containers() if "-run-" in name and is_running(name)))
    assert state()["type"] == "RUNNING"

    ended = eventually("ended by the janitor", lambda: (now := state())["type"] == "CRASHED" and now, 300)

    assert "No sign of life for" in ended["message"]
    docker("start", outputs["workers"]["ventas"][0])


def test_old_runs_and_events_are_deleted_by_the_server_and_new_ones_kept(
    up: Platform, outputs: dict[str, Any], api: httpx.Client, company: Outside
) -> None:
    """It looks each hour. A Redis that has lost what it knew makes it look when it starts."""
    old = run_to_the_end(api, outputs["deployments"]["resumen-diario-de-ventas"]["id"])["id"]
    new = run_to_the_end(api, outputs["deployments"]["resumen-diario-de-ventas"]["id"])["id"]
    of_old = f"SELECT count(*) FROM events WHERE resource_id = 'prefect.flow-run.{old}'"
    of_new = of_old.replace(old, new)
    eventually("events", lambda: int(company.sql(of_old)) > 0 and int(company.sql(of_new)) > 0)
    logs = f"SELECT count(*) FROM log WHERE flow_run_id = '{old}'"
    eventually("logs", lambda: int(company.sql(logs)) > 0)
    services = f"prefect-infra-{up.stack}-services-1"
    docker("stop", services)
    ago = "interval '3 hours'"
    company.sql(f"UPDATE flow_run SET end_time = end_time - {ago}, start_time = start_time - {ago} WHERE id = '{old}'")
    company.sql(f"UPDATE events SET occurred = occurred - {ago} WHERE resource_id = 'prefect.flow-run.{old}'")
    company.redis("flushall")
    docker("start", services)

    rows = f"SELECT count(*) FROM flow_run WHERE id = '{old}'"
    eventually("the old run is gone", lambda: company.sql(rows) == "0", 180)
    eventually("its events are gone", lambda: company.sql(of_old) == "0", 180)
    eventually("its logs are gone", lambda: company.sql(logs) == "0", 60)
    assert company.sql(f"SELECT state_type FROM flow_run WHERE id = '{new}'") == "COMPLETED"
    assert int(company.sql(of_new)) > 0
    assert api.get(f"flow_runs/{old}").status_code == httpx.codes.NOT_FOUND


def test_no_secret_of_what_is_outside_is_seen(up: Platform, company: Outside) -> None:
    key = up.outputs()["auth_string"].split(":", 1)[1]
    secrets = {key, *PASSWORDS, *(quote(password, safe="") for password in PASSWORDS)}
    shown = [up.run("stack", "export", "--stack", up.stack).stdout, docker("inspect", *up.containers())]
    shown += [console(name) for name in up.containers()]
    shown += [text for text in up.log if not re.match(r"\$ pulumi (config set|stack output)", text)]
    shown.append(docker("exec", f"prefect-infra-{up.stack}-api-1", "env"))
    for text in shown:
        assert not any(secret in text or json.dumps(secret)[1:-1] in text for secret in secrets)
        assert "PRIVATE KEY" not in text


def test_a_destroy_takes_its_own_out_of_the_database_outside_and_leaves_what_has_run(
    up: Platform, company: Outside
) -> None:
    runs = company.sql("SELECT count(*) FROM flow_run")
    up.destroy()

    assert up.containers() == []
    assert company.sql("SELECT count(*) FROM deployment") == "0"
    assert company.sql("SELECT count(*) FROM flow_run") == runs != "0"
    assert not list(Path(up.profiles.parent).glob("*.ca.pem"))
    assert not os.path.lexists(up.profiles.with_name("worker-profile.toml"))
