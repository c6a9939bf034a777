"""The schema that editors use: made from the model, and of the model's opinion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings

from infra.model import overlays, shape
from infra.model.collecting import Findings
from infra.model.files import StackFile, is_secret
from infra.model.json_schema import FOLDER, SCHEMAS, rendered
from infra.model.loading import Sources
from infra.model.positions import read
from tests.unit.model import stacks

HERE = Path(__file__).parents[3]
VALIDATORS = {name: jsonschema.Draft7Validator(make()) for name, make in SCHEMAS.items()}
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (HERE / "docs" / "stack-files.md").read_text(encoding="utf-8"), re.DOTALL)
OWN_FILES = sorted(HERE.glob("areas/*.yaml"))
STACK_FILES = [HERE / "Pulumi.dev.yaml", HERE / "Pulumi.prod.yaml"]


def faults(kind: str, values: Any) -> list[str]:
    return [error.message for error in VALIDATORS[kind].iter_errors(values)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_models(name: str) -> None:
    """If not: prefect-infra schema --write."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == rendered(name)
    jsonschema.Draft7Validator.check_schema(json.loads(rendered(name)))


@pytest.mark.parametrize("file", STACK_FILES, ids=lambda file: file.name)
def test_the_stack_files_here_are_valid_and_name_their_schema(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert faults("stack", read(text).values) == []
    assert text.startswith("# yaml-language-server: $schema=infra/model/schema/stack.json\n")


@pytest.mark.parametrize("file", OWN_FILES, ids=lambda file: file.name)
def test_the_area_files_here_are_valid_and_name_their_schema(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert faults("area", read(text).values) == []
    assert text.startswith("# yaml-language-server: $schema=../infra/model/schema/area.json\n")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.strip().splitlines()[0])
def test_what_the_documents_show_is_valid(example: str) -> None:
    assert faults("stack", {"config": read(example).values}) == []


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            yield f"{path}.{name}", inner
        for key, inner in schema.items():
            yield from properties(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from properties(inner, path)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_explained(name: str) -> None:
    found = list(properties(SCHEMAS[name]()))

    assert len(found) > 50
    assert [path for path, schema in found if not schema.get("description")] == []


AREA = {"deployments": [{"name": "a", "entrypoint": "flows/a.py:a"}]}


@pytest.mark.parametrize(
    "config",
    [
        {"environment": "dev"},
        {},
        {"environment": "dev", "areas": {"compras": AREA, "ventas": "areas/ventas.yaml"}},
        {"areas": {"compras": {"file": "areas/compras.yaml", "concurrency_limit": 8}}},
        {"auth_string": {"secure": "v1:abc"}, "git_token": {"secure": "v1:abc"}},
        {"schedules_active": "true"},
        {"server": {"port": "auto"}},
        {"server": None, "areas": {"compras": {"deployments": None, "title": None, "workers": {"limit": None}}}},
        {"areas": {"compras": {"in": {"prod": {"queues": {"lenta": None}, "env": {"A": None}, "code": None}}}}},
        {"areas": {"compras": {"in": {"prod": None}}}},
        {"areas": {"compras": {"deployments": [{**AREA["deployments"][0], "concurrency_limit": 3}]}}},
        {"areas": {"compras": {"deployments": [{**AREA["deployments"][0], "in": {"dev": {"code": {"branch": "x"}}}}]}}},
    ],
)
def test_what_is_right_is_taken(config: dict[str, Any]) -> None:
    assert faults("stack", {"config": {f"prefect-infra:{key}": value for key, value in config.items()}}) == []


def deployment(**keys: Any) -> dict[str, Any]:
    return {"areas": {"compras": {"deployments": [{**AREA["deployments"][0], **keys}]}}}


@pytest.mark.parametrize(
    "config",
    [
        {"environment": "Dev"},
        {"environment": 5},
        {"timezon": "America/Santiago"},
        {"auth_string": "admin:admin"},
        {"auth_string": {"secure": 5}},
        {"server": {"port": 0}},
        {"server": {"port": "automatic"}},
        {"server": {"cpus": 0}},
        {"server": {"auth": {"secure": "v1:x"}}},
        {"logging": {"level": "info"}},
        {"workers": {"replicas": -1}},
        {"workers": {"replicas": "2"}},
        {"profiles": {"name": "x"}},
        {"profiles": [{"activate": True}]},
        {"env": {"A B": "c"}},
        {"env": {"A": 5}},
        {"code": {"repository": "x"}},
        {"code": {"location": "git", "commit_sha": "main"}},
        {"areas": {"Compras": {}}},
        {"areas": {"compras": "../compras.yaml"}},
        {"areas": {"compras": "/compras.yaml"}},
        {"areas": {"compras": "areas/compras.json"}},
        {"areas": {"compras": 5}},
        {"areas": {"compras": {"queus": {}}}},
        {"areas": {"compras": {"in": {"Prod": {}}}}},
        {"areas": {"compras": {"in": {"prod": {"deployments": []}}}}},
        {"areas": {"compras": {"in": {"prod": {"queues": {"a": {"priority": 0}}}}}}},
        {"areas": {"compras": {"defaults": {"env": {}}}}},
        {"areas": {"compras": {"deployments": [{"name": "a"}]}}},
        {"areas": {"compras": {"deployments": [{"entrypoint": "a.py:a"}]}}},
        deployment(schedule={"cron": "* * * * *"}),
        deployment(tags="a"),
        deployment(only_in="dev"),
        deployment(concurrency_limit=0),
        deployment(concurrency_limit={"collision_strategy": "ENQUEUE"}),
        deployment(**{"in": {"dev": {"name": "b"}}}),
        deployment(**{"in": {"dev": {"tags": [5]}}}),
    ],
)
def test_what_is_wrong_is_refused(config: dict[str, Any]) -> None:
    assert faults("stack", {"config": {f"prefect-infra:{key}": value for key, value in config.items()}})


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(raw=stacks.mutated())
def test_schema_and_model_are_of_one_opinion_of_shapes(tmp_path: Path, raw: dict[str, Any]) -> None:
    assume(not any(map(is_secret, raw.values())))  # the model never sees these
    found = Findings(Sources(raw, frozenset(), StackFile(tmp_path, "Pulumi.dev.yaml"), None, raw=raw))
    values = {"environment": "dev", **raw}
    shape.shaped(values, found)
    told = faults("stack", {"config": {f"prefect-infra:{key}": value for key, value in values.items()}})

    assert overlays.composed(values).values is not None
    assert bool(found.all()) == bool(told), (found.all(), told)
