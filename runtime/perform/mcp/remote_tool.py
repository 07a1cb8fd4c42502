"""A server's tool as a model is offered it: its schema is the server's, and arguments are judged by it before they are sent."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from typing import Any

from ...failures import Semantic

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class RemoteTool:
    """What `tool_schema.Interface` is for a Python callable. ``called`` is its name in a spec, ``gh.create_issue``."""

    called: str
    description: str
    schema: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name for models, most of which allow no dots: ``gh_create_issue``."""
        return _NOT_IN_NAMES.sub("_", self.called)

    def parse(self, arguments: Any) -> dict[str, Any]:
        """Return arguments that the server's schema allows; `Semantic` says which it doesn't."""
        schemas, referencing = importlib.import_module("jsonschema"), importlib.import_module("referencing")
        # An empty registry: a schema must not make this process fetch what it refers to.
        judge = schemas.validators.validator_for(self.schema, default=schemas.Draft202012Validator)
        found = judge(self.schema, registry=referencing.Registry()).iter_errors(arguments)
        try:
            wrong = [f"{'.'.join(map(str, one.absolute_path)) or 'arguments'}: {one.message}" for one in found]
        except referencing.exceptions.Unresolvable:
            wrong = []  # the server judges for itself
        if wrong:
            msg = f"wrong arguments for {self.called}: {'; '.join(sorted(wrong))}"
            raise Semantic(msg)
        return dict(arguments)
