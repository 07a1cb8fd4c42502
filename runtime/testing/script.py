"""Scripts: what a model says, written as YAML instead of being thought.

::

    window: 8192                                # tokens: what is larger is refused, as providers do
    quota: 100000                               # tokens in all: after that there is no credit left
    replies:                                    # the first that fits is given
      - when: {text: "weather in (?P<city>[^?]+)"}
        call: {get_weather: {city: "{city}"}}   # several entries are calls in parallel
      - when: {result: get_weather}
        answer: {text: "It is {result.summary}."}   # typed output, however the agent asks for it
      - when: {turn: 3}
        fail: {status: 429, retry_after: 2}     # with `as_date: true`, Retry-After is an HTTP date
        times: 1                                # after that this reply is passed over
      - fail: {broken: truncated}               # or reset, torn, garbage, unfinished: see `Fail`
      - raw: '{"text": "never clo'              # said as it stands where typed output is asked for: no JSON at all
      - {text: a long answer, delay: 2, drip: 0.1}      # slow to begin, and slow from piece to piece

``when`` may name ``text`` (a regular expression, searched in the newest user text), ``turn`` (from 1: the number of this
request in its conversation), ``result`` (the tool whose result came last) and ``model``; all must fit. A reply says one of
``call``, ``answer``, ``raw``, ``text``, ``refuse`` and ``fail``. In texts, ``{name}`` is a group of the expression,
``{result.field}`` a part of the last tool result.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from ...compiler.frozen import Frozen
from ..failures import Refused

_SLOT = re.compile(r"\{([A-Za-z_][\w.]*)\}")


class When(Frozen):
    """What a request must look like."""

    text: str | None = None
    turn: int | None = None
    result: str | None = None
    model: str | None = None


class Fail(Frozen):
    """How a request fails: an HTTP status, or a broken answer. ``retry_after`` is in seconds, or sent as a date.

    ``reset``: the connection is reset before anything is said; ``torn``: in the middle of an answer. ``garbage``: 200, and half
    an object that nobody can read. ``truncated``: the connection ends in the middle of an answer. ``unfinished``: an answer that
    is well-formed for the transport, and stops in the middle (a stream without its finish). ``text`` is the answer that breaks off.
    """

    status: Annotated[int, Field(ge=400, le=599)] | None = None
    broken: Literal["reset", "torn", "garbage", "truncated", "unfinished"] | None = None
    retry_after: float | None = None
    as_date: bool = False
    message: str = "scripted failure"
    code: str | None = None
    text: str = "an answer that breaks off before its end is nothing that anybody should rely on"

    @model_validator(mode="after")
    def _one_way(self) -> Fail:
        if (self.status is None) == (self.broken is None):
            msg = "fail has either a status or `broken: reset`, `torn`, `garbage`, `truncated` or `unfinished`"
            raise ValueError(msg)
        return self


class Used(Frozen):
    """Tokens that a reply says it used; counted from its length where not written."""

    input: int | None = None
    output: int | None = None


class Reply(Frozen):
    """What is said when a request fits."""

    when: When = When()
    call: dict[str, dict[str, Any]] | tuple[dict[str, dict[str, Any]], ...] | None = None
    answer: Any = None
    raw: str | None = None
    text: str | None = None
    refuse: str | None = None
    fail: Fail | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    delay: Annotated[float, Field(ge=0)] = 0.0
    drip: Annotated[float, Field(ge=0)] = 0.0
    """Seconds between the pieces of a stream."""
    usage: Used = Used()

    @model_validator(mode="after")
    def _one_thing(self) -> Reply:
        said = [name for name in ("call", "answer", "text", "refuse", "fail", "raw") if getattr(self, name) is not None]
        if len(said) != 1:
            msg = f"a reply says one of call, answer, text, refuse, fail, raw; not {' and '.join(said) or 'nothing'}"
            raise ValueError(msg)
        return self

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the tools to call, in order, with their arguments."""
        groups = (self.call,) if isinstance(self.call, dict) else self.call or ()
        return [(name, arguments) for group in groups for name, arguments in group.items()]


class ScriptText(Frozen):
    """A script's file."""

    replies: tuple[Reply, ...] = Field(min_length=1)
    window: Annotated[int, Field(ge=1)] | None = None
    quota: Annotated[int, Field(ge=0)] | None = None


@dataclass(frozen=True)
class Asked:
    """A request, as a script sees it. ``result`` is the value of the newest tool result, ``tool`` its tool."""

    text: str = ""
    turn: int = 1
    tool: str | None = None
    result: Any = None
    model: str = ""


@dataclass
class Script:
    """Replies, and how often each was given. ``window`` and ``quota`` are in tokens, for a request and in all."""

    replies: Sequence[Reply]
    window: int | None = None
    quota: int | None = None
    _given: Counter[int] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def reply(self, asked: Asked) -> Reply | None:
        """Return the first reply that fits, with its slots filled in; None where none fits."""
        with self._lock:
            for number, reply in enumerate(self.replies):
                slots = _fits(reply.when, asked)
                if slots is not None and (reply.times is None or self._given[number] < reply.times):
                    self._given[number] += 1
                    return _filled(reply, {**slots, "result": asked.result})
        return None


def read(path: Path) -> Script:
    """Return the script in a file; `Refused` says what is wrong with it."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        msg = f"the script {path} can't be read: {error.strerror}"
        raise Refused(msg, help="its path is relative to the folder of darner.toml") from error


def parse(text: str, name: str = "script") -> Script:
    """Return the script that a text holds; `Refused` says what is wrong with it."""
    try:
        written = ScriptText.model_validate(yaml.safe_load(text))
        return Script(written.replies, written.window, written.quota)
    except yaml.YAMLError as error:
        raise Refused(f"{name} is no YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Refused(f"{name}: {place}: {first['msg']}", help="see darner.testing for what a script may say") from error


def _fits(when: When, asked: Asked) -> dict[str, Any] | None:
    for wanted, found in ((when.turn, asked.turn), (when.result, asked.tool), (when.model, asked.model)):
        if wanted is not None and wanted != found:
            return None
    if when.text is None:
        return {}
    match = re.search(when.text, asked.text, re.DOTALL)
    return None if match is None else match.groupdict()


def _filled(reply: Reply, slots: Mapping[str, Any]) -> Reply:
    changed = {name: _fill(getattr(reply, name), slots) for name in ("call", "answer", "raw", "text", "refuse")}
    return reply.model_copy(update=changed)


def _fill(value: Any, slots: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        whole = _SLOT.fullmatch(value)
        return _look(whole[1], slots, value) if whole else _SLOT.sub(lambda found: str(_look(found[1], slots, found[0])), value)
    if isinstance(value, Mapping):
        return {key: _fill(item, slots) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_fill(item, slots) for item in value)
    return value


def _look(path: str, slots: Mapping[str, Any], otherwise: str) -> Any:
    """Return what a dotted path leads to; the text itself where it leads nowhere, so that braces may be said."""
    found: Any = slots
    for part in path.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return otherwise
    return found
