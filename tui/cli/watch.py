"""``watch``: one JSON line per change; ``alerts watch``: a line for each call."""

from __future__ import annotations

import asyncio
import select
import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import click
import msgspec

from rotation.context.wants import MADE
from rotation.desk import EventKind
from rotation.errors import NothingToShowError
from rotation.wording import state_word
from tui.desk import AlertDesk, ReopeningDesk
from tui.output.snapshot_json import encode
from tui.output.spoken import Speaker
from tui.view.applied import change_desk, reopen, with_pairs
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from rotation.breadth.figures import Breadth
    from rotation.desk import DeskEvent
    from rotation.fed.ageing import Aging
    from rotation.fed.figures import Fed
    from rotation.graph.figures import RotationGraph, Trail
    from rotation.macro.figures import Macro
    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus, PriceStatus
    from tui.desk import Desk
    from tui.view.applied import Applied, Reopening

NOTHING_S = 20.0
"""For the first price of an empty desk: longer than every source takes that works."""
LOOK_S = 0.5
SPEAK_S = 2.0
"""Between two looks of who speaks: nobody listens faster, and what came between is one change."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def watch(desk: Desk, seconds: float | None, out: TextIO, form: str = "json") -> None:
    """Write snapshots to ``out`` as JSON lines until the desk ends or ``seconds`` have passed.

    As ``text`` what has changed is written instead, a sentence a line, at most every ``SPEAK_S`` seconds.

    A snapshot that differs from the one before only in time is not written, and none before the first price.
    Raises what the desk raises, NothingToShowError without any price for ``NOTHING_S`` seconds, and
    BrokenPipeError when nobody reads any more.
    """
    desk.want(MADE)
    runner = asyncio.create_task(desk.run())
    seen = asyncio.Event()
    try:
        async with asyncio.timeout(seconds):
            write = _speak if form == "text" else _write
            await _first_of(write(desk, out, seen), _nothing(seen), _reader_gone(out))
            await runner
    except TimeoutError:
        pass  # --for has run out: that is how it was meant to end
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)


async def _first_of(*parts: Coroutine[None, None, None]) -> None:
    """Until the first of them ends; raises what it raises."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _nothing(seen: asyncio.Event) -> None:
    """Raise NothingToShowError if no price has been seen for ``NOTHING_S``."""
    try:
        async with asyncio.timeout(NOTHING_S):
            await seen.wait()
    except TimeoutError:
        raise NothingToShowError("nothing to show: no source of quotes answered") from None
    await asyncio.Event().wait()


async def _reader_gone(out: TextIO) -> None:
    """Raise BrokenPipeError once the reader has gone, which a quiet market would not notice by writing."""
    try:
        poll = select.poll()
        poll.register(out.fileno(), 0)
    except (AttributeError, OSError):  # Windows has no poll, and not every stream is a file
        await asyncio.Event().wait()
    while not poll.poll(0):  # noqa: ASYNC110 - the kernel sets no Event
        await asyncio.sleep(LOOK_S)
    raise BrokenPipeError


async def _speak(desk: Desk, out: TextIO, seen: asyncio.Event) -> None:
    speaker = Speaker()
    async for snapshot in desk.listen():
        if not seen.is_set():
            if all(leg.last is None for leg in snapshot.legs.values()):
                continue
            seen.set()
        out.writelines(sentence + "\n" for sentence in speaker.sentences(snapshot))
        out.flush()
        await asyncio.sleep(SPEAK_S)


async def _write(desk: Desk, out: TextIO, seen: asyncio.Event) -> None:
    before: Snapshot | None = None
    async for snapshot in desk.listen():
        if not seen.is_set():
            if all(leg.last is None for leg in snapshot.legs.values()):
                continue
            seen.set()
        timeless = _timeless(snapshot)
        if timeless != before:
            before = timeless
            out.write(encode(snapshot).decode() + "\n")
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
        data_as_of=None,
        connection=None,  # made of the legs'
        graph=snapshot.graph and _graph_timeless(snapshot.graph),
        banks={name: replace(lead, status=_derived(lead.status)) for name, lead in snapshot.banks.items()},
        breadth=snapshot.breadth and _breadth_timeless(snapshot.breadth),
        macro=snapshot.macro and _macro_timeless(snapshot.macro),
    )


def _graph_timeless(graph: RotationGraph) -> RotationGraph:
    def timeless(trails: Mapping[str, Trail]) -> dict[str, Trail]:
        replace = msgspec.structs.replace
        return {name: replace(trail, status=_derived(trail.status)) for name, trail in trails.items()}

    return msgspec.structs.replace(graph, weekly=timeless(graph.weekly), daily=timeless(graph.daily))


