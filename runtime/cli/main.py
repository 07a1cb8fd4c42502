"""The command ``darner``: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence

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
    "why",
    "answer",
    "say",
    "cancel",
    "fork",
    "diff",
    "gc",
    "cache",
)
"""The modules of this folder that hold a command; each has ``register(app)`` and imports heavy things late."""

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


def _root(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),  # noqa: FBT001, FBT003 - a flag
) -> None:
    """Keep the options that every command has; `main` looks at them itself."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; no traceback reaches a person without ``--debug``."""
    debug = "--debug" in arguments
    rest = [word for word in arguments if word != "--debug"]
    try:
        code = build()(args=rest, standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    except USAGE_ERROR as wrong:
        wrong.show()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - every ClickException has it
        code = exits.WRONG
    except (KeyboardInterrupt, typer.Abort):
        console.say("stopped; what was finished is kept, run the same command again to go on")
        code = exits.INTERRUPTED
    except CompileError as wrong_spec:
        findings.show(wrong_spec)
        code = exits.WRONG
    except (DarnerError, ConnectorError) as failure:
        if debug:
            traceback.print_exc()
        console.complain(failure.message, failure.help)
        code = exits.WRONG if isinstance(failure, Refused) else exits.FAILED
    except Exception as bug:  # noqa: BLE001 - the last line of defence: nobody is shown a traceback
        if debug:
            traceback.print_exc()
        console.complain(
            f"darner itself is wrong: {type(bug).__name__}: {bug}", "run again with --debug and send us the output with the spec"
        )
        code = exits.BUG
    return code if isinstance(code, int) else exits.DONE
