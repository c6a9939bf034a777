"""What a kind of resource has to say for itself; `infra.provider.lifecycle` does the rest.

A kind is pure declaration and plain HTTP calls: it knows nothing of gRPC, of unknown values or of secrets' marks.
Its inputs have one name everywhere: in the stack file, in Python, on Pulumi's wire, in the state and in Prefect's API.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo

from infra import credential_forms
from infra.provider import diffing
from infra.provider.api import Api
from infra.provider.wire import Path

Owner = Literal["stack", "ui", "create-only"]
HOW_TO_ACT: Final = frozenset({"adopt", "owners"})


class Look(Protocol):
    """Asks in a hurry and once: GET of a path, or what a filter there lets through, where there is a body."""

    async def __call__(self, path: str, body: Mapping[str, Any] | None = None, /) -> Any:
        """Raises: ProviderError: there is no server, or none that answers at once."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What can be known besides the inputs when they are checked."""

    ask: Look
    owner: str
    """Of the stack, as a session has it."""
    declared: Mapping[str, Any]
    """Inputs of the stack's other objects, by kind and identity as `Kind.known_as` has it. Those that have been checked
    by now: what an object depends on is among them, and what it merely names need not be."""


def given_before(info: ValidationInfo) -> Mapping[str, Any] | None:
    """What the last `up` was given, where a validator looks at what this one is given.

    None where it looks at what exists: on a server that may take more than a stack should, or in a state. What takes
    a while to judge is judged when it is new, and never there.
    """
    return info.context["old"] if info.context else None


class Inputs(BaseModel):
    """The properties that a user sets, with Prefect's names and defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    def held(self) -> Mapping[str, Owner]:
        """Who may change a property, by its name, where that isn't the stack alone."""
        return {}

    def ours(self, name: str) -> bool:
        """Whether the stack may overwrite a property of an object that exists."""
        return self.held().get(name, "stack") == "stack"

    def with_theirs(self, there: Self) -> Self:
        """These inputs, but for what people own: that stays as an object has it which is there already."""
        return self.model_copy(update={name: getattr(there, name) for name in self.held() if not self.ours(name)})

    def canonical(self) -> dict[str, Any]:
        """Only what differs from the defaults: equal inputs have equal canonical forms."""
        # Not in the mode "json", which has no form for what is still unknown inside of a free-form input.
        return self.model_dump(exclude_defaults=True)

    def changed_from(self, old: Inputs) -> set[str]:
        """The names of the properties that are not as they were."""
        # Not by `==`, to which True is 1.
        return {change.field for change in diffing.diff(old.model_dump(), self.model_dump())}


class Adoptable(Inputs):
    """Inputs of a kind whose objects may be there already, made by somebody else."""

    adopt: bool = Field(
        default=False,
        description="Take over an object of the same identity that this stack did not make, and overwrite it.",
    )


class Shared(Inputs):
    """Inputs of a kind whose objects other people change as well."""

    owners: dict[str, Owner] = Field(
        default_factory=dict,
        description="Who may change a property, by its name: `stack` (the default); `ui`: written when the object is "
        "made, then left to people, and what they make of it is no drift; `create-only`: written when the object is "
        "made and never again, though a refresh takes note of edits. An object that is taken over was made already.",
    )

    def held(self) -> Mapping[str, Owner]:
        return self.owners


class AdoptableShared(Adoptable, Shared):
    """Inputs of the usual object on a server."""


class Outputs(BaseModel):
    """The properties that only the server knows."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Failure(NamedTuple):
    """Why an input can't be right, and what would be."""

    path: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class Session:
    """Where a kind acts, and in whose name.

    `owner` is `<project>/<stack>`: written on each object that has room for it, so that an `up` that was killed
    half-way finds its own objects again.
    """

    owner: str
    connect: Callable[[], Api] = field(repr=False)
    """Called by the kinds that live on a server only: the others need none."""
    successor: str | None = None
    """When an object is deleted since it is replaced: the id of the one that is there in its place already."""

    @property
    def api(self) -> Api:
        return self.connect()


I = TypeVar("I", bound=Inputs)  # noqa: E741  # the one type parameter of this family


@dataclass(frozen=True, kw_only=True)
class Live(Generic[I]):
    """An object as it is on the server: what could have been written to make it so, and what only it knows."""

    id: str
    inputs: I
    outputs: Outputs

    def state(self) -> dict[str, Any]:
        return {**self.inputs.canonical(), **self.outputs.model_dump(mode="json", exclude_none=True)}


