"""The subcommands of ``darner`` as one application; how errors become messages, objects, exit codes."""

from __future__ import annotations

import errno
import importlib
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated

import typer

from ...compiler.diagnostics import CompileError
from ...connectors.errors import ConnectorError
from ..failures import DarnerError, Refused
from . import console, exits, findings

COMMANDS: tuple[str, ...] = (
    "check",
    "compile",
    "graph",
    "explain",
    "schema",
    "run",
    "resume",
    "ps",
    "show",
    "failures",
    "why",
    "answer",
    "say",
    "cancel",
    "fork",
    "retry",
    "diff",
    "gc",
    "cache",
    "limits",
)
"""The modules of this folder that hold a command; each has ``register(app)`` and imports heavy things late."""

VALUED = frozenset({"--store", "--target", "--redo"})
"""The options of ``resume`` whose next word is theirs."""

_OF_THE_MACHINE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room, also where temporary files go (TMPDIR)"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "change its rights, or name another place"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit on open files (ulimit -n)"),
    **dict.fromkeys((errno.ENOMEM, errno.EAGAIN), "look at the machine's memory, and its limit on processes (ulimit -u)"),
    errno.EIO: "look at the disk",
}
"""What the operating system may refuse anywhere, and what to do about it: darner is not to blame."""

USAGE_ERROR: type[Exception] = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException")
"""What typer raises for wrong arguments. Some versions take it from click, others from a copy of their own."""


def build() -> typer.Typer:
    """Return the application with every command."""
    app = typer.Typer(
        name="darner",
        help="Compile agent pipelines written in YAML and Python, and run them so that they survive.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in COMMANDS:
        importlib.import_module(f".{name}", __package__).register(app)
    return app


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - a flag, as typer gives it
    if wanted:
        console.emit(f"darner {version('darner')}")
        raise typer.Exit


def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: FBT002 - a flag
    told: Annotated[bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_tell_version)] = False,  # noqa: FBT002 - likewise
) -> None:
    """Keep the options that every command has; `main` looks at them itself."""


def perform(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; with ``--json`` whatever keeps it from its end is an object on stdout, too."""
    debug, as_json = "--debug" in arguments, "--json" in arguments
    rest = [word for word in arguments if word != "--debug"]
    console.refuse_no_text()
    try:
        # Not typer's own way to call it: that makes a Ctrl-C an exit code without a word.
        command = typer.main.get_command(build())
        with command.make_context("darner", rest) as entered:
            code = command.invoke(entered)
    except typer.Exit as stop:
        code = stop.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence: nobody is shown a traceback
        if debug and not isinstance(error, USAGE_ERROR | typer.Abort | KeyboardInterrupt | CompileError):
            traceback.print_exc()
        code, message = _told(error)
        if as_json:
            with suppress(DarnerError):  # stdout may be what is wrong
                console.emit_json({"run": run_named(rest), "status": "failed", "outputs": None, "error": message, "cost": None})
    return code if isinstance(code, int) else exits.DONE


def _told(error: BaseException) -> tuple[int, str]:
    """Tell people of an error; return the exit code, and the error in a line for scripts."""
    if isinstance(error, USAGE_ERROR):
        error.show()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - every ClickException has it
        return exits.WRONG, str(getattr(error, "message", error))
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        message = "stopped; what was finished is kept, run the same command again to go on"
        console.say(message)
        return exits.INTERRUPTED, message
    if isinstance(error, CompileError):
        findings.show(error)
        return exits.WRONG, "; ".join(f"{one.code}: {one.message}" for one in error.diagnostics)
    if isinstance(error, DarnerError | ConnectorError):
        console.complain(error.message, error.help)
        return exits.WRONG if isinstance(error, Refused) else exits.FAILED, error.message
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        message = f"this machine can't do what is needed: {error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        console.complain(message, f"{_OF_THE_MACHINE[error.errno]}; what was finished is kept, run the same command again to go on")
        return exits.FAILED, message
    message = f"darner itself is wrong: {type(error).__name__}: {error}"
    console.complain(message, "run again with --debug and send us the output with the spec")
    return exits.BUG, message


def run_named(words: Sequence[str]) -> str | None:
    """Return the run that a command line names, as ``--run ID`` or, of ``resume``, as its argument; None where it names none."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--run":
            return (value if equals else following) or None
    if words[:1] != ["resume"]:
        return None
    taken = {index + 1 for index, word in enumerate(words) if word in VALUED}
    return next((word for index, word in enumerate(words) if index > 0 and index not in taken and not word.startswith("-")), None)
