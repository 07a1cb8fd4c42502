"""The arguments and attributes of exceptions as JSON: scalars, lists and dicts as they are, other plain types tagged.

``{"$": "tuple", "of": […]}`` stands for a tuple; likewise for sets, bytes, decimals, dates, UUIDs, paths, enumerations and
exceptions. Anything else is kept as its text, which is no longer the value: `fits` says so.
"""

from __future__ import annotations

import base64
import datetime as dt
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path, PosixPath, PurePath, PurePosixPath, WindowsPath
from typing import Any, TypeAlias

from .ports import Json

Find: TypeAlias = Callable[[str], Any]
"""Returns what ``module:Name`` stands for; raises where that is nothing."""
TAG = "$"
DEEPEST = 16
"""Lists and dicts, one inside the other."""
WIDEST = 10_000
"""Values that one argument may hold in all."""
SHORT = 200
"""Characters that are kept of what can't be written."""

_SCALARS = (str, int, float, bool, types.NoneType)
_LISTS: Mapping[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_TEXTS: Mapping[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "decimal": (Decimal, str, Decimal),
    "datetime": (dt.datetime, dt.datetime.isoformat, dt.datetime.fromisoformat),
    "date": (dt.date, dt.date.isoformat, dt.date.fromisoformat),
    "time": (dt.time, dt.time.isoformat, dt.time.fromisoformat),
    "path": (PosixPath, str, Path),
    "windows path": (WindowsPath, str, Path),
    "pure path": (PurePosixPath, str, PurePath),
    "bytes": (bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
}
_UUID = "uuid:UUID"
"""By name, since its module makes ids, too."""
_BUILT_IN = (types.BuiltinFunctionType, types.WrapperDescriptorType, types.MethodDescriptorType)
_KEPT_IN_C = (types.MemberDescriptorType, types.GetSetDescriptorType)


class Unfit(ValueError):
    """An exception can't be kept, or can't be made again; its text says why."""


def reference(kind: type) -> str:
    """Return a class as ``module:Name``."""
    return f"{kind.__module__}:{kind.__qualname__}"


def built_in(kind: type, name: str) -> Any:
    """Return the nearest method of a class that Python itself has written, past all that users' classes lay over it."""
    return next(found for base in kind.__mro__ if isinstance(found := vars(base).get(name), _BUILT_IN))


def is_kept_in_c(kind: type, name: str) -> bool:
    """Return whether an attribute has a place of its own in the instance, and none in its ``__dict__``."""
    return any(isinstance(vars(base).get(name), _KEPT_IN_C) for base in kind.__mro__)


def fits(value: Any, find: Find) -> bool:
    """Return whether `write` keeps a value, and `read` gives it back."""
    try:
        _Writer(find, None).write(value)
    except Unfit:
        return False
    return True


def write(value: Any, find: Find, tell: Callable[[BaseException], Json]) -> Json:
    """Return a value as JSON; what can't be kept as its text. ``tell`` describes exceptions among the values."""
    try:
        return _Writer(find, tell).write(value)
    except Unfit:
        return _shown(value)


def _shown(value: Any) -> str:
    try:
        return repr(value)[:SHORT]
    except Exception:  # noqa: BLE001 - it is the user's code
        return f"<{type(value).__qualname__}>"


class _Writer:
    """Writes one argument. Without ``tell`` it only finds out whether it can."""

    def __init__(self, find: Find, tell: Callable[[BaseException], Json] | None) -> None:
        self._find = find
        self._tell = tell
        self._left = WIDEST

    def write(self, value: Any, depth: int = 0) -> Json:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise Unfit
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is list:
            return [self.write(one, depth + 1) for one in value]
        if kind is dict:
            return self._write_dict(value, depth)
        if isinstance(value, BaseException):
            return {TAG: "exception", "of": None if self._tell is None else self._tell(value)}
        return self._write_tagged(kind, value, depth)

    def _write_dict(self, value: dict[Any, Any], depth: int) -> Json:
        if all(type(key) is str for key in value) and TAG not in value:
            return {key: self.write(one, depth + 1) for key, one in value.items()}
        pairs = [[self.write(key, depth + 1), self.write(one, depth + 1)] for key, one in value.items()]
        return {TAG: "dict", "of": pairs}

    def _write_tagged(self, kind: type, value: Any, depth: int) -> Json:
        if kind.__name__ in _LISTS and kind.__module__ == "builtins":
            return {TAG: kind.__name__, "of": [self.write(one, depth + 1) for one in value]}
        for tag, (known, to_text, _) in _TEXTS.items():
            if kind is known:
                return {TAG: tag, "of": to_text(value)}
        if reference(kind) == _UUID:
            return {TAG: "uuid", "of": str(value)}
        if kind is dt.timedelta:
            return {TAG: "timedelta", "of": [value.days, value.seconds, value.microseconds]}
        if isinstance(value, Enum) and self._is_found(kind):
            return {TAG: "enum", "type": reference(kind), "of": value.name}
        raise Unfit

    def _is_found(self, kind: type) -> bool:
        try:
            return self._find(reference(kind)) is kind
        except Exception:  # noqa: BLE001 - whatever importing it raises
            return False


def read(value: Json, find: Find, make: Callable[[Json], BaseException]) -> Any:
    """Return a value as it was written; ``make`` makes the exceptions among the values."""
    if isinstance(value, list):
        return [read(one, find, make) for one in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: read(one, find, make) for key, one in value.items()}
    return _read_tagged(value, find, make)


def _read_tagged(value: dict[str, Json], find: Find, make: Callable[[Json], BaseException]) -> Any:
    tag, of = value[TAG], value["of"]
    if tag in _LISTS:
        return _LISTS[tag]([read(one, find, make) for one in of])
    if tag in _TEXTS:
        return _TEXTS[tag][2](of)
    readers: dict[str, Callable[[], Any]] = {
        "exception": lambda: make(of),
        "enum": lambda: _member(find(value["type"]), of),
        "uuid": lambda: find(_UUID)(of),
        "dict": lambda: {read(key, find, make): read(one, find, make) for key, one in of},
        "timedelta": lambda: dt.timedelta(*of),
    }
    if tag not in readers:
        raise Unfit(f"this darner doesn't know values of the kind {tag}")
    return readers[tag]()


def _member(kind: Any, name: str) -> Any:
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        raise Unfit(f"{kind} is no enumeration now")
    return kind[name]