def _breadth_timeless(breadth: Breadth) -> Breadth:
    replace = msgspec.structs.replace
    return replace(
        breadth,
        indices={
            fund: replace(index, status=_derived(index.status)) for fund, index in breadth.indices.items()
        },
    )


def _macro_timeless(macro: Macro) -> Macro:
    replace = msgspec.structs.replace
    return replace(
        macro, sources={name: replace(source, age_s=None) for name, source in macro.sources.items()}
    )


def _ageless(status: PriceStatus) -> PriceStatus:
    return msgspec.structs.replace(status, as_of=None, age_s=None)


def _derived(status: DerivedStatus | None) -> DerivedStatus | None:
    """Without ages, and without the input that decides, which of two of a kind is the older one."""
    if status is None:
        return None
    return msgspec.structs.replace(status, worst="", venue="", source="", as_of=None, age_s=None, gap_s=None)


def _fed_timeless(fed: Fed) -> Fed:
    return msgspec.structs.replace(
        fed,
        state=_word(fed.state, fed.status),
        status=fed.status and _ageless(fed.status),
        engines={name: _figure_timeless(engine) for name, engine in fed.engines.items()},
        contracts=tuple(map(_figure_timeless, fed.contracts)),
    )


def _figure_timeless(figure: Aging) -> Aging:
    return msgspec.structs.replace(
        figure,
        age_s=None,
        state=_word(figure.state, figure.status),
        status=figure.status and _ageless(figure.status),
    )


def _word(state: str, status: PriceStatus | None) -> str:
    """``STALE 42s`` and ``STALE 43s`` are one state; without a status the word stands as it is."""
    return state if status is None else state_word(status.kind, delay_s=status.delay_s)


PRINTED = (EventKind.ALERT, EventKind.DELIVERY, EventKind.CONFIG)
RELOAD_S = 1.0
CONFIG_FILE = "config.toml"
FINAL_S = 5.0
"""For what is still being written when the program is asked to end."""


async def watch_alerts(
    desk: Desk,
    seconds: float | None,
    form: str,
    reload: Callable[[], Applied | None] = lambda: None,
    *,
    view: ViewState | None = None,
) -> None:
    """Run until the desk ends, ``seconds`` have passed, or a signal comes. Raises what the desk raises.

    ``view``: the windows that the run began with; None: the usual ones.
    """
    runner = asyncio.create_task(desk.run(), name="desk")
    printer = asyncio.create_task(_print_calls(desk, form), name="print")
    stop = asyncio.create_task(_asked_to_end(), name="signals")
    changes = asyncio.create_task(_apply_changes(desk, reload, view or ViewState()), name="configuration")
    try:
        async with asyncio.timeout(seconds):
            waiting = {runner, printer, stop, changes}
            while {runner, stop} <= waiting:
                # The printer ends with the desk's snapshots; the desk itself may still be delivering.
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
    except TimeoutError:
        pass  # --for has run out: that is how it was meant to end
    finally:
        for task in (runner, printer, stop, changes):
            task.cancel()
        await asyncio.wait({runner, printer, stop, changes}, timeout=FINAL_S)


async def _apply_changes(desk: Desk, reload: Callable[[], Applied | None], view: ViewState) -> None:
    """As the screen does it: what a person changes is taken up, and a mistake is printed."""
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(RELOAD_S)
            applied = await asyncio.to_thread(reload)
            if applied is None or not isinstance(desk, AlertDesk):
                continue
            await change_desk(desk, applied, view)
            view = applied.windows.of(view) if applied.windows is not None else view
            applied = await with_pairs(desk, applied, view)
            view = view if applied.pairs is None else applied.pairs.of(view)
            if applied.alerts is not None:
                desk.set_alerts(applied.alerts, awaits_desk=applied.reopens(desk))
            desk.note(EventKind.CONFIG, CONFIG_FILE, applied.message)
            reopening = applied.reopening
            if reopening is not None and applied.reopens(desk) and isinstance(desk, ReopeningDesk):
                group.create_task(_reopen(desk, reopening), name="another desk")


async def _reopen(desk: ReopeningDesk, reopening: Reopening) -> None:
    made = await reopen(desk, reopening)
    if made is not None and isinstance(desk, AlertDesk):
        desk.note(EventKind.CONFIG, CONFIG_FILE, made.message)


async def _asked_to_end() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows: Ctrl+C raises instead
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
    await asked.wait()


async def _print_calls(desk: Desk, form: str) -> None:
    seen = 0
    async for snapshot in desk.listen():
        for event in snapshot.events:
            if event.seq > seen and event.kind in PRINTED:
                click.echo(_line(event, form))
        seen = snapshot.events[-1].seq if snapshot.events else seen


def _line(event: DeskEvent, form: str) -> str:
    if form == "json":
        return msgspec.json.encode(event).decode()
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.kind.value:<8}  {event.text}"
