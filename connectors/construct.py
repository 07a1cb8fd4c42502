"""Building a connector from the keys of a dataset's ``with``: unknown, missing and wrong ones are said plainly."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..compiler.diagnostics import did_you_mean
from .errors import ConnectorError
from .ports import Gettable, Readable, Scannable, Searchable, Upsertable

VERBS = (Readable, Upsertable, Scannable, Searchable, Gettable)


def construct(use: str, maker: Callable[..., object], with_: Mapping[str, Any], given: Mapping[str, Any]) -> object:
    """Return ``maker(**with_)`` plus those of ``given`` that its signature names; ConnectorError where they don't fit."""
    parameters = _parameters(use, maker)
    _refuse_unknown(use, parameters, with_, given)
    _refuse_missing(use, parameters, with_, given)
    asked = {name: value for name, value in given.items() if name in parameters}
    try:
        connector = maker(**with_, **asked)
    except ConnectorError:
        raise
    except (TypeError, ValueError) as error:
        msg = f"{use} can't be built: {error}"
        raise ConnectorError(msg, help=f"look at the dataset's `with`: {', '.join(_options(parameters, given))}") from error
    if not isinstance(connector, VERBS):
        msg = f"{use} gives no connector but {type(connector).__name__}, which has none of a connector's verbs"
        raise ConnectorError(msg, help=f"give it the methods of one of: {', '.join(verb.__name__ for verb in VERBS)}")
    return connector


def _parameters(use: str, maker: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(maker).parameters
    except (TypeError, ValueError) as error:
        msg = f"{use} doesn't say what arguments it takes"
        raise ConnectorError(msg, help="name a function or class of your own that gives a connector") from error


def _options(parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> list[str]:
    fixed = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, one in parameters.items() if one.kind in fixed and name not in given]


def _refuse_unknown(use: str, parameters: Mapping[str, inspect.Parameter], with_: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return
    known = _options(parameters, given)
    for name in with_:
        if name not in known:
            msg = f"{use} has no option {name!r} in `with`"
            raise ConnectorError(msg, help=did_you_mean(name, known) or "it takes no options")


def _refuse_missing(use: str, parameters: Mapping[str, inspect.Parameter], with_: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    required = [name for name in _options(parameters, given) if parameters[name].default is inspect.Parameter.empty]
    missing = [name for name in required if name not in with_]
    if missing:
        msg = f"{use} needs {', '.join(repr(name) for name in missing)} in `with`"
        raise ConnectorError(msg, help=f"write it in the dataset: `with: {{{missing[0]}: …}}`")
