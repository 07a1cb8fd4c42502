"""``darner retry``: the dead rows of a job tried again, with its spec and its Python as they are now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from ..journal import paths
from ..journal.binding import ELSEWHERE
from . import running
from .call import RunCall
from .options import PolicyOption, SetOption, pairs
from .running import JsonOption, SingleWriterOption, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner show index_products --dead               says which rows are dead, and why
  darner retry index_products --dead --dry        says what would be done, and starts nothing
  darner retry index_products --dead              tries them again; all other rows stay as they are
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retry", epilog=EPILOG)(retry)


def retry(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job's name, or what --run called it.")],
    dead: Annotated[bool, typer.Option("--dead", help="Try its dead rows again.")] = False,  # noqa: FBT002 - a flag
    sets: SetOption = None,
    store: StoreOption = None,
    target: TargetOption = None,
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="What runs the job's pipeline.")] = None,
    policy: PolicyOption = None,
    dry: Annotated[bool, typer.Option("--dry", help="Say what would be done; start nothing.")] = False,  # noqa: FBT002 - likewise
    single_writer: SingleWriterOption = False,  # noqa: FBT002 - likewise
    as_json: JsonOption = False,  # noqa: FBT002 - likewise
) -> int:
    """Try a job's dead rows again, called as it was called last; spec and Python are taken as they are now.

    No other row is done, and a changed stage is due to the others still: the next `darner run` sees to them. Where an earlier
    run wasn't finished, or the sink is replaced as a whole, the rest is done along with them.
    """
    if not dead:
        raise Refused("say what is to be tried again", help=f"darner retry {job} --dead")
    from ..batch.calls import known_call  # noqa: PLC0415 - brings what `--help` doesn't need
    from ..project.settings import find_target  # noqa: PLC0415 - likewise
    from .jobs import run_job  # noqa: PLC0415 - likewise
    from .run import compiled_for  # noqa: PLC0415 - likewise

    place = running.here(store, target, single_writer=single_writer)
    if job not in (known := place.folders(paths.JOBS)):
        raise Refused(f"there is no job {job!r} in {place.url}", help=did_you_mean(job, known) or ELSEWHERE)
    before = known_call(place, job)
    file = Path(before.spec)
    if not file.exists():
        raise Refused(f"the spec of {job}, {file}, isn't there any more", help="run it from where it is now: darner run SPEC")
    found = running.trusting(find_target(file.parent, target or before.target), single_writer=single_writer)
    params = {**before.sets, **pairs(sets)}
    call = RunCall(file, found, place, {}, None, params, job, None, as_json=as_json, policy=policy or _path(before.policy))
    running.make_importable(file.parent)
    wanted = engine or before.engine or found.engine
    return run_job(call, compiled_for(call), engine=wanted, dry=dry, allow_deletes=0, retry_in=Path(before.base))


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
