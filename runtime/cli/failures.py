"""``darner failures``: what failures cost, by week, spec, class, over all runs and jobs of a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from ..failures import Refused, StoreError
from ..journal import paths
from ..ports import Store
from . import console, exits, running
from .running import JsonOption, StoreOption, TargetOption

if TYPE_CHECKING:
    from ..ledger import Totals

EPILOG = """\b
Examples:
  darner failures                                 by week, spec, class: attempts, time, tokens, money, questions to people
  darner failures --spec trip --weeks 4           of one spec, in the last four weeks
  darner failures --json | jq '.rows[] | select(.class == "throttled") | .minutes'
"""
Key: TypeAlias = "tuple[str, str, str]"
"""A week, the name of a spec, a class."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("failures", epilog=EPILOG)(failures)


def failures(
    spec: Annotated[str | None, typer.Option("--spec", metavar="NAME", help="Of one spec alone.")] = None,
    weeks: Annotated[int | None, typer.Option("--weeks", metavar="N", min=1, help="Of this week and those before it, N in all.")] = None,
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Say what failures cost in a store: attempts, time, tokens, money and questions, by week, spec and class."""
    place = running.here(store, target)
    found, damaged = _found(place)
    if spec is not None and spec not in (specs := {one for _, one, _ in found}):
        raise Refused(f"nothing of {spec} has failed in {place.url}", help=f"something of these has: {', '.join(sorted(specs)) or 'none'}")
    since = _first_week(weeks)
    rows = {key: totals for key, totals in sorted(found.items(), reverse=True) if key[0] >= since and spec in {None, key[1]}}
    if as_json:
        console.emit_json({"rows": list(_as_json(rows)), "damaged": damaged})
        return exits.DONE
    _draw(rows)
    for name in damaged:
        console.say(f"{name} is damaged and isn't counted: see darner show {name}")
    if not rows:
        console.say(f"nothing has failed in {place.url}")
    return exits.DONE


def _first_week(weeks: int | None) -> str:
    from ..ledger import week_of  # noqa: PLC0415 - `--help` needs no runtime
    from ..perform.world import SystemClock  # noqa: PLC0415 - likewise

    return "" if weeks is None else week_of(SystemClock().now() - (weeks - 1) * 7 * 86400)


def _found(store: Store) -> tuple[dict[Key, Totals], list[str]]:
    """Return what failures cost, and the runs that can't be read."""
    from ..journal import standing  # noqa: PLC0415 - `--help` needs no journal
    from ..ledger import NONE  # noqa: PLC0415 - likewise

    sums: dict[Key, Totals] = {}
    damaged = []
    for one in standing.look(store):
        if one.standing is None:
            damaged.append(one.run)
            continue
        for told in one.standing.failures:
            key: Key = (told.week, one.standing.spec, told.failure)
            sums[key] = sums.get(key, NONE) + told.totals
    for name in store.folders(paths.JOBS):
        try:
            told_of_job = list(_of_job(store, name))
        except StoreError:  # one damaged job must not hide the others
            damaged.append(name)
            continue
        for of_job, totals in told_of_job:
            sums[of_job] = sums.get(of_job, NONE) + totals
    return sums, damaged


def _of_job(store: Store, name: str) -> Iterator[tuple[Key, Totals]]:
    """Yield what failures cost of all plans of work of a job, each in the week in which it was planned."""
    from ..batch.claims import started  # noqa: PLC0415 - only jobs need it
    from ..batch.sums import failures_of  # noqa: PLC0415 - likewise
    from ..ledger import week_of  # noqa: PLC0415 - likewise

    for generation, found in failures_of(store, name):
        at = started(store, name, generation) if found else None
        for failure, totals in found.items() if at is not None else ():
            yield (week_of(at or 0.0), name, failure), totals


def _as_json(rows: Mapping[Key, Totals]) -> Iterator[dict[str, Any]]:
    from ..ledger import totals_as_json  # noqa: PLC0415 - likewise

    for (week, spec, failure), totals in rows.items():
        yield {"week": week, "spec": spec, "class": failure, **totals_as_json(totals)}


def _draw(rows: Mapping[Key, Totals]) -> None:
    from .. import failed  # noqa: PLC0415 - `--help` needs no report

    lines: Sequence[tuple[str, ...]] = [(week, spec, failure, *failed.cells(totals)) for (week, spec, failure), totals in rows.items()]
    if lines:
        console.draw(failed.aligned([("week", "spec", *failed.HEADS), *lines], words=3))
