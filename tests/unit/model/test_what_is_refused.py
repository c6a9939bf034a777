"""Each kind of broken stack file gives one clear error by file, line, column and key."""

# ruff: noqa: E501  # a case reads best as one line

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.model import Finding, StackErrors, load_stack, load_stack_file
from infra.model.rules import times

MARK = "«»"
"""Stands in a case where the finding must point; taken out before the file is written."""


@dataclass(frozen=True)
class Case:
    reason: str
    text: str
    path: str
    message: str
    hint: str = ""


def stack(rest: str) -> str:
    return f"config:\n  prefect-infra:environment: dev\n{rest}"


def area(rest: str) -> str:
    return stack(f"  prefect-infra:areas:\n    compras:\n{rest}")


def deployment(rest: str, entrypoint: str = "flows/precios.py:importar_precios") -> str:
    return area(
        f"      deployments:\n        - name: importar-precios\n          entrypoint: {entrypoint}\n"
        f"          parameters: {{archivo: x.csv}}\n{rest}"
    )


def schedule(rest: str) -> str:
    return deployment(f"          schedules:\n            - {rest}\n")


DEPLOYMENT = "prefect-infra:areas.compras.deployments[0]"
SCHEDULE = f"{DEPLOYMENT}.schedules[0]"

TRIGGER = f"{DEPLOYMENT}.triggers[0]"


def trigger(rest: str) -> str:
    return deployment(f"          triggers:\n            - {rest}\n")


