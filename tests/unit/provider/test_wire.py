"""Pulumi's property values to plain Python and back: nothing gets lost, and no secret comes back unmarked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import example, given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from infra.provider import wire
from infra.provider.wire import UNKNOWN, Path

keys = st.text(max_size=6)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.just(UNKNOWN),
)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
properties = st.dictionaries(keys, trees, max_size=5)


def paths(value: Any, at: Path = ()) -> list[Path]:
    here = [at] if at else []
    if isinstance(value, dict):
        return here + [path for key, item in value.items() for path in paths(item, (*at, key))]
    if isinstance(value, list):
        return here + [path for n, item in enumerate(value) for path in paths(item, (*at, n))]
    return here


@st.composite
def with_secrets(draw: Any) -> tuple[dict[str, Any], frozenset[Path]]:
    values = draw(properties)
    places = paths(values)
    return values, frozenset(draw(st.lists(st.sampled_from(places), max_size=3)) if places else ())


def same(one: Any, other: Any) -> bool:
    """Equality that tells True from 1 and lets 1 be 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


@given(with_secrets())
def test_values_come_back_as_they_went(case: tuple[dict[str, Any], frozenset[Path]]) -> None:
    values, secrets = case
    assert same(wire.decode(wire.encode(values, secrets)).values, values)


@given(with_secrets())
def test_every_secret_is_still_below_a_marked_place_and_at_no_place_of_a_list(
    case: tuple[dict[str, Any], frozenset[Path]],
) -> None:
    values, secrets = case
    marked = wire.decode(wire.encode(values, secrets)).secrets
    assert all(any(secret[: len(path)] == path for path in marked) for secret in secrets)
    assert not any(isinstance(step, int) for path in marked for step in path)
    assert all(any(path == secret[: len(path)] for secret in secrets) for path in marked)


def plain(value: struct_pb2.Value | struct_pb2.Struct) -> str:
    """What is to be read outside of the envelopes."""

    def opened(item: Any) -> Any:
        if isinstance(item, dict):
            if item.get(rpc._special_sig_key) == rpc._special_secret_sig:
                return None
            return {key: opened(inner) for key, inner in item.items()}
        return [opened(inner) for inner in item] if isinstance(item, list) else item

    return json.dumps(opened(json_format.MessageToDict(value)), ensure_ascii=False)


@given(properties, st.lists(keys, max_size=4), st.integers(0, 3))
def test_a_secret_is_to_be_read_nowhere_in_plain_after_a_round_trip(
    values: dict[str, Any], way: list[str], in_lists: int
) -> None:
    canary: Any = "canary-9d1f"
    path: list[str | int] = []
    for n, key in enumerate(way):
        canary, path = ({key: canary}, [key, *path]) if n >= in_lists else ([canary], [0, *path])
    values = {**values, "top": canary}
    sent = wire.encode(values, [("top", *path)])
    assert "canary-9d1f" not in plain(sent)
    got = wire.decode(sent)
    assert "canary-9d1f" not in plain(wire.encode(got.values, got.secrets))


def test_a_secret_inside_a_list_makes_the_whole_list_secret() -> None:
    struct = wire.encode({"steps": [{"a": 1}, {"token": "x"}]}, [("steps", 1, "token")])
    assert wire.decode(struct).secrets == {("steps",)}
    again = wire.encode(wire.decode(struct).values, wire.decode(struct).secrets)
    assert json_format.MessageToDict(again.fields["steps"]) == {
        rpc._special_sig_key: rpc._special_secret_sig,
        "value": [{"a": 1}, {"token": "x"}],
    }


def test_a_secret_in_a_secret_is_one_secret_in_the_outer_place() -> None:
    struct = wire.encode({"a": {"b": "x"}}, [("a",), ("a", "b")])
    assert wire.decode(struct).values == {"a": {"b": "x"}}
    assert ("a",) in wire.decode(struct).secrets


@pytest.mark.parametrize(
    "text",
    [
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # a text, and the only one that Python programs send
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    ],
)
def test_what_is_unknown_is_unknown_whatever_its_type_will_be(text: str) -> None:
    struct = struct_pb2.Struct()
    struct["x"] = text
    assert wire.decode(struct).values == {"x": UNKNOWN}


def test_an_unknown_secret_is_both() -> None:
    got = wire.decode(wire.encode({"x": UNKNOWN}, [("x",)]))
    assert got == wire.Properties({"x": UNKNOWN}, frozenset({("x",)}))


def test_whole_numbers_are_ints_and_others_are_not() -> None:
    got = wire.decode(wire.encode({"a": 3, "b": 3.0, "c": 3.5, "d": True, "e": 2**53})).values
    assert got == {"a": 3, "b": 3, "c": 3.5, "d": True, "e": 2**53}
    assert {key: type(value) for key, value in got.items()} == {"a": int, "b": int, "c": float, "d": bool, "e": int}


def test_tuples_are_lists_and_numbers_as_keys_are_texts() -> None:
    assert wire.decode(wire.encode({"a": (1, 2), "b": {1: "x"}})).values == {"a": [1, 2], "b": {"1": "x"}}


@pytest.mark.parametrize("value", [b"x", {1, 2}, object()])
def test_a_value_that_json_lacks_is_told_with_its_place(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^a\.0\.b: "):
        wire.encode({"a": [{"b": value}]})


def test_an_unknown_value_can_be_taken_for_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="is UNKNOWN"):
        bool(UNKNOWN)


def parsed(path: str) -> Path:
    """As Pulumi itself reads a property path: sdk/go/common/resource/properties_path.go."""
    steps: list[str | int] = []
    while path:
        if path.startswith('["'):
            key, at = "", 2
            while path[at] != '"':
                at += path[at : at + 2] == '\\"'
                key, at = key + path[at], at + 1
            steps.append(key)
            path = path[at + 2 :]
        elif path[0] == "[":
            number, _, path = path[1:].partition("]")
            steps.append(int(number))
        else:
            path = path.removeprefix(".")
            end = min((at for at in (path.find("."), path.find("[")) if at >= 0), default=len(path))
            steps.append(path[:end])
            path = path[end:]
    return tuple(steps)


@given(
    st.lists(keys | st.integers(0, 9) | st.sampled_from(['a"b', "a.b", "a[0]", "a\\b", "á"]), min_size=1, max_size=4)
)
@example(['say "x"\\no', 0, "a.b"])
def test_pulumi_reads_a_path_as_it_was_meant(steps: list[str | int]) -> None:
    path = ("top", *steps)
    if any(isinstance(step, str) and step.endswith("\\") for step in path):
        return  # its grammar can't say that
    if any(isinstance(step, str) and '\\"' in step for step in path):
        return  # nor that
    assert parsed(wire.render(path)) == path


def test_usual_paths_are_written_the_usual_way() -> None:
    assert wire.render(("schedules", 0, "cron")) == "schedules[0].cron"
    assert wire.render(("job_variables", "env", "a.b")) == 'job_variables.env["a.b"]'
    assert wire.render(("a-b_c",)) == "a-b_c"


def test_the_markers_are_those_of_pulumis_own_sdk() -> None:
    marked = {"s": "x", "u": UNKNOWN}
    coded = json_format.MessageToDict(wire.encode(marked, [("s",)]))
    assert coded == {
        "s": {rpc._special_sig_key: rpc._special_secret_sig, "value": "x"},  # they have no public name
        "u": rpc.UNKNOWN,
    }
