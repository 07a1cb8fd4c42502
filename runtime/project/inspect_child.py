"""The child process that imports a spec's Python: names in on stdin, one JSON line a finding out.

It is started as ``python -P -m darner.runtime.project.inspect_child``, because user code may hang, print, or exit. The
lines: ``{"importing": module}`` before a module is imported, ``{"signature": …}`` for each name, ``{"records": …}`` last.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from ...compiler.signature import Problem, Signature
from . import signatures
from .annotations import Reader
from .fingerprint import Fingerprints


def main() -> None:
    """Read ``{"refs": [...], "folder": path}`` from stdin and write what the names look like."""
    request = json.load(sys.stdin)
    reply = _protect_the_protocol()
    sys.path.insert(0, request["folder"])
    reader = Reader()
    fingerprints = Fingerprints(Path(request["folder"]))
    for ref in request["refs"]:
        _send(reply, {"importing": ref.partition(":")[0]})
        _send(reply, {"signature": _read(ref, reader, fingerprints).model_dump(mode="json")})
    _send(reply, {"records": {ref: record.model_dump(mode="json") for ref, record in reader.records.items()}})
    reply.flush()
    os._exit(0)  # user code may have left threads running


def _protect_the_protocol() -> TextIO:
    """Return the pipe to the parent, and send what user code prints to stderr instead."""
    reply = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)
    return reply


def _send(reply: TextIO, message: dict[str, Any]) -> None:
    reply.write(json.dumps(message) + "\n")
    reply.flush()


def _read(ref: str, reader: Reader, fingerprints: Fingerprints) -> Signature:
    module_name, _, attribute = ref.partition(":")
    try:
        found = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = _attribute(found, part)
        return signatures.read(ref, found, reader).model_copy(update={"fingerprint": fingerprints.of(ref)})
    except _NoAttributeError as missing:
        return Signature(ref=ref, shape="unknown", problem=missing.problem)
    except ModuleNotFoundError as error:
        return Signature(ref=ref, shape="unknown", problem=_no_module(module_name, error))
    except BaseException as error:  # noqa: BLE001 - importing is running user code: SystemExit and all
        kind, text = type(error).__name__, str(error)
        message = f"importing {module_name} raised {kind}{': ' if text else ''}{text}{_where(error)}"
        return Signature(ref=ref, shape="unknown", problem=Problem(kind="import", message=message))


class _NoAttributeError(Exception):
    """A module or class has no such name."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _attribute(found: Any, name: str) -> Any:
    try:
        return getattr(found, name)
    except AttributeError:
        known = tuple(sorted(one for one in vars(found) if not one.startswith("_"))) if hasattr(found, "__dict__") else ()
        owner = getattr(found, "__name__", type(found).__name__)
        raise _NoAttributeError(Problem(kind="attribute", message=f"{owner} has no {name}", known=known)) from None


def _no_module(name: str, error: ModuleNotFoundError) -> Problem:
    missing = error.name or ""
    if name == missing or name.startswith(f"{missing}."):
        return Problem(kind="module", message=f"there is no module {missing}", known=_siblings(name, missing))
    return Problem(kind="import", message=f"importing {name} failed: {error}{_where(error)}")


def _siblings(name: str, missing: str) -> tuple[str, ...]:
    """Return the modules that stand where the missing one was looked for, with what follows it in ``name``."""
    parent, _, _ = missing.rpartition(".")
    try:
        places = list(importlib.import_module(parent).__path__) if parent else sys.path[:1]
    except Exception:  # noqa: BLE001 - only a suggestion is lost
        return ()
    rest = name[len(missing) :]
    found = set()
    for place in places:
        for path in Path(place).iterdir() if Path(place).is_dir() else ():
            if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py"))):
                found.add(f"{parent}.{path.stem}{rest}" if parent else f"{path.stem}{rest}")
    return tuple(sorted(found))


def _where(error: BaseException) -> str:
    """Return where user code raised, as its file's name and line."""
    place, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith("<") and "importlib" not in name and Path(name) != Path(__file__):
            place = f" ({Path(name).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({Path(error.filename).name}:{error.lineno})"
    return place


if __name__ == "__main__":
    main()
