"""A spec's folder into a plan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from darner.compiler.diagnostics import CompileError
from darner.compiler.lowering.lower import to_text
from darner.runtime.failures import Refused
from darner.runtime.project.load import bind_params, check_spec, compile_spec, find_spec

SPEC = """darner: 1
name: small
params:
  word: {type: str, default: shoes, choices: [shoes, hats]}
  limit: {type: int, help: how many}
flow:
  steps:
    hits: {use: finding_l:search, with: {query: $params.word, limit: $params.limit}}
  outputs: $hits
"""
CODE = "def search(query: str, limit: int = 3) -> list[str]:\n    return [query] * limit\n"
GOLDEN = Path(__file__).parents[1] / "golden"
EXAMPLES = ("hello_fits_on_a_screen", "recommend_compiles_as_it_stands", "index_compiles_as_it_stands")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one spec and its Python."""
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "finding_l.py").write_text(CODE)
    (tmp_path / "other.yaml").write_text("not: a spec\n")
    return tmp_path


def test_a_folder_stands_for_its_only_spec(folder: Path) -> None:
    """Libraries, plans and other YAML files beside it don't count."""
    (folder / "lib.yaml").write_text("darner: 1\n")
    (folder / "small.plan.yaml").write_text("plan: small\nformat: 1\n")
    assert find_spec(folder) == folder / "small.yaml"
    assert compile_spec(folder).plan.plan == "small"


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere", "there is no file"), ("empty", "holds no spec"), ("two", "holds several specs")],
)
def test_a_path_that_means_no_spec_is_refused(path: str, message: str, tmp_path: Path) -> None:
    """With what is there instead."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "two").mkdir()
    for name in ("a", "b"):
        (tmp_path / "two" / f"{name}.yaml").write_text(f"darner: 1\nname: {name}\n")
    with pytest.raises(Refused, match=message):
        find_spec(tmp_path / path)


def test_parameters_are_checked_when_they_are_given(folder: Path) -> None:
    """Unknown names, wrong types, values that are no choice; what is missing is asked for when a run starts."""
    compiled = compile_spec(folder, params={"limit": "5"})
    assert compiled.params == {"word": "shoes", "limit": 5}
    assert compile_spec(folder).params == {"word": "shoes"}
    for given, message in [({"limits": "5"}, "no parameter limits"), ({"limit": "many"}, "is no int"), ({"word": "socks"}, "choices")]:
        with pytest.raises(Refused, match=message):
            compile_spec(folder, params=given)
    with pytest.raises(Refused, match="limit has no value") as caught:
        bind_params(compiled.plan.params, {})
    assert caught.value.help == "give one: --set limit=int (how many)"


def test_findings_point_at_files_that_a_terminal_can_open(folder: Path) -> None:
    """Places are relative to where the caller stands; notes of the policy too."""
    (folder / "policy.yaml").write_text("darner: 1\npolicy: {max_memory: 1Gi}\n")
    spec = SPEC.replace("flow:", "resources:\n  big: {memory: 2Gi}\nflow:").replace(
        "finding_l:search,", "finding_l:search, resources: big,"
    )
    (folder / "small.yaml").write_text(spec)
    with pytest.raises(CompileError) as caught:
        compile_spec(folder / "small.yaml", policy=folder / "policy.yaml")
    (finding,) = caught.value.diagnostics
    assert finding.code == "E501"
    assert finding.span.path == str(folder / "small.yaml")
    assert finding.notes == (f"policy: {folder / 'policy.yaml'}:2:22",)
    assert set(caught.value.sources) == {str(folder / "small.yaml"), str(folder / "policy.yaml")}


def test_a_policy_of_the_environment_cannot_be_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DARNER_POLICY` holds for every compilation; a missing file is no missing policy."""
    (folder / "policy.yaml").write_text("darner: 1\npolicy: {max_memory: 1Gi}\n")
    monkeypatch.setenv("DARNER_POLICY", str(folder / "policy.yaml"))
    assert to_text(compile_spec(folder / "small.yaml").plan).count("policy: {max_memory: 1Gi}") == 1
    monkeypatch.setenv("DARNER_POLICY", str(folder / "gone.yaml"))
    with pytest.raises(Refused, match="no policy file"):
        compile_spec(folder / "small.yaml")


def test_without_imports_python_is_not_touched(folder: Path) -> None:
    """For editors: what needs Python is not checked, the rest is."""
    (folder / "finding_l.py").write_text("raise RuntimeError\n")
    assert compile_spec(folder, inspect=False).plan.steps["hits"].callable == "finding_l:search"
    with pytest.raises(CompileError):
        compile_spec(folder)


def test_a_library_can_be_checked_and_not_compiled(tmp_path: Path) -> None:
    """It has nothing to run."""
    (tmp_path / "lib.yaml").write_text('darner: 1\nmodels:\n  small: {use: "openai:gpt-5-mini"}\n')
    assert check_spec(tmp_path / "lib.yaml").main.is_library
    with pytest.raises(CompileError) as caught:
        compile_spec(tmp_path / "lib.yaml")
    assert [one.code for one in caught.value.diagnostics] == ["E210"]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\xff", b"darner: [", b"x" * (2 << 20), b"\xff\xfed\x00"])
def test_a_file_that_is_no_spec_is_a_finding(content: bytes, tmp_path: Path) -> None:
    """Empty, binary, broken, huge, in UTF-16: a place and a sentence, never a traceback."""
    (tmp_path / "odd.yaml").write_bytes(content)
    with pytest.raises(CompileError) as caught:
        compile_spec(tmp_path / "odd.yaml")
    assert caught.value.diagnostics[0].code.startswith("E1")


def test_a_prompt_that_is_a_folder_or_not_readable_is_a_finding(tmp_path: Path) -> None:
    """Whatever the file system says is said at the place that names the file."""
    agent = "  one: {model: small, prompt: PATH, input: str, output: str}\n"
    (tmp_path / "folder.j2").mkdir()
    (tmp_path / "binary.j2").write_bytes(b"\xff\xfe")
    for path in ("folder.j2", "binary.j2", "gone.j2"):
        spec = f'darner: 1\nmodels:\n  small: {{use: "openai:x"}}\nagents:\n{agent.replace("PATH", path)}'
        (tmp_path / "lib.yaml").write_text(spec)
        with pytest.raises(CompileError) as caught:
            check_spec(tmp_path / "lib.yaml")
        assert caught.value.diagnostics[0].code in {"E801", "E102"}


@pytest.mark.parametrize("name", [pytest.param(EXAMPLES[0], marks=pytest.mark.soak), *EXAMPLES[1:]])  # the first has no more than those
def test_compiling_again_elsewhere_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Another folder, another process, another hash seed: plan and lock don't change by a byte."""
    outcomes = set()
    for seed in ("1", "2"):
        folder = tmp_path / ("deep/" * int(seed)) / f"at{seed}"
        shutil.copytree(GOLDEN / name, folder)
        words = ["compile", str(folder / "spec.yaml"), "-o", str(folder / "out.plan.yaml")]
        script = f"import sys; from darner.runtime.cli.main import run; sys.exit(run({words!r}))"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        outcomes.add(((folder / "out.plan.yaml").read_bytes(), (folder / "out.lock.json").read_bytes()))
    assert len(outcomes) == 1
    assert next(iter(outcomes))[0] == (GOLDEN / name / "plan.yaml").read_bytes()
