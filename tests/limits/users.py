"""Users of one model's limits as a process of its own: asks for turns, and writes down when each was had.

``python users.py FOLDER {"rate": …, "run": …, "calls": …, "holds": …, "runs": …}`` prints a line ``RUN BEGAN`` for each turn.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from darner.compiler.settings import ModelRate
from darner.runtime.perform import world
from darner.runtime.perform.limits.pace import Pace

KEY = "model"


async def one(pace: Pace, run: str, holds: float) -> None:
    async with pace.turn(asyncio.sleep):
        sys.stdout.write(f"{run} {world.moment():.4f}\n")
        sys.stdout.flush()
        await asyncio.sleep(holds)
        pace.used(0)


async def main(told: dict[str, Any]) -> None:
    rate = ModelRate.model_validate(told["rate"])
    paces = {f"{told['run']}-{number}": Pace(KEY, rate, f"{told['run']}-{number}") for number in range(told.get("runs", 1))}
    await asyncio.gather(*(one(pace, run, told.get("holds", 0.0)) for run, pace in paces.items() for _ in range(told["calls"])))


if __name__ == "__main__":
    os.environ["DARNER_LIMITS"] = sys.argv[1]
    asyncio.run(main(json.loads(sys.argv[2])))
