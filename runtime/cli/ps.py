"""``darner ps``: the runs and jobs of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ...compiler.quantities import format_money
from ..failures import Refused, StoreError
from ..journal import paths
from ..ports import Store
from ..tree import Line
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption

if TYPE_CHECKING:
    from ..journal.standing import Found

EPILOG = """\b
Examples:
  darner ps
  darner ps --json | jq '.runs[] | select(.status == "waiting") | .run'
"""
_WIDE = 160
"""Characters of a message that a list shows."""
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ps", epilog=EPILOG)(ps)


def ps(store: StoreOption = None, target: TargetOption = None, as_json: JsonOption = False) -> int:  # noqa: FBT002 - a flag
    """List the runs and jobs of a store, newest first: how each stands, how old it is, what it cost."""
    from ..journal import standing  # noqa: PLC0415 - `--help` needs no journal
    from ..perform import world  # noqa: PLC0415 - `--help` needs no runtime

    place, now = running.here(store, target), world.SystemClock().now()
    runs = sorted(map(_run, standing.look(place)), key=lambda one: (-(one["started"] or 0), one["run"]))
    # A job whose source was never read has no binding yet, and nothing to show.
    jobs = [_job(place, name) for name in place.folders(paths.JOBS) if place.exists(paths.job_binding(name))]
    if as_json:
        console.emit_json({"runs": runs, "jobs": jobs})
        return exits.DONE
    console.draw(_line(one, now) for one in runs)
    console.draw(_job_line(one, now) for one in jobs)
    if not runs and not jobs:
        console.say(f"nothing was run in {place.url} yet")
    return exits.DONE


def _line(one: dict[str, Any], now: float) -> Line:
    told = [f"held by {one['holder']}" if one["holder"] else "", *(one["waits_for"] or ()), _in_a_line(one["error"])]
    age = f"{age_of(now - one['started'])} ago" if one["started"] is not None else ""
    cost = one["cost"] if one["cost"] not in {None, "0.00 USD"} else ""
    return Line("", one["run"], one["status"], "".join(f"  {text}" for text in (*told, age, cost) if text))


def age_of(seconds: float) -> str:
    """Return how long ago something was, roughly: ``3d``, ``5h``, ``12min``, ``8s``."""
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def _in_a_line(words: str | None) -> str:
    """Return a message as the one line of a list holds it; `darner show` tells it whole."""
    text = " ".join((words or "").split())
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"


def _job_line(one: dict[str, Any], now: float) -> Line:
    rows = f"{one['rows']:,} rows" if one["rows"] is not None else ""
    age = f"{age_of(now - one['started'])} ago" if one["started"] is not None else ""
    told = ("job", rows, f"held by {one['holder']}" if one["holder"] else "", _in_a_line(one["error"]), age)
    return Line("", one["job"], one["status"], "".join(f"  {text}" for text in told if text))


def _job(store: Store, name: str) -> dict[str, Any]:
    from ..batch.claims import holder, last_start  # noqa: PLC0415 - only jobs need it
    from ..batch.driver import job_report  # noqa: PLC0415 - likewise

    held = holder(store, name)
    told: dict[str, Any] = {"job": name, "status": "damaged", "rows": None, "started": None, "holder": held, "error": None}
    try:
        told["started"] = last_start(store, name)
        report = job_report(store, name)
    except Refused:  # one that never planned has no report
        return {**told, "status": "running" if held else "not started"}
    except StoreError as error:  # one damaged job must not hide the others
        return {**told, "error": error.message}
    return {**told, "status": "running" if held else report.status, "rows": report.source_rows}


def _run(found: Found) -> dict[str, Any]:
    told = found.standing
    one: dict[str, Any] = {"run": found.run, "status": found.status, "holder": found.holder}
    if told is None:
        unknown = dict.fromkeys(("started", "finished", "cost", "user", "forked"))
        return {**one, **unknown, "error": found.damage, "waits_for": []}
    return {
        **one,
        "started": told.started,
        "finished": told.finished,
        "error": told.error,
        "cost": format_money(told.cost),
        "waits_for": list(told.waits_for),
        "user": told.user,
        "forked": told.forked,
    }
