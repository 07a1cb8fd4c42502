"""``darner answer``: an answer to a question of a run, put where its owner looks."""

from __future__ import annotations

from typing import Annotated

import typer

from . import console, exits, running
from .running import JsonOption, RunArgument, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner answer my-run "next week"
  darner answer my-run buyer_desk approve --resume
  darner answer my-run 3f2a91c07b1e 'edit {"product": "P-2"}'
  darner answer my-run buyer_desk deny too expensive
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("answer", epilog=EPILOG)(answer)


def answer(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    run: RunArgument,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[QUESTION] VALUE", help="Which question (its name, its human or its step; the only one by default), then the answer."
        ),
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run at once.")] = False,  # noqa: FBT002 - a flag
    who: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who answers; the account's name by default.")] = None,
    store: StoreOption = None,
    target: TargetOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Answer an open question; the first answer counts. Nothing runs unless --resume says so."""
    from ..journal import binding  # noqa: PLC0415 - `--help` needs no journal
    from ..perform.people import replies  # noqa: PLC0415 - likewise

    place = running.here(store, target)
    binding.load(place, run)
    said = replies.reply(place, run, words, who or running.account())
    console.say(f"answered {said.question} of {run}")
    if resume:
        from .resume import go_on_when_free  # noqa: PLC0415 - only --resume runs anything

        return go_on_when_free(place, run, said.question, as_json=as_json)
    if as_json:
        console.emit_json({"run": run, "question": said.question, "value": said.value})
    else:
        console.say(f"go on with: {running.again(place, f'darner resume {run}')}")
    return exits.DONE
