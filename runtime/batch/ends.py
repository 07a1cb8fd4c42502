"""A job's source and sink: built from what the spec says, and what they raise said as the job's end that it is."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from ...compiler.plan import DatasetPlan, Plan
from ...compiler.wires import is_reference, parse_reference, substitute, unescape
from ...connectors import registry
from ...connectors.errors import ConnectorError
from ...connectors.ports import Preparable, Readable, Scannable, Upsertable
from ..failures import CallableError, DarnerError, StoreError
from ..perform.processes.child import place_of
from .needs import job_of

End = Literal["source", "sink"]
_VERBS = sorted({name for verb in (Readable, Upsertable, Scannable, Preparable) for name in vars(verb) if not name.startswith("_")})


@dataclass(frozen=True, slots=True)
class Ends:
    """What is needed to build a job's ends. ``folder`` is the spec's, ``base`` what relative paths are relative to."""

    plan: Plan
    params: Mapping[str, Any]
    folder: Path
    base: Path | None

    def source(self) -> Readable:
        """Return the source; `StoreError` or `CallableError` where it can't be built."""
        dataset = self.plan.datasets[job_of(self.plan).source]
        source: Readable = self._built("source", dataset, registry.source)
        return source

    def sink(self) -> Upsertable:
        """Return the sink; errors likewise."""
        dataset = self.plan.datasets[job_of(self.plan).sink.to]
        sink: Upsertable = self._built("sink", dataset, registry.sink)
        return sink

    def _built(self, end: End, dataset: DatasetPlan, connect: Callable[..., Any]) -> Any:
        with_ = {name: self._bound(value) for name, value in dataset.with_.items()}
        own = _Own(end, dataset.use, self.folder) if ":" in dataset.use else None
        with saying_end(end), own.saying() if own else saying_end(end):
            connector = connect(dataset.use, with_=with_, key=dataset.key, fields=dataset.fields, base=self.base)
        return own.guarded(connector) if own else connector

    def _bound(self, value: Any) -> Any:
        if is_reference(value) and (ref := parse_reference(value)) and ref.root == "params":
            return self.params[str(ref.path[0])]
        return unescape(substitute(value, self.params))


@contextmanager
def saying_end(end: End = "sink") -> Iterator[None]:
    """Turn what a connector says into a `StoreError` that names the job's end."""
    try:
        yield
    except ConnectorError as error:
        raise StoreError(f"the {end}: {error}", help=error.help) from error


@dataclass(frozen=True, slots=True)
class _Own:
    """A connector of the user's own: what its code raises is the user's error, and never darner's."""

    end: End
    use: str
    folder: Path

    def guarded(self, connector: Any) -> Any:
        """Return the connector with the verbs that it has, each of which raises only what darner knows."""
        return SimpleNamespace(**{name: self._guarded(getattr(connector, name)) for name in _VERBS if hasattr(connector, name)})

    def _guarded(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            with self.saying():
                found = verb(*args, **named)
            return self._iterated(found) if isinstance(found, Iterator) else found

        return called

    def _iterated(self, rows: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.saying():
                try:
                    one = next(rows)
                except StopIteration:
                    return
            yield one

    @contextmanager
    def saying(self) -> Iterator[None]:
        """Turn the user's exceptions into a `CallableError` with their type, what they say, and where they were raised."""
        try:
            yield
        except (DarnerError, ConnectorError):
            raise
        except Exception as error:
            raise CallableError(
                f"the {self.end} {self.use}: {type(error).__name__}: {error}",
                type_name=type(error).__name__,
                help=f"{self._place(error)}; mend it and run the same command again: what was finished is kept",
            ) from error

    def _place(self, error: Exception) -> str:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if self._is_ours(Path(frame.filename))]
        if not frames:
            return place_of(error) or "raised nowhere that is known"
        return f"raised at {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}"

    def _is_ours(self, file: Path) -> bool:
        return file.is_relative_to(self.folder) and "site-packages" not in file.parts
