"""Places: darner.toml and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from darner.runtime.failures import Refused
from darner.runtime.project.settings import Target, find_target

TOML = """
[target.default]
store = "runs"

[target.cloud]
store = "s3://bucket/darner"
engine = "flink"
parallelism = 8

[target.cloud.params]
index = "s3://bucket/index"
fresh = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spec's folder below the one with darner.toml."""
    (tmp_path / "darner.toml").write_text(TOML)
    (tmp_path / "specs" / "small").mkdir(parents=True)
    return tmp_path / "specs" / "small"


def test_the_nearest_darner_toml_counts(folder: Path, tmp_path: Path) -> None:
    """Above the spec, or beside it; a relative store is relative to the file."""
    assert find_target(folder, environ={}).store == str(tmp_path / "runs")
    (folder / "darner.toml").write_text('[target.default]\nstore = "mine"\n')
    assert find_target(folder, environ={}).store == str(folder / "mine")


def test_a_target_is_named_or_comes_from_the_environment(folder: Path) -> None:
    """What is given counts before what is set, and what is set before what is written."""
    cloud = find_target(folder, "cloud", environ={})
    assert (cloud.store, cloud.engine) == ("s3://bucket/darner", "flink")
    assert cloud.params == {"index": "s3://bucket/index", "fresh": "true"}
    assert cloud.options == {"parallelism": 8}
    assert find_target(folder, environ={"DARNER_TARGET": "cloud"}).name == "cloud"
    assert find_target(folder, "cloud", environ={"DARNER_STORE": "/elsewhere"}).store == "/elsewhere"


def test_without_a_file_there_is_a_target_all_the_same(tmp_path: Path) -> None:
    """Nothing needs to be configured to begin."""
    assert find_target(tmp_path, environ={}) == Target()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[target", "can't be read"),
        ("[store]\n", "unknown section 'store'"),
        ("target = 3\n", "a target is a section"),
        ("[target.default]\nstore = 3\n", "store must be a text"),
        ("[target.default]\nparams = 3\n", "params must be a section"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    """The message names the file and what to write."""
    (tmp_path / "darner.toml").write_text(text)
    with pytest.raises(Refused, match=message):
        find_target(tmp_path, environ={})


def test_an_unknown_target_is_told_with_the_nearest_one(folder: Path) -> None:
    """A run must never go to another place than was meant."""
    with pytest.raises(Refused, match="there is no target clod") as caught:
        find_target(folder, "clod", environ={})
    assert caught.value.help == "did you mean 'cloud'?"
