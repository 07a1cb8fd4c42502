"""What `.on()` may ask for, and how much memory is promised at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from darner.compiler.plan import ResourcesPlan
from darner.compiler.spec import Policy
from darner.runtime.failures import Refused
from darner.runtime.perform.processes.room import Room
from darner.runtime.resources import Grant, class_for, rungs, wished

MIB = 1 << 20


def test_what_is_asked_for_lies_over_what_the_spec_gives() -> None:
    """What isn't asked for stays as it is."""
    asked = wished({"memory": "1Gi", "cpu": 2, "gpu": "l4"}, Policy(), gpus=1)
    assert asked == Grant(memory=1024 * MIB, cpu=2.0, gpus=1)
    assert asked.over(Grant(memory=MIB, disk=2 * MIB, cpu=1.0)) == Grant(1024 * MIB, 2 * MIB, 2.0, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wings": 2}, "can't promise wings"),
        ({"memory": "a lot"}, "on(memory='a lot')"),
        ({"memory": "2Gi"}, "is over policy.max_memory 1Gi"),
        ({"disk": 5}, "on(disk=5)"),
        ({"cpu": 0}, "no number of cores"),
        ({"cpu": True}, "no number of cores"),
        ({"cpu": "two"}, "no number of cores"),
        ({"gpu": "h100"}, "h100 is not among policy.gpu_types l4"),
        ({"gpu": {"type": "l4", "count": 3}}, "is over policy.max_gpus 2"),
        ({"gpu": {"type": "l4", "count": 2}}, "this machine has 1"),
        ({"gpu": 3}, "no device"),
    ],
)
def test_what_cannot_be_promised_is_refused(given: dict[str, Any], said: str) -> None:
    """By the policy, on this machine, or as words that mean nothing."""
    policy = Policy.model_validate({"max_memory": "1Gi", "gpu_types": ["l4"], "max_gpus": 2})
    with pytest.raises(Refused) as refused:
        wished(given, policy, gpus=1)
    assert said in refused.value.message
    assert refused.value.help


def test_each_rung_lies_over_the_base() -> None:
    """Not over the rung below it."""
    plan = ResourcesPlan.model_validate(
        {"memory": "256Mi", "disk": "1Gi", "on_oom": [{"memory": "512Mi", "disk": "2Gi"}, {"memory": "1Gi"}]}
    )
    assert [(one.memory, one.disk) for one in rungs(plan)] == [(256 * MIB, 1024 * MIB), (512 * MIB, 2048 * MIB), (1024 * MIB, 1024 * MIB)]


def test_classes_that_name_each_other_for_want_of_a_device_lead_nowhere() -> None:
    """And that is said, and not searched for ever."""
    plans = {name: ResourcesPlan.model_validate({"gpu": {"type": "l4"}, "no_gpu": other}) for name, other in (("a", "b"), ("b", "a"))}
    assert class_for(plans, "a", gpus=0) is None
    assert class_for(plans, "a", gpus=1) is plans["a"]


def test_no_more_memory_is_promised_at_once_than_there_is() -> None:
    """Who comes first is served first; a large one isn't overtaken for ever by small ones, and one that gives up leaves no hole."""
    order: list[str] = []

    async def use(room: Room, name: str, memory: int) -> None:
        async with room.taken(memory):
            order.append(name)
            await asyncio.sleep(0.01)

    async def all_of_them() -> None:
        room = Room(most=10)
        tasks = [asyncio.create_task(use(room, *one)) for one in (("a", 6), ("large", 9), ("small", 2), ("gone", 9), ("last", 10))]
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(10), room.taken(10):
            pass

    asyncio.run(all_of_them())
    assert order == ["a", "large", "small", "last"]


def test_who_is_promised_no_memory_waits_for_nobody() -> None:
    """A step with a disk alone takes nothing from a large one that waits."""

    async def all_of_them() -> None:
        room = Room(most=10)
        async with asyncio.timeout(10), room.taken(6):
            large = asyncio.create_task(_taken(room, 9))
            await asyncio.sleep(0)
            await _taken(room, 0)
            assert not large.done()
        await large

    asyncio.run(all_of_them())


async def _taken(room: Room, memory: int) -> None:
    async with room.taken(memory):
        pass


def test_more_than_a_machine_has_is_refused_at_once() -> None:
    """It would wait for ever."""

    async def ask() -> None:
        async with Room(most=10).taken(11):
            pass

    with pytest.raises(Refused, match="this machine has"):
        asyncio.run(ask())
