"""Places: ``darner.toml`` beside or above a spec, and the environment variables that override it."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...compiler.diagnostics import did_you_mean
from ..failures import Refused
from ..places import ModelPlace, read_places

FILE = "darner.toml"
STORE, TARGET, POLICY = "DARNER_STORE", "DARNER_TARGET", "DARNER_POLICY"
DEFAULT = "default"
"""The target that is meant where none is named."""


@dataclass(frozen=True)
class Target:
    """Where and how a run takes place. ``params`` are texts as ``--set`` takes them; ``options`` are the engine's own."""

    name: str = DEFAULT
    store: str | None = None
    engine: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    """The ``darner.toml`` that it was read from."""
    models: Mapping[str, ModelPlace] = field(default_factory=dict)
    """Where models are reached instead of where the spec says; `testing.serving.placed` puts them there."""


def find_target(folder: Path, name: str | None = None, environ: Mapping[str, str] = os.environ) -> Target:
    """Return the target for a spec in ``folder``: the one named, else ``DARNER_TARGET``, else ``default``.

    A relative ``store`` is relative to its ``darner.toml``; ``DARNER_STORE`` takes its place.

    Raises:
        Refused: ``darner.toml`` can't be read, or has no such target.
    """
    wanted = name or environ.get(TARGET)
    file = _nearest(folder.resolve())
    targets = _targets(file) if file is not None else {}
    if wanted is not None and wanted not in targets:
        where = str(file) if file is not None else f"{FILE}: there is no such file beside or above {folder}"
        raise Refused(f"there is no target {wanted} in {where}", help=did_you_mean(wanted, targets) or f"add [target.{wanted}]")
    found = targets.get(wanted or DEFAULT, Target())
    store = environ.get(STORE) or found.store
    return dataclasses.replace(found, store=store)


def policy_path(given: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the platform's policy file: the one given, else that of ``DARNER_POLICY``; `Refused` where it isn't there."""
    path = given or (Path(environ[POLICY]) if environ.get(POLICY) else None)
    if path is not None and not path.is_file():
        where = "--policy" if given is not None else POLICY
        raise Refused(f"there is no policy file {path}", help=f"it is what {where} names")
    return path


def _nearest(folder: Path) -> Path | None:
    return next((one / FILE for one in (folder, *folder.parents) if (one / FILE).is_file()), None)


def _targets(file: Path) -> dict[str, Target]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"{file} can't be read: {error}", help="it is a TOML file with [target.NAME] sections") from error
    unknown = sorted(set(content) - {"target"})
    if unknown:
        raise Refused(f"{file} has an unknown section {unknown[0]!r}", help="it holds [target.NAME] sections only")
    sections = content.get("target", {})
    if not isinstance(sections, dict) or not all(isinstance(one, dict) for one in sections.values()):
        raise Refused(f"{file}: a target is a section, [target.NAME]", help='write [target.default] and below it store = "…"')
    return {name: _target(file, name, section) for name, section in sections.items()}


def _target(file: Path, name: str, section: Mapping[str, Any]) -> Target:
    for key in ("store", "engine"):
        if not isinstance(section.get(key, ""), str):
            raise Refused(f"{file}: target.{name}.{key} must be a text", help=f'write {key} = "…"')
    params = section.get("params", {})
    if not isinstance(params, dict):
        raise Refused(f"{file}: target.{name}.params must be a section", help=f"write [target.{name}.params]")
    options = {key: value for key, value in section.items() if key not in {"store", "engine", "params", "models"}}
    models = read_places(section.get("models", {}), f"{file}: target.{name}.models")
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in params.items()}
    return Target(name, _store(file, section.get("store")), section.get("engine"), texts, options, file, models)


def _store(file: Path, store: str | None) -> str | None:
    return store if store is None or "://" in store else str((file.parent / store).resolve())
