"""The models: real ones, without a network, the same in every process."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import SPEC

embedders: Any = importlib.import_module("catalog.embedders")

TEXTS = [
    "waterproof hiking boots for women",
    "wasserdichte Wanderstiefel für Damen",
    "kettle",
    "",
    "a much longer text about a stainless steel water bottle that keeps a litre of tea hot for a day " * 3,
]
SCRIPT = """
import hashlib, socket, sys
def refuse(*_, **__):
    raise AssertionError("no network")
socket.socket.connect = refuse
from catalog.embedders import embedder
print(hashlib.sha256(embedder(sys.argv[1]).embed(eval(sys.argv[2])).tobytes()).hexdigest())
"""
MODELS = ["static", "minilm"]


def model(name: str) -> Any:
    try:
        return embedders.embedder(name)
    except ModuleNotFoundError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("name", MODELS)
def test_two_processes_make_the_same_vectors_without_a_network(name: str) -> None:
    """Whatever the hash seed; a worker that is started again goes on with equal vectors."""
    here = hashlib.sha256(model(name).embed(TEXTS).tobytes()).hexdigest()
    env = os.environ | {"PYTHONPATH": str(SPEC), "PYTHONHASHSEED": "99"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, name, repr(TEXTS)], check=True, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == here


@pytest.mark.parametrize("name", MODELS)
def test_vectors_have_length_one_and_mean_something(name: str) -> None:
    """A translation is nearer than another thing."""
    vectors = model(name).embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), model(name).dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    boots, stiefel, kettle = vectors[:3]
    assert boots @ stiefel > boots @ kettle


@pytest.mark.parametrize("name", MODELS)
def test_a_vector_does_not_depend_on_its_neighbours(name: str) -> None:
    """A row alone, in a small batch and in a large one: batches may be cut anywhere."""
    made = model(name)
    many = [f"{text} {number}" for number in range(40) for text in TEXTS[:3]]
    together = made.embed(many)
    alone = np.vstack([made.embed([text]) for text in many[:5]])
    if name == "static":
        assert np.array_equal(together[:5], alone)
    else:
        assert np.allclose(together[:5], alone, atol=0.06)  # int8 scales are per batch


def test_the_static_model_is_wordllama() -> None:
    """Our fifteen lines give what the package's own code gives."""
    script = (
        "import sys, wordllama, numpy as np; from pathlib import Path; from catalog.embedders import Static\n"
        "theirs = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)\n"
        "texts = ['waterproof hiking boots', 'Akkuschrauber 18V im Koffer', 'やかん']\n"
        "assert np.allclose(theirs.embed(texts, norm=True), Static().embed(texts), atol=1e-5)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ | {"PYTHONPATH": str(SPEC)})


def test_a_missing_model_says_what_to_install(tmp_path: Path) -> None:
    """No import error from the depths."""
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        embedders._package("a_package_that_nobody_has")
