"""Parameter schemas read from the text are the ones that Prefect makes from the imported function."""

# ruff: noqa: E501  # a case reads best as one line

from __future__ import annotations

import json
import sys
import warnings
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.model.arguments import misfits
from infra.model.docstrings import first_paragraph, parameter_descriptions
from infra.model.entrypoints import EntrypointError, Entrypoints
from infra.model.signatures import Signature

CASES = Path(__file__).with_name("signature_cases.py")


@pytest.fixture(scope="module")
def flows() -> dict[str, Any]:
    """The flows of the case file, as Prefect has them after importing it."""
    from prefect import Flow

    spec = spec_from_file_location("signature_cases", CASES)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["signature_cases"] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    found = {name: value for name, value in vars(module).items() if isinstance(value, Flow)}
    for name, value in vars(module.Grupo).items():
        method = getattr(value, "__func__", value)
        if isinstance(method, Flow):
            found[f"Grupo.{name}"] = method
    return found


def test_schemas_are_those_of_prefect(flows: dict[str, Any]) -> None:
    read = Entrypoints(CASES.parent)
    theirs = {name: flow.parameters.model_dump_for_openapi() for name, flow in flows.items()}
    ours = {name: read.flow(f"signature_cases.py:{name}").signature.schema for name in flows}

    assert len(flows) >= 25
    assert ours == theirs
    json.dumps(ours)


def test_required_parameters_keep_their_order(flows: dict[str, Any]) -> None:
    read = Entrypoints(CASES.parent)
    for name, flow in flows.items():
        signature = read.flow(f"signature_cases.py:{name}").signature
        assert list(signature.schema["properties"]) == list(flow.parameters.properties)
        assert signature.schema.get("required", []) == flow.parameters.required


def test_names_and_descriptions_are_those_of_prefect(flows: dict[str, Any]) -> None:
    read = Entrypoints(CASES.parent)
    for name, flow in flows.items():
        found = read.flow(f"signature_cases.py:{name}")
        assert found.name == flow.name
        assert found.description == first_paragraph(flow.description)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from([
            "", "Args:", "Arguments:", "Params:", "Returns:", "Note: x", "```", "Texto.", "    a: uno", "    b (int, optional): dos",
            "      continúa", "        más", "    sin dos puntos", "  c: tres", "Parameters:", "    d : cuatro: y más", "Args: con título",
        ]),
        max_size=9,
    )
)  # fmt: skip
def test_descriptions_from_docstrings_are_those_of_prefect(lines: list[str]) -> None:
    from prefect.utilities.callables import parameter_docstrings

    docstring = "\n".join(["Resumen.", *lines])

    assert parameter_descriptions(docstring) == parameter_docstrings(docstring)


SOURCE = """
import os
from typing import Optional
from prefect import flow
from otra_parte import Cosa, DEFECTO

SECRETO = os.environ["NO_EXISTE"]

@flow
def f(a: Cosa, b: list[Cosa], c: str = DEFECTO, d: int = len("abc"), e: "Otra" = None, g: str = SECRETO):
    pass
"""


def test_what_only_running_the_file_would_tell_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(SOURCE)

    assert Entrypoints(tmp_path).flow("f.py:f").signature.schema == {
        "title": "Parameters",
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "a": {"title": "a", "position": 0},
            "b": {"title": "b", "position": 1, "type": "array", "items": {}},
            "c": {"title": "c", "position": 2, "type": "string"},
            "d": {"title": "d", "position": 3, "type": "integer"},
            "e": {"title": "e", "position": 4, "default": None},
            "g": {"title": "g", "position": 5, "type": "string"},
        },
        "definitions": {},
    }


def test_nothing_of_the_file_runs(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    (tmp_path / "f.py").write_text(
        f"from pathlib import Path\nfrom prefect import flow\n@flow\n"
        f"def f(a: Path({str(proof)!r}).touch() = Path({str(proof)!r}).write_text('x')):\n    pass\n"
    )
    Entrypoints(tmp_path).flow("f.py:f")

    assert not proof.exists()


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-2, 2).map(lambda n: round(n, 1)), st.sampled_from(["", "x", "uno", "ARS", "1"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "nombre"]), inner, max_size=2)),
    max_leaves=4,
)  # fmt: skip
SIMPLE = ["simples", "opcionales", "literales", "enumerados", "alias", "constantes", "citados", "desconocidos"]


@cache
def _signatures() -> dict[str, Signature]:
    read = Entrypoints(CASES.parent)
    return {name: read.flow(f"signature_cases.py:{name}").signature for name in SIMPLE}


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_value_fits_here_when_it_fits_on_the_server(data: st.DataObject) -> None:
    from prefect.utilities.schema_tools.validation import validate

    signature = _signatures()[data.draw(st.sampled_from(SIMPLE))]
    name = data.draw(st.sampled_from(signature.names))
    value = data.draw(JSON_VALUES.filter(lambda value: value is not None))

    errors = validate({name: value}, signature.schema, ignore_required=True)
    ours = list(misfits({name: value}, signature))

    assert bool(ours) == bool(errors), (signature.schema["properties"][name], value, ours, errors)


