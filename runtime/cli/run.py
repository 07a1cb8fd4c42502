"""``darner run``: a spec compiled and run in one go; the same run id again goes on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...compiler.plan import Compiled
from ..failures import Refused
from . import console, exits, running
from .call import RunCall
from .options import PolicyOption, SetOption, SpecArgument, pairs
from .running import JsonOption, SingleWriterOption, StoreOption, TargetOption

EPILOG = """\b
Examples:
  darner run specs/hello -i city=Oslo --target scripted
  darner run index.yaml --set feed=products.parquet --store ./store
  darner run index.yaml --dry                     says what would be done, and starts nothing
  darner run specs/hello --run my-run             the same id again goes on where it stopped
  darner run specs/hello -i city=Oslo --watch     draws the run as a tree while it grows
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=EPILOG)(run)


def run(  # noqa: PLR0913, PLR0917 - one parameter an option, given by name
    spec: SpecArgument,
    inputs: Annotated[list[str] | None, typer.Option("-i", metavar="INPUT=VALUE", help="Give an input its value.")] = None,
    inputs_file: Annotated[Path | None, typer.Option("--inputs", metavar="FILE", help="Read inputs from a JSON or YAML file.")] = None,
    sets: SetOption = None,
    run_id: Annotated[str | None, typer.Option("--run", metavar="ID", help="Name the run; the same id again goes on with it.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Who it is for.")] = None,
    store: StoreOption = None,
    target: TargetOption = None,
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="What runs a job's pipeline.")] = None,
    policy: PolicyOption = None,
    dry: Annotated[bool, typer.Option("--dry", help="Say what would be done; start nothing.")] = False,  # noqa: FBT002 - a flag
    allow_deletes: Annotated[int, typer.Option("--allow-deletes", metavar="N", help="Let a job remove so many rows.")] = 0,
    single_writer: SingleWriterOption = False,  # noqa: FBT002 - a flag
    watch: Annotated[bool, typer.Option("--watch", help="Draw a flow's tree as it grows; what it asks is answered later.")] = False,  # noqa: FBT002 - a flag
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> int:
    """Compile a spec and run it; kill it at any moment, and the same run id goes on where it stopped."""
    from ..project.load import find_spec  # noqa: PLC0415 - `--help` needs no compiler
    from ..project.settings import find_target  # noqa: PLC0415 - likewise

    file = find_spec(spec)
    found = running.trusting(find_target(file.parent, target), single_writer=single_writer)
    call = RunCall(
        file, found, running.store_of(store, found), pairs(inputs, "-i"), inputs_file, pairs(sets), run_id, user, as_json, policy
    )
    running.make_importable(file.parent)
    if run_id is not None and _is_under_way(call, run_id):
        if dry:
            console.say(f"the run {run_id} is there already and would be gone on with")
            return exits.DONE
        running.refuse_for_flow(engine, allow_deletes)
        from .resume import Manner, go_on_as_bound  # noqa: PLC0415 - only known runs need it

        return go_on_as_bound(call.store, run_id, Manner(as_json, watch=watch))
    compiled = compiled_for(call)
    if compiled.plan.job is not None:
        running.refuse_for_job(call, watch=watch)
        from .jobs import run_job  # noqa: PLC0415 - only jobs need it

        return run_job(call, compiled, engine=engine or found.engine, dry=dry, allow_deletes=allow_deletes)
    running.refuse_for_flow(engine, allow_deletes)
    return _run_flow(call, compiled, dry=dry, watch=watch)


def _is_under_way(call: RunCall, run_id: str) -> bool:
    """Return whether a flow's run of that id was started; `Refused` where it is another spec's, or has other inputs."""
    from ..journal import binding  # noqa: PLC0415 - `--help` needs no journal
    from ..perform.inputs import read_inputs  # noqa: PLC0415 - likewise

    if not binding.is_bound(call.store, run_id):
        return False
    bound = binding.load(call.store, run_id)
    if Path(bound.spec) != call.spec.resolve():
        raise Refused(f"the run {run_id} belongs to {bound.spec}", help="give another --run, or none")
    has_inputs = bool(call.inputs) or call.inputs_file is not None
    if has_inputs and read_inputs(bound.plan.inputs, call.inputs, call.inputs_file) != bound.inputs:
        raise Refused(
            f"the run {run_id} was started with other inputs", help="leave the inputs out to go on with it, or give another --run"
        )
    if any(str(bound.params.get(name)) != value for name, value in call.sets.items()):
        raise Refused(f"the run {run_id} was started with other parameters", help="leave --set out to go on with it, or give another --run")
    return True


def compiled_for(call: RunCall) -> Compiled:
    """Return the spec of a call, compiled, with its parameters; `CompileError` where it is wrong."""
    from ..project.load import bind_params, compile_spec  # noqa: PLC0415 - `--help` needs no compiler

    given = {**call.target.params, **call.sets}
    compiled = compile_spec(call.spec, params=given, policy=call.policy)
    return compiled.model_copy(update={"params": bind_params(compiled.plan.params, given)})


def _run_flow(call: RunCall, compiled: Compiled, *, dry: bool, watch: bool) -> int:
    from ..journal.binding import Binding, check_id  # noqa: PLC0415 - jobs don't need it
    from ..perform import world  # noqa: PLC0415 - likewise
    from ..perform.inputs import read_inputs  # noqa: PLC0415 - likewise

    plan = compiled.plan
    bound = Binding(
        run=check_id(call.run_id) if call.run_id else world.run_id(plan.plan),
        plan=plan,
        lock=compiled.lock,
        prompts=compiled.prompts,
        inputs=read_inputs(plan.inputs, call.inputs, call.inputs_file),
        params=compiled.params,
        spec=str(call.spec.resolve()),
        user=call.user,
        models=call.models,
        base=str(call.base),
    )
    from .resume import Manner, carry_on, check_ready  # noqa: PLC0415 - jobs don't need it

    if dry:
        check_ready(bound)
        console.say(f"{plan.plan} can run: {len(plan.steps)} steps ({', '.join(plan.steps)}); nothing was started")
        return exits.DONE
    return carry_on(call.store, bound, Manner(call.as_json, watch=watch))
