"""The models of a target, put where it says: scripted ones get a server for as long as a command runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ...compiler.diagnostics import did_you_mean
from ...compiler.plan import ModelPlan
from ..failures import Refused
from ..places import ModelPlace, moved, served
from .server import ModelServer


@contextmanager
def placed(models: Mapping[str, ModelPlan], places: Mapping[str, ModelPlace], base: Path) -> Iterator[dict[str, ModelPlan]]:
    """Yield how each placed model is reached; servers of scripts are started before and stopped after.

    Args:
        models: the plan's.
        places: the target's ``models``; one script serves all the models that name it, from one server.
        base: the folder of ``darner.toml``, which scripts are relative to.

    Raises:
        Refused: a place for a model that the plan doesn't have, or a script that is wrong.
    """
    for name in places:
        if name not in models:
            msg = f"the target has a place for the model {name}, which the spec doesn't have"
            raise Refused(msg, help=did_you_mean(name, models))
    with ExitStack() as running:
        scripts = sorted({place.script for place in places.values() if place.script is not None})
        servers = {script: running.enter_context(ModelServer(base / script)) for script in scripts}
        yield {name: _there(models[name], place, servers) for name, place in places.items()}


def _there(model: ModelPlan, place: ModelPlace, servers: Mapping[str, ModelServer]) -> ModelPlan:
    return moved(model, place) if place.script is None else served(model, servers[place.script].base_url)
