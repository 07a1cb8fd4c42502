"""Exceptions of user code as JSON: described where they are raised, made again where they are caught. No pickle is involved.

::

    {"type": "module:Name", "args": […], "state": {…}, "text": str(error), "place": "raised at file:line in function",
     "cause": {…}, "lost": why it can't be made again}

Kept are the type, the arguments and attributes as far as `exception_values` can write them, notes, the ``__cause__`` and
the members of an exception group. No ``__init__`` of user code is called to make one again: arguments and attributes are put
back as Python's own ``BaseException.__reduce__`` names them.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from . import exception_values as values
from .exception_values import Find, Unfit, reference
from .failures import CallableError, DarnerError, Failure
from .ports import Json

MOST = 256 * 1024
"""Characters of JSON that one exception may come to, its causes included."""
DEEPEST = 24
"""Causes and members of groups, one inside the other."""
TEXT = 4096
"""Characters of what an exception says that are shown, and are kept where the exception itself can't be."""


def describe(error: BaseException, find: Find, house: str = "") -> Json:
    """Return an exception as JSON; it never fails, whatever the exception's own code does.

    Args:
        error: what was raised.
        find: returns what ``module:Name`` stands for; raises where that is nothing.
        house: the folder whose files are no place of the user's.
    """
    told = _Telling(find, house).tell(error)
    if _size(told) > MOST:
        return {**_shell(error, house), "lost": f"it carries more than {MOST >> 10} KiB, which is the most that is kept of an exception"}
    return told


def said(error: BaseException) -> str:
    """Return an exception's text, whatever its own ``__str__`` does; what is longer than a person reads is cut off."""
    try:
        text = str(error)
        return text if len(text) <= TEXT else f"{text[:TEXT]}… ({len(text):,} characters)"
    except Exception as broken:  # noqa: BLE001 - it is the user's code
        return f"(its __str__ raised {type(broken).__name__})"


def place_of(error: BaseException, house: str = "") -> str | None:
    """Return the innermost place of an exception, outside the house where there is one, as ``raised at file:line in function``."""
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    outside = [one for one in frames if not (house and one[0].co_filename.startswith(house)) and not one[0].co_filename.startswith("<")]
    if not frames:
        return None
    code, line = (outside or frames)[-1]
    return f"raised at {code.co_filename}:{line} in {code.co_name}"


def mapped(told: Json, change: Callable[[str], str]) -> Json:
    """Return an exception as JSON with every text in it changed: secrets masked, for one."""
    if isinstance(told, str):
        return change(told)
    if isinstance(told, list):
        return [mapped(one, change) for one in told]
    if isinstance(told, dict):
        return {key: one if key == "type" else mapped(one, change) for key, one in told.items()}
    return told


def _size(told: Json) -> int:
    return len(json.dumps(told))


def _shell(error: BaseException, house: str) -> dict[str, Json]:
    told: dict[str, Json] = {"type": reference(type(error)), "text": said(error)[:TEXT]}
    place = place_of(error, house)
    return told if place is None else {**told, "place": place}


@dataclass
class _Telling:
    find: Find
    house: str
    _above: list[BaseException] = field(default_factory=list)

    def tell(self, error: BaseException) -> Json:
        told = _shell(error, self.house)
        if len(self._above) >= DEEPEST or any(one is error for one in self._above):
            return {**told, "lost": "it is one of too many causes"}
        self._above.append(error)
        try:
            return {**told, **self._content(error), **self._cause(error)}
        except Exception as broken:  # noqa: BLE001 - an exception's own code may raise anything
            return {**told, "lost": f"it can't be written down ({type(broken).__name__})", **self._cause(error)}
        finally:
            self._above.pop()

    def _cause(self, error: BaseException) -> dict[str, Json]:
        return {} if error.__cause__ is None else {"cause": self.tell(error.__cause__)}

    def _content(self, error: BaseException) -> dict[str, Json]:
        lost = _why_lost(type(error), self.find)
        if lost is not None:
            return {"lost": lost}
        if isinstance(error, ValidationError):
            return {"title": error.title, "errors": self._write([{**one} for one in error.errors(include_url=False)])}
        args, state = _reduced(error)
        missing = [f"argument {index}" for index, one in enumerate(args, 1) if not self._fits(one)]
        missing += [name for name, one in state.items() if not self._fits(one)]
        kept = {name: self._write(one) for name, one in state.items() if self._fits(one)}
        found: dict[str, Json] = {"args": [self._write(one) for one in args]}
        return found | ({"state": kept} if kept else {}) | ({"missing": missing} if missing else {})

    def _fits(self, value: Any) -> bool:
        return values.fits(value, self.find)

    def _write(self, value: Any) -> Json:
        return values.write(value, self.find, self.tell)


def _why_lost(kind: type[BaseException], find: Find) -> str | None:
    if not issubclass(kind, Exception):
        return "it is no Exception: it ends processes or tasks, and is raised in none but its own"
    if kind.__module__ == "__main__":
        return f"{kind.__qualname__} is defined in __main__, which is another module elsewhere: define it in a module"
    try:
        return None if find(reference(kind)) is kind else f"another class is {reference(kind)} now"
    except Exception:  # noqa: BLE001 - whatever importing it raises
        return f"{reference(kind)} can't be imported: define it at the top of a module"


