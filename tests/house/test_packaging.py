"""What is shipped, and what is locked."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from . import tree

SOURCE = tree.ROOT / "src" / "darner"


@pytest.mark.parametrize("part", tree.PARTS)
def test_each_part_is_linked_into_the_package(part: str) -> None:
    """The links give the import names; a copied folder would go stale in silence."""
    link = SOURCE / part
    assert link.is_symlink()
    assert link.readlink() == Path("../..") / part


def test_the_wheel_holds_every_module_of_every_part(tmp_path: Path) -> None:
    """A part that a wheel leaves out is found here and not by a user."""
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    command = [sys.executable, "-W", "ignore", "-c", build, str(tmp_path)]
    done = subprocess.run(command, cwd=_checkout(tmp_path), capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        shipped = set(wheel.namelist())
    wanted = {f"darner/{path.relative_to(tree.ROOT)}" for path, _ in tree.files().values()}
    assert wanted - shipped == set()
    assert {"darner/__init__.py", "darner/py.typed", "darner/testing.py"} <= shipped
    assert [name for name in shipped if not name.startswith("darner")] == []


def _checkout(tmp_path: Path) -> Path:
    """Return a copy of what is packaged, so that building writes nothing into the working tree."""
    copy = tmp_path / "checkout"
    for part in (*tree.PARTS, "src"):
        shutil.copytree(tree.ROOT / part, copy / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(tree.ROOT / name, copy / name)
    return copy


def test_pip_and_uv_install_the_same_versions() -> None:
    """Both ways of setting up read one resolution."""
    packages = tomllib.loads((tree.ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    locked = {(package["name"], package["version"]) for package in packages}
    exported = re.findall(r"^([a-z0-9-]+)==([^ \\]+)", (tree.ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(exported) > len(packages) // 2
    assert set(exported) - locked == set()


def test_only_the_promised_names_stand_at_the_top() -> None:
    """The seven fixed names, and the files that every project has."""
    done = subprocess.run(["git", "ls-files"], cwd=tree.ROOT, capture_output=True, text=True, check=True, timeout=60)
    folders = {line.split("/")[0] for line in done.stdout.splitlines() if "/" in line}
    assert folders == {"compiler", "runtime", "specs", "connectors", "tests", "docs", "src", ".ci"}