def test_nothing_fits_only_where_the_flow_takes_it() -> None:
    # The server would take it for any parameter that has a default, and then the run would fail.
    signatures = _signatures()

    assert not list(misfits({"b": None}, signatures["opcionales"]))
    assert [misfit.message for misfit in misfits({"b": None}, signatures["simples"])] == [
        "'b' must be a whole number, got nothing"
    ]


def test_a_value_that_the_server_fills_in_is_not_judged() -> None:
    template = {"__prefect_kind": "workspace_variable", "variable_name": "tolerancia"}

    assert not list(misfits({"b": template}, _signatures()["simples"]))


@pytest.mark.parametrize(
    ("source", "name", "flow_name"),
    [
        ("from prefect import flow\n@flow\ndef uno_dos(): pass", "uno_dos", "uno-dos"),
        ("from prefect import flow\n@flow()\nasync def f(): pass", "f", "f"),
        ("from prefect import flow as fl\n@fl(name='A b')\ndef f(): pass", "f", "A b"),
        ("import prefect\n@prefect.flow\ndef f(): pass", "f", "f"),
        ("import prefect as p\n@p.flow(name='x')\ndef f(): pass", "f", "x"),
        ("import prefect.flows\n@prefect.flows.flow\ndef f(): pass", "f", "f"),
        ("from prefect.flows import flow\n@flow\ndef f(): pass", "f", "f"),
        ("from prefect import *\n@flow\ndef f(): pass", "f", "f"),
        ("try:\n    from prefect import flow\nexcept ImportError:\n    flow = None\n@flow\ndef f(): pass", "f", "f"),
        ("from prefect import flow\nflujo = flow\n@flujo\ndef f(): pass", "f", "f"),
        ("from prefect import flow\nN = 'de constante'\n@flow(name=N)\ndef f(): pass", "f", "de constante"),
        ("from prefect import flow\n@flow(name=None)\ndef f(): pass", "f", "f"),
        ("from prefect import flow\nimport functools\n@functools.cache\n@flow\ndef f(): pass", "f", "f"),
        ("from prefect import flow\ndef f(): pass\ng = flow(f)", "g", "f"),
        ("from prefect import flow\ndef f(): pass\ng = flow(name='g!')(f)", "g", "g!"),
        ("from prefect import flow\nclass A:\n    class B:\n        @staticmethod\n        @flow\n        def f(): pass", "A.B.f", "f"),
        ("from prefect import flow\nif True:\n    @flow\n    def f(): pass", "f", "f"),
        ("# coding: latin-1\nfrom prefect import flow\n@flow(name='a\xf1o')\ndef f(): pass", "f", "a\xf1o"),
        ("from prefect import flow\nx = '\\d'\n@flow\ndef f(): pass", "f", "f"),
    ],
)  # fmt: skip
def test_a_flow_is_found_however_it_is_decorated(tmp_path: Path, source: str, name: str, flow_name: str) -> None:
    (tmp_path / "f.py").write_bytes(source.encode("latin-1"))

    assert Entrypoints(tmp_path).flow(f"f.py:{name}").name == flow_name


@pytest.mark.parametrize(
    ("source", "entrypoint", "message"),
    [
        ("def flow(f): return f\n@flow\ndef f(): pass", "f.py:f", "decorated with @flow"),
        ("from otra import flow\n@flow\ndef f(): pass", "f.py:f", "decorated with @flow"),
        ("from prefect import task\n@task(retries=1)\ndef f(): pass", "f.py:f", "a task"),
        ("f = 1", "f.py:f", "no function 'f'"),
        ("class A:\n    def f(self): pass", "f.py:A.f", "a plain function"),
        ("from prefect import flow\nclass A:\n    @flow\n    def f(self): pass", "f.py:f", "no function 'f'"),
        ("from prefect import flow\n@flow(name=f'{1}')\ndef f(): pass", "f.py:f", "not to be seen"),
        ("from prefect import flow\no = {}\n@flow(**o)\ndef f(): pass", "f.py:f", "not to be seen"),
        ("from prefect import flow\n@flow(name='a/b')\ndef f(): pass", "f.py:f", "'/'"),
        ("def f(:", "f.py:f", "line 1 is no Python"),
        ("a\x00b", "f.py:f", "f.py: "),
        ("(" * 2000, "f.py:f", "f.py: "),
        ("", "f.py:f", "no function 'f'"),
        ("", "g.py:f", "no file g.py"),
        ("", "nada/g.py:f", "no file nada/g.py"),
        ("", "f.py", "path/file.py:function"),
        ("", "f.py:", "path/file.py:function"),
        ("", ":f", "path/file.py:function"),
        ("", "f.py:f()", "path/file.py:function"),
        ("", "f.txt:f", "no .py file"),
        ("", "/f.py:f", "leads out"),
        ("", "a/../../f.py:f", "leads out"),
        ("", "C:/f.py:f", "leads out"),
        ("", "flows\\f.py:f", "has \\"),
        ("", "\x00.py:f", "no file"),
        ("", "a" * 5000 + ".py:f", "no file"),
    ],
)  # fmt: skip
def test_an_entrypoint_that_leads_to_no_flow_is_told_why(
    tmp_path: Path, source: str, entrypoint: str, message: str
) -> None:
    (tmp_path / "f.py").write_bytes(source.encode())
    with pytest.raises(EntrypointError) as raised:
        Entrypoints(tmp_path).flow(entrypoint)

    assert message in str(raised.value)
