"""What the market was given, against the tape that was sent: last, high, low, volume and every minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feeds.events import Batch, ColumnBatch
from rotation.columns import to_quotes
from rotation.quote import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.ingest.tape import Message
    from feeds.events import Event
    from rotation.market.market import Market

MS = 1_000_000


class Day:
    """One symbol's figures, by the plain definition: last by event time and number."""

    def __init__(self) -> None:
        self.last: tuple[int, int, float] | None = None
        self.high, self.low = float("-inf"), float("inf")
        self.volume = 0
        self.minutes: dict[int, tuple[int, int, float]] = {}

    def take(self, ts_ns: int, price: float, seq: int, size: int, *, sets_last: bool) -> None:
        """A print, or a merged one."""
        self.volume += size
        if not sets_last:
            return
        print_ = (ts_ns, seq, price)
        self.high, self.low = max(self.high, price), min(self.low, price)
        if self.last is None or print_[:2] >= self.last[:2]:
            self.last = print_
        minute = -(-ts_ns // MINUTE_NS)
        held = self.minutes.get(minute)
        if held is None or print_[:2] >= held[:2]:
            self.minutes[minute] = print_

    def figures(self) -> tuple[Any, ...]:
        """To be compared."""
        return self.last, self.high, self.low, self.volume, self.minutes


def expected(messages: Iterable[Message], *, coarse: bool) -> tuple[dict[str, Day], set[str]]:
    """The tape by symbol, and the symbols of which a print was taken back. ``coarse``: times in ms."""
    days: dict[str, Day] = {}
    corrected: set[str] = set()
    seen: set[int] = set()
    for message in messages:
        if message.cancels:
            corrected.add(message.symbol)
        elif message.seq not in seen:
            seen.add(message.seq)
            ts_ns = message.ts_ns // MS * MS if coarse else message.ts_ns
            days.setdefault(message.symbol, Day()).take(
                ts_ns, message.price, message.seq, message.size, sets_last=not message.is_odd_lot
            )
    return days, corrected


def differences(
    messages: Iterable[Message], events: Iterable[Event], legs: Mapping[str, Any], *, coarse: bool
) -> dict[str, int]:
    """How many symbols differ, in what the market was given and in the legs of the last Snapshot.

    Symbols of which a print was taken back are counted and left out: their prints are fetched anew by REST,
    which this world does not have.
    """
    wanted, corrected = expected(messages, coarse=coarse)
    given: dict[str, Day] = {}
    for event in events:
        for symbol, ts_ns, price, seq, size, sets_last, high, low in prints_of(event):
            day = given.setdefault(symbol, Day())
            day.take(ts_ns, price, seq, size, sets_last=sets_last)
            if (
                sets_last and high is not None and low is not None
            ):  # several as one, where the market was late
                day.high, day.low = max(day.high, high), min(day.low, low)
    compared = wanted.keys() - corrected
    wrong = [
        name for name in compared if name not in given or wanted[name].figures() != given[name].figures()
    ]
    shown = [name for name in compared & legs.keys() if not _is_shown(wanted[name], legs[name])]
    return {
        "symbols": len(compared),
        "left_out": len(corrected),
        "in_events": len(wrong),
        "in_snapshot": len(shown),
    }


def prints_of(event: Event) -> Iterable[tuple[str, int, float, int, int, bool, float | None, float | None]]:
    """Symbol, time, price, number, size, whether it sets the last price, high and low."""
    quotes = to_quotes(event.rows) if isinstance(event, ColumnBatch) else ()
    for quote in event.quotes if isinstance(event, Batch) else quotes:
        yield (
            *(quote.symbol, quote.ts_ns, quote.price, quote.seq, quote.size),
            *(quote.sets_last, quote.high, quote.low),
        )


def _is_shown(day: Day, leg: Any) -> bool:
    return day.last is not None and (leg.last, leg.high, leg.low) == (*(day.last[2], day.high, day.low),)


def wrong_in_market(market: Market, days: Mapping[str, Any]) -> list[str]:
    """Symbols of which the market has another last print, high, low or volume than a LongTape's days."""
    session_filter = market._filter  # noqa: SLF001 - what the figures rest on
    wrong = []
    for name, ((ts_ns, seq), price, high, low, volume) in days.items():
        prints = session_filter.prints(name, "REGULAR")
        if prints is None:
            wrong.append(name)
            continue
        last = (0, 0, 0.0) if prints.last is None else (prints.last.ts_ns, prints.last.seq, prints.last.price)
        shown = (*last, prints.high, prints.low, prints.volume)
        if shown != (ts_ns, seq, price, high, low, volume):
            wrong.append(name)
    return wrong
