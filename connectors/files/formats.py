"""Which reader reads a file, by its suffix."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import pyarrow as pa

from ..errors import ConnectorError
from .locate import FoundFile

SUFFIXES: Mapping[str, str] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
Compression = Literal["gzip", "bz2", "zstd", "lz4"]
COMPRESSED: Mapping[str, Compression] = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
READERS: Mapping[str, str] = {"csv": ".delimited", "jsonl": ".lines", "parquet": ".parquet"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A file with what is needed to read it."""

    file: FoundFile
    format: str
    compression: Compression | None = None
    delimiter: str = ","


class Reader(Protocol):
    """What a module of this folder that reads a format holds."""

    def column_names(self, reading: Reading) -> list[str]:
        """Return the names of the columns."""
        ...

    def stretches(self, reading: Reading) -> list[tuple[int, int | None]]:
        """Return the parts that can be read on their own, as (start, stop)."""
        ...

    def read(self, reading: Reading, start: int, stop: int | None, columns: Sequence[str] | None) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield batches with the number of their first row in the file, from 1."""
        ...


def reader(format_: str) -> Reader:
    """Return the module that reads a format."""
    module: Any = importlib.import_module(READERS[format_], __package__)
    found: Reader = module
    return found


def recognise(name: str, said: str | None) -> tuple[str, Compression | None]:
    """Return format and compression of a file from its name; ``said`` overrides the format."""
    stem = name
    compression: Compression | None = None
    for suffix, kind in COMPRESSED.items():
        if name.endswith(suffix):
            stem, compression = name.removesuffix(suffix), kind
    if said is not None:
        return said, compression
    format_ = SUFFIXES.get("." + stem.rpartition("/")[2].rpartition(".")[2].lower())
    if format_ is None or (format_ == "parquet" and compression):
        msg = f"what {name} holds can't be told from its suffix"
        known = ", ".join(SUFFIXES)
        raise ConnectorError(
            msg, help=f"known are {known} (the text formats also with {', '.join(COMPRESSED)}); or say `format: parquet|csv|jsonl`"
        )
    return format_, compression


@contextmanager
def named(file: FoundFile) -> Iterator[None]:
    """Turn what goes wrong with a file into a ConnectorError that names it."""
    try:
        yield
    except ConnectorError:
        raise
    except FileNotFoundError as error:
        msg = f"{file.name} is gone"
        raise ConnectorError(msg, help="it was there a moment ago; run again when the source stands still") from error
    except PermissionError as error:
        msg = f"{file.name} may not be read"
        raise ConnectorError(msg, help="give the process the right to read it") from error
    except Exception as error:  # each remote file system raises exceptions of its own
        msg = f"{file.name} can't be read: {str(error) or type(error).__name__}"
        raise ConnectorError(msg, help="is it whole, and in the format that its suffix says?") from error


@contextmanager
def opened(reading: Reading) -> Iterator[Any]:
    """Open a text file for its plain bytes, decompressed."""
    file = reading.file
    with pa.OSFile(file.path, "rb") if file.is_local else file.system.open(file.path, "rb") as raw:
        if reading.compression is None:
            yield raw
        else:
            with pa.CompressedInputStream(raw, reading.compression) as plain:
                yield plain
