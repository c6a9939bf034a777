"""What differs between two trees of plain values."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.provider.diffing import Change, Step, diff
from infra.provider.wire import UNKNOWN, Path

keys = st.sampled_from("abc")
leaves = st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.floats(0, 1), st.sampled_from(["", "x", "1"]))
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner), max_leaves=8)
mappings = st.dictionaries(keys, trees)


def said(values: dict[str, Any]) -> dict[str, Any]:
    """Of the properties themselves, a null is as good as none."""
    return {key: value for key, value in values.items() if value is not None}


def at(value: Any, path: Path) -> Any:
    """`...` where there is nothing."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else ...
        else:
            value = value.get(step, ...) if isinstance(value, dict) else ...
    return value


def equal(one: Any, other: Any) -> bool:
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(equal, one, other))
        case _:
            return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def applied(old: Any, new: Any, changes: tuple[Change, ...]) -> Any:
    """`old` with each reported place taken from `new`, by the longest way round: place by place, deletions last."""
    result: Any = {"": copied(old)}
    for change in sorted(changes, key=lambda change: [str(step) for step in change.path], reverse=True):
        parent = at(result, ("", *change.path[:-1]))
        last = change.path[-1]
        if isinstance(parent, list):
            assert isinstance(last, int)
            there = last < len(at(new, change.path[:-1]))  # a null is an item, too
            parent.extend([...] * (last + 1 - len(parent)))
            parent[last] = at(new, change.path) if there else ...
        elif change.step is Step.DELETE:
            del parent[last]
        else:
            parent[last] = at(new, change.path)
    return without_holes(result[""])


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def without_holes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_holes(item) for key, item in value.items()}
    return [without_holes(item) for item in value if item is not ...] if isinstance(value, list) else value


@given(mappings)
def test_nothing_differs_from_itself(values: dict[str, Any]) -> None:
    assert diff(values, values) == ()


@given(mappings, mappings)
def test_each_place_that_is_told_really_differs(old: dict[str, Any], new: dict[str, Any]) -> None:
    for change in diff(old, new):
        before, after = at(said(old), change.path), at(said(new), change.path)
        inside_a_list = isinstance(change.path[-1], int)
        assert inside_a_list or not equal(before, after)
        if change.step is Step.UPDATE:
            assert ... not in (before, after)
        elif not inside_a_list:
            assert (before is ...) == (change.step is Step.ADD)
            assert (after is ...) == (change.step is Step.DELETE)


@given(mappings, mappings)
def test_the_changes_are_all_that_differs(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert equal(applied(said(old), said(new), diff(old, new)), said(new))


@given(mappings, mappings)
def test_no_place_is_told_twice_and_none_inside_of_another(old: dict[str, Any], new: dict[str, Any]) -> None:
    told = [change.path for change in diff(old, new)]
    assert len(set(told)) == len(told)
    assert not any(one != other and other[: len(one)] == one for one in told for other in told)


@given(mappings, mappings)
def test_the_way_back_tells_the_same_places(old: dict[str, Any], new: dict[str, Any]) -> None:
    back = {Step.ADD: Step.DELETE, Step.DELETE: Step.ADD, Step.UPDATE: Step.UPDATE}
    assert {(change.path, back[change.step]) for change in diff(old, new)} == set(diff(new, old))


@given(mappings, mappings, st.lists(keys))
def test_an_absent_property_and_a_null_are_the_same(old: dict[str, Any], new: dict[str, Any], nulls: list[str]) -> None:
    filled = {**dict.fromkeys(nulls), **new}
    assert diff(old, filled) == diff(old, new)
    assert diff(filled, old) == diff(new, old)


@given(mappings, keys, st.none() | mappings)
def test_inside_of_a_property_a_null_is_a_value(values: dict[str, Any], key: str, there: Any) -> None:
    without = {other: value for other, value in values.items() if other != key}
    null, place = {**without, key: None}, ("a", key)
    assert diff({"a": without}, {"a": null}) == (Change(place, Step.ADD),)
    assert diff({"a": null}, {"a": without}) == (Change(place, Step.DELETE),)
    if there is not None:
        assert diff({"a": null}, {"a": {**without, key: there}}) == (Change(place, Step.UPDATE),)
    assert diff({"a": null}, {"a": null}) == ()


@given(mappings, mappings, keys)
def test_an_unknown_value_is_a_change_wherever_it_stands(old: dict[str, Any], new: dict[str, Any], key: str) -> None:
    assert Change((key,), Step.UPDATE) in diff(old, {**new, key: UNKNOWN})
    nested = {**new, key: {"list": [1, UNKNOWN]}}
    assert Change((key, "list", 1), Step.UPDATE) in diff({**old, key: {"list": [1, "x"]}}, nested)
    assert diff({key: UNKNOWN}, {key: UNKNOWN}) == (Change((key,), Step.UPDATE),)


def test_true_is_not_one_and_one_is_one_point_nought() -> None:
    assert diff({"a": True}, {"a": 1}) == (Change(("a",), Step.UPDATE),)
    assert diff({"a": 1}, {"a": 1.0}) == ()
    assert diff({"a": (1, 2)}, {"a": [1, 2]}) == ()


def test_lists_are_compared_place_by_place_and_keys_in_order() -> None:
    assert diff({"b": [1, 2, 3], "a": 1}, {"b": [1, 5], "c": 1}) == (
        Change(("a",), Step.DELETE),
        Change(("b", 1), Step.UPDATE),
        Change(("b", 2), Step.DELETE),
        Change(("c",), Step.ADD),
    )
    assert diff({}, {"a": {"b": 1}})[0].field == "a"
