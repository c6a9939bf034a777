"""Differences as people read them, and as rows for JSON; credentials in neither."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from infra.comparison.differences import MISSING, Difference
from infra.credential_forms import is_secret_key
from infra.model import credentials

_NONE: Final = "none"
_FREE: Final = frozenset({"env", "parameters", "job_variables"})
"""Whose keys are anybody's own."""


def lines(left: str, right: str, found: Sequence[Difference]) -> Iterator[str]:
    """`left` and `right`: what the stacks are called."""
    count = f"{len(found)} difference{'' if len(found) == 1 else 's'}" if found else "no difference"
    yield f"{left} and {right}: {count}"
    for area, of_area in groupby(found, key=lambda each: each.area):
        yield ""
        yield area or "the stack"
        for of, fields in groupby(of_area, key=lambda each: each.of):
            yield from _told(of, list(fields), left, right)


def _told(of: str, fields: Sequence[Difference], left: str, right: str) -> Iterator[str]:
    if not fields[0].field:
        (one,) = fields
        where, value = (left, one.left) if one.right is MISSING else (right, one.right)
        yield f"  {of or 'the area'}: only in {where} ({text(value)})"
        return
    indent = "  "
    if of:
        yield f"  {of}"
        indent = "    "
    for each in fields:
        yield f"{indent}{each.field}: {left} {text(_blind(each.left, each))}; {right} {text(_blind(each.right, each))}"


def table(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """For JSON. `only_in`: "left" or "right" where the whole thing, or a schedule, is missing on the other side."""
    return [
        {
            "area": each.area,
            "of": each.of or None,
            "field": each.field or None,
            "left": None if each.left is MISSING else _blind(each.left, each),
            "right": None if each.right is MISSING else _blind(each.right, each),
            "only_in": "left" if each.right is MISSING else "right" if each.left is MISSING else None,
        }
        for each in found
    ]


def text(value: Any) -> str:
    if value is None or value is MISSING:
        return _NONE
    if isinstance(value, str):
        return value if value and value == value.strip() and "\n" not in value else json.dumps(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _blind(value: Any, of: Difference) -> Any:
    """Stack files must hold no credential, and yet may."""
    first, *_, key = ("", *of.field.split(".")) if "." not in of.field else of.field.split(".")
    match value:
        case str() if first in _FREE and is_secret_key(key) and not value.startswith("{{"):
            return credentials.MASK
        case str():
            return credentials.masked(value)
        case Mapping() | list() if next(credentials.plain_secrets({key: value}), None) is not None:
            return credentials.MASK
    return value
