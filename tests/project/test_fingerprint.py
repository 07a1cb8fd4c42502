"""Fingerprints of Python code: what changes them, and what must not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from darner.runtime.project import fingerprint
from darner.runtime.project.fingerprint import Fingerprints

FILES = {
    "shop_fp/__init__.py": "",
    "shop_fp/words.py": 'GREETING = f"hello {1 + 1!r:>{4}}"\nUNUSED = 1\n\n\ndef shout(text: str) -> str:\n    return text.upper()\n',
    "shop_fp/types.py": "class Product:\n    title: str = ''\n\n\nclass Other:\n    pass\n",
    "shop_fp/steps.py": (
        "import json\n"
        "from . import words\n"
        "from .types import Product\n"
        "LIMIT = 3\n"
        "OTHER = 4\n"
        "TABLE = {}\n"
        "TABLE['a'] = 1\n\n\n"
        "def helper(text):\n"
        "    return words.shout(text)[:LIMIT]\n\n\n"
        "def rank(product: Product) -> str:\n"
        "    return helper(product.title) + json.dumps(TABLE)\n\n\n"
        "def unrelated():\n"
        "    return OTHER\n"
    ),
}
GOLDEN = "1f0a203b162e8682fc6dece75632ca9f"
"""What `rank` above is on every Python and in every folder. It changes only with a CHANGELOG entry: each user's jobs are redone."""


def write(folder: Path, **changes: str) -> Path:
    """Write the project; ``changes`` maps a module's name to its new text."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changes.get(path.stem, text))
    return folder


def of(folder: Path, ref: str = "shop_fp.steps:rank", python: str = sys.executable) -> str:
    """Return a fingerprint as a process of its own computes it: modules are looked for in ``folder``."""
    script = (
        "import importlib.util, sys, json, pathlib\n"
        "spec = importlib.util.spec_from_file_location('fp', sys.argv[1])\n"
        "fp = importlib.util.module_from_spec(spec); sys.modules['fp'] = fp; spec.loader.exec_module(fp)\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "print(json.dumps(fp.Fingerprints(pathlib.Path(sys.argv[2])).of(sys.argv[3])))\n"
    )
    command = [python, "-B", "-c", script, fingerprint.__file__, str(folder), ref]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    found: str = json.loads(done.stdout)
    return found


def test_a_fingerprint_is_the_same_everywhere(tmp_path: Path) -> None:
    """Another folder and another process give the golden value."""
    assert of(write(tmp_path / "one")) == of(write(tmp_path / "two" / "deep")) == GOLDEN


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_supported_python_gives_the_golden_fingerprint(version: str, tmp_path: Path) -> None:
    """f-strings are one token on one Python and many on the next: here they are one everywhere."""
    python = shutil.which(f"python{version}")
    works = python is not None and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    if python is None or not works:
        pytest.skip(f"there is no python{version} here")
    assert of(write(tmp_path), python=python) == GOLDEN


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("steps", "LIMIT = 3\n", "LIMIT = 3  # letters\n\n"),
        ("steps", "def helper(text):\n", 'def helper(text):\n    """Shorten it.\n\n    A lot."""\n'),
        ("steps", "[:LIMIT]", "[\n        :LIMIT\n    ]"),
        ("steps", "OTHER = 4", "OTHER = 5"),
        ("steps", "def unrelated():\n    return OTHER", "def unrelated():\n    return -OTHER"),
        ("words", "UNUSED = 1", "UNUSED = 2"),
        ("types", "class Other:\n    pass", "class Other:\n    more = 1"),
        ("types", "class Product:", 'class Product:\n    """What is sold."""\n'),
    ],
)
def test_what_has_no_meaning_for_a_callable_changes_nothing(module: str, before: str, after: str, tmp_path: Path) -> None:
    """Comments, docstrings, layout, and code that isn't reached."""
    text = FILES[f"shop_fp/{module}.py"]
    assert before in text
    assert of(write(tmp_path, **{module: text.replace(before, after)})) == GOLDEN


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("steps", "LIMIT = 3", "LIMIT = 4"),
        ("steps", "TABLE['a'] = 1", "TABLE['a'] = 2"),
        ("steps", "return helper", "return  'x' + helper"),
        ("steps", "def helper(text):", "def helper(text, *, more=1):"),
        ("steps", "    return words.shout(text)[:LIMIT]", "    if text:\n        return words.shout(text)[:LIMIT]"),
        ("words", "text.upper()", "text.lower()"),
        ("types", "title: str = ''", "title: str = 'none'"),
        ("steps", "json.dumps(TABLE)", "json.dumps(TABLE) + words.GREETING"),
        ("steps", "json.dumps(TABLE)", "json.dumps(getattr(words, 'GREETING'))"),
    ],
)
def test_what_a_callable_reaches_changes_its_fingerprint(module: str, before: str, after: str, tmp_path: Path) -> None:
    """Its own body, helpers, constants, what changes them, classes, other modules of the package."""
    text = FILES[f"shop_fp/{module}.py"]
    assert before in text
    assert of(write(tmp_path, **{module: text.replace(before, after)})) != GOLDEN


