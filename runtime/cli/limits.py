"""``darner limits``: what this machine knows of providers' limits, who uses them up, and who waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from . import console, exits
from .running import JsonOption

if TYPE_CHECKING:
    from ...compiler.quantities import RateLimit
    from ..perform.limits.looking import Shared

EPILOG = """\b
Examples:
  darner limits                                   models, their rates, what is free, who waits
  darner limits --forget openai:gpt-5-mini        the account was raised: drop what was learnt
  darner limits --json | jq '.limits[] | select(.waiting != {})'
"""
_KEY = 8
_MOST = 1e6
"""Requests a minute that nobody makes."""
ForgetOption = Annotated[
    str | None,
    typer.Option("--forget", metavar="MODEL", help="Drop what was learnt of a model, by its `use` or its key: rate, headers, pause."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("limits", epilog=EPILOG)(limits)


def limits(forget: ForgetOption = None, as_json: JsonOption = False) -> int:  # noqa: FBT002 - a flag
    """Show the limits of models that all runs and jobs on this machine keep to together: declared, learnt, used."""
    from ..perform.limits import looking  # noqa: PLC0415 - `--help` needs no runtime
    from ..perform.limits.folder import Unshared  # noqa: PLC0415 - likewise

    try:
        found = looking.shared()
        gone = [] if forget is None else _named(found, forget)
        for one in gone:
            looking.forget(one)
        found = looking.shared() if gone else found
    except Unshared as error:
        raise Refused(f"limits are shared by nobody here: {error}", help="name a folder that can be written in DARNER_LIMITS") from error
    if as_json:
        console.emit_json({"limits": [_as_json(one) for one in found], "forgotten": [one.key for one in gone]})
        return exits.DONE
    for one in gone:
        console.say(f"forgot what was learnt of {_name(one)}")
    for one in () if gone else found:
        console.emit("\n".join(_lines(one)))
    if not found:
        console.say("nobody has asked a model on this machine lately")
    return exits.DONE


def _named(found: Sequence[Shared], name: str) -> list[Shared]:
    named = [one for one in found if name == one.about.use or (len(name) >= _KEY and one.key.startswith(name))]
    if not named:
        raise Refused(f"nothing is known of {name}", help=did_you_mean(name, [one.about.use for one in found]) or "see darner limits")
    return named


def _name(one: Shared) -> str:
    where = f" at {one.about.host}" if one.about.host else ""
    return f"{one.about.use or 'a model'}{where} ({one.key[:_KEY]})"


def _as_json(one: Shared) -> dict[str, Any]:
    from .. import limiter  # noqa: PLC0415 - `--help` needs no runtime

    held, now, rate = one.limits, one.now, one.about.rate
    learnt, pace = (_bounding(one) for one in (limiter.learnt(held, now), limiter.pace(held, now, rate)))
    return {
        "model": one.about.use,
        "host": one.about.host,
        "key": one.key,
        "declared": {"requests": _text(rate.requests), "tokens": _text(rate.tokens), "concurrency": rate.concurrency},
        "said": {"requests": _text(held.told_requests), "tokens": _text(held.told_tokens)},
        "learnt_per_minute": learnt,
        "per_minute": pace,
        "next_in": round(max(0.0, limiter.next_in(held, now, rate)), 3),
        "paused_for": round(max(0.0, held.paused - now), 3),
        "under_way": one.taken,
        "free": None if rate.concurrency is None else max(0, rate.concurrency - one.taken),
        "waiting": {run: round(max(0.0, now - since), 3) for run, (since, heard) in held.waiting.items() if now - heard <= limiter.SILENT},
        "put_off": {run: round(max(0.0, due - now), 3) for run, due in held.held.items()},
        "begun": held.begun,
        "refused": held.refused,
    }


def _bounding(rate: float | None) -> float | None:
    """Return requests a minute; None where that binds nobody any more: a learnt rate grows without an end."""
    return None if rate is None or rate * 60 > _MOST else round(rate * 60, 3)


def _text(limit: RateLimit | None) -> str | None:
    return None if limit is None else str(limit)


def _lines(one: Shared) -> Iterator[str]:
    told = _as_json(one)
    places = told["declared"]["concurrency"]
    yield _name(one)
    yield f"  declared: {_rates(told['declared'], [f'{places} at once'] if places else [])}"
    if any(told["said"].values()):
        yield f"  its provider says: {_rates(told['said'], [])}"
    if told["learnt_per_minute"] is not None:
        yield f"  learnt: {told['learnt_per_minute']:g} requests a minute, growing"
    when = f"in {told['next_in']:.1f}s" if told["next_in"] else "now"
    yield f"  next turn: {when}{', since its provider said: later' if told['paused_for'] else ''}"
    if places:
        yield f"  free: {told['free']} of {places} places"
    yield from (f"  waits for a place: {run}, for {seconds:.1f}s" for run, seconds in told["waiting"].items())
    yield from (f"  put off: {run}, for {seconds:.0f}s" for run, seconds in told["put_off"].items())
    yield f"  let pass: {told['begun']} requests, of which {told['refused']} were refused"


def _rates(told: dict[str, Any], more: Sequence[str]) -> str:
    return ", ".join((*(f"{told[what]} {what}" for what in ("requests", "tokens") if told[what]), *more)) or "nothing"
