"""The commands check, compile, graph, explain and schema, as a person and a script see them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from .. import warm

SPEC = """darner: 1
name: small
flow:
  inputs: str
  steps:
    hits: {use: finding_c:search, with: $inputs}
    each: {use: finding_c:search, with: {query: $one}, map: {over: $hits, as: one}, when: {good: true}}
    good: {use: finding_c:good, with: {found: $hits}}
  outputs: {each: $each}
"""
CODE = """def search(query: str, limit: int = 3) -> list[str]:
    return [query] * limit


def good(found: list[str]) -> bool:
    return len(found) > 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one spec and its Python."""
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "finding_c.py").write_text(CODE)
    return tmp_path


def darner(folder: Path, *words: str) -> tuple[int, str, str]:
    """Run the command in ``folder``; return its exit code, stdout and stderr."""
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    script = "import sys; from darner.runtime.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-B", "-c", script, *words]
    done = warm.run(command, cwd=folder, env=environment)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_check_says_that_a_spec_is_fine(folder: Path) -> None:
    """Results on stdout, words for people on stderr."""
    assert darner(folder, "check", "small.yaml") == (0, "", "small is fine\n")
    assert darner(folder, "check", ".", "--format", "json") == (0, "[]\n", "small is fine\n")


def test_check_shows_every_finding_in_the_form_that_is_asked_for(folder: Path) -> None:
    """Text on stderr, JSON and annotations on stdout; the exit code is 2 for all of them."""
    (folder / "small.yaml").write_text(SPEC.replace("$hits, as", "$hitss, as").replace("good: true", "good: maybe"))
    code, out, err = darner(folder, "check", "small.yaml")
    assert (code, out) == (2, "")
    assert "small.yaml:7:68: error[E305]: $hitss points at nothing\n" in err
    assert err.endswith("2 errors; `darner explain E305` says more\n")
    code, out, err = darner(folder, "check", "small.yaml", "--format", "json")
    assert (code, [(one["code"], one["line"]) for one in json.loads(out)], err) == (2, [("E305", 7), ("E603", 7)], "")
    code, out, err = darner(folder, "check", "small.yaml", "--format", "github")
    assert code == 2
    assert out.startswith("::error file=small.yaml,line=7,endLine=7,col=68,")


def test_compile_writes_plan_and_lock_beside_the_spec(folder: Path) -> None:
    """The lock holds fingerprints and places, the plan only what the spec means."""
    assert darner(folder, "compile", "small.yaml")[0] == 0
    plan, lock = (folder / "small.plan.yaml").read_text(), json.loads((folder / "small.lock.json").read_text())
    assert plan.startswith("plan: small\nformat: 1\n")
    assert sorted(lock["callables"]) == ["finding_c:good", "finding_c:search"]
    assert lock["places"] == {"hits": "small.yaml:6:5", "each": "small.yaml:7:5", "good": "small.yaml:8:5"}
    assert darner(folder, "compile", "small.yaml", "-o", "-") == (0, plan, "")
    assert "max_parallel" not in darner(folder, "compile", "small.yaml", "-o", "-", "--full")[1]
    assert darner(folder, "compile", ".", "-o", "build/")[0] == 0
    assert (folder / "build" / "small.plan.yaml").read_text() == plan
    assert darner(folder, "compile", ".", "-o", "other.yaml")[0] == 0
    assert (folder / "other.lock.json").exists()


def test_check_golden_compares_and_writes_nothing(folder: Path) -> None:
    """A diff on stdout and exit code 2 where the meaning changed; a comment changes nothing."""
    assert darner(folder, "compile", "small.yaml", "--check-golden")[0] == 2
    darner(folder, "compile", "small.yaml")
    (folder / "small.yaml").write_text("# a comment\n" + SPEC)
    assert darner(folder, "compile", "small.yaml", "--check-golden")[:2] == (0, "")
    (folder / "small.yaml").write_text(SPEC.replace("good: true", "good: false"))
    before = (folder / "small.plan.yaml").read_bytes()
    code, out, err = darner(folder, "compile", "small.yaml", "--check-golden")
    assert code == 2
    assert "-    when: {good: [true]}\n+    when: {good: [false]}\n" in out
    assert "is not what the spec means now" in err
    assert (folder / "small.plan.yaml").read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(folder: Path) -> None:
    """A file where a folder is needed."""
    (folder / "file").write_text("")
    code, _, err = darner(folder, "compile", "small.yaml", "-o", "file/small.plan.yaml")
    assert code == 2
    assert "can't be written" in err


def test_graph_draws_steps_and_what_connects_them(folder: Path) -> None:
    """In Mermaid for Markdown, in DOT for Graphviz."""
    code, out, _ = darner(folder, "graph", "small.yaml")
    assert code == 0
    assert out == (
        "flowchart TD\n"
        '  n0(["inputs: str"])\n'
        '  n1["hits: search"]\n'
        '  n2["good"]\n'
        '  n3["each: search, each"]\n'
        '  n4(["outputs"])\n'
        "  n0 --> n1\n"
        "  n1 --> n2\n"
        "  n1 --> n3\n"
        '  n2 -.->|"true"| n3\n'
        "  n3 --> n4\n"
    )
    code, out, _ = darner(folder, "graph", "small.yaml", "--format", "dot")
    assert code == 0
    assert '  "good" -> "each" [style=dashed, label="true"];\n' in out


def test_explain_tells_a_code_and_lists_them(folder: Path) -> None:
    """Case doesn't matter; an unknown code is told with what to do."""
    code, out, _ = darner(folder, "explain", "e305")
    assert code == 0
    assert out.startswith("E305: a reference to nothing\n")
    listed = darner(folder, "explain")[1].splitlines()
    assert len(listed) > 60
    assert darner(folder, "explain", "E000")[0] == 2


def test_schema_is_json(folder: Path) -> None:
    """Editors read it."""
    assert json.loads(darner(folder, "schema")[1])["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "nowhere.yaml"),
        ("check", "small.yaml", "--set", "nothing"),
        ("check", "small.yaml", "--set", "a=1"),
        ("check", "small.yaml", "--set", "a=1", "--set", "a=2"),
        ("check", "small.yaml", "--policy", "nowhere.yaml"),
        ("check", "small.yaml", "--format", "xml"),
        ("compile", "small.yaml", "--unknown"),
        ("graph", "small.yaml", "--format", "svg"),
        ("unknown",),
    ],
)
def test_a_wrong_call_is_told_and_ends_with_2(words: tuple[str, ...], folder: Path) -> None:
    """Never a traceback, always something on stderr, nothing on stdout."""
    code, out, err = darner(folder, *words)
    assert (code, out) == (2, "")
    assert err
