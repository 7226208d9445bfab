"""``watch``: one JSON line per change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import msgspec

from rotation.wording import parse_word, state_word

if TYPE_CHECKING:
    from rotation.fed.figures import Fed
    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus, PriceStatus
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
    spread, vg = snapshot.spread, snapshot.value_growth
    return replace(
        snapshot,
        seq=0,
        as_of=EPOCH,
        health=replace(snapshot.health, feeds=(), tape=None),
        legs={
            symbol: replace(leg, age_s=None, state="", status=_ageless(leg.status))
            for symbol, leg in snapshot.legs.items()
        },
        spread=replace(
            spread, windows={k: replace(w, status=_derived(w.status)) for k, w in spread.windows.items()}
        ),
        ratio=replace(snapshot.ratio, status=_derived(snapshot.ratio.status)),
        value_growth=vg and replace(vg, status=_derived(vg.status)),
        fed=_fed_timeless(snapshot.fed) if snapshot.fed else None,
        headline="",  # made of the other figures, and it says how old they are
        headline_status=_derived(snapshot.headline_status),
    )


def _ageless(status: PriceStatus) -> PriceStatus:
    return msgspec.structs.replace(status, as_of=None, age_s=None)


def _derived(status: DerivedStatus | None) -> DerivedStatus | None:
    """Without ages, and without the input that decides, which of two of a kind is the older one."""
    if status is None:
        return None
    return msgspec.structs.replace(status, worst="", venue="", source="", as_of=None, age_s=None, gap_s=None)


def _fed_timeless(fed: Fed) -> Fed:
    replace = msgspec.structs.replace
    return replace(
        fed,
        state=_word(fed.state),
        status=fed.status and _ageless(fed.status),
        engines={
            name: replace(engine, age_s=None, state=_word(engine.state))
            for name, engine in fed.engines.items()
        },
        contracts=tuple(replace(c, age_s=None, state=_word(c.state)) for c in fed.contracts),
    )


def _word(state: str) -> str:
    """``STALE 42s`` and ``STALE 43s`` are one state."""
    known, late_s, _ = parse_word(state)
    return state_word(known, delay_s=late_s)
