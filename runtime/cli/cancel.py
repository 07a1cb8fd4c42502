"""``darner cancel``: a run's end, asked for from outside."""

from __future__ import annotations

import typer

from . import console, exits, running
from .running import RunArgument, StoreOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cancel")(cancel)


def cancel(run: RunArgument, store: StoreOption = None, target: TargetOption = None) -> int:
    """End a run: at once where nobody has it, within seconds where a process does. What was finished is kept."""
    from ..journal import binding  # noqa: PLC0415 - `--help` needs no journal
    from ..perform.people import replies  # noqa: PLC0415 - likewise

    place = running.here(store, target)
    binding.load(place, run)
    over = replies.cancel(place, run, running.account())
    console.say(f"{run} is cancelled" if over else f"{run} is told to end; its process does so within seconds")
    return exits.DONE
