"""A LanceDB database, opened when something is first asked of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from . import sql


class Database:
    """A folder or bucket with tables. ``storage`` are options of the object store, as LanceDB names them."""

    def __init__(self, url: str, storage: Mapping[str, str]) -> None:
        self.url = url
        self.storage = storage

    @cached_property
    def _connection(self) -> Any:
        # Its warnings are about its own insides, and go past every logger to standard error.
        os.environ.setdefault("LANCEDB_LOG", "error")
        import lancedb  # noqa: PLC0415 - half a second, which naming a table must not cost

        # Every read sees what was committed before it, also by another process.
        always = timedelta(0)
        return lancedb.connect(self.url, storage_options=dict(self.storage) or None, read_consistency_interval=always)

    def names(self) -> list[str]:
        """Return the names of the tables."""
        with sql.named(self.url):
            found: list[str] = []
            token: str | None = None
            while True:
                page = self._connection.list_tables(page_token=token)
                found += page.tables
                token = page.page_token
                if not token:
                    return found

    def table(self, name: str) -> Any:
        """Return a table, or None where there is none."""
        if name not in self.names():
            return None
        with sql.named(name):
            return self._connection.open_table(name)

    def create(self, name: str, schema: Any) -> Any:
        """Return a new, empty table."""
        with sql.named(name):
            return self._connection.create_table(name, schema=schema)
