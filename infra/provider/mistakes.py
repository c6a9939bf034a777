"""What pydantic finds wrong with inputs: as places in them, and in words that don't take Python for granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from infra.provider.kinds import unfit
from infra.provider.kinds.kind import Failure
from infra.provider.kinds.part import NO_SUCH_KEY
from infra.provider.nearness import near
from infra.provider.wire import Path, holds_unknown

EXPECTED: Final[Mapping[str, str]] = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "uuid_type": "a UUID",
    "uuid_parsing": "a UUID",
    "literal_error": "",  # pydantic tells what
}
OF_KEYS: Final = frozenset({"missing", "extra_forbidden", NO_SUCH_KEY})


def told(errors: Iterable[Any], given: Mapping[str, Any], names: Iterable[str]) -> list[Failure]:
    """One for each place, but for those that are unknown still; `names` are the properties that there are."""
    at_place: dict[Path, list[Any]] = {}
    for item in errors:
        if not _is_unknown(given, item):
            at_place.setdefault(_place(item, given), []).append(item)
    return [
        Failure(path, _reason(items, path, names))
        for path, items in at_place.items()
        # Where one of several forms was tried in vain, what another one was found to lack lies deeper.
        if not (_of_type(items) and any(other != path and other[: len(path)] == path for other in at_place))
    ]


def _of_type(items: Sequence[Any]) -> bool:
    return all(item["type"] in EXPECTED for item in items)


def _place(item: Any, given: Any) -> Path:
    """Without the steps into one of several forms, which are no places in the values."""
    return tuple(step for step, _ in _steps(item, given))


def _steps(item: Any, given: Any) -> Iterator[tuple[str | int, Any]]:
    at = given
    *_, last = item["loc"] or (None,)
    for step in item["loc"]:
        match at, step:
            case (Mapping(), str()) if step in at:
                at = at[step]
            case (list() | tuple(), int()) if step < len(at):
                at = at[step]
            case _ if item["type"] == "missing" and step is last:
                at = None
            case _:
                continue
        yield step, at


def _is_unknown(given: Any, item: Any) -> bool:
    """Whether an error's place lies at, below or just above an unknown value, so that it may yet turn out right."""
    if item["type"] in OF_KEYS:
        return False
    *_, (_, at) = (None, given), *_steps(item, given)
    return holds_unknown(at)


def _reason(items: Sequence[Any], path: Path, names: Iterable[str]) -> str:
    item = items[0]
    match item["type"]:
        case "extra_forbidden":
            return f"no such property; there are: {', '.join(sorted(names))}" if len(path) == 1 else "no such property"
        case "missing":
            return "is required"
        case _ if _of_type(items):
            return _expected(items)
        case _:
            return str(item["msg"]).removeprefix("Value error, ")


def _expected(items: Sequence[Any]) -> str:
    value, last = items[0]["input"], items[-1]
    expected = " or ".join(dict.fromkeys(EXPECTED[item["type"]] or item["ctx"]["expected"] for item in items))
    if last["type"] != "literal_error":
        return f"expected {expected}, got {_called(value)}"
    choices = [choice.strip("'") for choice in last["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    close = near(value, choices) if isinstance(value, str) else ""
    return f"expected {expected}{f': {close}' if close.startswith('did you mean') else ''}"


def _called(value: Any) -> str:
    """Any number is one: where an integer was expected, `got an integer` would tell nothing."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "a number" if is_number else unfit.called(value)
