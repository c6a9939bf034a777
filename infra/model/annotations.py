"""Types and default values from source text, made of well-known types only. What is not known is `Any`.

Prefect imports a flow's file and asks its real types for a schema. Here the same types are put together from the syntax
tree, so that pydantic gives the same schema for all that is common and nothing of the file runs.
"""

from __future__ import annotations

import ast
import enum
import types
import typing
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pydantic
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from infra.model.source import Module

_MODULES = {
    "builtins": "builtins",
    "typing": "typing",
    "typing_extensions": "typing_extensions",
    "collections": "collections",
    "collections.abc": "collections.abc",
    "datetime": "datetime",
    "decimal": "decimal",
    "enum": "enum",
    "ipaddress": "ipaddress",
    "pathlib": "pathlib",
    "uuid": "uuid",
    "annotated_types": "annotated_types",
    "pydantic": "pydantic",
    "pydantic.fields": "pydantic.fields",
    "pydantic.types": "pydantic.types",
}
"""Whose names are taken as they are: harmless to import, and their objects harmless to make."""

_VALUES = frozenset(
    {
        "builtins.bool",
        "builtins.dict",
        "builtins.float",
        "builtins.frozenset",
        "builtins.int",
        "builtins.list",
        "builtins.range",
        "builtins.set",
        "builtins.str",
        "builtins.tuple",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "decimal.Decimal",
        "pathlib.Path",
        "pydantic.Field",
        "pydantic.SecretStr",
        "pydantic.fields.Field",
        "uuid.UUID",
    }
)
"""What may be called to make a default."""

_WRONG = (TypeError, ValueError, ArithmeticError, AttributeError, KeyError, IndexError, PydanticUserError)


class Unknown(Exception):  # noqa: N818  # no fault of anybody
    """A value that only running the file would tell."""


