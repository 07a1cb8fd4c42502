"""What a person asked of ``darner run``, read but not judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..ports import Json, Store
from ..project.settings import Target


@dataclass(frozen=True)
class RunCall:
    """The spec, the place, and the values that were given."""

    spec: Path
    target: Target
    store: Store
    inputs: Mapping[str, str]
    inputs_file: Path | None
    sets: Mapping[str, str]
    run_id: str | None
    user: str | None
    as_json: bool
    policy: Path | None = None

    @property
    def models(self) -> Mapping[str, Json]:
        """Where the target puts models, as JSON: a run is bound to it."""
        return {name: place.model_dump(exclude_none=True) for name, place in self.target.models.items()}

    @property
    def base(self) -> Path:
        """What scripts of models are relative to."""
        return (self.target.file or self.spec).resolve().parent
