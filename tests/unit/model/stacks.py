"""Strategies: stacks that are valid, with overlays, defaults and areas in files of their own; and broken ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from ruamel.yaml import YAML

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="/%&><\x7f", exclude_categories=["Cc"]), min_size=1, max_size=12)  # fmt: skip  # noqa: E501
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("prefect"))
VARIABLES = st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True), TEXTS, max_size=3)
LEVELS = st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
ENVIRONMENTS = ("dev", "prod")


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the keys; each value, or nothing."""
    return st.fixed_dictionaries({}, optional={key: st.one_of(value, st.none()) for key, value in fields.items()})


LOGGING = some(level=LEVELS, print=st.booleans())
WORKERS = some(
    type=st.sampled_from(["process", "docker"]),
    replicas=st.integers(0, 4),
    memory_mb=st.integers(128, 9999),
    cpus=st.floats(0.1, 64),
    limit=st.integers(1, 9),
    drain_seconds=st.integers(0, 9999),
)
CODE = st.one_of(
    st.just({"location": "checkout"}),
    st.just({"location": "image"}),
    st.just({"location": "git", "repository": "https://git.example/x.git", "branch": "main"}),
)
# Several of one deployment mustn't fire in the same minute.
SCHEDULES = st.one_of(
    st.lists(st.integers(0, 59), max_size=3, unique=True).map(
        lambda minutes: [{"cron": f"{minute} 1,13 * * *"} for minute in minutes]
    ),
    st.integers(1, 999).map(lambda minutes: [{"interval": minutes * 60}]),
    st.integers(0, 23).map(lambda hour: [{"rrule": f"FREQ=DAILY;BYHOUR={hour}", "slug": f"a-las-{hour}"}]),
)
LIMITS = st.one_of(
    st.integers(1, 9), st.builds(lambda n: {"limit": n, "collision_strategy": "CANCEL_NEW"}, st.integers(1, 9))
)
ROUTES = st.just({"work_queue_name": "urgente"})
DEFAULTS = {
    "tags": st.lists(TEXTS, max_size=2),
    "parameters": some(archivo=TEXTS, tolerancia=st.integers(0, 9)).map(
        lambda given: {key: value for key, value in given.items() if value is not None}
    ),
    "enforce_parameter_schema": st.booleans(),
    "paused": st.booleans(),
    "concurrency_limit": LIMITS,
}
CONDITIONS = st.recursive(
    some(threshold=st.integers(1, 9), within=st.one_of(st.integers(0, 99), st.just("PT1H"))).map(
        lambda given: {**given, "expect": ["lista.recibida"]}
    ),
    lambda inner: st.builds(
        lambda conditions: {"require": "any", "triggers": conditions}, st.lists(inner, min_size=1, max_size=2)
    ),
    max_leaves=3,
)
OF_DEPLOYMENTS = {
    **DEFAULTS,
    "description": TEXTS,
    "schedules": SCHEDULES,
    "schedules_active": st.just(False),
    "triggers": st.lists(CONDITIONS, max_size=2),
    "version": TEXTS,
    "env": VARIABLES,
    "logging": LOGGING,
    "code": CODE,
}
OF_AREAS = {
    "title": TEXTS,
    "description": TEXTS,
    "concurrency_limit": st.integers(0, 9),
    "paused": st.booleans(),
    "workers": WORKERS,
    "logging": LOGGING,
    "env": VARIABLES,
    "code": CODE,
    "schedules_active": st.just(False),
    "defaults": some(**DEFAULTS),
}


def with_overlays(
    plain: st.SearchStrategy[dict[str, Any]], **fields: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    overlays = st.dictionaries(st.sampled_from(ENVIRONMENTS), st.one_of(some(**fields), st.none()), max_size=2)
    return st.builds(lambda own, over: {**own, "in": over} if over else own, plain, overlays)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=4,
)
VARIABLE = st.builds(
    lambda value, tags: {"value": value, "tags": tags},
    JSON.filter(lambda value: value is not None),
    st.lists(TEXTS, max_size=2),
)
OF_THE_SERVER = {
    "variables": st.dictionaries(st.from_regex(r"[a-z0-9_-]{1,9}", fullmatch=True), VARIABLE, max_size=2),
    "global_concurrency_limits": st.dictionaries(
        NAMES, st.one_of(st.integers(0, 9), st.builds(lambda n: {"limit": n, "active": False}, st.integers(0, 9)))
    ),
    "tag_concurrency_limits": st.dictionaries(TEXTS, st.integers(0, 9), max_size=2),
}


@st.composite
def deployments(draw: st.DrawFn) -> dict[str, Any]:
    made = draw(with_overlays(some(**OF_DEPLOYMENTS), **OF_DEPLOYMENTS))
    made["entrypoint"] = "flows/precios.py:importar_precios"
    if draw(st.booleans()):
        made["only_in"] = draw(st.lists(st.sampled_from(ENVIRONMENTS), unique=True, max_size=2))
    return made


@st.composite
def areas(draw: st.DrawFn) -> dict[str, Any]:
    made = draw(with_overlays(some(**OF_AREAS), **OF_AREAS))
    made["queues"] = {"urgente": {"priority": 1}}
    made["deployments"] = draw(st.lists(deployments(), max_size=3))
    return made


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    """Without the environment, which each stack file says for itself."""
    made: dict[str, Any] = draw(
        some(workers=WORKERS, logging=LOGGING, env=VARIABLES, code=CODE, defaults=some(**DEFAULTS), **OF_THE_SERVER)
    )
    made["schedules_active"] = False
    made["areas"] = draw(st.dictionaries(NAMES, areas(), max_size=3))
    each = (one for area in made["areas"].values() for one in area["deployments"])
    for number, one in enumerate(each):
        one["name"] = f"importar-precios-{number}"
    return copy.deepcopy(made)  # what `just` gives is the same object each time


def write(folder: Path, stack: dict[str, Any], environment: str, *, areas_in_files: bool) -> None:
    yaml = YAML()
    config = {"environment": environment, **copy.deepcopy(stack)}
    if areas_in_files and isinstance(config.get("areas"), dict):
        (folder / "areas").mkdir(exist_ok=True)
        for name, area in config["areas"].items():
            with (folder / "areas" / f"{name}.yaml").open("w", encoding="utf-8") as file:
                yaml.dump(area, file)
            config["areas"][name] = f"areas/{name}.yaml"
    with (folder / f"Pulumi.{environment}.yaml").open("w", encoding="utf-8") as file:
        yaml.dump({"config": {f"prefect-infra:{key}": value for key, value in config.items()}}, file)


def containers(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS, st.just([]), st.just({}),
    st.just({"secure": "v1:x"}), st.lists(TEXTS, min_size=1, max_size=2),
    st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=2),
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    stack = draw(stacks())
    for _ in range(draw(st.integers(1, 3))):
        container = draw(st.sampled_from(list(containers(stack))))
        if isinstance(container, list):
            container.insert(draw(st.integers(0, len(container))), copy.deepcopy(draw(ODD)))
            continue
        key = draw(st.sampled_from([*container, draw(TEXTS)]))
        if draw(st.booleans()):
            container.pop(key, None)
        else:
            container[key] = copy.deepcopy(draw(ODD))
    return stack
