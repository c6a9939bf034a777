"""Whatever a stack file says, the answer is a stack or an error in plain words."""

# ruff: noqa: E501  # a case reads best as one line

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.model import Finding, Stack, StackErrors, load_stack, load_stack_file
from infra.model.rules import reading

VALID: dict[str, Any] = {
    "environment": "dev",
    "timezone": "America/Argentina/Buenos_Aires",
    "server": {"port": 4200, "bind": "127.0.0.1", "auth": "none", "memory_mb": 2048, "cpus": 1.5, "protect": False},
    "logging": {"level": "INFO", "print": True, "extra_loggers": ["sqlalchemy"]},
    "workers": {"type": "process", "replicas": 1, "limit": None},
    "code": {"location": "checkout"},
    "schedules_active": False,
    "profiles": [{"name": "prefect-infra-{stack}", "activate": True, "settings": {"PREFECT_LOGGING_LEVEL": "INFO"}}],
    "areas": {
        "compras": {
            "title": "Compras",
            "concurrency_limit": 4,
            "queues": {"urgente": {"priority": 1, "paused": False}, "lenta": {"priority": 2}},
            "workers": {"type": "docker", "replicas": 2},
            "logging": {"level": "DEBUG"},
            "env": {"A": "b"},
            "deployments": [
                {
                    "name": "importar-precios",
                    "entrypoint": "flows/precios.py:importar_precios",
                    "tags": ["precios"],
                    "parameters": {"archivo": "x.csv", "monedas": ["USD"], "tolerancia": 1},
                    "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
                    "work_pool": {"name": "compras-dev", "work_queue_name": "urgente", "job_variables": {"env": {"C": "d"}}},
                    "schedules": [
                        {"cron": "30 1,13,17 * * *", "day_or": True, "active": True, "parameters": {"fecha": "2026-01-31"}},
                        {"interval": "15m", "anchor_date": "2026-01-01T08:00:00", "timezone": "America/Santiago", "active": False},
                        {"rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9", "slug": "lunes"},
                    ],
                    "env": {"B": "c"},
                    "logging": {"level": "DEBUG", "print": False},
                    "code": {"location": "git", "repository": "https://x/y", "branch": "main", "access_token": {"secret": "tok"}},
                },
                {
                    "name": "resumir-el-dia", "entrypoint": "flows/precios.py:resumir", "concurrency_limit": 1, "version": "7",
                    "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt"}}],
                    "triggers": [
                        {"name": "a", "expect": ["x"], "within": "PT1H", "for_each": ["y"], "parameters": {"z": 1}},
                        {"require": 1, "within": 60, "triggers": [{"posture": "Proactive", "after": ["x"], "within": 10}]},
                    ],
                },
            ],
        },
        "ventas": {"work_pool_name": "ventas-dev", "paused": True},
    },
    "variables": {"tasa_iva": {"value": {"a": [1, None]}, "tags": ["x"]}},
    "global_concurrency_limits": {"erp": 3, "api": {"limit": 5, "active": False, "slot_decay_per_second": 0.5}},
    "tag_concurrency_limits": {"erp": 2},
}  # fmt: skip

ODD_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([
        "", " ", "-", "UTC", "compras-prod", "0 0 31 2 *", "* * * * * *", "FREQ=DAILY;UNTIL=20200101T000000Z", "FREQ=YEARLY;BYEASTER=x",
        "DTSTART:99999999T999999", "RDATE:x", "2026-13-45", "9999-12-31T23:59:59", "0001-01-01T00:00:00+14:00", "99999999999d", "flows/roto.py:f",
        "flows:f", "\ud800", "\x00", "🕐", "{stack}{x}", "0.0.0.0", "::1", "git", "auto", "1" * 5000,
    ]),
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ODD_TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ODD_TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def containers(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    stack = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 4))):
        container = draw(st.sampled_from(list(containers(stack))))
        places = list(container) if isinstance(container, dict) else list(range(len(container)))
        kinds = ["insert", *(["replace", "delete", "rename"] if places else [])]
        kind = draw(st.sampled_from(kinds))
        if kind == "insert":
            if isinstance(container, dict):
                container[draw(ODD_TEXTS)] = draw(VALUES)
            else:
                container.insert(draw(st.integers(0, len(container))), draw(VALUES))
            continue
        place = draw(st.sampled_from(places))
        old = container.pop(place)  # type: ignore[arg-type]
        if kind == "replace" and isinstance(container, dict):
            container[place] = draw(VALUES)
        elif kind == "replace":
            container.insert(place, draw(VALUES))
        elif kind == "rename" and isinstance(container, dict):
            container[draw(ODD_TEXTS)] = old
    return stack


SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_stack_to_be_broken_is_whole(checkout: Path) -> None:
    stack = load_stack(VALID, project="p", stack="dev", root=checkout, secrets={"tok"})

    assert len(stack.areas[0].deployments[0].schedules) == 3


def faults(load: Callable[[], Stack]) -> tuple[Finding, ...]:
    """None for a valid stack; anything but a stack or its errors is raised."""
    try:
        assert isinstance(load(), Stack)
    except StackErrors as errors:
        str(errors).encode()
        return errors.findings or (
            Finding(rule=reading.NOT_YAML, path="", message="errors without a finding: pydantic"),
        )
    return ()


FOREIGN = ("pydantic", "Input should", "type=", "Traceback", "declared.", "validation error", "can't be used: Value")


@SETTINGS
@given(raw=mutated())
def test_any_change_of_a_valid_stack_is_a_stack_or_told_in_plain_words(checkout: Path, raw: dict[str, Any]) -> None:
    for fault in faults(lambda: load_stack(raw, project="p", stack="dev", root=checkout, secrets={"tok"})):
        assert fault.message
        assert not [word for word in FOREIGN if word in fault.message]


@SETTINGS
@given(raw=mutated(), data=st.data())
def test_any_text_in_a_stack_file_is_a_stack_or_told_in_plain_words(
    checkout: Path, raw: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps({"config": {f"prefect-infra:{key}": value for key, value in raw.items()}}, indent=1)
    start = data.draw(st.integers(0, len(text)))
    end = start + data.draw(st.integers(0, 9))
    (checkout / "Pulumi.dev.yaml").write_text(
        text[:start] + data.draw(st.text(max_size=5)) + text[end:], encoding="utf-8", errors="replace"
    )

    for fault in faults(lambda: load_stack_file(checkout, "dev")):
        assert fault.file == "Pulumi.dev.yaml"
        assert not [word for word in FOREIGN if word in fault.message]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbfconfig: {prefect-infra:environment: 5}",
        b"- 1",
        b"x",
        b"config:",
        b"config: 1",
        b"config: {? [1, 2] : 3}",
        b"config: {prefect-infra:environment: dev, <<: 3}",
        b"config: {prefect-infra:environment: dev, <<: [3]}",
        b"config: &a {<<: *a}",
        b"config: {prefect-infra:environment: !!python/object:os.system dev1 x}",
        b"a: *b",
        b"%YAML 9.9\n---\na: 1",
        b"a: 1\n---\nb: 2",
        b"config: {prefect-infra:areas: " + b"[" * 300,
        b"config: {prefect-infra:areas: " + b"[" * 500 + b"]" * 500 + b"}",
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 107)),
    ],
)
def test_any_bytes_in_a_stack_file_are_told_in_plain_words(checkout: Path, content: bytes) -> None:
    (checkout / "Pulumi.dev.yaml").write_bytes(content)
    with pytest.raises(StackErrors) as raised:
        load_stack_file(checkout, "dev")

    assert all(finding.file == "Pulumi.dev.yaml" for finding in raised.value.findings)


def test_a_stack_file_that_is_a_folder_or_closed_is_told(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").mkdir()
    with pytest.raises(StackErrors):
        load_stack_file(checkout, "dev")


def test_the_model_needs_neither_prefect_nor_pulumi() -> None:
    code = (
        "import sys, infra.model\n"
        "from pathlib import Path\n"
        f"infra.model.load_stack_file(Path({str(Path(__file__).parents[3])!r}), 'dev')\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'prefect', 'pulumi', 'httpx', 'flows'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_five_hundred_deployments_are_checked_in_the_time_of_a_breath(checkout: Path) -> None:
    deployments = [
        {
            "name": f"importar-precios-{number}",
            "entrypoint": "flows/precios.py:importar_precios",
            "parameters": {"archivo": f"{number}.csv"},
            "schedules": [{"cron": f"{number % 60} 1,13,17 * * *", "active": True}],
        }
        for number in range(500)
    ]
    config = {"prefect-infra:environment": "dev", "prefect-infra:areas": {"compras": {"deployments": deployments}}}
    (checkout / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}, indent=1), encoding="utf-8")
    start = time.process_time()
    stack = load_stack_file(checkout, "dev")

    assert len(stack.areas[0].deployments) == 500
    assert time.process_time() - start < 1.5
