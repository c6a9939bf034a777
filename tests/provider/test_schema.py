"""The published schema: right in itself, complete, and the same as what the typed resources send."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_type_hints

import pulumi
import pytest
from pulumi.runtime.proto import provider_pb2

from infra import __version__, resources
from infra.provider.functions import FUNCTIONS
from infra.provider.functions.function import Function
from infra.provider.kinds import KINDS
from infra.provider.kinds.kind import Kind
from infra.provider.schema import CONFIGURATION, provider_schema

SCHEMA = provider_schema(KINDS, FUNCTIONS, __version__)
BY_NAME = {kind.token.rsplit(":", 1)[-1]: kind for kind in KINDS}
CLASSES: dict[str, Any] = {
    name: item
    for name in resources.__all__
    if isinstance(item := getattr(resources, name), type)
    and issubclass(item, pulumi.CustomResource)
    and item is not resources.Provider
}
FUNCTION_BY_NAME = {function.token.rsplit(":", 1)[-1]: function for function in FUNCTIONS}
each_function = pytest.mark.parametrize("name", sorted(FUNCTION_BY_NAME))
each = pytest.mark.parametrize("name", sorted(BY_NAME))
PRIMITIVE = {"string", "integer", "number", "boolean"}


def types(node: Any) -> Iterator[dict[str, Any]]:
    yield node
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from types(node[key])
    for arm in node.get("oneOf", ()):
        yield from types(arm)


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of the schema, with where it is."""
    yield from ((f"config.{key}", value) for key, value in SCHEMA["config"]["variables"].items())
    yield from ((f"provider.{key}", value) for key, value in SCHEMA["provider"]["inputProperties"].items())
    for token, resource in SCHEMA["resources"].items():
        for group in ("inputProperties", "properties"):
            yield from ((f"{token}.{group}.{key}", value) for key, value in resource[group].items())
    for token, function in SCHEMA["functions"].items():
        for group in ("inputs", "outputs"):
            yield from ((f"{token}.{group}.{key}", value) for key, value in function[group]["properties"].items())
    for token, type_ in SCHEMA["types"].items():
        yield from ((f"{token}.{key}", value) for key, value in type_["properties"].items())


def test_every_type_is_one_that_pulumi_has_and_every_reference_leads_somewhere() -> None:
    for where, declared in properties():
        for node in types(declared):
            match node:
                case {"$ref": "pulumi.json#/Any"}:
                    pass
                case {"$ref": str(target)}:
                    assert (where, target.removeprefix("#/types/") in SCHEMA["types"]) == (where, True)
                case {"oneOf": [_, _, *_]}:
                    pass
                case {"type": "array"}:
                    assert (where, "items" in node) == (where, True)
                case {"type": "object"}:
                    assert (where, "additionalProperties" in node) == (where, True)
                case _:
                    assert (where, node.get("type") in PRIMITIVE) == (where, True)


def test_every_property_says_what_it_is_for_and_none_has_a_name_that_pulumi_keeps() -> None:
    for where, declared in properties():
        assert (where, bool(declared.get("description"))) == (where, True)
        name = where.rsplit(".", 1)[-1]
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert name not in {"id", "urn"}


def test_tokens_have_pulumis_form_and_resources_say_what_they_are() -> None:
    assert (SCHEMA["name"], SCHEMA["version"]) == ("prefect", __version__)
    for token, resource in SCHEMA["resources"].items():
        assert re.fullmatch(r"prefect:index:[A-Z][A-Za-z]+", token)
        assert resource["description"]
        assert set(resource["requiredInputs"]) <= set(resource["inputProperties"])
        assert set(resource["required"]) <= set(resource["properties"])
    for token, function in SCHEMA["functions"].items():
        assert re.fullmatch(r"prefect:index:get[A-Z][A-Za-z]+", token)
        assert function["description"]
    for type_ in SCHEMA["types"].values():
        assert set(type_["required"]) <= set(type_["properties"])


ON_A_SWARM = {"PushedImage", "SwarmService", "NodeVolume", "NodeImage", "EncryptionCheck"}


@each
def test_every_input_and_output_of_a_kind_is_in_it_as_the_kind_says(name: str) -> None:
    kind: Kind[Any] = BY_NAME[name]
    resource = SCHEMA["resources"][kind.token]
    inputs, outputs = kind.inputs.model_fields, kind.outputs.model_fields
    assert list(resource["inputProperties"]) == list(inputs)
    assert list(resource["properties"]) == [*inputs, *outputs]
    assert set(resource["requiredInputs"]) == {key for key, field in inputs.items() if field.is_required()}
    for group in (resource["inputProperties"], resource["properties"]):
        for key, declared in group.items():
            assert (key, declared.get("secret", False)) == (key, key in kind.secrets)
            assert (key, declared.get("willReplaceOnChanges", False)) == (key, key in kind.replaced_by)
            description = {**inputs, **outputs}[key].description
            assert description is not None
            assert declared["description"].startswith(description)


