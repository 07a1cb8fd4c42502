"""What a run's MCP servers offered when it began: kept with the run, so that what is on record is served without them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ...failures import Missing
from ...journal import paths
from ...ports import Store
from .remote_tool import RemoteTool


def read(store: Store, run_id: str) -> Mapping[str, RemoteTool]:
    """Return the tools that were offered, by their names in the spec; none where that isn't kept, or can't be read."""
    try:
        told = json.loads(store.get(paths.run_offers(run_id)))
        return {name: RemoteTool(name, one["description"], one["schema"]) for name, one in told.items()}
    except (Missing, ValueError, KeyError, TypeError, AttributeError):
        return {}  # a saving: then the servers are asked, as when the run began


def write(store: Store, run_id: str, offered: Iterable[RemoteTool]) -> None:
    """Keep what is offered."""
    told = {one.called: {"description": one.description, "schema": one.schema} for one in offered}
    store.put(paths.run_offers(run_id), json.dumps(told).encode())
