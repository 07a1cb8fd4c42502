"""Where a target puts the models of a spec: written in ``darner.toml``, never in the spec.

::

    [target.scripted.models.small]
    script = "script.yaml"             # answered by a server that `darner run` starts and stops

    [target.local.models.small]
    base_url = "http://127.0.0.1:11434/v1"
    use = "openai:qwen3"
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError, model_validator

from ..compiler.frozen import Frozen
from ..compiler.plan import ModelPlan
from .failures import Refused


class ModelPlace(Frozen):
    """Where one model is reached: by a ``script`` (a file beside ``darner.toml``), or at another address."""

    script: str | None = None
    use: str | None = None
    base_url: str | None = None
    secret: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ModelPlace:
        if (self.script is None) == (self.use is None and self.base_url is None):
            msg = "a model's place has either a script, or use or base_url"
            raise ValueError(msg)
        return self


def moved(plan: ModelPlan, place: ModelPlace) -> ModelPlan:
    """Return a model as it is reached at another place. Settings and price stay; its secret is the place's, or none."""
    return plan.model_copy(update={"use": place.use or plan.use, "base_url": place.base_url or plan.base_url, "secret": place.secret})


def served(plan: ModelPlan, base_url: str) -> ModelPlan:
    """Return a model as a scripted server at ``base_url`` serves it: over the OpenAI protocol, without a secret."""
    _, _, name = plan.use.rpartition(":")
    return plan.model_copy(update={"use": f"openai:{name}", "base_url": base_url, "secret": None, "fallback": None})


def read_places(section: object, where: str) -> dict[str, ModelPlace]:
    """Return the places of a target's ``models`` section; `Refused` says what is wrong with it, and ``where`` it stands."""
    if not isinstance(section, Mapping):
        raise Refused(f"{where} must be a section", help=f'write [{where.partition(": ")[2] or where}.NAME] and below it script = "…"')
    places = {}
    for name, place in section.items():
        try:
            places[str(name)] = ModelPlace.model_validate(place)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            said = first["msg"].removeprefix("Value error, ")
            raise Refused(
                f"{where}.{name}{field and '.'}{field}: {said}", help="a place has script, or use, base_url and secret"
            ) from error
    return places
