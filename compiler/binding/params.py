"""Values for a spec's parameters: texts from the command line, checked and turned into what the spec declares."""

from __future__ import annotations

from collections.abc import Mapping

from ..diagnostics import did_you_mean
from ..spec import Param

Value = str | int | float | bool
_BOOLS = {"true": True, "false": False}


class ParamError(Exception):
    """A parameter's value doesn't fit; ``help`` says what would."""

    def __init__(self, message: str, help: str | None = None) -> None:  # noqa: A002 - the word of the diagnostics
        super().__init__(message)
        self.message = message
        self.help = help


def bind_params(declared: Mapping[str, Param], given: Mapping[str, str], *, complete: bool = True) -> dict[str, Value]:
    """Return a value for every parameter: the one given, else its default.

    Args:
        declared: the plan's parameters.
        given: values as texts.
        complete: whether a parameter that has neither is an error; without it, it is left out.

    Raises:
        ParamError: for an unknown name, a value of the wrong type, one that is not among the choices, or a missing one.
    """
    for name in given:
        if name not in declared:
            raise ParamError(f"there is no parameter {name}", did_you_mean(name, declared) or "the spec declares none")
    bound = {name: _value(name, param, given[name]) for name, param in declared.items() if name in given}
    defaults = {name: param.default for name, param in declared.items() if name not in given and param.default is not None}
    missing = sorted(set(declared) - set(bound) - set(defaults))
    if missing and complete:
        name = missing[0]
        about = declared[name].help
        raise ParamError(
            f"the parameter {name} has no value", f"give one: --set {name}={declared[name].type}{f' ({about})' if about else ''}"
        )
    return {name: {**defaults, **bound}[name] for name in declared if name in bound or name in defaults}


def _value(name: str, param: Param, text: str) -> Value:
    try:
        value = _parse(param.type, text)
    except (ValueError, KeyError):
        raise ParamError(f"{name}={text} is no {param.type}", _example(param)) from None
    if param.choices and value not in param.choices:
        raise ParamError(f"{name}={text} is not among its choices", did_you_mean(text, map(str, param.choices)))
    return value


def _parse(kind: str, text: str) -> Value:
    match kind:
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "bool":
            return _BOOLS[text.lower()]
        case _:
            return text


def _example(param: Param) -> str:
    return {"int": "write a whole number", "float": "write a number", "bool": "write true or false"}.get(param.type, "write a text")
