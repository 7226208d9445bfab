"""The market at an instant, by a tape or by what live sources said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.desk.opened.instants import as_of
from feeds.desk.opened.sources import market_of
from feeds.events import (
    Batch,
    BidAsks,
    FedNews,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    PrintsReplaced,
    Rewind,
)
from rotation.context.wants import MADE
from rotation.fed.figures import Fed
from rotation.macro.figures import Macro
from rotation.market.status import Provenance
from rotation.quote import Quote
from rotation.snapshot import FeedHealth
from rotation.status import REPLAY
from rotation.wording import mode_word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from feeds.desk.opened.sources import Source
    from rotation.context.wants import Wants
    from rotation.desk import Desk
    from rotation.market.market import Market
    from rotation.snapshot import Snapshot


class Now(msgspec.Struct, frozen=True):
    """What live sources answered when they were asked once."""

    quotes: tuple[Quote, ...] = ()
    provenance: dict[str, Provenance] = {}
    """By symbol."""
    fed: Fed | None = None
    scale: tuple[ListedSplits | PreviousCloses, ...] = ()
    """Closes and splits behind the quotes that are far from history's closes."""
    macro: Macro | None = None


def snapshot_at(
    wanted: Source,
    desk: Desk,
    *,
    at: str | None,
    now_ns: int,
    now: Now | None = None,
    option: str = "--at",
    past_fed: Callable[[int], Fed | None] = lambda _: None,
    past_macro: Callable[[int], Macro | None] = lambda _: None,
) -> Snapshot:
    """As ``market_at``: its Snapshot, with everything that a market makes."""
    return market_at(
        wanted,
        desk,
        at=at,
        now_ns=now_ns,
        now=now,
        option=option,
        past_fed=past_fed,
        past_macro=past_macro,
    )[1]


def market_at(
    wanted: Source,
    desk: Desk,
    *,
    at: str | None,
    now_ns: int,
    now: Now | None = None,
    option: str = "--at",
    past_fed: Callable[[int], Fed | None] = lambda _: None,
    past_macro: Callable[[int], Macro | None] = lambda _: None,
    asked: Wants = MADE,
) -> tuple[Market, Snapshot]:
    """The market at an instant or after a session's close; without one, at the tape's end or now.

    ``asked``: what its Snapshot has.
    ``now``: what the live sources say, where this is asked for now; ``past_fed`` knows the Fed of an instant
    that was named, ``past_macro`` what is kept of yields, prices and jobs at any.
    """
    tape = wanted.tape
    if at is not None:
        as_of_ns = as_of(wanted.history, at, now_ns, option)
    elif tape is not None and tape.height:
        as_of_ns = wanted.starts_ns or int(tape["at_ns" if "at_ns" in tape.columns else "ts_ns"][-1])
    else:
        as_of_ns = now_ns
    market = market_of(wanted, desk, as_of_ns)
    market.want(asked)
    now = now or Now()
    known = now.fed
    causes = now.macro
    if wanted.is_demo:
        from feeds.demo.fed import demo_fed  # noqa: PLC0415
        from feeds.demo.macro import demo_macro  # noqa: PLC0415

        known, causes = demo_fed(as_of_ns), demo_macro(as_of_ns)
    elif at is not None:
        known = past_fed(as_of_ns)
    if known is not None:
        market.take_fed(known)
    if causes is None and not wanted.is_demo:
        causes = past_macro(as_of_ns)
    if causes is not None:
        market.take_macro(causes)
    market.set_provenance(now.provenance)
    _take_scale(market, now.scale)
    if tape is None:
        return market, market.apply(now.quotes, as_of_ns=as_of_ns)
    taken, held = _played(market, tape, as_of_ns)
    mode = wanted.origin.mode or REPLAY
    feed = FeedHealth(wanted.origin.source, mode_word(mode), "", held, 1, kind=mode.kind)
    return market, msgspec.structs.replace(taken, health=msgspec.structs.replace(taken.health, feeds=(feed,)))


def _take_scale(market: Market, known: Sequence[ListedSplits | PreviousCloses]) -> None:
    for event in known:
        if isinstance(event, PreviousCloses):
            market.take_previous_closes(event.session, event.by_symbol)
        else:
            market.take_listed_splits(event.ex_dates, event.ratios, event.symbols)


def _played(market: Market, tape: pl.DataFrame, as_of_ns: int) -> tuple[Snapshot, int]:
    """The snapshot after everything on a tape up to then, and how many quotes that was."""
    from feeds.tapes.player import until  # noqa: PLC0415
    from feeds.tapes.recording import events_as_of  # noqa: PLC0415

    if "at_ns" not in tape.columns:
        given = until(tape, as_of_ns)
        return market.apply(given, as_of_ns=as_of_ns), len(given)
    held, taken = 0, None
    events = events_as_of(tape, as_of_ns)
    for event in sorted(events, key=lambda event: not isinstance(event, FedNews | MacroNews)):
        if isinstance(event, FedNews):
            if event.fed is not None:  # what is known from elsewhere stays
                market.take_fed(event.fed)
        elif isinstance(event, MacroNews):
            if event.macro is not None:
                market.take_macro(event.macro)
        elif isinstance(event, BidAsks):
            market.take_bid_asks(event.by_symbol)
            taken = market.apply((), as_of_ns=event.as_of_ns or as_of_ns)
        elif isinstance(event, Batch | Rewind | PrintsReplaced):
            if isinstance(event, PrintsReplaced):
                market.forget(event.symbols)
            taken = market.apply(event.quotes, as_of_ns=event.as_of_ns or as_of_ns)
            held += len(event.quotes)
    assert taken is not None, "a Rewind stands at the beginning"
    return taken, held
