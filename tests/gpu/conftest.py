"""Tests on a real GPU: what darner does where a card's memory is used up, or a process dies that holds it.

**What they need.** Linux with NVIDIA's driver and `nvidia-smi`, darner's own packages, and any of `torch`, `cupy` and `jax`, built
for CUDA, beside them. Each test is skipped, with its reason, where what it needs isn't there; one needs only `jax`, and no GPU.

**How to run them.** ::

    .venv/bin/python -m pip install torch cupy-cuda13x "jax[cuda13]"        # any of them; `uv pip install`, where there is no pip
    .venv/bin/python -m pytest tests/gpu -rs

**What they do to the machine.** They fill the first card of the driver's list, with plain allocations, and never more than that:
nobody else should be working on it. `CUDA_VISIBLE_DEVICES` should be unset, or name that card first. Each takes a minute at most.

**What they have shown so far.** They were written where there is no GPU, and have not run on one yet: a failure may be a fault of
darner's, or of theirs. What could be seen without a GPU is held by `tests/failures/test_evidence.py`: the names of the exceptions
are those of the libraries' own classes, and JAX's was provoked on its CPU.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache

import pytest

from .gpu_steps import ENVIRONMENT

ASKED = {
    "torch": "import torch; assert torch.cuda.is_available()",
    "cupy": "import cupy; assert cupy.cuda.runtime.getDeviceCount()",
    "jax": "import jax; assert jax.devices('gpu')",
}
"""How each library says that it has a GPU. It is asked in a process of its own: whoever asks takes some of the card."""


@cache
def lack(library: str | None = None) -> str | None:
    """Return what isn't there for a test on a card, by a library; None where all is."""
    if shutil.which("nvidia-smi") is None or subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode:
        return "nvidia-smi shows no GPU here"
    if library is None:
        return None
    if importlib.util.find_spec(library) is None:
        return f"{library} isn't installed"
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASKED[library]],
        env={**os.environ, **ENVIRONMENT}, capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    return None if asked.returncode == 0 else f"{library} finds no GPU"


@pytest.fixture
def card() -> None:
    """Skip where there is no card."""
    if reason := lack():
        pytest.skip(reason)


@pytest.fixture
def torch() -> None:
    """Skip where torch has no card."""
    if reason := lack("torch"):
        pytest.skip(reason)


@pytest.fixture
def jax() -> None:
    """Skip where jax isn't installed; its CPU is a device, too."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax isn't installed")


@pytest.fixture(params=sorted(ASKED))
def library(request: pytest.FixtureRequest) -> str:
    """Return a library that has a card; skip where it hasn't."""
    name: str = request.param
    if reason := lack(name):
        pytest.skip(reason)
    return name
