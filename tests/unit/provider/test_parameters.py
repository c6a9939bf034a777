"""Parameters against the flow's signature, in the provider's check: all mistakes at once, each at its place."""

from __future__ import annotations

from typing import Any

import pytest

from infra.provider.kinds.deployment import Deployment
from infra.provider.lifecycle import Lifecycle
from infra.provider.wire import UNKNOWN, render

ZONE = "America/Argentina/Buenos_Aires"
SCHEMA: dict[str, Any] = {
    "title": "Parameters",
    "type": "object",
    "properties": {
        "proveedor": {"type": "string", "title": "proveedor", "position": 0},
        "dias": {"type": "integer", "default": 3, "title": "dias", "position": 1},
        "desde": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
        "moneda": {"$ref": "#/definitions/Moneda", "default": "ARS"},
        "filtro": {"$ref": "#/definitions/Filtro"},
        "tope": {"type": "number", "minimum": 0},
        "listas": {"type": "array", "items": {"type": "integer"}},
        "libre": {"title": "libre"},
    },
    "required": ["proveedor"],
    "definitions": {
        "Moneda": {"enum": ["ARS", "USD"], "type": "string"},
        "Filtro": {"type": "object", "properties": {"rubro": {"type": "string"}}, "required": ["rubro"]},
    },
}
BASE: dict[str, Any] = {
    "name": "importar",
    "flow_name": "importar",
    "entrypoint": "flows/a.py:f",
    "work_pool_name": "compras-dev",
    "parameter_openapi_schema": SCHEMA,
}
GIVEN = {"proveedor": "acme"}


def schedule(slug: str = "diario", **more: Any) -> dict[str, Any]:
    return {"slug": slug, "cron": "0 6 * * *", "timezone": ZONE, **more}


def told(**inputs: Any) -> dict[str, str]:
    failures = Lifecycle(Deployment()).check({}, {**BASE, **inputs}).failures
    return {render(failure.path): failure.reason for failure in failures}


@pytest.mark.parametrize(
    ("name", "value", "path", "reason"),
    [
        ("dias", "tres", "parameters.dias", "expected an integer, got a text"),
        ("dias", True, "parameters.dias", "expected an integer, got true or false"),
        ("dias", 2.5, "parameters.dias", "expected an integer, got a number"),
        ("dias", None, "parameters.dias", "expected an integer, got null"),
        ("diaz", 3, "parameters.diaz", "the flow has no such parameter; did you mean dias?"),
        ("desde", 5, "parameters.desde", "expected a text or null, got an integer"),
        ("desde", "ayer", "parameters.desde", "fits none of the types that the flow takes: expected date"),
        ("moneda", "AR$", "parameters.moneda", "expected one of ARS, USD; did you mean ARS?"),
        ("filtro", {}, "parameters.filtro", "'rubro' is a required property"),
        ("filtro", {"rubro": 1}, "parameters.filtro.rubro", "expected a text, got an integer"),
        ("listas", [1, "x"], "parameters.listas[1]", "expected an integer, got a text"),
        ("tope", -1, "parameters.tope", "breaks the flow's rule minimum: 0"),
    ],
)
def test_a_wrong_parameter_fails_the_check_at_its_place(name: str, value: Any, path: str, reason: str) -> None:
    assert told(parameters={**GIVEN, name: value}) == {path: reason}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dias", 3),
        ("tope", 3),
        ("tope", None),  # not required and without a default: the server takes null for it
        ("desde", None),
        ("desde", "2026-11-25"),
        ("libre", {"lo": ["que", 1]}),
        ("dias", {"__prefect_kind": "workspace_variable", "variable_name": "dias"}),
        ("filtro", {"$ref": {"block_document_id": "f2"}}),
        ("dias", UNKNOWN),
        ("listas", [1, UNKNOWN, 2]),
        ("filtro", {"rubro": UNKNOWN}),
        ("desde", UNKNOWN),
    ],
)
def test_what_the_flow_takes_or_nobody_knows_yet_is_no_mistake(name: str, value: Any) -> None:
    parameters = {**GIVEN, name: value}
    assert told(parameters=parameters, schedules=[schedule()]) == {}
    checked = Lifecycle(Deployment()).check({}, {**BASE, "parameters": parameters})
    assert checked.inputs["parameters"] == parameters


def test_all_mistakes_are_told_at_once_those_of_schedules_too() -> None:
    wrong = [
        schedule("z", parameters={"dias": "x", "proveedor": "acme"}),
        schedule("a", parameters={"nada": 1}),
    ]
    assert set(told(parameters={"dias": "x", "provedor": "acme"}, schedules=wrong, name="a/b")) == {
        "name",
        "parameters.dias",
        "parameters.provedor",
        "schedules[0].parameters.dias",
        "schedules[1].parameters.nada",
        "schedules[1].parameters.proveedor",
    }


def test_a_required_parameter_is_missed_only_where_a_schedule_would_make_runs_without_it() -> None:
    assert told() == {}  # who runs it by hand is asked for it
    assert told(schedules=[schedule(active=False)]) == {}
    assert told(schedules=[schedule()], paused=True) == {}
    assert told(schedules=[schedule(parameters=GIVEN)]) == {}
    assert "'diario' would fail without" in told(schedules=[schedule()])["parameters.proveedor"]
    assert set(told(schedules=[schedule("a"), schedule("b")])) == {"parameters.proveedor"}
    assert set(told(schedules=[schedule("a", parameters=GIVEN), schedule("b")])) == {
        "schedules[1].parameters.proveedor"
    }


def test_beside_an_unknown_schedule_the_deployments_own_parameters_are_still_held_against_the_flow() -> None:
    unknown = [{**schedule(), "cron": UNKNOWN}]
    assert set(told(parameters={"dias": "x"}, schedules=unknown)) == {"parameters.dias"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"parameter_openapi_schema": None},
        {"parameter_openapi_schema": {**SCHEMA, "required": UNKNOWN}},
        {"parameter_openapi_schema": UNKNOWN},
        {"parameter_openapi_schema": {**SCHEMA, "additionalProperties": True}, "parameters": {**GIVEN, "mas": 1}},
        {"enforce_parameter_schema": False},
    ],
)
def test_where_nothing_is_enforced_or_known_nothing_is_complained_about(inputs: dict[str, Any]) -> None:
    wrong = {"diaz": "x"} if "parameters" not in inputs else {}
    assert told(**{"parameters": wrong, **inputs}) == {}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "objeto"}, "parameter_openapi_schema.type"),
        ({"properties": {"n": {"$ref": "#/definitions/No"}}}, "parameter_openapi_schema.properties.n"),
        ({"properties": {"n": {"$ref": "https://example.com/x.json"}}}, "parameter_openapi_schema.properties.n"),
        ({"properties": {"n": 5}}, "parameter_openapi_schema.properties.n"),
    ],
)
def test_a_schema_that_is_none_is_told_and_nothing_is_fetched_from_the_network(schema: Any, path: str) -> None:
    assert list(told(parameter_openapi_schema=schema, parameters={"n": 1})) == [path]


def test_what_the_last_up_took_is_not_held_against_the_schema_again_and_what_is_new_is() -> None:
    deployment = Lifecycle(Deployment())
    wrong = {**BASE, "parameters": {"no_such": 1}}
    taken = {key: value for key, value in wrong.items() if value is not None}
    assert deployment.check({}, wrong).failures
    assert deployment.check(taken, wrong).failures == ()
    assert deployment.check(taken, {**wrong, "description": "x"}).failures
