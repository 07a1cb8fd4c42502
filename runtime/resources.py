"""What one child process is given: memory, disk, threads, devices; rungs of a ladder, and what Python code lays over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from ..compiler.plan import ResourcesPlan
from ..compiler.quantities import format_size, parse_size
from ..compiler.settings import Gpu
from ..compiler.spec import Policy
from .failures import Refused

_TAKES = 'it takes memory="1Gi", disk="10Gi", cpu=2, gpu="TYPE"'
_GPU = TypeAdapter(Gpu)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a process gets. ``memory`` and ``disk`` are promised bytes, ``gpus`` devices; ``cpu`` is a wish. None: not said."""

    memory: int | None = None
    disk: int | None = None
    cpu: float | None = None
    gpus: int = 0
    spot: bool = False
    """Its machine may be taken away: the process is told, and what it is at is interrupted."""

    def over(self, base: Grant) -> Grant:
        """Return what is said here, and what the base says where nothing is."""
        return Grant(
            self.memory or base.memory, self.disk or base.disk, self.cpu or base.cpu, self.gpus or base.gpus, self.spot or base.spot
        )


def rungs(resources: ResourcesPlan) -> tuple[Grant, ...]:
    """Return what each rung of a ladder gives, the base first; each rung lies over the base."""
    base = Grant(resources.memory, resources.disk, resources.cpu, resources.gpu.count if resources.gpu else 0, resources.spot)
    higher = (Grant(one.memory, one.disk, one.cpu, one.gpu.count if one.gpu else 0) for one in resources.on_oom)
    return (base, *(one.over(base) for one in higher))


def class_for(plans: Mapping[str, ResourcesPlan], name: str, gpus: int) -> ResourcesPlan | None:
    """Return the entry that counts on a machine with so many devices: ``no_gpu`` names the one to use where there are too few.

    None: a device is promised that isn't there.
    """
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        found = plans[name]
        if max(one.gpus for one in rungs(found)) <= gpus:
            return found
        if found.no_gpu is None:
            return None
        name = found.no_gpu
    return None


def lacking(plans: Mapping[str, ResourcesPlan], name: str, gpus: int, memory: int | None) -> str | None:
    """Return what an entry promises and a machine can't give, in words; None where it can give it all.

    ``memory`` is what may be promised at once, in bytes; None: any.
    """
    found = class_for(plans, name, gpus)
    if found is None:
        return f"a GPU (resources {name}), and this machine has {gpus or 'none'}: `no_gpu: NAME` says what to use without one"
    if found.image is not None:
        return f"the image {found.image} (resources {name}), which this version of darner can't run"
    most = max((one.memory or 0 for one in rungs(found)), default=0)
    if memory is not None and most > memory:
        return f"{format_size(most)} of memory (resources {name}), and this machine has {memory >> 20} MiB to give away"
    return None


def wished(given: Mapping[str, Any], policy: Policy, gpus: int) -> Grant:
    """Return what ``.on(…)`` asks for; `Refused` where it is no such thing, over the policy, or not on this machine."""
    unknown = sorted(set(given) - {"memory", "disk", "cpu", "gpu"})
    if unknown:
        raise Refused(f"on() can't promise {unknown[0]}", help=_TAKES)
    memory, disk = _size(given, "memory"), _size(given, "disk")
    if memory is not None and policy.max_memory is not None and memory > policy.max_memory:
        raise Refused(
            f"on(memory={given['memory']!r}) is over policy.max_memory {format_size(policy.max_memory)}",
            help="ask for less; who owns the policy may raise it",
        )
    return Grant(memory, disk, _cpu(given.get("cpu")), _devices(given.get("gpu"), policy, gpus))


def _size(given: Mapping[str, Any], key: str) -> int | None:
    if given.get(key) is None:
        return None
    try:
        return parse_size(given[key])
    except PydanticCustomError as error:
        raise Refused(f"on({key}={given[key]!r}): {error.message()}", help=f'write {key}="1Gi"') from error


def _cpu(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        raise Refused(f"on(cpu={given!r}): that is no number of cores", help="write cpu=2")
    return float(given)


def _devices(given: Any, policy: Policy, gpus: int) -> int:
    if given is None:
        return 0
    try:
        asked = _GPU.validate_python({"type": given} if isinstance(given, str) else given)
    except ValidationError as error:
        raise Refused(f"on(gpu={given!r}): that is no device", help='write gpu="l4", or gpu={"type": "l4", "count": 2}') from error
    if policy.gpu_types is not None and asked.type not in policy.gpu_types:
        allowed = ", ".join(policy.gpu_types) or "(none)"
        raise Refused(f"on(gpu={given!r}): {asked.type} is not among policy.gpu_types {allowed}", help="ask for another one")
    if policy.max_gpus is not None and asked.count > policy.max_gpus:
        raise Refused(f"on(gpu={given!r}) is over policy.max_gpus {policy.max_gpus}", help="ask for fewer")
    if asked.count > gpus:
        raise Refused(f"on(gpu={given!r}): this machine has {gpus or 'none'}", help="run it where there is one")
    return asked.count