def test_moving_a_line_into_a_block_changes_the_fingerprint(tmp_path: Path) -> None:
    """Indentation is no layout where it has a meaning."""
    inside = "def rank(x):\n    if x:\n        x += 1\n        x += 2\n    return x\n"
    outside = "def rank(x):\n    if x:\n        x += 1\n    x += 2\n    return x\n"
    one = of(write(tmp_path / "one", steps=inside))
    assert one != of(write(tmp_path / "two", steps=outside))


def test_a_name_that_cannot_be_followed_takes_its_module(tmp_path: Path) -> None:
    """A module that is handed on whole is read whole; through a star import, names are followed as through any other."""
    star = "from .words import *\n\n\ndef rank(x):\n    return shout(x)\n"
    whole = "from . import words\n\n\ndef rank(x):\n    return getattr(words, x)\n"
    for text in (star, whole):
        before = of(write(tmp_path / "a", steps=text))
        unused = of(write(tmp_path / "b", steps=text, words=FILES["shop_fp/words.py"].replace("UNUSED = 1", "UNUSED = 2")))
        assert (before == unused) == (text is star)
        shouted = of(write(tmp_path / "c", steps=text, words=FILES["shop_fp/words.py"].replace("upper", "title")))
        assert before != shouted


def test_other_packages_are_not_in_a_fingerprint(tmp_path: Path) -> None:
    """An upgrade of a library redoes nothing by itself: `version` is for that."""
    text = "import third_party_fp\n\n\ndef rank(x):\n    return third_party_fp.twice(x)\n"
    folder = write(tmp_path / "project", steps=text)
    library = tmp_path / "project" / "site"
    library.mkdir()
    (library / "third_party_fp.py").write_text("def twice(x):\n    return 2 * x\n")
    before = of(folder)
    (library / "third_party_fp.py").write_text("def twice(x):\n    return x + x\n")
    assert of(folder) == before


def test_modules_beside_the_spec_belong_to_it(tmp_path: Path) -> None:
    """A spec's folder with plain modules is one project, package or not."""
    (tmp_path / "steps_fp.py").write_text("import helpers_fp\n\n\ndef rank(x):\n    return helpers_fp.twice(x)\n")
    (tmp_path / "helpers_fp.py").write_text("def twice(x):\n    return 2 * x\n")
    before = of(tmp_path, "steps_fp:rank")
    (tmp_path / "helpers_fp.py").write_text("def twice(x):\n    return x + x\n")
    assert of(tmp_path, "steps_fp:rank") != before


def test_what_has_no_source_has_a_fingerprint_too() -> None:
    """The standard library and C extensions count by name."""
    assert Fingerprints(Path()).of("math:sqrt") != Fingerprints(Path()).of("math:cos")


def test_modules_that_reach_each_other_come_to_an_end(tmp_path: Path) -> None:
    """Circles of imports and of calls are followed once."""
    steps = "from . import words\n\n\ndef rank(x):\n    return words.back(x) if x else rank(x - 1)\n"
    words = "from . import steps\n\n\ndef back(x):\n    return steps.rank(x)\n"
    assert len(of(write(tmp_path, steps=steps, words=words))) == 32
