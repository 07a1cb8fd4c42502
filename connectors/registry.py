"""Connectors by name: what there is, what each needs installed, and how one is built from a dataset of a spec.

A connector is loaded when it is first asked for. A dataset may also name a callable, ``module.path:attr``: a class or a
function whose keyword arguments are the entries of ``with`` and that gives an object with the verbs of `ports`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiler.diagnostics import did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """A connector that ships: where its class is, the package that it needs, and the extra that brings it."""

    target: str
    summary: str
    needs: str | None = None
    extra: str | None = None


CONNECTORS: Mapping[str, Entry] = {
    "files": Entry(".files.source:Files", "rows of Parquet, CSV and JSONL files by path, URL or glob"),
    "lancedb": Entry(".lancedb.table:LanceDB", "a LanceDB table, searched by vector", needs="lancedb", extra="lancedb"),
    "memory": Entry(".memory.table:Memory", "rows that live as long as the process"),
    "parquet": Entry(".parquet.table:ParquetTable", "a table in a local folder of Parquet files"),
}
"""Sorted by name."""


def names() -> tuple[str, ...]:
    """Return the names of the connectors that ship, sorted."""
    return tuple(CONNECTORS)


def connect(
    use: str,
    *,
    with_: Mapping[str, Any] | None = None,
    key: str = "",
    fields: Sequence[str] = (),
    base: Path | None = None,
) -> object:
    """Return a connector built from what a dataset says; it has some of the verbs of `ports`.

    Args:
        use: a connector's name, or ``module.path:attr``.
        with_: the dataset's ``with``, parameters substituted.
        key: the name of the key column.
        fields: the fields of the dataset's type, in the order of its definition.
        base: what relative paths are relative to. The default is the working directory, because paths come from
            the command line as often as from the spec.

    Raises:
        ConnectorError: for an unknown name, a package that isn't installed, a wrong ``with``, or what the connector
            itself finds wrong.
    """
    from .construct import construct  # noqa: PLC0415 - brings pyarrow; asking for names must stay cheap

    given = {"key": key, "fields": tuple(fields), "base": Path.cwd() if base is None else base}
    return construct(use, _maker(use), dict(with_ or {}), given)


def source(use: str, **dataset: Any) -> Any:
    """Return a connector as `connect` does, and see that it can be read; gives a `ports.Readable`."""
    from .ports import Readable  # noqa: PLC0415 - likewise

    return _able(use, connect(use, **dataset), Readable, "read")


def sink(use: str, **dataset: Any) -> Any:
    """Return a connector as `connect` does, and see that it can be written by key; gives a `ports.Upsertable`."""
    from .ports import Upsertable  # noqa: PLC0415 - likewise

    return _able(use, connect(use, **dataset), Upsertable, "written")


def _able(use: str, connector: object, verb: type, done: str) -> object:
    from .errors import ConnectorError  # noqa: PLC0415 - likewise

    if isinstance(connector, verb):
        return connector
    msg = f"{use} can't be {done}: it has no {', '.join(_missing(connector, verb))}"
    raise ConnectorError(msg, help=f"connectors that ship: {', '.join(names())}")


def _missing(connector: object, verb: type) -> list[str]:
    wanted = [name for name in vars(verb) if not name.startswith("_")]
    return [name for name in wanted if not hasattr(connector, name)]


def _maker(use: str) -> Callable[..., object]:
    from .errors import ConnectorError  # noqa: PLC0415 - likewise

    if ":" in use:
        return _load(use, None)
    entry = CONNECTORS.get(use)
    if entry is None:
        msg = f"there is no connector {use!r}"
        raise ConnectorError(msg, help=did_you_mean(use, names()))
    if entry.needs and importlib.util.find_spec(entry.needs) is None:
        msg = f"the connector {use} needs the package {entry.needs}"
        raise ConnectorError(msg, help=f"pip install 'darner[{entry.extra}]'")
    return _load(use, entry)


def _load(use: str, entry: Entry | None) -> Callable[..., object]:
    from .errors import ConnectorError  # noqa: PLC0415 - likewise

    module, _, attribute = (entry.target if entry else use).partition(":")
    try:
        found: Any = importlib.import_module(module, __package__ if entry else None)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        msg = f"{use} can't be imported: {error}"
        raise ConnectorError(msg, help="is it importable from where darner runs?") from error
    if not callable(found):
        msg = f"{use} is no class and no function, but a {type(found).__name__}"
        raise ConnectorError(msg, help="name something that gives a connector when it is called")
    made: Callable[..., object] = found
    return made
