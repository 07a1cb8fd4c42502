"""``darner say``: something said to a run unasked."""

from __future__ import annotations

from typing import Annotated

import typer

from . import console, exits, running
from .running import RunArgument, StoreOption, TargetOption

EPILOG = """\b
Example:
  darner say trip-ada "I have to come back a day earlier"
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("say", epilog=EPILOG)(say)


def say(
    run: RunArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is said.")],
    who: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who says it; the account's name by default.")] = None,
    store: StoreOption = None,
    target: TargetOption = None,
) -> int:
    """Put a message into a run's inbox; the next question to a human with `inbox: true` takes it instead of asking."""
    from ..journal import binding  # noqa: PLC0415 - `--help` needs no journal
    from ..perform.people import replies  # noqa: PLC0415 - likewise

    place = running.here(store, target)
    binding.load(place, run)
    number = replies.say(place, run, text, who or running.account())
    console.say(f"message {number} is in the inbox of {run}")
    return exits.DONE
