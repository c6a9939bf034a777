"""Credentials in plain are found, and shown nowhere: not in a message, a path, a line of the file, or any format."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.cli.reporting import FORMATS, Checked
from infra.cli.reporting.plain import as_text
from infra.credential_forms import exposed, is_secret_key
from infra.model import Report, check_stack_file
from infra.model.credentials import MASK, looks_random, masked
from infra.model.excerpts import Excerpts
from tests.unit.rules.conftest import NOW, Check, codes

# Put together here, so that no scanner takes this file for a leak.
TOKENS = {
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitHub, fine-grained": "github_pat_" + "11ABCDEFG0" * 4,
    "GitLab": "glpat-" + "x7Gq2Lw9ZtB4abcdEFGH",
    "Prefect": "pnu_" + "x7Gq2Lw9" * 5,
    "Prefect service account": "pnb_" + "x7Gq2Lw9" * 5,
    "Slack": "xoxb-" + "123456789012-abcdefghijkl",
    "Slack webhook": "https://hooks.slack.com/services/" + "T00000000/B00000000/abcdefghijklmnop",
    "Google": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "Stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "Mercado Pago": "APP_USR-" + "1234567890123456-010203-0123456789abcdef0123456789abcdef-123456",
    "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" * 5,
    "npm": "npm_" + "a1B2" * 9,
    "Telegram": "123456789:AA" + "F" * 33,
    "JWT": "eyJhbGciOiJI" + ".eyJzdWIiOiIx" + ".SflKxwRJSMeKKF2QT4",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "URL": "postgresql://compras:" + "Zorzal-9-azul" + "@db.example.com:5432/compras",
    "connection string": "Server=db;User Id=compras;Password=" + "Zorzal-9-azul" + ";Encrypt=yes",
    "storage account": "DefaultEndpointsProtocol=https;AccountKey=" + "bm8gZXMgdW5hIGNsYXZl" + ";EndpointSuffix=x",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_credential_of_a_known_form_is_found_under_any_key(check: Check, token: str) -> None:
    value = token.replace("\n", "\\n")

    assert codes(check(f'prefect-infra:areas: {{ventas: {{description: "es {value}"}}}}')) == ["PI501"]
    assert next(exposed(token), None)
    assert not next(exposed(masked(token)), None)


@pytest.mark.parametrize(
    "text",
    [
        "https://git.example.com/datos/flujos.git", "postgresql://db/compras", "postgresql://compras@db/compras",
        "postgresql://compras:{{ prefect.blocks.secret.db }}@db/compras", "postgresql://compras:${CLAVE}@db/compras",
        "postgresql://compras:$CLAVE@db/x", "postgresql://compras:<clave>@db/x", "postgresql://compras:****@db/x",
        "Server=db;Password={{ prefect.blocks.secret.db }};", "AKIA", "pnu_", "a las 10:30 @ventas", "sk-ventas",
        "https://example.com/a?x=1:2@b", "-----BEGIN CERTIFICATE-----",
    ],
)  # fmt: skip
def test_what_is_no_credential_is_left_alone(text: str) -> None:
    assert not list(exposed(text))


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("ERP_PASSWORD", "x7Gq2Lw9ZtB4", "PI502"),
        ("clave_del_erp", "x7Gq2Lw9ZtB4", "PI502"),
        ("contraseña", "x7Gq2Lw9ZtB4", "PI502"),
        ("apiKey", "9f86d081884c7d659a2feaa0c55ad015", "PI502"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "PI502"),
        ("ERP_PASSWORD", "{{ prefect.blocks.secret.ventas-dev-erp }}", "PI215"),
        ("ERP_PASSWORD", "$CLAVE", None),
        ("ERP_PASSWORD_FILE", "/run/secrets/x7Gq2Lw9ZtB4", None),
        ("TOKEN_URL", "https://example.com/x7Gq2Lw9ZtB4", None),
        ("CLAVE", "valor", None),
        ("CLAVE_PRIMARIA", "codigo_de_articulo", None),
        ("SUCURSAL", "x7Gq2Lw9ZtB4", None),
        ("COMPASS", "x7Gq2Lw9ZtB4", None),
        ("TOKEN_TTL", "a1b2c3d4e5f6", None),
    ],
)
def test_a_value_as_random_as_a_credential_is_one_under_a_key_that_speaks_of_one(
    check: Check, key: str, value: str, code: str | None
) -> None:
    variable = key if key.isascii() else "CLAVE"

    assert codes(check(f"prefect-infra:areas: {{ventas: {{env: {{{variable}: '{value}'}}}}}}")) == (
        [code] if code else []
    )


def test_what_is_random_and_what_is_a_word() -> None:
    assert is_secret_key("contraseña")
    assert not is_secret_key("compás")
    assert looks_random("x7Gq2Lw9ZtB4")
    assert not any(map(looks_random, ["corta1", "resumen-diario", "2026-01-31", "dos palabras 12", "aaaaaaaaaaa1", ""]))


def everything_said(root: Path, report: Report) -> Iterator[str]:
    checked = Checked(root, {"dev": report})
    excerpts = Excerpts(root, report.findings)
    yield from (form(checked) for form in FORMATS.values())
    yield str(as_text(report.findings, excerpts))
    yield from map(excerpts.told, report.findings)
    yield from map(str, report.findings)
    yield from map(repr, report.findings)


@pytest.mark.thorough
@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize(
    "lines",
    [
        "prefect-infra:server: {port: §, log_level: §}",
        "prefect-infra:areas: {ventas: {env: {A: §, B: 5}}}",
        "prefect-infra:areas: {ventas: {env: {§: x}}}",
        "prefect-infra:§: 1",
        "prefect-infra:timezone: §",
        "prefect-infra:areas: {ventas: {deployments: [{name: §, entrypoint: §, schedules: [{cron: §}]}]}}",
        "prefect-infra:rules: {§: {severity: §, reason: §}}",
        "prefect-infra:server: [§, {",
        "§: *nada",
    ],
)
def test_no_finding_of_any_rule_shows_a_credential(check: Check, checkout: Path, lines: str, token: str) -> None:
    value = '"' + token.replace("\n", "\\n") + '"'
    report = check(lines.replace("prefect-infra:§", f'"prefect-infra:{token}"'.replace("\n", "")).replace("§", value))
    secret = {each.kind: token[each.start : each.end] for each in exposed(token)}

    assert report.errors
    for said in everything_said(checkout, report):
        for part in secret.values():
            assert part not in said
            assert part[:24] not in said


RANDOM = st.text(string.ascii_letters + string.digits, min_size=16, max_size=40).filter(looks_random)


@pytest.mark.thorough
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=RANDOM, lines=st.sampled_from([
    "prefect-infra:areas: {ventas: {workers: {replicas: x, password: @}}}",
    "prefect-infra:areas: {ventas: {env: {TOKEN: '@', B: 5, C: {D: @}}}}",
    "prefect-infra:areas: {ventas: {concurrency_limit: {api_key: @, limit: @}}}",
    'prefect-infra:areas: {ventas: {env: {TOKEN: "@, B: 5}}}',
    "prefect-infra:areas: {ventas: {deployments: [{clave: '@', name: @, tags: @}]}}",
]))  # fmt: skip
def test_a_likely_secret_is_shown_nowhere_however_broken_the_file(
    check: Check, checkout: Path, secret: str, lines: str
) -> None:
    report = check(lines.replace("@", secret))

    for said in everything_said(checkout, report):
        assert secret not in said
        assert secret[:12] not in said


def test_a_credential_of_another_program_in_the_same_file_is_found(check: Check, checkout: Path) -> None:
    report = check(
        f"aws:secretKey: wJalrXUtnFEMI7MDENG1\notro:lista: [a, {TOKENS['AWS']}]\notro:token: {{secure: v1:x}}"
    )

    assert [(f.rule.code, f.path, f.line) for f in report.findings] == [
        ("PI502", "aws:secretKey", 3),
        ("PI501", "otro:lista[1]", 4),
    ]
    assert "--secret aws:secretKey" in (report.findings[0].hint or "")
    assert not any("MDENG" in said or "IOSFOD" in said for said in everything_said(checkout, report))


def test_the_place_is_underlined_and_masked(check: Check, checkout: Path) -> None:
    token = TOKENS["Prefect"]
    report = check(f"prefect-infra:areas: {{ventas: {{env: {{A: x, B: {token}, C: 3}}}}}}")
    told = "\n".join(map(Excerpts(checkout, report.findings).told, report.findings))

    assert f"    3 |   prefect-infra:areas: {{ventas: {{env: {{A: x, B: {MASK}, C: 3}}}}}}" in told
    assert told.count("^^^^^^^^\n") == 1
    line, below = told.splitlines()[1:3]
    assert line.index(MASK) == below.index("^")


def test_encrypted_values_and_names_of_secrets_are_none(check: Check) -> None:
    blob = base64.b64encode(b"0123456789abcdef").decode()
    code = "{location: git, repository: 'https://git.example.com/x.git', access_token: {secret: git_token_x7Gq2}}"
    report = check(f"prefect-infra:git_token_x7Gq2: {{secure: 'v1:{blob}'}}\nprefect-infra:code: {code}")

    assert codes(report) == []


def test_a_false_alarm_can_be_turned_off_with_a_reason(check: Check) -> None:
    report = check(
        "prefect-infra:rules: {PI502: {severity: 'off', reason: es un identificador público}}\n"
        "prefect-infra:areas: {ventas: {env: {TOKEN: x7Gq2Lw9ZtB4}}}"
    )

    assert codes(report) == []


def test_a_file_with_a_credential_that_is_no_yaml_shows_none(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(f"config:\n  clave: x7Gq2Lw9ZtB4: {TOKENS['AWS']}\n", encoding="utf-8")
    report = check_stack_file(checkout, "dev", now=NOW)

    assert codes(report) == ["PI003"]
    assert not [said for said in everything_said(checkout, report) if "x7Gq" in said or TOKENS["AWS"] in said]
