"""Groups: consecutive stages with equal resources, and what each rung of their memory ladder gives them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ...compiler.plan import Plan, ResourcesPlan
from ..failures import Refused


@dataclass(frozen=True, slots=True)
class Group:
    """Stages that run one after another in one process, shard by shard. ``number`` is from 0."""

    number: int
    stages: tuple[str, ...]
    resources: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one rung gives to a process: bytes of memory, cores, and a batch size in place of the stages' own."""

    memory: int | None = None
    cpu: float | None = None
    batch: int | None = None
    gpus: int = 0


def groups_of(plan: Plan) -> tuple[Group, ...]:
    """Return a job's groups, in order. Stages whose resource classes are equal in content share one."""
    classes = plan.resources
    runs = itertools.groupby(plan.stages.items(), key=lambda item: classes.get(item[1].resources or ""))
    found = []
    for number, (_, members) in enumerate(runs):
        stages = list(members)
        found.append(Group(number, tuple(name for name, _ in stages), stages[0][1].resources))
    return tuple(found)


def ladder(plan: Plan, group: Group, *, gpus: int = 0) -> tuple[Allowance, ...]:
    """Return what a group gets on its base and on each rung of `on_oom`; every rung lies over the base.

    ``gpus`` is how many devices this machine has. `Refused` where a GPU is needed, there is none, and no `no_gpu` says
    what to do instead.
    """
    base = class_for(plan, group.resources, gpus)
    if base is None:
        return (Allowance(),)
    if base.image is not None:
        raise Refused(
            f"resources {group.resources} ask for the image {base.image}, and stages run in processes of this machine here",
            help="take `image` out, and install what the stages need beside darner",
        )
    first = Allowance(base.memory, base.cpu, None, base.gpu.count if base.gpu else 0)
    rungs = [
        Allowance(rung.memory or first.memory, rung.cpu or first.cpu, rung.batch, rung.gpu.count if rung.gpu else first.gpus)
        for rung in base.on_oom
    ]
    return (first, *rungs)


def class_for(plan: Plan, name: str | None, gpus: int) -> ResourcesPlan | None:
    """Return the entry of `resources` that a machine with so many GPUs uses for a name; `Refused` where it can't."""
    seen: list[str] = []
    while name is not None:
        found = plan.resources[name]
        if found.gpu is None or found.gpu.count <= gpus:
            return found
        seen.append(name)
        if found.no_gpu is None or found.no_gpu in seen:
            raise Refused(
                f"resources {name} need {found.gpu.count} GPU ({found.gpu.type}), and this machine has {gpus or 'none'}",
                help=f"say which class to use without one: `no_gpu: NAME` in resources.{name}",
            )
        name = found.no_gpu
    return None


def workers_wished(plan: Plan, groups: tuple[Group, ...]) -> int | None:
    """Return the largest number of workers that any group asks for; None where none does."""
    wished = [plan.resources[group.resources].workers for group in groups if group.resources]
    return max((one for one in wished if one is not None), default=None)