@each
def test_what_a_kind_says_of_its_inputs_is_about_inputs_that_it_has(name: str) -> None:
    kind: Kind[Any] = BY_NAME[name]
    inputs, outputs = set(kind.inputs.model_fields), set(kind.outputs.model_fields)
    assert set(kind.identity) <= inputs
    assert set(kind.replaced_by) <= inputs
    assert kind.secrets <= inputs | outputs
    assert kind.incomparable <= inputs
    assert not inputs & outputs


def test_how_to_act_is_asked_only_of_kinds_where_it_means_something() -> None:
    asked = {name: sorted(kind.incomparable) for name, kind in BY_NAME.items()}
    local = {"HostPort", "GeneratedSecret", "LocalCertificate", "PidsLimit", "CompletedRun", "HandedOver"} | ON_A_SWARM
    assert {name for name in asked if asked[name] == []} == local
    assert (asked["Profile"], asked["WorkQueue"]) == (["adopt"], ["adopt", "owners"])
    for name, kind in BY_NAME.items():
        assert ("adopt" in asked[name]) is ("new.adopt" in inspect.getsource(type(kind)))


def test_some_properties_as_they_are_published() -> None:
    """A sample of each form, against changes that nobody meant."""
    pool = SCHEMA["resources"]["prefect:index:WorkPool"]["inputProperties"]
    assert pool["concurrency_limit"] == {"type": "integer", "description": "Runs at once; none when left out."}
    assert pool["is_paused"]["type"] == "boolean"
    assert pool["job_defaults"]["additionalProperties"] == {"$ref": "pulumi.json#/Any"}
    assert pool["type"] == {
        "type": "string",
        "description": "The worker type: process, docker, kubernetes, ... Can't be changed in place: a pool's worker "
        "type is fixed when it is made.",
        "willReplaceOnChanges": True,
    }
    deployment = SCHEMA["resources"]["prefect:index:Deployment"]
    assert deployment["inputProperties"]["tags"]["items"] == {"type": "string"}
    assert deployment["inputProperties"]["schedules"]["items"] == {"$ref": "#/types/prefect:index:Schedule"}
    assert deployment["properties"]["schedule_ids"]["additionalProperties"] == {"type": "string"}
    assert deployment["requiredInputs"] == ["entrypoint", "flow_name", "name", "work_pool_name"]
    assert SCHEMA["types"]["prefect:index:Schedule"]["required"] == ["slug", "timezone"]
    port = SCHEMA["resources"]["prefect:index:HostPort"]["inputProperties"]["port"]
    assert port["oneOf"] == [{"type": "integer"}, {"type": "string"}]


