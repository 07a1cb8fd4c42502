"""Datasets as tools see them: a small handle that searches, gets and scans, connected when it is first used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from ...compiler import wires
from ...compiler.plan import DatasetPlan
from ...connectors.errors import ConnectorError
from ...connectors.registry import connect
from ...connectors.rows import to_rows
from ..failures import Refused


class DatasetHandle:
    """One dataset, as a tool is handed it. Rows are plain dicts."""

    def __init__(self, name: str, connector: Any) -> None:
        self.name = name
        self._connector = connector

    def search(self, vector: Sequence[float], *, limit: int = 10, where: str | None = None) -> list[dict[str, Any]]:
        """Return the rows nearest to a vector, nearest first, each with ``_distance``."""
        return [dict(row) for row in self._can("search")(vector, limit=limit, where=where)]

    def get(self, key: Any) -> dict[str, Any] | None:
        """Return the row of a key, or None."""
        row = self._can("get")(key)
        return None if row is None else dict(row)

    def scan(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield every row, with all columns or some."""
        if hasattr(self._connector, "scan"):
            for batch in self._connector.scan(columns):
                yield from to_rows(batch)
            return
        for part in self._can("ranges")():
            for _, batch in self._connector.read(part, columns):
                yield from to_rows(batch)

    def _can(self, verb: str) -> Any:
        found = getattr(self._connector, verb, None)
        if found is None:
            msg = f"the dataset {self.name} can't {verb}: its connector has no such verb"
            raise Refused(msg)
        return found


class Datasets:
    """The datasets of one plan, each connected once."""

    def __init__(self, plans: Mapping[str, DatasetPlan], params: Mapping[str, Any], base: Path | None) -> None:
        self._plans = plans
        self._params = params
        self._base = base
        self._handles: dict[str, DatasetHandle] = {}
        self._lock = Lock()

    def handle(self, name: str) -> DatasetHandle:
        """Return a dataset's handle; `Refused` where it can't be connected."""
        if name not in self._plans:
            msg = f"there is no dataset {name}"
            raise Refused(msg)
        with self._lock:
            if name not in self._handles:
                self._handles[name] = DatasetHandle(name, self._connect(self._plans[name]))
            return self._handles[name]

    def _connect(self, plan: DatasetPlan) -> Any:
        with_ = {key: self._bound(value) for key, value in plan.with_.items()}
        try:
            return connect(plan.use, with_=with_, key=plan.key, fields=plan.fields, base=self._base)
        except ConnectorError as error:
            raise Refused(str(error), help=error.help) from error

    def _bound(self, value: Any) -> Any:
        if wires.is_reference(value) and (ref := wires.parse_reference(value)) and ref.root == "params":
            return self._params[str(ref.path[0])]
        return wires.unescape(wires.substitute(value, self._params))