class Kind(ABC, Generic[I]):
    """One kind of resource. Methods raise `infra.provider.errors.ProviderError`."""

    token: ClassVar[str]
    inputs: type[I]
    outputs: ClassVar[type[Outputs]]
    identity: ClassVar[tuple[str, ...]] = ()
    """Inputs by which the server tells objects apart: a change of one makes another object."""
    replaced_by: ClassVar[Mapping[str, str]] = {}
    """Inputs that can't be changed in place, each with the reason."""
    renamed_by: ClassVar[frozenset[str]] = frozenset()
    """Inputs of the identity that the server changes in place: the object stays the same, under another name."""
    compared_if_said: ClassVar[frozenset[str]] = frozenset()
    """Inputs that an import finds, and that a program which doesn't say them has no wish about."""
    written_along: ClassVar[frozenset[str]] = frozenset()
    """Inputs that a change of another one writes, too, since the API takes them together."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Properties that are secret even when the program didn't mark them."""
    seen_by_others: ClassVar[bool] = False
    """Whether checks of others look at what is declared."""
    looked_through: ClassVar[frozenset[str]] = frozenset()
    """Free-form properties in which an object that was found may have credentials that no program marked."""

    def always_secret(self, values: Mapping[str, Any]) -> Iterator[Path]:
        """Places that are secret whoever says what stands there."""
        del values
        for name in self.secrets:
            yield (name,)

    def credentials(self, values: Mapping[str, Any]) -> Iterator[Path]:
        """Where an object, as it is, has what looks like a credential."""
        for name in self.looked_through:
            yield from credential_forms.places(values.get(name), (name,))

    @property
    def incomparable(self) -> frozenset[str]:
        """Inputs that say how to act, not what to be."""
        return HOW_TO_ACT & self.inputs.model_fields.keys()

    def replacing(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
        """The inputs a change of which makes another object; `old` is the state, and anything may be unknown."""
        del old, new
        return frozenset({*self.identity, *self.replaced_by} - self.renamed_by)

    def compared(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """A state, or what is to become one, as it is held against the other: for what may be said in two ways."""
        return values

    def check(self, old: I | None, new: I) -> Iterator[Failure]:
        """Offline rules beyond the types; `old` is what the last `up` was given."""
        del old, new
        yield from ()

    @property
    def rules(self) -> tuple[Callable[[I | None, I], Iterator[Failure]], ...]:
        """What is judged one by one: a rule that asks for an input which is unknown, or wrong, ends there."""
        return (self.check,)

    async def check_on_server(self, sight: Sight, old: I | None, new: I) -> Iterable[Failure]:
        """Rules that a server has to be asked for, if there is one already: previews run before it was made, too.

        A failure here must be one for good: what the same `up` may put right is told when it is written.
        """
        del sight, old, new
        return ()

    @classmethod
    def known_as(cls, *identity: str) -> str:
        """By what the checks of others find inputs of this kind."""
        return " ".join((cls.token, *identity))

    def planned(self, old: Mapping[str, Any], new: I) -> dict[str, Any]:
        """The outputs that a preview can already tell for an update; the others are unknown."""
        del new
        return {key: old[key] for key in self.outputs.model_fields if key in old}

    @abstractmethod
    async def create(self, session: Session, new: I) -> Live[I]: ...

    @abstractmethod
    async def read(self, session: Session, id_: str, known: I | None, state: Mapping[str, Any]) -> Live[I] | None:
        """The object as it is, or None when it is gone.

        On import the id is all there is: `known` is None and `state` empty.
        """

    @abstractmethod
    async def update(self, session: Session, id_: str, old: I, new: I, state: Mapping[str, Any]) -> Live[I]:
        """Write what differs, and nothing else. `old` is the object as last seen, `state` has its outputs too."""

    @abstractmethod
    async def delete(self, session: Session, id_: str, old: I, state: Mapping[str, Any]) -> None:
        """Make it gone. That it was gone already is success."""


def owned(marks: Mapping[str, Any] | None, owner: str) -> bool:
    return bool(marks) and (marks or {}).get(OWNER_LABEL) == owner


OWNER_LABEL = "prefect-infra.stack"
