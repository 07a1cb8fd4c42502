"""Which fields of a job's source matter: those that a stage reads, or that reach the sink."""

from __future__ import annotations

from ...compiler.plan import JobPlan, Plan
from ..failures import Refused


def source_fields(plan: Plan) -> tuple[str, ...]:
    """Return the fields of the source that some stage reads or that reach the sink, with the key, in the type's order."""
    job = job_of(plan)
    source, sink = plan.datasets[job.source], plan.datasets[job.sink.to]
    stages = list(plan.stages.values())
    leaving = [set(source.fields), *(set(stage.fields) for stage in stages)]
    needed = leaving[-1] & set(sink.fields) if sink.fields else leaving[-1]
    for entering, stage in zip(reversed(leaving[:-1]), reversed(stages), strict=True):
        agent = plan.agents.get(stage.runs)
        passing = needed - set(agent.new_fields) if agent is not None and agent.new_fields is not None else set()
        # An agent whose output replaces the row: its input is built whole, whatever the prompt reads of it.
        whole = agent is not None and agent.new_fields is None
        needed = entering if whole else (set(stage.reads) or entering) | passing
        if stage.shape == "arrow" and not entering:
            needed = set(source.fields)
    return tuple(name for name in source.fields if name in needed or name == source.key)


def job_of(plan: Plan) -> JobPlan:
    """Return the plan's job; `Refused` where it is a flow, or has a stage that makes several rows of one."""
    if plan.job is None:
        raise Refused(f"{plan.plan} is a flow: it has no rows to plan", help="run it as a flow")
    for name, stage in plan.stages.items():
        if stage.shape == "explode":
            raise Refused(
                f"the stage {name!r} makes several rows of one (it returns a list), and jobs can't do that yet",
                help="write one row a key, with the several as a list field, or make the rows before the job",
            )
    return plan.job
