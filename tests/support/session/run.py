"""Play sessions by hand: ``python -m tests.support.session.run 1..200`` says which seeds fail, and why."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import Counter

from tests.support.idle_loop import IdleLoop
from tests.support.session.check import Check
from tests.support.session.world import World


async def play(seed: int, kinds: tuple[object, ...] | None = None) -> tuple[World, Check]:
    """One session. Raises AssertionError at the first figure that is wrong and unmarked."""
    world, check = World(seed, kinds), Check()
    world.on_step = check
    await world.run(os.environ)
    return world, check


def main(given: str) -> int:
    """Return how many seeds failed."""
    logging.disable(logging.CRITICAL)
    first, _, last = given.partition("..")
    failed: Counter[str] = Counter()
    seeds = range(int(first), int(last or first) + 1)
    for seed in seeds:
        began_s = time.perf_counter()
        try:
            with asyncio.Runner(loop_factory=IdleLoop) as runner:
                world, check = runner.run(play(seed))
        except Exception as error:  # noqa: BLE001 - every failure is reported with its seed
            failed[type(error).__name__] += 1
            print(f"FAILED seed {seed}: {type(error).__name__}: {error}", flush=True)
            continue
        print(seed, world.steps, dict(check.counts), f"{time.perf_counter() - began_s:.1f} s", flush=True)
    print(f"{len(seeds)} sessions, {sum(failed.values())} failed {dict(failed)}")
    return sum(failed.values())


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1]), 1))
