"""What importing the compiler costs, and what it doesn't bring along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("pyarrow", "apache_beam", "networkx", "fsspec", "rich", "typer", "pydantic_ai", "numpy", "lancedb", "psutil")
LIMIT = 0.3
TRIES = 7

MEASURE = """
import time
began = time.process_time()
import darner.compiler, darner.compiler.compile, darner.compiler.telling.render, darner.compiler.binding.schema, darner.compiler.codes
print(time.process_time() - began)
"""
"""Processor time, because the machine that runs the tests is busy with other things too."""


def python(code: str, compiled: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run some Python in a fresh process that keeps its bytecode, as an installed package does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(compiled)}
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True, timeout=120, env=environment)


def slowest(compiled: Path) -> str:
    """Return the imports that took longest, for a person who has to find out why."""
    lines = python("import darner.compiler.compile", compiled, "-X", "importtime").stderr.splitlines()
    timed = [(int(parts[1]), parts[2]) for parts in (line.split("|") for line in lines) if len(parts) == 3 and parts[1].strip().isdigit()]
    return "\n".join(f"{time:>8} us {name}" for time, name in sorted(timed, reverse=True)[:40])


def test_the_whole_compiler_is_imported_in_under_a_third_of_a_second(tmp_path: Path) -> None:
    """The best of several tries in fresh processes, with every part of the compiler loaded."""
    best = min(float(python(MEASURE, tmp_path).stdout) for _ in range(TRIES))
    assert best < LIMIT, f"{best:.3f} s\n{slowest(tmp_path)}"


def test_importing_the_compiler_brings_nothing_heavy_along(tmp_path: Path) -> None:
    """Columns, pipelines, graphs, stores and terminals are the runtime's business."""
    code = f"{MEASURE}\nimport sys\nprint(sorted(name for name in {HEAVY!r} if name in sys.modules))"
    assert python(code, tmp_path).stdout.splitlines()[-1] == "[]"


def test_importing_the_compiler_builds_no_validator(tmp_path: Path) -> None:
    """A model that is made while a module is imported would have its validator built, with all that it is made of, on every start."""
    code = """
import darner.compiler.compile, darner.compiler.binding.schema
from darner.compiler.frozen import Frozen
print(sorted(model.__name__ for model in Frozen.__subclasses__() if model.__pydantic_complete__))
"""
    assert python(code, tmp_path).stdout == "[]\n"
