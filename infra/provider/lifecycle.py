"""What every resource has in common: checking, diffing, and the order of things. Kinds fill in the rest.

Diffs compare the *state* with the new inputs, both in canonical form: on a refresh the engine passes what `read`
found as the state and the recorded inputs as the new ones, so nothing here may suppose which of them is newer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, cast

from pydantic import ValidationError, create_model

from infra.provider import diffing, mistakes
from infra.provider.diffing import Change
from infra.provider.errors import ProviderError, Rejected, StaleState
from infra.provider.kinds.kind import Failure, I, Kind, Live, Session, Sight
from infra.provider.wire import UNKNOWN, Path, render


@dataclass(frozen=True)
class Plan:
    """What an `up` would do to one resource."""

    changes: tuple[Change, ...]
    replaces: tuple[Change, ...]
    delete_first: bool


@dataclass(frozen=True)
class Checked:
    inputs: dict[str, Any]
    failures: tuple[Failure, ...]
    judged: tuple[Any, Any] | None = field(default=None, compare=False, repr=False)
    """The inputs as the rules saw them, the last `up`'s and these: None where there is nothing to be seen."""


@dataclass(frozen=True)
class Lifecycle(Generic[I]):
    """One kind, as the engine wants to use it: plain property values in and out."""

    kind: Kind[I]

    def check(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Checked:
        """The inputs in canonical form, or all that is wrong with them."""
        before = self._known(old)
        try:
            parsed = self.kind.inputs.model_validate(new, context={"old": old})
        except ValidationError as error:
            return self._check_rest(old, new, before, error.errors(include_url=False))
        return Checked(parsed.canonical(), tuple(self._by_rules(before, parsed)), (before, parsed))

    def declared(self, checked: Checked) -> dict[str, Any]:
        """What the checks of others may look at, by what it is known as."""
        if self.kind.seen_by_others and checked.judged is not None:
            _, new = checked.judged
            with suppress(_NotKnownYet):
                return {self.kind.known_as(*(getattr(new, name) for name in self.kind.identity)): new}
        return {}

    async def check_on_server(self, sight: Sight, checked: Checked) -> tuple[Failure, ...]:
        """What else is wrong, by a server that is there already: nothing where there is none, or none that answers."""
        if checked.judged is None:
            return ()
        with suppress(ProviderError, _NotKnownYet):
            return tuple(await self.kind.check_on_server(sight, *checked.judged))
        return ()

    def _check_rest(
        self, old: Mapping[str, Any], new: Mapping[str, Any], before: I | None, errors: Iterable[Any]
    ) -> Checked:
        """All that is wrong where inputs have `errors`, be it that they are unknown still, or that they are wrong.

        In a preview, inputs are unknown, and come again when it is for real. The rest is brought into canonical form
        all the same, since the preview would show changes that there are not. What the last `up` was given stands in
        for the unknown inputs meanwhile, the required ones among them.
        """
        errors = [*errors]
        failures = mistakes.told(errors, new, self.kind.inputs.model_fields)
        bad = {str(item["loc"][0]) for item in errors if item["loc"]}
        rest = {key: value for key, value in new.items() if key not in bad}
        parsed = self._known({**rest, **{key: old[key] for key in bad if key in new and key in old}})
        seen = parsed if parsed is not None else self._without(bad, rest)
        judged = None if seen is None else (before, cast(I, _Without(seen, bad)))
        told = (*failures, *(self._by_rules(*judged) if judged is not None else ()))
        if failures or parsed is None:
            return Checked({key: value for key, value in new.items() if value is not None}, told, judged)
        return Checked({**parsed.canonical(), **{key: new[key] for key in bad if key in new}}, told, judged)

    def _without(self, bad: set[str], rest: Mapping[str, Any]) -> I | None:
        """The inputs but for the `bad` ones, required or not; None where the rest makes no sense by itself."""
        lenient = _lenient(self.kind.inputs, frozenset(bad & self.kind.inputs.model_fields.keys()))
        try:
            return cast(I, lenient.model_validate(rest))
        except ValidationError:
            return None

    def _by_rules(self, before: I | None, new: I) -> Iterator[Failure]:
        for rule in (self._owners, *self.kind.rules):
            with suppress(_NotKnownYet):
                yield from rule(before, new)

    def diff(self, state: Mapping[str, Any], new: Mapping[str, Any]) -> Plan:
        left_alone = {name for name, owner in _owners_of(new).items() if owner != "stack"}
        left_alone |= {name for name in self.kind.compared_if_said if name not in new}
        fields = self.kind.inputs.model_fields.keys() - self.kind.incomparable - left_alone
        changes = diffing.diff(
            {key: value for key, value in self.kind.compared(state).items() if key in fields},
            {key: value for key, value in self.kind.compared(new).items() if key in fields},
        )
        replacing = self.kind.replacing(state, new)
        replaces = tuple(change for change in changes if change.field in replacing)
        # Objects of one identity can't stand beside each other: the old one goes first.
        renamed = any(change.field in self.kind.identity for change in changes)
        return Plan(changes, replaces, delete_first=bool(replaces) and not renamed)

    def secrets(self, values: Mapping[str, Any]) -> frozenset[Path]:
        """Places in what somebody said that are secret, marked or not."""
        return frozenset(self.kind.always_secret(values))

    def secrets_found(self, values: Mapping[str, Any]) -> frozenset[Path]:
        """Those in an object as it is, which may have what no program said."""
        return self.secrets(values).union(self.kind.credentials(values))

    def reasons(self, replaces: Collection[Change]) -> str:
        """Why changes replace the object, and how, for the user."""
        told = [
            f"{field}: {self.kind.replaced_by.get(field, 'it is what the object is known by')}"
            for field in sorted({change.field for change in replaces})
        ]
        return f"is replaced, since it can't be changed in place: {'; '.join(told)}"

    def preview_create(self, new: Mapping[str, Any]) -> dict[str, Any]:
        return {**dict.fromkeys(self.kind.outputs.model_fields, UNKNOWN), **new}

    def preview_update(self, state: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        parsed = self._known(new)
        known = self.kind.planned(state, parsed) if parsed is not None else {}
        return {**dict.fromkeys(self.kind.outputs.model_fields, UNKNOWN), **known, **new}

    async def create(self, session: Session, new: Mapping[str, Any]) -> Live[I]:
        return await self.kind.create(session, self._parse(new))

    async def read(
        self, session: Session, id_: str, known: Mapping[str, Any], state: Mapping[str, Any]
    ) -> Live[I] | None:
        # On import there is nothing but the id. Inputs may be empty otherwise, too: when all of them are as by default.
        declared = self._known(known) if known or state else None
        try:
            live = await self.kind.read(session, id_, declared, state)
        except ValidationError as error:
            raise Rejected(f"{id_}: the server has something that this provider can't say: {_told(error)}") from error
        if live is None or declared is None:
            return live
        theirs = {name: getattr(declared, name) for name, owner in declared.held().items() if owner == "ui"}
        return dataclasses.replace(live, inputs=live.inputs.model_copy(update=theirs))

    async def update(self, session: Session, id_: str, state: Mapping[str, Any], new: Mapping[str, Any]) -> Live[I]:
        old, wanted = self._from_state(state), self._parse(new)
        theirs = {name for name in wanted.held() if not wanted.ours(name)}
        if theirs & self.kind.written_along:
            # The state needn't have what people made of it, and that is about to be written along with the rest.
            session.api.relist()
            live = await self.kind.read(session, id_, old, state)
            if live is not None:
                old = old.model_copy(update={name: getattr(live.inputs, name) for name in theirs})
        return await self.kind.update(session, id_, old, wanted.with_theirs(old), state)

    async def delete(self, session: Session, id_: str, state: Mapping[str, Any]) -> None:
        await self.kind.delete(session, id_, self._from_state(state), state)

    def _owners(self, before: I | None, new: I) -> Iterator[Failure]:
        del before
        if "owners" not in self.kind.inputs.model_fields:
            return
        may = self.kind.inputs.model_fields.keys() - self.kind.incomparable - {*self.kind.identity}
        for name in cast(Any, new).owners:
            if name not in may:
                reason = f"has no owner of its own; there are: {', '.join(sorted(may))}"
                yield Failure(("owners", name), reason)

    def _parse(self, values: Mapping[str, Any]) -> I:
        return self.kind.inputs.model_validate(values)

    def _known(self, values: Mapping[str, Any]) -> I | None:
        """None where values are missing, still unknown, or were written by an older version of the kind."""
        try:
            return self._parse(values)
        except ValidationError:
            return None

    def _from_state(self, state: Mapping[str, Any]) -> I:
        """Raises: StaleState: it was written by a version of the provider to which the kind was another."""
        inputs, outputs = self.kind.inputs, self.kind.outputs
        try:
            outputs.model_validate({key: state[key] for key in outputs.model_fields if key in state})
            return inputs.model_validate({key: state[key] for key in inputs.model_fields if key in state})
        except ValidationError as error:
            raise StaleState(self.kind.token, _told(error)) from error


@cache
def _lenient(inputs: type[I], names: frozenset[str]) -> type[I]:
    """The same inputs, but that those of these names may be left out."""
    fields: dict[str, Any] = dict.fromkeys(names, (Any, None))
    return create_model(inputs.__name__, __base__=inputs, **fields)


class _NotKnownYet(Exception):  # noqa: N818  # not an error: the end of what can be told
    """A rule asked for an input that is unknown, or wrong."""


@dataclass(frozen=True)
class _Without:
    """Inputs as a kind's rules see them, but for those that are unknown or wrong: what stands in proves nothing."""

    _inputs: Any
    _missing: Collection[str]

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise _NotKnownYet(name)
        return getattr(self._inputs, name)


def _told(error: ValidationError) -> str:
    """Places and reasons, without values: they may be secrets."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{render(item['loc'])}: {item['msg']}" for item in items)


def _owners_of(values: Mapping[str, Any]) -> Mapping[str, Any]:
    owners = values.get("owners")
    return owners if isinstance(owners, Mapping) else {}
