"""The connector ``files``: rows of Parquet, CSV and JSONL files, streaming, in (file, row) order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import ConnectorError
from ..ports import Place, SourceRange
from .formats import READERS, Reading, named, reader, recognise
from .locate import FoundFile, Locator, is_url

LOOKERS = 8
"""Files looked at side by side; each look at a remote one waits for the network."""


class Files:
    """Files by path, URL, glob or folder.

    Args:
        url: a path (relative to ``base``), a URL, a glob, a folder, or a list of them; a glob's files are sorted.
        base: what relative paths are relative to.
        format: ``parquet``, ``csv`` or ``jsonl``, where the suffix doesn't say.
        delimiter: what stands between the cells of a CSV row.
        storage: options of the file system, as fsspec names them.
    """

    def __init__(
        self,
        *,
        url: str | Sequence[str],
        base: Path,
        format: str | None = None,  # noqa: A002 - the word of the spec
        delimiter: str = ",",
        storage: Mapping[str, Any] | None = None,
    ) -> None:
        self.urls = (url,) if isinstance(url, str) else tuple(url)
        if not self.urls or not all(isinstance(one, str) and one for one in self.urls):
            msg = f"`url` is {url!r}"
            raise ConnectorError(msg, help="give a path, a URL or a glob, or a list of them")
        if format is not None and format not in READERS:
            msg = f"`format` is {format!r}"
            raise ConnectorError(msg, help=f"one of {', '.join(READERS)}")
        self.format = format
        self.delimiter = delimiter
        self.locator = Locator(base.absolute(), dict(storage or {}))

    def identity(self) -> str:
        """Return the addresses, absolute and without options."""
        base = self.locator.base
        return "files:" + " ".join(one if is_url(one) else str(base / Path(one).expanduser()) for one in self.urls)

    def columns(self) -> list[str]:
        """Return the columns of the files; ConnectorError names two files that differ."""
        return self._agreed(self._readings())

    def ranges(self) -> list[SourceRange]:
        """Return row groups of Parquet files and whole text files, in order."""
        readings = self._readings()
        self._agreed(readings)
        stretches = self._each(readings, lambda one: reader(one.format).stretches(one))
        flat = [(one.file.name, start, stop) for one, found in zip(readings, stretches, strict=True) for start, stop in found]
        return [SourceRange(number, file, start, stop) for number, (file, start, stop) in enumerate(flat)]

    def read(self, part: SourceRange, columns: Sequence[str] | None = None) -> Iterator[tuple[Place, pa.RecordBatch]]:
        """Yield batches of one range."""
        reading = self._reading(self.locator.open(part.file))
        batches = reader(reading.format).read(reading, part.start, part.stop, columns)
        while True:
            with named(reading.file):
                found = next(batches, None)
            if found is None:
                return
            row, batch = found
            yield Place(part.file, row), batch

    def _readings(self) -> list[Reading]:
        return [self._reading(file) for url in self.urls for file in self.locator.find(url)]

    def _reading(self, file: FoundFile) -> Reading:
        format_, compression = recognise(file.name, self.format)
        return Reading(file, format_, compression, self.delimiter)

    def _agreed(self, readings: Sequence[Reading]) -> list[str]:
        first: tuple[Reading, list[str]] | None = None
        for one, names in zip(readings, self._each(readings, lambda one: reader(one.format).column_names(one)), strict=True):
            if one.format == "jsonl":
                continue
            if first is None:
                first = (one, names)
            elif set(names) != set(first[1]):
                _refuse_different(first, (one, names))
        if first is not None:
            return first[1]
        found = self._each(readings, lambda one: reader(one.format).column_names(one))
        return list(dict.fromkeys(name for names in found for name in names))

    def _each(self, readings: Sequence[Reading], look: Any) -> list[Any]:
        def looked(one: Reading) -> Any:
            with named(one.file):
                return look(one)

        if len(readings) == 1:
            return [looked(readings[0])]
        with ThreadPoolExecutor(LOOKERS) as pool:
            return list(pool.map(looked, readings))


def _refuse_different(one: tuple[Reading, list[str]], other: tuple[Reading, list[str]]) -> None:
    lacks = [name for name in one[1] if name not in other[1]]
    adds = [name for name in other[1] if name not in one[1]]
    words = ([f"lacks {', '.join(lacks)}"] if lacks else []) + ([f"adds {', '.join(adds)}"] if adds else [])
    msg = f"{one[0].file.name} and {other[0].file.name} have different columns: the second {' and '.join(words)}"
    raise ConnectorError(msg, help="read them as two datasets, or make their columns equal")
