"""Specs broken at random: whatever a person mistypes, the compiler answers with findings, never with a traceback."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest

from darner.compiler.compile import compile_sources, needed_callables
from darner.compiler.diagnostics import CompileError
from darner.compiler.lowering.lower import from_text, to_text
from darner.compiler.meaning.resolve import Surroundings
from darner.compiler.meaning.sources import Sources, Unreadable
from darner.compiler.signature import Signatures
from darner.compiler.telling.render import as_text
from darner.runtime.project.inspection import inspect_callables

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/plan.yaml"))
WORDS = re.compile(r"[A-Za-z0-9_$./]+(?::[A-Za-z0-9_]+)?")
MARKS = re.compile(r"[{}\[\],:]|\n *")
SPARE = [
    "null",
    "true",
    "[]",
    "{}",
    "3",
    "x",
    "$x",
    "$inputs.x.0",
    "a:b",
    "${params.x}",
    '""',
    "{a: 1}",
    "[x, y]",
    "1Gi",
    "5 USD",
    "{{ x }}",
]


def sources(folder: Path, text: bytes) -> Sources:
    """Return a golden's files with another text for its spec."""
    found = Sources("spec.yaml")
    while names := found.needed():
        for name in names:
            path = folder / name
            content = text if name == "spec.yaml" else path.read_bytes() if path.is_file() else Unreadable("there is no such file")
            found.add(name, content)
    return found


@cache
def signatures(name: str) -> Signatures:
    """Return what the Python of a golden looks like; it is looked at once."""
    folder = GOLDEN / name
    return inspect_callables(needed_callables(sources(folder, (folder / "spec.yaml").read_bytes())), folder)


def mutate(text: str, rng: random.Random) -> str:
    """Return a text with one to three of its words dropped, doubled, exchanged or replaced."""
    pattern = MARKS if rng.random() < 0.1 else WORDS  # most marks only break the YAML
    words = [(found.start(), found.end()) for found in pattern.finditer(text)]
    for start, end in sorted(rng.sample(words, rng.randint(1, 3)), reverse=True):
        other = text[slice(*rng.choice(words))]
        new = rng.choice([other, other, rng.choice(SPARE), text[start : end - 1], text[start:end] + "x", ""])
        text = text[:start] + new + text[end:]
    return text


def attempt(name: str, seed: int) -> None:
    """Compile one broken spec, and show what is found."""
    folder = GOLDEN / name
    text = mutate((folder / "spec.yaml").read_text(), random.Random(seed))
    broken = sources(folder, text.encode())
    around = Surroundings(signatures(name), frozenset({"files", "lancedb", "memory"}))
    try:
        plan = compile_sources(broken, around).plan
    except CompileError as error:
        shown = as_text(error.diagnostics, broken.files)
    else:
        shown = to_text(plan)
        assert from_text(shown) == plan
    assert shown


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_spec_gives_findings_or_a_plan(name: str) -> None:
    """Forty ways to break each good golden; a failure's seed is in its message."""
    for seed in range(40):
        try:
            attempt(name, seed)
        except Exception as error:
            error.add_note(f"{name}, seed {seed}")
            raise


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_a_spec_broken_in_many_ways_gives_findings_or_a_plan(name: str) -> None:
    """Two thousand ways."""
    for seed in range(40, 2040):
        try:
            attempt(name, seed)
        except Exception as error:
            error.add_note(f"{name}, seed {seed}")
            raise
