"""``watch``: one JSON line per change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import msgspec

if TYPE_CHECKING:
    from rotation.fed.figures import Fed
    from rotation.snapshot import Snapshot
    from tui.backend import Desk

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def watch(desk: Desk, seconds: float | None, out: TextIO) -> None:
    """Write snapshots to ``out`` as JSON lines until the desk ends or ``seconds`` have passed.

    A snapshot that differs from the one before only in time is not written. Raises what the desk raises.
    """
    runner = asyncio.create_task(desk.run())
    try:
        async with asyncio.timeout(seconds):
            await _write(desk, out)
            await runner
    except TimeoutError:
        pass  # --for has run out: that is how it was meant to end
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)


async def _write(desk: Desk, out: TextIO) -> None:
    before: Snapshot | None = None
    async for snapshot in desk.listen():
        told = _timeless(snapshot)
        if told != before:
            before = told
            out.write(msgspec.json.encode(snapshot).decode() + "\n")
            out.flush()


def _timeless(snapshot: Snapshot) -> Snapshot:
    """The snapshot without what changes merely because time passes."""
    replace = msgspec.structs.replace
    return replace(
        snapshot,
        seq=0,
        as_of=EPOCH,
        health=replace(snapshot.health, feeds=(), tape=None),
        legs={
            symbol: replace(leg, age_s=None, state=_word(leg.state)) for symbol, leg in snapshot.legs.items()
        },
        fed=_fed_timeless(snapshot.fed) if snapshot.fed else None,
    )


def _fed_timeless(fed: Fed) -> Fed:
    replace = msgspec.structs.replace
    return replace(
        fed,
        state=_word(fed.state),
        engines={
            name: replace(engine, age_s=None, state=_word(engine.state))
            for name, engine in fed.engines.items()
        },
        contracts=tuple(replace(c, age_s=None, state=_word(c.state)) for c in fed.contracts),
    )


def _word(state: str) -> str:
    """``STALE 42s`` and ``STALE 43s`` are one state."""
    return "STALE" if state.startswith("STALE ") else state
