"""Jobs resolved: each stage with its shape, the rows that enter it, and the rows that leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..plan import Shape
from ..signature import Parameter, Signatures
from ..spec import Job, Stage
from ..types import AnyType, ArrowType, ListType, RecordType, Type
from .assign import fields_of, fits, is_optional, required
from .pipeline import Callee, StageNode


@dataclass(frozen=True)
class JobResolver:
    """What resolving stages needs to know. ``callee`` gives the ports of a ``use``, ``output`` an agent's output as written."""

    signatures: Signatures
    callee: Callable[[str], Callee | None]
    output: Callable[[str], str]

    def stages(self, job: Job, row: Type) -> Iterator[StageNode]:
        """Yield the stages in order, rows flowing from each to the next."""
        for index, stage in enumerate(job.stages):
            callee = self.callee(stage.use)
            node = self._stage(index, stage, callee, row)
            yield node
            row = node.gives

    def _stage(self, index: int, stage: Stage, callee: Callee | None, row: Type) -> StageNode:
        if callee is None or callee.kind not in {"callable", "agent"}:
            return StageNode(index, stage, callee, "row", row, AnyType(), AnyType())
        if callee.kind == "agent":
            return self._agent(index, stage, callee, row)
        shape, takes, gives = shape_of(callee, stage)
        name = gives.ref if isinstance(gives, RecordType) else ""
        return StageNode(index, stage, callee, shape, row, takes, gives, name)

    def _agent(self, index: int, stage: Stage, callee: Callee, row: Type) -> StageNode:
        takes = callee.whole or AnyType()
        name = self.output(stage.use)
        return StageNode(index, stage, callee, "row", row, takes, callee.output, name, self._new_fields(takes, callee.output))

    def _new_fields(self, taken: Type, given: Type) -> tuple[str, ...] | None:
        """Return the fields that an output adds to the input that it extends, or None where it doesn't extend it."""
        records = self.signatures.records
        before, after = fields_of(taken, records), fields_of(given, records)
        if before is None or after is None or fits(given, taken, records) is not None:
            return None
        names = {one.name for one in before}
        new = tuple(one.name for one in after if one.name not in names)
        return new if new and names <= {one.name for one in after} else None


def row_parameter(callee: Callee, stage: Stage) -> Parameter | None:
    """Return the parameter that takes the row: the first that ``with`` doesn't fill."""
    built = callee.signature is not None and callee.signature.shape == "class"
    return next((one for one in callee.parameters or () if one.variadic != "kwargs" and (built or one.name not in stage.with_)), None)


def shape_of(callee: Callee, stage: Stage) -> tuple[Shape, Type, Type]:
    """Return (shape, type of one row that enters, type of one row that leaves) of a callable, from its annotation."""
    parameter = row_parameter(callee, stage)
    takes = parameter.type if parameter is not None else AnyType()
    gives = callee.output
    if isinstance(takes, ArrowType) or isinstance(gives, ArrowType):
        return "arrow", takes, gives
    if isinstance(takes, ListType):
        return "batch", takes.item, gives.item if isinstance(gives, ListType) else gives
    if isinstance(required(gives), ListType):
        inner = required(gives)
        return "explode", takes, inner.item if isinstance(inner, ListType) else inner
    if is_optional(gives):
        return "filter", takes, required(gives)
    return "row", takes, gives
