"""The one pydantic configuration that every model of the compiler shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that refuses unknown keys and takes fields by name or by alias.

    Validators are built when a model is first used, because building all of them would double what an import costs.
    So what is made while a module is imported (defaults, constants) is made by ``model_construct``.
    Numbers that JSON has no words for are written as Python's ``json`` does, and so are read back as they were.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, validate_default=False, defer_build=True, ser_json_inf_nan="constants"
    )