CASES = [
    Case(
        "an address that is none",
        stack("  prefect-infra:server: {api_url: «»prefect.example.com}\n"),
        "prefect-infra:server.api_url",
        "without credentials",
        "https://",
    ),
    Case(
        "a port of a server that is there",
        stack("  prefect-infra:server: {api_url: 'https://x/api', «»port: 4200}\n"),
        "prefect-infra:server.port",
        "there is one already",
        "leave it out",
    ),
    Case(
        "a server that asks, and no credential",
        stack("  prefect-infra:server: {api_url: 'https://x/api', auth: «»required}\n"),
        "prefect-infra:server.auth",
        "no secret 'auth_string'",
        "--secret",
    ),
    Case(
        "code of this project at workers elsewhere",
        "config:\n  prefect-infra:environment: dev\n  prefect-infra:server: {api_url: 'https://x/api'}\n  prefect-infra:areas:\n    compras:\n"
        "      deployments:\n        - «»name: importar-precios\n          entrypoint: flows/precios.py:importar_precios\n",
        DEPLOYMENT,
        "there is no checkout of this project",
        "pull",
    ),
    Case(
        "another pool's name",
        area("      work_pool_name: «»pool-de-antes\n"),
        "prefect-infra:areas.compras.work_pool_name",
        "it should be 'compras-dev'",
        "PI219",
    ),
    Case(
        "a reserved pool's name",
        stack(
            "  prefect-infra:rules: {PI219: {severity: 'off', reason: x}}\n  prefect-infra:areas: {compras: {work_pool_name: «»Prefect-x}}\n"
        ),
        "prefect-infra:areas.compras.work_pool_name",
        "begin with 'prefect'",
    ),
    Case(
        "one pool of two areas",
        stack(
            "  prefect-infra:areas: {compras: {}, ventas: {work_pool_name: «»compras-dev}}\n  prefect-infra:rules: {PI219: {severity: 'off', reason: x}}\n"
        ),
        "prefect-infra:areas.ventas.work_pool_name",
        "has the pool 'compras-dev' already",
    ),
    Case(
        "code and pull",
        deployment("          code: {location: checkout}\n          «»pull: []\n"),
        f"{DEPLOYMENT}.pull",
        "exclude each other",
    ),
    Case(
        "another name than the flow's",
        deployment("          flow_name: «»listas\n"),
        f"{DEPLOYMENT}.flow_name",
        "called 'importar-precios'",
        "leave",
    ),
    Case(
        "a variable's name",
        stack("  prefect-infra:variables:\n    «»Tasa: {value: 1}\n"),
        "prefect-infra:variables.Tasa",
        "small letters",
        "tasa_iva",
    ),
    Case(
        "a variable without a value",
        stack("  prefect-infra:variables:\n    «»tasa: {tags: []}\n"),
        "prefect-infra:variables.tasa.value",
        "'value' is missing",
        "value:",
    ),
    Case(
        "a variable that is nothing",
        stack("  prefect-infra:variables: {tasa: {value: «»null}}\n"),
        "prefect-infra:variables.tasa.value",
        "is nothing",
    ),
    Case(
        "a variable too large",
        stack(f"  prefect-infra:variables: {{tasa: {{value: «»{'x' * 5001}}}}}\n"),
        "prefect-infra:variables.tasa.value",
        "up to 5000",
    ),
    Case(
        "a limit of the server's own",
        stack("  prefect-infra:global_concurrency_limits: {«»'tag:erp': 1}\n"),
        "prefect-infra:global_concurrency_limits.tag:erp",
        "for itself",
        "tag_concurrency_limits",
    ),
    Case(
        "a limit below none",
        stack("  prefect-infra:tag_concurrency_limits: {erp: «»-1}\n"),
        "prefect-infra:tag_concurrency_limits.erp",
        "at least 0",
    ),
    Case("a trigger that anything fires", trigger("«»name: al-llegar"), TRIGGER, "for ever", "expect"),
    Case(
        "a trigger's key of another kind",
        trigger("{expect: [a], «»require: all}"),
        f"{TRIGGER}.require",
        "type event has no 'require'",
    ),
    Case(
        "a trigger's length of time",
        trigger("{expect: [a], within: «»ya}"),
        f"{TRIGGER}.within",
        "no length of time",
        "PT1H",
    ),
    Case(
        "a trigger's length of time that is none",
        trigger("{expect: [a], «»within: [1]}"),
        f"{TRIGGER}.within",
        "seconds, or text",
    ),
    Case(
        "a proactive trigger that waits too short",
        trigger("{posture: Proactive, expect: [a], within: «»5}"),
        f"{TRIGGER}.within",
        "10 seconds",
    ),
    Case(
        "a compound of too few",
        trigger("{require: «»3, triggers: [{expect: [a]}, {expect: [b]}]}"),
        f"{TRIGGER}.require",
        "1 to the number",
    ),
    Case(
        "a condition within that anything fires",
        trigger("{require: all, triggers: [«»{threshold: 2}]}"),
        f"{TRIGGER}.triggers[0]",
        "for ever",
    ),
    Case(
        "two triggers of one name",
        deployment(
            "          triggers:\n            - {name: a, expect: [x]}\n            - {name: «»a, expect: [y]}\n"
        ),
        f"{DEPLOYMENT}.triggers[1].name",
        "called 'a'",
    ),
    Case(
        "unknown top-level key",
        stack("  «»prefect-infra:servre: {}\n"),
        "prefect-infra:servre",
        "no key 'servre'",
        "'server'",
    ),
    Case(
        "unknown nested key",
        area("      «»queus: {}\n"),
        "prefect-infra:areas.compras.queus",
        "no key 'queus'",
        "'queues'",
    ),
    Case(
        "unknown key with nothing like it",
        stack("  prefect-infra:server: {«»colour: 1}\n"),
        "prefect-infra:server.colour",
        "no key 'colour'",
        "allowed: port, bind",
    ),
    Case(
        "key of prefect.yaml that is not here",
        deployment("          «»schedule: {cron: x}\n"),
        f"{DEPLOYMENT}.schedule",
        "no key 'schedule'",
        "`schedules`",
    ),
    Case(
        "key without namespace",
        stack("  «»timezone: America/Santiago\n"),
        "timezone",
        "namespace",
        "prefect-infra:timezone",
    ),
    Case(
        "number where text belongs",
        deployment("          description: «»5\n"),
        f"{DEPLOYMENT}.description",
        "must be text, got 5 (a number)",
        '"5"',
    ),
    Case(
        "boolean where text belongs",
        area("      env: {A: «»true}\n"),
        "prefect-infra:areas.compras.env.A",
        "must be text, got true",
        '"true"',
    ),
    Case(
        "text where a number belongs",
        area("      workers: {replicas: «»'2'}\n"),
        "prefect-infra:areas.compras.workers.replicas",
        "a whole number, got '2' (text)",
        "2",
    ),
    Case(
        "text where a fraction belongs",
        area("      workers: {cpus: «»much}\n"),
        "prefect-infra:areas.compras.workers.cpus",
        "must be a number",
    ),
    Case(
        "fraction where a whole number belongs",
        area("      workers: {replicas: «»1.5}\n"),
        "prefect-infra:areas.compras.workers.replicas",
        "a whole number, got 1.5",
    ),
    Case(
        "not a finite number",
        area("      workers: {cpus: «».inf}\n"),
        "prefect-infra:areas.compras.workers.cpus",
        "a finite number",
    ),
    Case(
        "word where a boolean belongs",
        deployment("          paused: «»yes\n"),
        f"{DEPLOYMENT}.paused",
        "true or false",
        "write true",
    ),
    Case(
        "word where a top-level boolean belongs",
        stack("  prefect-infra:schedules_active: «»often\n"),
        "prefect-infra:schedules_active",
        "true or false",
        "write false",
    ),
    Case(
        "text where a list belongs",
        deployment("          tags: «»precios\n"),
        f"{DEPLOYMENT}.tags",
        "must be a list",
        "[precios]",
    ),
    Case(
        "list where a mapping belongs",
        stack("  «»prefect-infra:server: [1]\n"),
        "prefect-infra:server",
        "must be a mapping (key: value), got a list",
    ),
    Case(
        "list where a plain mapping belongs",
        area("      «»env: [1]\n"),
        "prefect-infra:areas.compras.env",
        "must be a mapping (key: value), got a list",
    ),
    Case(
        "text where a mapping belongs",
        stack("  prefect-infra:areas: «»compras\n"),
        "prefect-infra:areas",
        "must be a mapping",
    ),
    Case(
        "word that is none of the choices",
        stack("  prefect-infra:logging: {level: «»info}\n"),
        "prefect-infra:logging.level",
        "must be one of DEBUG, INFO",
        "'INFO'",
    ),
    Case(
        "zero where one is the least",
        area("      workers: {limit: «»0}\n"),
        "prefect-infra:areas.compras.workers.limit",
        "at least 1, got 0",
    ),
    Case(
        "zero CPUs",
        area("      workers: {cpus: «»0}\n"),
        "prefect-infra:areas.compras.workers.cpus",
        "more than 0, got 0",
    ),
    Case("empty name", deployment("", entrypoint="«»''"), f"{DEPLOYMENT}.entrypoint", "must not be empty"),
    Case(
        "area name with a capital",
        stack("  prefect-infra:areas:\n    «»Compras: {}\n"),
        "prefect-infra:areas.Compras",
        "small letters",
        "recursos_humanos",
    ),
    Case(
        "variable name with a space",
        area("      env: {«»A B: x}\n"),
        "prefect-infra:areas.compras.env.A B",
        "letters, digits and _",
    ),
    Case(
        "setting that is not Prefect's",
        stack("  prefect-infra:profiles: [{name: a, settings: {«»LEVEL: x}}]\n"),
        "prefect-infra:profiles[0].settings.LEVEL",
        "a Prefect setting",
    ),
    Case(
        "setting that the stack makes",
        stack("  prefect-infra:profiles: [{name: a, settings: {«»PREFECT_API_URL: x}}]\n"),
        "prefect-infra:profiles[0].settings.PREFECT_API_URL",
        "set by the stack",
    ),
    Case(
        "unknown placeholder",
        stack("  prefect-infra:profiles: [{name: «»'a-{user}'}]\n"),
        "prefect-infra:profiles[0].name",
        "{project} and {stack}",
    ),
    Case(
        "profile twice",
        stack("  prefect-infra:profiles: [{name: a-dev}, {name: «»'a-{stack}'}]\n"),
        "prefect-infra:profiles[1].name",
        "another profile 'a-dev'",
    ),
    Case(
        "two active profiles",
        stack("  prefect-infra:profiles: [{name: a, activate: true}, {name: b, activate: «»true}]\n"),
        "prefect-infra:profiles[1].activate",
        "activated already",
    ),
    Case(
        "environment missing",
        "config:\n  prefect-infra:timezone: America/Santiago\n",
        "prefect-infra:environment",
        "'environment' is missing",
        "dev, prod",
    ),
    Case(
        "environment not a name",
        "config:\n  prefect-infra:environment: «»Dev 1\n",
        "prefect-infra:environment",
        "small letters and digits",
    ),
    Case(
        "bad port",
        stack("  prefect-infra:server: {port: «»80}\n"),
        "prefect-infra:server.port",
        "1024 to 65535",
        "auto",
    ),
    Case(
        "port that is a word",
        stack("  prefect-infra:server: {port: «»any}\n"),
        "prefect-infra:server.port",
        "a port from 1024 to 65535, or auto",
    ),
    Case(
        "open without auth",
        stack("  prefect-infra:server: {bind: «»0.0.0.0}\n"),
        "prefect-infra:server.bind",
        "0.0.0.0",
        "auth: required",
    ),
    Case(
        "bind to a name",
        stack("  prefect-infra:server: {bind: «»example.com}\n"),
        "prefect-infra:server.bind",
        "no IP address",
    ),
    Case(
        "unknown time zone",
        stack("  prefect-infra:timezone: «»America/Buenos_Aire\n"),
        "prefect-infra:timezone",
        "no time zone",
        "America/Argentina/Buenos_Aires",
    ),
    Case(
        "UTC",
        stack("  prefect-infra:timezone: «»Etc/UTC\n"),
        "prefect-infra:timezone",
        "UTC",
        "America/Argentina/Buenos_Aires",
    ),
    Case("UTC of one schedule", schedule("{cron: '0 1 * * *', timezone: «»Zulu}"), f"{SCHEDULE}.timezone", "UTC"),
    Case("bad cron hour", schedule("{cron: «»'0 25 * * *'}"), f"{SCHEDULE}.cron", "the hour is 25"),
    Case("cron that never fires", schedule("{cron: «»'0 0 31 2 *'}"), f"{SCHEDULE}.cron", "never fires"),
    Case("bad interval", schedule("{interval: «»fortnight}"), f"{SCHEDULE}.interval", "no length of time", "15m"),
    Case("interval that is a list", schedule("{«»interval: [1]}"), f"{SCHEDULE}.interval", "whole seconds, or text"),
    Case(
        "bad anchor", schedule("{interval: 1h, anchor_date: «»tomorrow}"), f"{SCHEDULE}.anchor_date", "no date and time"
    ),
    Case("bad rrule", schedule("{rrule: «»'FREQ=SOMETIMES'}"), f"{SCHEDULE}.rrule", "can't be read"),
    Case("schedule with two rules", schedule("«»{cron: '0 1 * * *', interval: 60}"), SCHEDULE, "cron and interval"),
    Case("schedule with no rule", schedule("«»{active: true}"), SCHEDULE, "it has none"),
    Case("day_or without cron", schedule("{interval: 60, «»day_or: true}"), f"{SCHEDULE}.day_or", "goes with cron"),
    Case(
        "schedule twice",
        schedule("{cron: '0 1 * * *'}\n            - «»{cron: '0  1 * * *'}"),
        f"{DEPLOYMENT}.schedules[1]",
        "slug 'cron-0-1'",
        "slug: …",
    ),
    Case(
        "no file",
        deployment("", "«»flows/precio.py:importar_precios"),
        f"{DEPLOYMENT}.entrypoint",
        "no file flows/precio.py",
        "flows/precios.py",
    ),
    Case(
        "no function",
        deployment("", "«»flows/precios.py:importar_precio"),
        f"{DEPLOYMENT}.entrypoint",
        "no function 'importar_precio'",
        "flows/precios.py:importar_precios",
    ),
    Case(
        "a task",
        deployment("", "«»flows/precios.py:leer_filas"),
        f"{DEPLOYMENT}.entrypoint",
        "is no flow: it is a task",
        "@flow",
    ),
    Case(
        "a plain function",
        deployment("", "«»flows/precios.py:ayudante"),
        f"{DEPLOYMENT}.entrypoint",
        "is no flow: it is a plain function",
        "importar_precios",
    ),
    Case(
        "syntax error in the flow",
        deployment("", "«»flows/roto.py:f"),
        f"{DEPLOYMENT}.entrypoint",
        "flows/roto.py: line 1 is no Python",
    ),
    Case(
        "entrypoint without function",
        deployment("", "«»flows/precios.py"),
        f"{DEPLOYMENT}.entrypoint",
        "path/file.py:function",
    ),
    Case(
        "entrypoint out of the code",
        deployment("", "«»../precios.py:f"),
        f"{DEPLOYMENT}.entrypoint",
        "leads out of the code",
    ),
    Case(
        "pool of another environment",
        deployment("          work_pool: {name: «»compras-prod}\n"),
        f"{DEPLOYMENT}.work_pool.name",
        "only be 'compras-dev'",
    ),
    Case(
        "pool of another area",
        deployment("          work_pool: {name: «»ventas-dev}\n"),
        f"{DEPLOYMENT}.work_pool.name",
        "only be 'compras-dev'",
    ),
    Case(
        "queue that isn't there",
        area(
            "      queues: {urgente: {priority: 1}}\n      deployments: [{name: resumen-diario, entrypoint: 'flows/precios.py:resumir', work_pool: {work_queue_name: «»urgent}}]\n"
        ),
        f"{DEPLOYMENT}.work_pool.work_queue_name",
        "no queue 'urgent'",
        "'urgente'",
    ),
    Case(
        "priority twice",
        area("      queues: {a: {priority: 2}, b: {priority: «»2}}\n"),
        "prefect-infra:areas.compras.queues.b.priority",
        "the queue 'a' has priority 2 too",
    ),
    Case(
        "reserved pool name",
        stack("  prefect-infra:areas: {«»prefectura: {}}\n"),
        "prefect-infra:areas.prefectura",
        "begin with 'prefect'",
    ),
    Case(
        "deployment twice",
        area(
            "      deployments: [{name: resumen-diario, entrypoint: 'flows/precios.py:resumir'}]\n    ventas:\n      deployments: [{name: «»resumen-diario, entrypoint: 'flows/precios.py:resumir'}]\n"
        ),
        "prefect-infra:areas.ventas.deployments[0].name",
        "another deployment 'resumen-diario' in area compras",
    ),
    Case(
        "name with a slash",
        area("      deployments: [{name: «»resumen/diario, entrypoint: 'flows/precios.py:resumir'}]\n"),
        f"{DEPLOYMENT}.name",
        "'/'",
    ),
    Case(
        "name missing",
        area("      deployments:\n        - «»entrypoint: flows/precios.py:resumir\n"),
        f"{DEPLOYMENT}.name",
        "'name' is missing",
    ),
    Case(
        "bad concurrency limit",
        deployment("          concurrency_limit: «»lots\n"),
        f"{DEPLOYMENT}.concurrency_limit",
        "a whole number from 1, or limit and collision_strategy",
    ),
    Case(
        "concurrency limit of zero",
        deployment("          concurrency_limit: «»0\n"),
        f"{DEPLOYMENT}.concurrency_limit",
        "a whole number from 1",
    ),
    Case(
        "unknown parameter of a schedule",
        schedule("{cron: '0 1 * * *', parameters: {«»archibo: x}}"),
        f"{SCHEDULE}.parameters.archibo",
        "no parameter 'archibo'",
        "'archivo'",
    ),
    Case(
        "wrong type of a parameter",
        schedule("{cron: '0 1 * * *', parameters: {tolerancia: «»'3'}}"),
        f"{SCHEDULE}.parameters.tolerancia",
        "a whole number, got '3'",
        "quotes",
    ),
    Case(
        "wrong type within a parameter",
        schedule("{cron: '0 1 * * *', parameters: {monedas: [USD, «»1]}}"),
        f"{SCHEDULE}.parameters.monedas[1]",
        "'item 1' must be text",
    ),
    Case(
        "not a date",
        schedule("{cron: '0 1 * * *', parameters: {fecha: «»'2026-02-30'}}"),
        f"{SCHEDULE}.parameters.fecha",
        "must be a date",
    ),
    Case(
        "date without quotes",
        schedule("{cron: '0 1 * * *', parameters: {fecha: «»2026-01-31}}"),
        f"{SCHEDULE}.parameters.fecha",
        "a date without quotes",
        '"2026-01-31"',
    ),
    Case(
        "date that Pulumi wrote back",
        schedule("{cron: '0 1 * * *', parameters: {fecha: «»'2026-01-31 00:00:00 +0000 UTC'}}"),
        f"{SCHEDULE}.parameters.fecha",
        "a date without quotes",
        '"2026-01-31"',
    ),
    Case(
        "moment without quotes",
        schedule("{interval: 1h, anchor_date: «»2026-01-31T08:00:00}"),
        f"{SCHEDULE}.anchor_date",
        "a date without quotes",
        '"2026-01-31T08:00:00"',
    ),
    Case(
        "parameter that JSON has no form for",
        area(
            "      deployments: [{name: resumen-diario, entrypoint: 'flows/precios.py:resumir', parameters: {x: «».nan}}]\n"
        ),
        f"{DEPLOYMENT}.parameters.x",
        "finite",
    ),
    Case(
        "required parameter missing",
        area(
            "      deployments:\n        - name: resumen-diario\n          entrypoint: flows/precios.py:importar_precios\n          schedules:\n            - «»{cron: '0 1 * * *', active: true}\n"
        ),
        SCHEDULE,
        "without 'archivo'",
        "active: false",
    ),
    Case(
        "unknown secret",
        deployment("          code: {location: git, repository: 'https://x/y', access_token: {secret: «»tok}}\n"),
        f"{DEPLOYMENT}.code.access_token.secret",
        "no secret 'tok'",
        "--secret prefect-infra:tok",
    ),
    Case(
        "git without repository",
        deployment("          «»code: {location: git}\n"),
        f"{DEPLOYMENT}.code",
        "'repository' is missing",
    ),
    Case(
        "branch and commit",
        deployment("          code: {location: git, repository: r, «»branch: a, commit_sha: 1f0c2d9}\n"),
        f"{DEPLOYMENT}.code.branch",
        "exclude each other",
    ),
    Case(
        "branch of a checkout",
        stack("  prefect-infra:code: {location: checkout, «»branch: main}\n"),
        "prefect-infra:code.branch",
        "goes with location: git",
    ),
    Case(
        "secret within a value",
        area("      env: {A: {«»secure: v1:abc}}\n"),
        "prefect-infra:areas.compras.env.A",
        "kept in plain",
        "--secret",
    ),
    Case("not YAML", "config:\n  prefect-infra:environment: [dev\n  prefect-infra:timezone«»: x\n", "", "no YAML"),
    Case("tabs", "config:\n«»\tprefect-infra:environment: dev\n", "", "no YAML", "spaces"),
    Case("key twice", stack("  «»prefect-infra:environment: prod\n"), "", "'prefect-infra:environment' stands twice"),
    Case("alias within itself", stack("  prefect-infra:areas: «»&a {compras: *a}\n"), "", "within the very value"),
    Case("config that is a list", "«»config: [1]\n", "config", "must be a mapping"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_broken_stack_file_gives_one_error_by_place_and_key(case: Case, checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(case.text.replace(MARK, ""), encoding="utf-8")

    with pytest.raises(StackErrors) as raised:
        load_stack_file(checkout, "dev")

    (finding,) = raised.value.findings
    assert finding.path == case.path
    assert case.message in finding.message
    assert case.hint in (finding.hint or "")
    assert finding.file == "Pulumi.dev.yaml"
    if MARK in case.text:
        before = case.text[: case.text.index(MARK)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        assert (finding.line, finding.column) == (line, column)


def test_all_faults_are_told_at_once(checkout: Path) -> None:
    text = schedule("{cron: '0 25 * * *', colour: red}").replace(
        "environment: dev", "environment: dev\n  prefect-infra:timezone: UTC"
    )
    text += "    ventas:\n      queues: {a: {priority: x}, b: {priority: 1}, c: {priority: 1}}\n"
    (checkout / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackErrors) as raised:
        load_stack_file(checkout, "dev")

    assert [finding.path for finding in raised.value.findings] == [
        "prefect-infra:timezone",
        f"{SCHEDULE}.cron",
        f"{SCHEDULE}.colour",
        "prefect-infra:areas.ventas.queues.a.priority",
        "prefect-infra:areas.ventas.queues.c.priority",
    ]


def test_items_after_a_broken_one_keep_their_place(checkout: Path) -> None:
    text = area(
        "      deployments:\n"
        "        - entrypoint: flows/precios.py:resumir\n"
        "        - {name: segundo-caso, entrypoint: 'flows/precios.py:nada'}\n"
    )
    (checkout / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackErrors) as raised:
        load_stack_file(checkout, "dev")

    assert [(finding.path, finding.line) for finding in raised.value.findings] == [
        ("prefect-infra:areas.compras.deployments[0].name", 6),
        ("prefect-infra:areas.compras.deployments[1].entrypoint", 7),
    ]


def test_a_finding_reads_as_place_key_fault_and_way_out() -> None:
    finding = Finding(
        rule=times.UTC, path="prefect-infra:timezone", message="no", hint="so", file="Pulumi.dev.yaml", line=3, column=7
    )

    assert str(finding) == "Pulumi.dev.yaml:3:7 error PI301 prefect-infra:timezone\n    no\n    -> so"


def test_a_value_from_the_command_line_has_no_line(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(stack("  prefect-infra:timezone: America/Santiago\n"), encoding="utf-8")
    with pytest.raises(StackErrors) as raised:
        load_stack({"environment": "dev", "timezone": "UTC"}, project="p", stack="dev", root=checkout)

    assert [(finding.path, finding.line) for finding in raised.value.findings] == [("prefect-infra:timezone", None)]


def test_a_value_that_pulumi_gives_has_the_line_of_the_file(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(stack("  prefect-infra:timezone: UTC\n"), encoding="utf-8")
    with pytest.raises(StackErrors) as raised:
        load_stack({"environment": "dev", "timezone": "UTC"}, project="p", stack="dev", root=checkout)

    assert [finding.line for finding in raised.value.findings] == [3]


def test_a_stack_without_a_file_is_told_with_the_ones_there_are(checkout: Path) -> None:
    (checkout / "Pulumi.prod.yaml").write_text(stack(""), encoding="utf-8")
    with pytest.raises(
        StackErrors,
        match=r"Pulumi\.prd\.yaml error PI001\n    there is no file for the stack 'prd'\n    -> did you mean 'prod'",
    ):
        load_stack_file(checkout, "prd")
    with pytest.raises(StackErrors, match="there is no file for the stack 'prd'"):
        load_stack({}, project="p", stack="prd", root=checkout)


def test_a_secret_given_in_plain_is_no_known_key(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(stack("  prefect-infra:auth_string: admin:admin\n"), encoding="utf-8")
    with pytest.raises(StackErrors) as raised:
        load_stack_file(checkout, "dev")

    assert "--secret" in (raised.value.findings[0].hint or "")
