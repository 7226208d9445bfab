"""What the market was given, against the tape that was sent: last, high, low, volume and every minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.common import BenchError
from feeds.events import Batch, ColumnBatch
from rotation.columns import to_quotes
from rotation.quote import MINUTE_NS
from rotation.sessions import open_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.ingest.tape import Message
    from feeds.events import Event
    from rotation.market.market import Market
    from rotation.quote import Quote

MS = 1_000_000
Print = tuple[int, float, int, int, bool]
"""Time, price, number, size, and whether it sets the last price."""


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


class Expected:
    """A tape by symbol."""

    def __init__(self, messages: Iterable[Message], *, coarse: bool) -> None:
        """``coarse``: times in ms."""
        self.days: dict[str, Day] = {}
        """Of the symbols of which no print was taken back."""
        self.prints: dict[str, dict[Print, bool]] = {}
        """Of the others each print, and whether it stands."""
        held = [msg for msg in messages if not msg.cancels]
        wrong = {msg.seq for msg in messages if msg.cancels}
        corrected = {msg.symbol for msg in messages if msg.cancels}
        for msg in {msg.seq: msg for msg in held}.values():
            ts_ns = msg.ts_ns // MS * MS if coarse else msg.ts_ns
            print_ = (ts_ns, msg.price, msg.seq, msg.size, not msg.is_odd_lot)
            if msg.symbol in corrected:
                self.prints.setdefault(msg.symbol, {})[print_] = msg.seq not in wrong
            else:
                day = self.days.setdefault(msg.symbol, Day())
                day.take(*print_[:4], sets_last=print_[4])


def differences(
    messages: Iterable[Message],
    events: Iterable[Event],
    market: Market,
    legs: Mapping[str, Any],
    *,
    coarse: bool,
) -> dict[str, int]:
    """How many symbols differ: in what the market was given, in what it made of that, and as legs are shown.

    Of a symbol of which a print was taken back all prints that stand must have been given, each once; one
    that was taken back may have been given before that, since this world has no REST to fetch the minute
    anew. What the market knows of it, and its leg shows, must be what the prints given add up to.
    """
    wanted = Expected(messages, coarse=coarse)
    given: dict[str, Day] = {}
    prints: dict[str, list[Print]] = {symbol: [] for symbol in wanted.prints}
    for event in events:
        for symbol, ts_ns, price, seq, size, sets_last, high, low in prints_of(event):
            day = given.setdefault(symbol, Day())
            day.take(ts_ns, price, seq, size, sets_last=sets_last)
            if symbol in prints:
                prints[symbol].append((ts_ns, price, seq, size, sets_last))
            if (
                sets_last and high is not None and low is not None
            ):  # several as one, where the market was late
                day.high, day.low = max(day.high, high), min(day.low, low)
    wrong = [
        name
        for name, day in wanted.days.items()
        if name not in given or day.figures() != given[name].figures()
    ]
    wrong += [name for name, held in prints.items() if not _are_due(held, wanted.prints[name])]
    due = {**{name: day for name, day in given.items() if name in prints}, **wanted.days}
    made = [name for name, day in due.items() if not _is_made(day, market, name)]
    shown = [name for name in due.keys() & legs.keys() if not _is_shown(due[name], legs[name])]
    return {
        "symbols": len(wanted.days) + len(wanted.prints),
        "corrected": len(wanted.prints),
        "taken_back": sum(list(held.values()).count(False) for held in wanted.prints.values()),
        "in_events": len(wrong),
        "in_market": len(made),
        "in_snapshot": len(shown),
    }


def checked(result: dict[str, Any]) -> dict[str, Any]:
    """A run's figures, if they are of a tape that was read exactly. Raises BenchError if they are not."""
    differing = result["differences"]
    wrong = {name: count for name, count in differing.items() if name.startswith("in_") and count}
    if wrong or not differing["symbols"]:
        places = ", ".join(f"{count} {name.replace('_', ' the ')}" for name, count in wrong.items())
        raise BenchError(f"of {differing['symbols']} symbols differ from the tape: {places or 'all'}")
    return result


def _are_due(given: list[Print], tape: Mapping[Print, bool]) -> bool:
    """Whether each that stands was given, none twice, and nothing else but what was taken back."""
    held = set(given)
    valid = {print_ for print_, stands in tape.items() if stands}
    return len(held) == len(given) and valid <= held <= tape.keys()


def prints_of(event: Event) -> Iterable[tuple[str, int, float, int, int, bool, float | None, float | None]]:
    """Symbol, time, price, number, size, whether it sets the last price, high and low."""
    quotes = to_quotes(event.rows) if isinstance(event, ColumnBatch) else ()
    for quote in event.quotes if isinstance(event, Batch) else quotes:
        yield (
            *(quote.symbol, quote.ts_ns, quote.price, quote.seq, quote.size),
            *(quote.sets_last, quote.high, quote.low),
        )


def _is_made(day: Day, market: Market, name: str) -> bool:
    """Whether the market has these figures of a symbol: last, high, low, volume, the last of each minute."""
    session_filter = market._filter  # noqa: SLF001 - what the figures rest on
    prints = session_filter.prints(name, "REGULAR")
    if prints is None or session_filter.session is None:
        return False
    opens = open_ns(session_filter.session) // MINUTE_NS
    last = None if prints.last is None else _identified(prints.last)
    minutes = {opens + place: _identified(quote) for place, quote in prints.minutes.items()}
    return (last, prints.high, prints.low, prints.volume, minutes) == day.figures()


def _identified(quote: Quote) -> tuple[int, int, float]:
    return quote.ts_ns, quote.seq, quote.price


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
        last = (0, 0, 0.0) if prints.last is None else _identified(prints.last)
        if (last, prints.high, prints.low, prints.volume) != ((ts_ns, seq, price), high, low, volume):
            wrong.append(name)
    return wrong
