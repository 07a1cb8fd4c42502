"""Writes that wait for somebody's word: an approval before they begin, the truth about one that broke off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..events import Event
from ..failures import CallableError, Failure, Refused
from ..ports import Approved, Boundary, CallRequest, Json, Permit
from ..retry import AMBIGUOUS
from .recording import Recording


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a write of which nobody knew, and what a person who was asked said of it."""

    happened: bool
    value: Json = None
    told: tuple[Event, ...] = ()


UNASKED = Approved()
"""Of what nobody has to approve."""


async def approval_of(recording: Recording, boundary: Boundary, request: CallRequest, call_id: str) -> Approved:
    """Return the approval of a write that needs one; nothing is written without it."""
    if request.approval is None:
        return UNASKED
    if recording.people is None:
        raise Refused(f"{request.approval.human} can't be asked to approve {request.name}: there is nobody here")
    with recording.waits.undecided(call_id):
        return await recording.people.approve(boundary, call_id, request)


def is_doubtful(request: CallRequest, failure: Failure) -> bool:
    """Return whether nobody knows if a write that must not be repeated happened."""
    return request.effects == "write" and not request.idempotent and failure.kind in AMBIGUOUS


def can_be_found_out(recording: Recording, request: CallRequest) -> bool:
    """Return whether there is somebody, or something, to ask what became of a write."""
    return request.reconcile is not None or (request.approval is not None and recording.people is not None)


async def find_out(
    recording: Recording, boundary: Boundary, request: CallRequest, call_id: str, permit: Callable[[Approved], Permit]
) -> Found:
    """Return whether a write of which nobody knows happened: ask its `reconcile`, or a person.

    Raises:
        CallableError: there is neither, or a person gives the write up.
    """
    if request.reconcile is not None:
        value = await request.reconcile(permit(await approval_of(recording, boundary, request, call_id)))
        return Found(value is not None, value)
    people = recording.people
    if request.approval is None or people is None:
        raise uncertain(recording, request)
    with recording.waits.undecided(call_id):
        verdict, value, told = await people.settle(boundary, call_id, request)
    if verdict != "abort":
        return Found(verdict == "done", value, (told,))
    await recording.commits.commit(told)
    raise CallableError(
        f"{request.approval.human} gave the write {request.name} up, which may or may not have happened", type_name="Aborted"
    )


def uncertain(recording: Recording, request: CallRequest) -> Failure:
    """Return the failure of a write of which nobody knows whether it happened."""
    step = re.split(r"[/\[]", recording.state.step_of(request.parent))[0]
    go_on = f"darner resume {recording.run_id}"
    return CallableError(
        f"the write {request.name} began and its result was never recorded: it may or may not have happened, so it is not repeated",
        type_name="UncertainWrite",
        help=f"look whether it happened. If it did, give {request.name.partition('.')[0]} a `reconcile` that returns its result, and go on "
        f"with `{go_on} --plan new`; if not, `{go_on} --redo {step}` does that step once more, from its beginning. "
        "A tool that uses its idempotency_key can say idempotent: true, and is then repeated safely",
    )
