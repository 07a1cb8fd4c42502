"""How a job was called last, so that it can be called again by its name alone."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from ...compiler.frozen import Frozen
from ..failures import Corrupt, Missing, Refused
from ..journal import paths
from ..ports import Store


class KnownCall(Frozen):
    """A call of a job (``call.json``). Paths are absolute; ``base`` is what relative paths of datasets are relative to."""

    spec: str
    base: str
    sets: Mapping[str, str] = {}
    target: str | None = None
    engine: str | None = None
    policy: str | None = None


def remember_call(store: Store, job: str, call: KnownCall) -> None:
    """Write down how a job is called; the newest call holds."""
    store.put(paths.job_call(job), call.model_dump_json().encode())


def known_call(store: Store, job: str) -> KnownCall:
    """Return how a job was called last.

    Raises:
        Refused: nobody wrote that down.
        Corrupt: it can't be read.
    """
    name = paths.job_call(job)
    try:
        return KnownCall.model_validate_json(store.get(name))
    except Missing as error:
        raise Refused(f"how the job {job!r} was called isn't known", help="run it once with `darner run SPEC`, then by its name") from error
    except ValidationError as error:
        raise Corrupt(
            f"{name} is damaged: {error.errors()[0]['msg']}", help="run the job with `darner run SPEC`, which writes it anew"
        ) from error