def _reduced(error: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments and the attributes from which Python itself would make an exception again."""
    reduce: Any = values.built_in(type(error), "__reduce__")
    _, args, *more = reduce(error)
    state = more[0] if more and isinstance(more[0], Mapping) else {}
    return tuple(args), {str(name): value for name, value in state.items()}


@dataclass(frozen=True, slots=True)
class Making:
    """Makes exceptions again. ``find`` returns what ``module:Name`` stands for."""

    find: Find

    def make(self, told: Json) -> Exception:
        """Return an exception as it was described.

        Raises:
            Unfit: it can't be made again; the text says why.
        """
        if "lost" in told:
            raise Unfit(told["lost"])
        kind = self._kind(told["type"])
        try:
            made = _validation_error(told, self._read) if kind is ValidationError else self._made(kind, told)
        except Unfit:
            raise
        except Exception as error:
            raise Unfit(f"{told['type']} can't be made again: {type(error).__name__}: {said(error)}") from error
        self._note(made, told)
        if told.get("cause") is not None:
            object.__setattr__(made, "__cause__", self.stand_in(told["cause"]))
        return made

    def stand_in(self, told: Json) -> Exception:
        """Return an exception as it was described, or a `CallableError` that says what it was, and why it isn't that."""
        try:
            return self.make(told)
        except Unfit as unfit:
            name = told["type"].partition(":")[2]
            made = CallableError(f"{name}: {told['text']}", type_name=name, help=_help(told, unfit))
            if told.get("cause") is not None:
                made.__cause__ = self.stand_in(told["cause"])
            return made

    def _kind(self, ref: str) -> type[Exception]:
        try:
            kind = self.find(ref)
        except Exception as error:
            raise Unfit(f"{ref} can't be imported now") from error
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise Unfit(f"{ref} is no class of exceptions")
        return kind

    def _made(self, kind: type[Exception], told: Json) -> Exception:
        args = tuple(map(self._read, told.get("args", ())))
        new: Any = values.built_in(kind, "__new__")
        begin: Any = values.built_in(kind, "__init__")
        error: Exception = new(kind, *args)
        begin(error, *args)
        for name, value in told.get("state", {}).items():
            _put(error, name, self._read(value))
        return error

    def _note(self, error: Exception, told: Json) -> None:
        missing, place = told.get("missing"), told.get("place")
        notes = [f"not JSON, so kept as text or not at all: {', '.join(missing)}"] if missing else []
        notes += [place] if place else []
        known = vars(error).get("__notes__")
        if notes and (known is None or isinstance(known, list)):
            vars(error)["__notes__"] = [*(known or ()), *notes]

    def _read(self, value: Json) -> Any:
        return values.read(value, self.find, self.stand_in)


def _put(error: BaseException, name: str, value: Any) -> None:
    """Set an attribute past the code of its class; those that C keeps are no entries of ``__dict__``."""
    if values.is_kept_in_c(type(error), name):
        object.__setattr__(error, name, value)
    else:
        vars(error)[name] = value


def _validation_error(told: Json, read: Callable[[Json], Any]) -> Exception:
    lines = [_line_error(one) for one in read(told["errors"])]
    made = ValidationError.from_exception_data(told["title"], lines)
    made.args = ()  # as of one that was raised by a validator
    return made


def _line_error(one: dict[str, Any]) -> InitErrorDetails:
    ctx = one.get("ctx", {})
    try:
        PydanticKnownError(one["type"], ctx)
    except (KeyError, TypeError):  # a user's own kind of error
        kind = PydanticCustomError(one["type"], one["msg"].replace("{", "{{"), ctx)
        return InitErrorDetails(type=kind, loc=tuple(one["loc"]), input=one.get("input"))
    return InitErrorDetails(type=one["type"], loc=tuple(one["loc"]), input=one.get("input"), ctx=ctx)


def _help(told: Json, unfit: Unfit) -> str:
    place = told.get("place")
    return f"{unfit}; {place}" if place else str(unfit)


def describe_failure(error: BaseException, find: Find, house: str = "") -> Json:
    """Return what a child raised, for its parent: our own kinds by name, anything else as a `CallableError` of its own type."""
    if not isinstance(error, DarnerError):
        told = describe(error, find, house)
        return {
            "kind": CallableError.__name__,
            "type": type(error).__name__,
            "message": _words(error),
            "help": told.get("place"),
            "raised": told,
        }
    type_name = error.type_name if isinstance(error, Failure) else type(error).__name__
    more = {"retry_after": error.retry_after, "raised": error.raised} if isinstance(error, Failure) else {}
    return {"kind": _ours(type(error)).__name__, "type": type_name, "message": error.message, "help": error.help, **more}


def _ours(kind: type[DarnerError]) -> type[DarnerError]:
    """Return the nearest class of `failures`: a user's own class may be derived from one."""
    return next(base for base in kind.__mro__ if base.__module__ == DarnerError.__module__)


def _words(error: BaseException) -> str:
    return f"sys.exit({error.code!r}) was called" if isinstance(error, SystemExit) else f"{type(error).__name__}: {said(error)}"
