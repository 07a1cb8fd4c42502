"""Python annotations, read as the compiler's types."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic

from ...compiler.types import (
    NONE,
    AnyType,
    ArrowType,
    CallType,
    DictType,
    FieldType,
    ListType,
    LiteralType,
    MissingType,
    OpaqueType,
    Record,
    RecordType,
    ScalarType,
    Type,
    UnionType,
    VerdictType,
)
from .. import language

SCALARS: Mapping[Any, Type] = {
    str: ScalarType(name="str"),
    int: ScalarType(name="int"),
    float: ScalarType(name="float"),
    bool: ScalarType(name="bool"),
    bytes: ScalarType(name="bytes"),
    dt.datetime: ScalarType(name="datetime"),
    dt.date: ScalarType(name="date"),
    decimal.Decimal: ScalarType(name="decimal"),
    None: NONE,
    type(None): NONE,
    Any: AnyType(),
    object: AnyType(),
    list: ListType(item=AnyType()),
    set: ListType(item=AnyType()),
    frozenset: ListType(item=AnyType()),
    tuple: ListType(item=AnyType()),
    dict: DictType(value=AnyType()),
}
_VERDICTS = {language.Continue: "Continue", language.Stop: "Stop", language.Bail: "Bail"}
_WRAPPERS = frozenset({typing.Required, typing.NotRequired, typing.ClassVar, typing.Final})


def name_of(found: Any) -> str:
    """Return the ``module:qualname`` of a class or function, as a spec would name it."""
    return f"{found.__module__}:{found.__qualname__}"


def is_personal(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    """Return whether a field is marked ``Personal``."""
    marks = [*metadata, *getattr(annotation, "__metadata__", ())]
    return language.PersonalMark in marks


def hints_of(found: Any, namespace: Any = None) -> dict[str, Any]:
    """Return the evaluated annotations of a function or class; one that can't be evaluated stays a text."""
    source = found if namespace is None else namespace
    try:
        return typing.get_type_hints(source, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is user code and may raise anything
        return {name: _evaluate(value, source) for name, value in getattr(source, "__annotations__", {}).items()}


def _evaluate(annotation: Any, owner: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation

    def holder() -> None: ...

    holder.__annotations__ = {"value": annotation}
    try:
        return typing.get_type_hints(holder, getattr(owner, "__globals__", {}), include_extras=True)["value"]
    except Exception:  # noqa: BLE001 - likewise
        return annotation


@dataclass
class Reader:
    """Reads annotations; ``records`` fills with every record type that they name."""

    records: dict[str, Record] = field(default_factory=dict)

    def read(self, annotation: Any) -> Type:
        """Return the type that an annotation means."""
        try:
            if annotation in SCALARS:
                return SCALARS[annotation]
        except TypeError:  # an annotation that can't be hashed
            pass
        if isinstance(annotation, str):
            return OpaqueType(name=annotation)
        origin = typing.get_origin(annotation)
        if origin is not None:
            return self._generic(annotation, origin)
        if isinstance(annotation, type):
            return self._class(annotation)
        return self._special(annotation)

    def _special(self, annotation: Any) -> Type:
        if isinstance(annotation, typing.NewType):
            return self.read(annotation.__supertype__)
        if isinstance(annotation, typing.TypeVar):
            return self.read(annotation.__bound__ or Any)
        if hasattr(annotation, "__value__"):
            return self.read(annotation.__value__)
        return OpaqueType(name=str(annotation).removeprefix("typing."))

    def _generic(self, annotation: Any, origin: Any) -> Type:
        arguments = typing.get_args(annotation)
        if origin is typing.Annotated:
            marked = language.GeneratedCode in annotation.__metadata__
            return ScalarType(name="code") if marked and arguments[0] is str else self.read(arguments[0])
        if origin in (typing.Union, types.UnionType):
            return self._union(arguments)
        if origin is typing.Literal:
            return self._literal(arguments)
        if origin in _WRAPPERS:
            return self.read(arguments[0])
        return self._word(origin, arguments) or self._container(annotation, origin, arguments)

    def _word(self, origin: Any, arguments: tuple[Any, ...]) -> Type | None:
        if origin is language.Call:
            taken = None if arguments[0] is ... else self.read(arguments[0])
            return CallType(input=taken, output=self.read(arguments[1]))
        if origin is language.Ask:
            return CallType(ask=True, output=self.read(arguments[0]))
        if origin in _VERDICTS:
            return VerdictType.model_validate({"name": _VERDICTS[origin], "state": self.read(arguments[0])})
        return None

    def _container(self, annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Type:
        if not isinstance(origin, type):
            return OpaqueType(name=str(annotation))
        if origin is tuple and arguments[1:] and arguments[1] is not ...:
            return ListType(item=self._union(arguments))
        if issubclass(origin, Mapping):
            return DictType(value=self.read(arguments[1]))
        if issubclass(origin, list | set | frozenset | tuple) or origin.__name__ in {"Sequence", "Iterable", "Collection", "Set"}:
            return ListType(item=self.read(arguments[0]))
        return self._class(annotation if isinstance(annotation, type) else origin)

    def _union(self, arguments: tuple[Any, ...]) -> Type:
        options: dict[Type, None] = {}
        for argument in arguments:
            read = self.read(argument)
            options.update(dict.fromkeys(read.options if isinstance(read, UnionType) else (read,)))
        return next(iter(options)) if len(options) == 1 else UnionType(options=tuple(options))

    def _literal(self, values: tuple[Any, ...]) -> Type:
        plain = tuple(value for value in values if isinstance(value, str | int | bool) and not isinstance(value, enum.Enum))
        members = tuple(value.value for value in values if isinstance(value, enum.Enum))
        literal = LiteralType(values=plain + members)
        return UnionType(options=(literal, NONE)) if None in values else literal

    def _class(self, found: type) -> Type:  # noqa: PLR0911 - one return a kind
        if found in _VERDICTS:
            return VerdictType.model_validate({"name": _VERDICTS[found]})
        if found in (language.Call, language.Ask):
            return CallType(ask=found is language.Ask, output=AnyType())
        if issubclass(found, enum.Enum):
            return self._enum(found)
        if found.__name__ == "RecordBatch" and found.__module__.startswith("pyarrow"):
            return ArrowType()
        if self._is_record(found):
            return self._record(found)
        for scalar in (str, bool, int, float):
            if issubclass(found, scalar):
                return SCALARS[scalar]
        return OpaqueType(name=found.__qualname__)

    def _enum(self, found: type[enum.Enum]) -> Type:
        values = tuple(member.value for member in found)
        if all(isinstance(value, str | int | bool) for value in values):
            return LiteralType(values=values, enum=name_of(found))
        return OpaqueType(name=found.__qualname__)

    @staticmethod
    def _is_record(found: type) -> bool:
        return issubclass(found, pydantic.BaseModel) or dataclasses.is_dataclass(found) or typing.is_typeddict(found)

    def _record(self, found: type) -> Type:
        ref = name_of(found)
        if ref not in self.records:
            style: Any = "pydantic" if issubclass(found, pydantic.BaseModel) else "dataclass"
            style = "typeddict" if typing.is_typeddict(found) else style
            self.records[ref] = Record(ref=ref, style=style, fields=())  # stands while its own fields are read
            self.records[ref] = Record(ref=ref, style=style, fields=tuple(self._fields(found)))
        return RecordType(ref=ref)

    def _fields(self, found: Any) -> Iterable[FieldType]:
        if issubclass(found, pydantic.BaseModel):
            for name, info in found.model_fields.items():
                code = language.GeneratedCode in info.metadata
                type_ = ScalarType(name="code") if code else self.read(info.annotation)
                personal = is_personal(info.annotation, info.metadata)
                yield FieldType(name=name, type=type_, required=info.is_required(), personal=personal)
            return
        hints = hints_of(found)
        if typing.is_typeddict(found):
            required: frozenset[str] = getattr(found, "__required_keys__", frozenset())
            yield from (self._field(name, hint, required=name in required) for name, hint in hints.items())
            return
        for one in dataclasses.fields(found):
            bare = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
            yield self._field(one.name, hints.get(one.name, one.type), required=bare)

    def _field(self, name: str, hint: Any, *, required: bool) -> FieldType:
        return FieldType(name=name, type=self.read(hint), required=required, personal=is_personal(hint))


MISSING = MissingType()
