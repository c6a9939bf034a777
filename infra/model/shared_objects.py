"""What belongs to the whole server rather than to an area: variables, and limits over all pools."""

from __future__ import annotations

import json
from collections.abc import Iterator

from infra.model import arguments, declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.naming import forbidden_characters
from infra.model.rules import coherence, keys
from infra.model.stack import GlobalConcurrencyLimit, TagConcurrencyLimit, Variable

MOST_OF_A_VARIABLE = 5000
"""Characters of its value as JSON, which is what the server takes."""
_RESERVED_LIMITS = ("deployment:", "tag:")


def variables(given: declared.Stack, found: Findings) -> Iterator[Variable]:
    for name, variable in given.variables.items():
        path: KeyPath = ("variables", name, "value")
        if variable.value is None:
            message = "'value' is nothing, which Pulumi can't tell from no value at all"
            found.add(keys.WRONG_TYPE, path, message, hint="leave the variable out, or write a text")
        elif (place := arguments.not_json(variable.value)) is not None:
            found.add(keys.NOT_JSON, (*path, *place), "not a finite number", hint="JSON has no form for it")
        elif (length := len(json.dumps(variable.value))) > MOST_OF_A_VARIABLE:
            message = f"the value has {length} characters as JSON: it goes up to {MOST_OF_A_VARIABLE}"
            found.add(keys.OUT_OF_RANGE, path, message, hint="keep large values in a file or a block")
        yield Variable(name=name, value=variable.value, tags=tuple(variable.tags))


def global_limits(given: declared.Stack, found: Findings) -> Iterator[GlobalConcurrencyLimit]:
    for name, limit in given.global_concurrency_limits.items():
        path: KeyPath = ("global_concurrency_limits", name)
        if name.startswith(_RESERVED_LIMITS):
            message = f"the server keeps names that begin with {' or '.join(_RESERVED_LIMITS)} for itself"
            hint = "tag_concurrency_limits, or a deployment's concurrency_limit"
            found.add(coherence.RESERVED_NAME, path, message, hint=hint, of_key=True)
        elif wrong := forbidden_characters(name):
            message = f"the name of the limit {name!r} has {wrong!r}, which Prefect refuses"
            found.add(coherence.FORBIDDEN_CHARACTER, path, message, of_key=True)
        yield GlobalConcurrencyLimit(name=name, **limit.model_dump())


def tag_limits(given: declared.Stack) -> Iterator[TagConcurrencyLimit]:
    for tag, limit in given.tag_concurrency_limits.items():
        yield TagConcurrencyLimit(tag=tag, concurrency_limit=limit)