async def test_the_plugin_serves_it(offline: Any) -> None:
    reply = await offline.stub.GetSchema(provider_pb2.GetSchemaRequest())
    assert json.loads(reply.schema) == json.loads(json.dumps(SCHEMA))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What classes of resources hand to Pulumi, by their token."""
    caught: dict[str, dict[str, Any]] = {}

    def record(self: Any, token: str, name: str, properties: dict[str, Any], opts: Any = None) -> None:
        del self, name, opts
        caught[token] = properties

    monkeypatch.setattr(pulumi.CustomResource, "__init__", record)
    monkeypatch.setattr(pulumi.ProviderResource, "__init__", record)
    return caught


def made(class_: Any) -> None:
    """One with every argument that there is."""
    signature = inspect.signature(class_.__init__)
    given: dict[str, Any] = {
        name: name for name in list(signature.parameters)[2:] if name not in {"opts", "work_pool", "headers"}
    }
    if "work_pool" in signature.parameters:
        given["work_pool"] = SimpleNamespace(name="work_pool_name", work_pool_id="work_pool_id")
    class_("resource", **given)


def test_each_kind_has_a_class_and_each_class_a_kind() -> None:
    assert set(CLASSES) == set(BY_NAME)


@pytest.mark.parametrize("name", sorted(resources.__all__))
def test_whatever_there_is_for_programs_says_in_a_sentence_what_it_is(name: str) -> None:
    item = getattr(resources, name)
    # A class's own: not that of what it is derived from.
    told = (vars(item).get("__doc__") if isinstance(item, type) else item.__doc__) or ""
    assert len(told.split()) > 2
    assert not told.startswith(f"{name}(")  # nor what `dataclass` makes of its fields


@pytest.mark.parametrize("name", sorted(CLASSES))
async def test_a_class_hands_over_exactly_the_schemas_properties(name: str, sent: dict[str, dict[str, Any]]) -> None:
    await asyncio.sleep(0)  # outputs need a loop that runs
    made(CLASSES[name])
    kind = BY_NAME[name]
    declared = SCHEMA["resources"][kind.token]
    assert set(sent[kind.token]) == set(declared["properties"])
    for key in set(kind.inputs.model_fields) & set(sent[kind.token]):
        value = sent[kind.token][key]
        if isinstance(value, pulumi.Output):
            assert await value.is_secret()
            value = await value.future()
        assert value == key  # each argument at its own place
    for key in kind.outputs.model_fields:
        assert sent[kind.token][key] is None


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_is_optional_in_the_schema_is_optional_in_the_class(name: str) -> None:
    parameters = inspect.signature(CLASSES[name].__init__).parameters
    required = {key for key, item in parameters.items() if item.default is inspect.Parameter.empty} - {"self"}
    if "work_pool" in required:
        required = (required - {"work_pool"}) | {"work_pool_name"}
    declared = set(SCHEMA["resources"][BY_NAME[name].token]["requiredInputs"])
    filled_in = {key for key in declared & set(parameters) if parameters[key].default not in {None, inspect._empty}}
    assert required - {"resource_name"} == declared - filled_in


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_outputs_that_a_class_promises_are_in_the_schema(name: str) -> None:
    annotations = CLASSES[name].__annotations__
    always = set(SCHEMA["resources"][BY_NAME[name].token]["required"])
    assert set(annotations) <= always


async def test_the_provider_hands_over_exactly_its_settings(sent: dict[str, dict[str, Any]]) -> None:
    await asyncio.sleep(0)
    resources.Provider("p", api_url="u", profile="q", auth_string="a", api_key="k", headers={"X": "y"}, ca_file="c")
    assert set(sent["prefect"]) == set(CONFIGURATION)
    for key, value in sent["prefect"].items():
        assert isinstance(value, pulumi.Output) is CONFIGURATION[key].get("secret", False)
        if isinstance(value, pulumi.Output):
            assert await value.is_secret()
    assert await sent["prefect"]["headers"].future() == '{"X": "y"}'


@each_function
def test_every_argument_and_result_of_a_function_is_in_it_as_the_function_says(name: str) -> None:
    function: Function[Any] = FUNCTION_BY_NAME[name]
    published = SCHEMA["functions"][function.token]
    for model, group in ((function.arguments, published["inputs"]), (function.result, published["outputs"])):
        assert group["type"] == "object"
        assert set(group["properties"]) == set(model.model_fields)
        assert set(group["required"]) == {key for key, item in model.model_fields.items() if item.is_required()}
    marked = {key for key, item in published["outputs"]["properties"].items() if item.get("secret")}
    assert marked == function.secrets


def python_name(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


@each_function
def test_a_functions_typed_result_has_exactly_the_schemas_properties(name: str) -> None:
    result = getattr(resources, f"{name[0].upper()}{name[1:]}Result")
    published = SCHEMA["functions"][f"prefect:index:{name}"]["outputs"]
    assert {field.name for field in dataclasses.fields(result)} == set(published["properties"])
    required = {field.name for field in dataclasses.fields(result) if field.default is dataclasses.MISSING}
    assert required == set(published["required"])
    hints = get_type_hints(result)
    for key, declared in published["properties"].items():
        text = str(hints[key])
        assert (key, "None" in text) == (key, key not in published["required"])
        assert (key, "Output" in text) == (key, declared.get("secret", False))
        word = {"string": "str", "integer": "int", "boolean": "bool", "array": "Sequence", "object": "Mapping"}
        assert (key, word.get(declared.get("type", ""), "Any") in text) == (key, True)


@each_function
@pytest.mark.parametrize("form", ["", "_output"])
def test_a_function_in_python_takes_exactly_the_schemas_arguments(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = getattr(resources, python_name(name) + form)
    parameters = {key: item for key, item in inspect.signature(call).parameters.items() if key != "opts"}
    published = SCHEMA["functions"][f"prefect:index:{name}"]["inputs"]
    assert set(parameters) == set(published["properties"])
    assert {key for key, item in parameters.items() if item.default is inspect._empty} == set(published["required"])
    caught: list[tuple[str, Any]] = []

    def record(token: str, arguments: Any, opts: Any) -> Any:
        caught.append((token, arguments))
        answer = SimpleNamespace(value={}, apply=lambda _: None)
        answer.recover = lambda _: answer
        return answer

    monkeypatch.setattr(pulumi.runtime, "invoke", record)
    monkeypatch.setattr(pulumi.runtime, "invoke_output", record)
    with suppress(pulumi.RunError):  # the plain form refuses an answer that has nothing in it
        call(**{key: key for key in parameters})
    assert caught == [(f"prefect:index:{name}", {key: key for key in parameters})]


def test_each_function_has_both_forms_and_a_result_and_there_is_nothing_beside() -> None:
    expected = {python_name(name) + form for name in FUNCTION_BY_NAME for form in ("", "_output")}
    expected |= {f"{name[0].upper()}{name[1:]}Result" for name in FUNCTION_BY_NAME}
    assert {name for name in resources.__all__ if name.startswith(("get_", "Get"))} == expected


PAGE = (Path(__file__).parents[2] / "docs" / "provider.md").read_text(encoding="utf-8")


@each
def test_the_document_names_each_resource(name: str) -> None:
    assert f"`{name}`" in PAGE


@each_function
def test_the_document_names_each_function_with_its_arguments(name: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    asked_with = row.split("|")[2]
    for argument in SCHEMA["functions"][f"prefect:index:{name}"]["inputs"]["properties"]:
        assert f"`{argument}`" in asked_with