@dataclass(eq=False)
class Annotations:
    """The types and values of one module."""

    module: Module
    _classes: dict[str, Any] = field(default_factory=dict)

    def type_of(self, node: ast.expr | None) -> Any:
        try:
            return self._type(node) if node is not None else Any
        except RecursionError:
            return Any

    def value_of(self, node: ast.expr) -> Any:
        """Raises Unknown."""
        try:
            return self._value(node)
        except (*_WRONG, RecursionError) as error:
            raise Unknown from error

    def default_of(self, node: ast.expr) -> Any:
        """The value, or a field that has a default which a schema doesn't tell."""
        try:
            return self.value_of(node)
        except Unknown:
            return unknown_default()

    def _type(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=None):
                return None
            case ast.Constant(value=str(text)):
                return self._quoted(text)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self._union([left, right])
            case ast.Subscript(value=base, slice=arguments):
                return self._generic(base, arguments)
            case ast.Name() | ast.Attribute():
                return self._named(node)
        return Any

    def _quoted(self, text: str) -> Any:
        try:
            return self._type(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError):
            return Any

    def _named(self, node: ast.Name | ast.Attribute) -> Any:
        name = self.module.dotted(node)
        if name is None:
            return Any
        if name in self.module.classes:
            return self._local_class(name)
        if name in self.module.values:
            return self._alias(name)
        found = _standard(name)
        return found if _is_type(found) else Any

    def _alias(self, name: str) -> Any:
        if name in self._classes:
            return self._classes[name]
        self._classes[name] = Any  # in case it refers to itself
        self._classes[name] = self._type(self.module.values[name])
        return self._classes[name]

    def _generic(self, base: ast.expr, arguments: ast.expr) -> Any:
        name = self.module.dotted(base) or ""
        items = arguments.elts if isinstance(arguments, ast.Tuple) else [arguments]
        short = name.rpartition(".")[2] if name.startswith(("typing.", "typing_extensions.")) else ""
        try:
            match short:
                case "Literal":
                    return typing.Literal[tuple(self._value(item) for item in items)]
                case "Annotated":
                    return self._annotated(items)
                case "Optional":
                    return self._union([*items, ast.Constant(None)])
                case "Union":
                    return self._union(items)
            of: Any = self._named(base) if isinstance(base, (ast.Name, ast.Attribute)) else Any
            if of is Any:
                return Any
            inner = tuple(self._argument(item) for item in items)
            return of[inner if isinstance(arguments, ast.Tuple) else inner[0]]
        except (*_WRONG, Unknown):
            return Any

    def _argument(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value) if value is ...:
                return ...
            case ast.List(elts=elements):
                return [self._type(element) for element in elements]
            case ast.Tuple(elts=[]):
                return ()
        return self._type(node)

    def _union(self, nodes: list[ast.expr]) -> Any:
        members = tuple(self._type(node) for node in nodes)
        try:
            return typing.Union[members]  # noqa: UP007  # of a tuple
        except TypeError:
            return Any

    def _annotated(self, items: list[ast.expr]) -> Any:
        of = self._type(items[0])
        extras = []
        for item in items[1:]:
            try:
                extras.append(self._value(item))
            except (*_WRONG, Unknown):
                continue
        return typing.Annotated[(of, *extras)] if extras else of

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name) if name in self.module.values:
                return self._value(self.module.values[name])
            case ast.Attribute(value=ast.Name(id=owner), attr=member) if owner in self.module.classes:
                built = self._local_class(owner)
                if isinstance(built, type) and issubclass(built, enum.Enum):
                    return built[member]
                raise Unknown
            case ast.Call(func=called, args=positional, keywords=keywords):
                return self._call(called, positional, keywords)
            case ast.List(elts=elements):
                return [self._value(element) for element in elements]
            case ast.Tuple(elts=elements):
                return tuple(self._value(element) for element in elements)
            case ast.Set(elts=elements):
                return {self._value(element) for element in elements}
            case ast.Dict(keys=keys, values=values):
                return {self._value(k): self._value(v) for k, v in zip(keys, values, strict=True) if k is not None}
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
            raise Unknown from error

    def _call(self, called: ast.expr, positional: list[ast.expr], keywords: list[ast.keyword]) -> Any:
        name = self.module.dotted(called) or ""
        if name not in _VALUES and not name.startswith("annotated_types."):
            raise Unknown
        named = {}
        for keyword in keywords:
            if keyword.arg is None:
                raise Unknown
            if keyword.arg == "default_factory":
                named[keyword.arg] = _nothing
                continue
            try:
                named[keyword.arg] = self._value(keyword.value)
            except Unknown:
                if not name.endswith("Field"):
                    raise
        make = _standard(name)
        return make(*(self._value(argument) for argument in positional), **named)

    def _local_class(self, name: str) -> Any:
        """An enum or pydantic model of the file, rebuilt; any other class stands for anything."""
        if name in self._classes:
            return self._classes[name]
        self._classes[name] = Any  # in case it refers to itself
        try:
            self._classes[name] = self._build(self.module.classes[name])
        except (*_WRONG, Unknown):
            pass
        return self._classes[name]

    def _build(self, definition: ast.ClassDef) -> Any:
        bases = [self._base(base) for base in definition.bases]
        if any(isinstance(base, type) and issubclass(base, enum.Enum) for base in bases):
            return self._enum(definition, bases)
        if len(bases) == 1 and isinstance(bases[0], type) and issubclass(bases[0], pydantic.BaseModel):
            return self._model(definition, bases[0])
        return Any

    def _base(self, node: ast.expr) -> Any:
        name = self.module.dotted(node) or ""
        return self._local_class(name) if name in self.module.classes else _standard(name)

    def _enum(self, definition: ast.ClassDef, bases: list[Any]) -> Any:
        members: dict[str, Any] = {}
        for statement in definition.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                if isinstance(statement.value, ast.Call) and (self.module.dotted(statement.value.func) == "enum.auto"):
                    members[statement.targets[0].id] = enum.auto()
                else:
                    members[statement.targets[0].id] = self._value(statement.value)
        namespace = enum.EnumType.__prepare__(definition.name, tuple(bases))
        for member, value in members.items():
            namespace[member] = value
        if (docstring := ast.get_docstring(definition, clean=False)) is not None:
            namespace["__doc__"] = docstring
        return enum.EnumType(definition.name, tuple(bases), namespace)

    def _model(self, definition: ast.ClassDef, base: type[pydantic.BaseModel]) -> Any:
        fields: dict[str, Any] = {}
        for statement in definition.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                default: Any = ...
                if statement.value is not None:
                    default = self.default_of(statement.value)
                fields[statement.target.id] = (self._type(statement.annotation), default)
        return pydantic.create_model(
            definition.name, __base__=base, __doc__=ast.get_docstring(definition, clean=False), **fields
        )


def _nothing() -> None:
    """The default that isn't known: there is one, and a schema doesn't say which."""


def unknown_default() -> FieldInfo:
    return typing.cast("FieldInfo", pydantic.Field(default_factory=_nothing))


def is_unknown_default(field: FieldInfo) -> bool:
    return field.default_factory is _nothing


def _standard(name: str) -> Any:
    owner, _, attribute = name.rpartition(".")
    if owner not in _MODULES or attribute.startswith("_"):
        return None
    return getattr(import_module(_MODULES[owner]), attribute, None)


def _is_type(found: object) -> bool:
    return (
        isinstance(found, (type, types.GenericAlias))
        or found is Any
        or type(found).__module__ in ("typing", "typing_extensions")
        or typing.get_origin(found) is typing.Annotated
    )
