"""Who may import whom, and who may touch the world."""

from __future__ import annotations

import subprocess
import sys

import networkx as nx
import pytest

from . import tree

BELOW = {"compiler": {"compiler"}, "connectors": {"connectors", "compiler"}, "runtime": {"runtime", "connectors", "compiler"}}
TOUCHING = {
    "os",
    "subprocess",
    "socket",
    "time",
    "random",
    "uuid",
    "secrets",
    "shutil",
    "tempfile",
    "glob",
    "urllib",
    "http",
    "importlib",
    "fsspec",
    "s3fs",
    "httpx2",
    "apache_beam",
    "lancedb",
    "pydantic_ai",
    "psutil",
}


def test_there_is_no_circle_among_imports_type_checking_ones_included() -> None:
    """A type that two files need lives on a floor below both."""
    knots = [sorted(group) for group in nx.strongly_connected_components(tree.graph()) if len(group) > 1]
    assert knots == []


@pytest.mark.parametrize("part", tree.PARTS)
def test_imports_go_one_way(part: str) -> None:
    """The runtime may use connectors and compiler, connectors the compiler, the compiler nothing of ours."""
    wrong = [
        (name, target) for name, target in tree.graph().edges if name.split(".")[0] == part and target.split(".")[0] not in BELOW[part]
    ]
    assert wrong == []


def test_nothing_imports_the_command() -> None:
    """The command is the outermost room."""
    inside = "runtime.cli"
    wrong = [(name, target) for name, target in tree.graph().edges if target.startswith(inside) and not name.startswith(inside)]
    assert wrong == []


def _touches(name: str, banned: set[str]) -> set[str]:
    return {target for target in tree.imported(name) if target.split(".")[0] in banned}


def test_the_compiler_touches_nothing() -> None:
    """No file, clock, environment, network or engine is imported anywhere in the compiler."""
    banned = TOUCHING | {"pathlib", "io", "pyarrow", "asyncio", "threading"}
    assert {name: found for name in tree.files() if name.startswith("compiler") and (found := _touches(name, banned))} == {}


def test_files_of_the_runtime_think_and_only_folders_touch() -> None:
    """A file directly in the runtime takes clock, ids and journal as arguments."""
    thinking = [name for name, (path, _) in tree.files().items() if path.parent == tree.ROOT / "runtime"]
    assert {name: found for name in thinking if (found := _touches(name, TOUCHING))} == {}


def test_inside_the_house_imports_are_relative() -> None:
    """An absolute import would make two classes of one."""
    assert [name for name in tree.files() if any(target.split(".")[0] == "darner" for target in tree.imported(name))] == []


@pytest.mark.parametrize("module", ["darner", "darner.compiler.plan", "darner.connectors.registry", "darner.runtime.cli.main"])
def test_light_doors_load_nothing_heavy(module: str) -> None:
    """What every command imports must not wait for Beam, LanceDB or an agent framework."""
    code = (
        f"import sys, {module}; print([name for name in ('apache_beam', 'lancedb', 'pydantic_ai', 's3fs', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
