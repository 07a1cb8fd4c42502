"""Golden specs: what each of them compiles to, or what is wrong with it, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from darner.compiler.diagnostics import CompileError
from darner.compiler.lowering.lower import from_text, to_text
from darner.compiler.telling.render import as_text
from darner.runtime.project.load import compile_spec

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/spec.yaml"))
BROKEN = [one for one in FOLDERS if (one / "errors.txt").exists()]
GOOD = [one for one in FOLDERS if (one / "plan.yaml").exists()]


def outcome(folder: Path) -> tuple[str, str]:
    """Return (file name, text) of what compiling a golden's spec gives; nothing in it depends on where the folder is."""
    try:
        compiled = compile_spec(folder / "spec.yaml")
    except CompileError as error:
        return "errors.txt", as_text(error.diagnostics, error.sources).replace(f"{folder}{os.sep}", "")
    return "plan.yaml", to_text(compiled.plan)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_spec_gives_what_it_gave(folder: Path, request: pytest.FixtureRequest) -> None:
    """The plan of a good spec, and every finding of a broken one, are what was reviewed."""
    name, text = outcome(folder)
    if request.config.getoption("--update-golden"):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / {"plan.yaml": "errors.txt", "errors.txt": "plan.yaml"}[name]).unlink(missing_ok=True)
    assert (folder / name).exists(), f"{folder.name} gives {name}:\n{text}"
    assert text == (folder / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_says_why_it_is_there(folder: Path) -> None:
    """Each spec begins with a comment, and has exactly one outcome beside it."""
    first = (folder / "spec.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert (folder / "plan.yaml").exists() != (folder / "errors.txt").exists()


@pytest.mark.parametrize("folder", GOOD, ids=lambda folder: folder.name)
def test_a_golden_plan_is_read_back_as_it_was_written(folder: Path) -> None:
    """Text to plan to text changes nothing, in the short form and in full."""
    text = (folder / "plan.yaml").read_text(encoding="utf-8")
    plan = from_text(text)
    assert to_text(plan) == text
    full = to_text(plan, full=True)
    assert from_text(full) == plan
    assert to_text(from_text(full), full=True) == full


def test_there_are_enough_goldens() -> None:
    """A floor, so that a folder that is lost is noticed."""
    assert len(BROKEN) >= 25
    assert len(GOOD) >= 8
