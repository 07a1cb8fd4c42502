"""Large payloads: kept once by the SHA-256 of their bytes, durable before an event names them, verified when read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from ..events import (
    CallFinished,
    CallStarted,
    Event,
    QuestionAsked,
    QuestionClosed,
    RoundStarted,
    RunFinished,
    Said,
    StepFailed,
    StepFinished,
)
from ..failures import Corrupt, Missing
from ..ports import Json, Store
from . import paths, record

_VALUED = CallFinished | Said | StepFinished | StepFailed | RoundStarted | QuestionClosed
LIMIT = 16 << 10
"""Bytes of an event above which its payload goes into an object of its own."""


def put(store: Store, run_id: str, value: Json) -> str:
    """Keep a value, durably, and return its digest."""
    content = record.as_text(value).encode()
    digest = hashlib.sha256(content).hexdigest()
    store.create(paths.blob(run_id, digest), content)
    return digest


def get(store: Store, run_id: str, digest: str) -> Json:
    """Return a kept value; `Corrupt` where it is gone, or isn't what was written."""
    name = paths.blob(run_id, digest)
    try:
        content = store.get(name)
    except Missing as error:
        raise Corrupt(
            f"{name} in {store.url} is gone, and the journal names it", help="bring the run's folder back from a backup"
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise Corrupt(f"{name} in {store.url} is damaged: its bytes don't fit its name", help="bring the run's folder back from a backup")
    value: Json = json.loads(content)
    return value


def payload(store: Store, run_id: str, events: Iterable[Event]) -> bytes:
    """Return events as the payload of one record, once what is large in them is kept in objects of its own."""
    rows: list[record.Row] = []
    start: CallStarted | None = None
    for event in events:
        small, body = (event, "") if type(event) is CallStarted else _small(store, run_id, event)
        if start is not None:
            if type(small) is CallFinished and small.call == start.call:
                rows.append(record.made(start, small, body))
                start = None
                continue
            rows.append((start.kind, start.at, record.body(start)))
        start = small if type(small) is CallStarted else None
        if start is None:
            rows.append((small.kind, small.at, body))
    if start is not None:
        rows.append((start.kind, start.at, record.body(start)))
    return record.encode(rows)


def _small(store: Store, run_id: str, event: Event) -> tuple[Event, str]:
    text = record.body(event)
    if len(text) <= LIMIT:
        return event, text
    small = _offloaded(store, run_id, event)
    return small, record.body(small)


def _offloaded(store: Store, run_id: str, event: Event) -> Event:
    if isinstance(event, _VALUED) and event.value is not None:
        return event.model_copy(update={"value": None, "blob": put(store, run_id, event.value)})
    if isinstance(event, RunFinished) and event.outputs is not None:
        return event.model_copy(update={"outputs": None, "blob": put(store, run_id, event.outputs)})
    if isinstance(event, QuestionAsked):
        told = {"text": event.text, "answer_schema": event.answer_schema, "shown": event.shown}
        return event.model_copy(update={"text": "", "answer_schema": None, "shown": None, "blob": put(store, run_id, told)})
    return event


def whole(store: Store, run_id: str, events: Iterable[Event]) -> Iterator[Event]:
    """Yield events as they were handed in where people see them: questions and answers with what was kept apart of them."""
    for event in events:
        if isinstance(event, QuestionAsked) and event.blob is not None:
            yield event.model_copy(update={**get(store, run_id, event.blob), "blob": None})
        elif isinstance(event, QuestionClosed) and event.blob is not None:
            yield event.model_copy(update={"value": get(store, run_id, event.blob), "blob": None})
        else:
            yield event
