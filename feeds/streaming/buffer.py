"""Events between a stream and whoever takes them: bounded, conflating; and the prints already taken. Pure.

A reader that waited for its consumer would not see pings either, and the vendor would cut it off: so the
reader only ever adds, and what waits too long is merged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.events import Batch, Correction, Gap, Status, SymbolStates
from rotation.columns import is_plain, of_quotes, to_quotes
from rotation.quote import MINUTE_NS, Quote, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from feeds.streaming.many.marks import Marks

KEPT = 4096
"""Quotes waiting, at least; twice the symbols where there are more of them."""
ROWS = 1_000_000
"""Rows of columns waiting, at most: some 40 MB."""
FRAMES = 256
"""Frames of columns waiting, at most."""
CORRECTIONS = 4096
"""Corrections waiting to be reported, at most; they change no figure, so the newest beyond are left out."""
KEPT_NS = 3 * MINUTE_NS
"""Prints handed on are remembered so long, for the minutes that have no bar yet."""
CHUNK, ROW_CHUNK = 256, 65_536
"""Quotes, and rows of columns, that are forgotten together."""


class Waiting(msgspec.Struct, frozen=True):
    """All that waited, in the order in which it is to be handed on."""

    gap: Gap | None = None
    batch: Batch | None = None
    rows: pl.DataFrame | None = None
    """Prints as columns, which came after the batch."""
    corrections: tuple[Correction, ...] = ()
    symbol_states: SymbolStates | None = None
    status: Status | None = None
    """Symbol states and status come after the quotes that they refer to."""


class Buffer:
    """Quotes in order of arrival, and the newest of everything else."""

    def __init__(self, symbols: int) -> None:
        """``symbols``: how many there are."""
        self._limit = max(KEPT, 2 * symbols)
        self._quotes: list[Quote] = []
        self._frames: list[pl.DataFrame] = []
        """Prints as columns; where there are any, no quotes wait."""
        self._height = 0
        self._minutes: dict[tuple[str, int], Quote] = {}
        """Bars that take the place of their minutes, the newest of each: at most a session of them."""
        self._gap: Gap | None = None
        self._symbol_states: SymbolStates | None = None
        self._status: Status | None = None
        self._corrections: dict[Correction, None] = {}
        self.is_held = False
        """Set it to let quotes wait for older ones, of a gap, that are being fetched."""
        self.conflated = 0
        self.unreported = 0
        """Corrections left out of the report because CORRECTIONS of them waited."""

    def __len__(self) -> int:
        """Quotes that wait."""
        return len(self._quotes) + len(self._minutes) + self._height

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` would return anything."""
        others = (self._gap, self._symbol_states, self._status)
        has_quotes = len(self) > 0 and not self.is_held
        return has_quotes or bool(self._corrections) or any(event is not None for event in others)

    def put(self, quotes: Iterable[Quote]) -> None:
        """Add quotes; the oldest are merged where too many wait."""
        added = list(quotes)
        if self._frames and added:
            if self._fits(added):
                self._append(_like(self._frames[0], added))
                return
            self._quotes = self._taken_frames()
        self._quotes += added
        if len(self._quotes) > self._limit:
            self._conflate(_minute)
        if len(self._quotes) > self._limit:
            self._conflate(lambda quote: (quote.symbol, quote.role == Role.CLOSE))

    def put_first(self, quotes: Iterable[Quote]) -> None:
        """Add quotes older than those that wait."""
        added = list(quotes)
        if self._frames and self._fits(added):
            self._frames[:0] = [_like(self._frames[0], added)] if added else []
            self._height += len(added)
            self._join()
            return
        waiting, self._quotes = [*self._quotes, *self._taken_frames()], []
        self.put(added)
        self.put(waiting)

    def put_rows(self, rows: pl.DataFrame) -> None:
        """Add prints as columns; where bars wait, or too many rows, they become quotes, and may be merged."""
        if self._quotes and all(map(is_plain, self._quotes)):
            self._frames, self._height = [_like(rows, self._quotes)], len(self._quotes)
            self._quotes = []
        if self._quotes or self._height + rows.height > ROWS:
            self.put([*self._taken_frames(), *to_quotes(rows)])
        else:
            self._append(rows)

    def _append(self, rows: pl.DataFrame) -> None:
        self._frames.append(rows)
        self._height += rows.height
        self._join()

    def _join(self) -> None:
        """A frame costs far more than its rows where these are few."""
        if len(self._frames) > FRAMES:
            self._frames = [pl.concat(self._frames, rechunk=True)]

    def _fits(self, quotes: list[Quote]) -> bool:
        """Whether these may wait as columns: prints, and not more of them than ROWS."""
        return self._height + len(quotes) <= ROWS and all(map(is_plain, quotes))

    def _taken_frames(self) -> list[Quote]:
        """Prints that waited as columns, as quotes."""
        frames, self._frames, self._height = self._frames, [], 0
        return [quote for frame in frames for quote in to_quotes(frame)]

    def put_minutes(self, bars: Iterable[Quote]) -> None:
        """Add bars that take the place of their minutes: they go first, and are never merged."""
        self._minutes |= {(bar.symbol, bar.ts_ns): bar for bar in bars}

    def remove(self, quote: Quote) -> bool:
        """Take a quote back that waits; False if it does not, since it was handed on or merged."""
        if self._frames and is_plain(quote):
            return self._remove_row(quote)
        if quote not in self._quotes:
            return False
        self._quotes.remove(quote)
        return True

    def _remove_row(self, quote: Quote) -> bool:
        wanted = (quote.symbol, quote.ts_ns, quote.price, quote.seq, quote.size, int(quote.role))
        for i, frame in enumerate(self._frames):
            near = frame.with_row_index("row").filter(pl.col("ts_ns") == quote.ts_ns)
            for row, *values in near.iter_rows():
                if (*values,) == wanted:
                    self._frames[i] = pl.concat([frame[:row], frame[row + 1 :]])
                    self._height -= 1
                    return True
        return False

    def add_corrections(self, corrections: Iterable[Correction]) -> None:
        """Say that these prints were corrected; of those beyond CORRECTIONS only how many they are."""
        for each in corrections:
            if each in self._corrections or len(self._corrections) < CORRECTIONS:
                self._corrections[each] = None
            else:
                self.unreported += 1

    def add(self, *events: Gap | SymbolStates | Status) -> None:
        """Add events without quotes. A newer one replaces the one that waits; gaps are joined."""
        for event in events:
            if isinstance(event, Status):
                self._status = event
            elif isinstance(event, SymbolStates):
                self._symbol_states = event
            else:
                self._gap = event if self._gap is None else _joined(self._gap, event)

    def take(self) -> Waiting:
        """All that waits."""
        batch, rows = None, None
        if (self._quotes or self._minutes) and not self.is_held:
            quotes = (*self._minutes.values(), *self._quotes)
            batch = Batch(quotes, has_auction=any(quote.role == Role.CLOSE for quote in quotes))
            self._quotes, self._minutes = [], {}
        if self._frames and not self.is_held:
            rows = self._frames[0] if len(self._frames) == 1 else pl.concat(self._frames, rechunk=True)
            self._frames, self._height = [], 0
        corrections = tuple(self._corrections)
        waiting = Waiting(self._gap, batch, rows, corrections, self._symbol_states, self._status)
        self._gap = self._symbol_states = self._status = None
        self._corrections.clear()
        return waiting

    def _conflate(self, key: Callable[[Quote], Hashable]) -> None:
        before = len(self._quotes)
        merged: dict[Hashable, Quote] = {}
        for quote in self._quotes:
            held = merged.get(key(quote))
            merged[key(quote)] = quote if held is None else merge(held, quote)
        self._quotes = list(merged.values())
        self.conflated += before - len(self._quotes)


def _minute(quote: Quote) -> Hashable:
    """A print at the very end of a minute is a key of its own: it closes the path of the minute before.

    So is the closing auction, which is of another part of the day than the late trades around it.
    """
    is_edge = quote.ts_ns % MINUTE_NS == 0
    return quote.symbol, quote.ts_ns // MINUTE_NS, is_edge, quote.role == Role.CLOSE


def merge(first: Quote, then: Quote) -> Quote:
    """Two quotes of a symbol as one bar: last by event time, range and size of both."""
    if first.sets_last != then.sets_last:  # of one of them only the size counts
        return msgspec.structs.replace(first if first.sets_last else then, size=first.size + then.size)
    newer = then if (then.ts_ns, then.seq) >= (first.ts_ns, first.seq) else first
    highs = [quote.price if quote.high is None else quote.high for quote in (first, then)]
    lows = [quote.price if quote.low is None else quote.low for quote in (first, then)]
    return msgspec.structs.replace(newer, size=first.size + then.size, high=max(highs), low=min(lows))


def _joined(first: Gap, second: Gap) -> Gap:
    start_ns, end_ns = min(first.start_ns, second.start_ns), max(first.end_ns, second.end_ns)
    return Gap(first.symbols | second.symbols, start_ns, end_ns)


def _like(frame: pl.DataFrame, quotes: list[Quote]) -> pl.DataFrame:
    """These prints as columns of the types of a frame."""
    return of_quotes(quotes).cast({"symbol": frame.schema["symbol"]})


def _of(rows: pl.DataFrame, symbols: AbstractSet[str], after_ns: int) -> list[Quote]:
    """The prints of these symbols after an instant."""
    return to_quotes(rows.filter(rows["symbol"].is_in(sorted(symbols)) & (rows["ts_ns"] > after_ns)))


def _marks(numbers: AbstractSet[int], times_ns: AbstractSet[int]) -> tuple[Marks, Marks]:
    from feeds.streaming.many.marks import Marks  # noqa: PLC0415 - it imports numpy

    return Marks(numbers), Marks(times_ns)


class HandedOn:
    """The prints of the last minutes that the consumer was given, in order."""

    def __init__(self) -> None:
        self._chunks: list[list[Quote] | pl.DataFrame] = []
        self._newest_ns: list[int] = []
        """Time of the newest print in each chunk."""
        self._auctions: dict[str, Quote] = {}
        """The newest closing auction of each symbol: bars of the minutes after the bell do not show it."""

    def add(self, quotes: Sequence[Quote]) -> None:
        """Quotes that were handed on."""
        if not quotes:
            return
        self._keep_auctions(quote for quote in quotes if quote.role == Role.CLOSE)
        last = self._chunks[-1] if self._chunks else None
        if isinstance(last, list) and len(last) < CHUNK:
            last += quotes
        else:
            self._chunks.append(list(quotes))
            self._newest_ns.append(0)
        self._grown(max(quote.ts_ns for quote in quotes))

    def add_rows(self, rows: pl.DataFrame) -> None:
        """The same as columns."""
        is_auction = rows["role"] == Role.CLOSE.value
        if is_auction.any():
            self._keep_auctions(to_quotes(rows.filter(is_auction)))
        last = self._chunks[-1] if self._chunks else None
        if isinstance(last, pl.DataFrame) and last.height < ROW_CHUNK:
            self._chunks[-1] = pl.concat([last, rows], rechunk=last.height + rows.height >= ROW_CHUNK)
        else:
            self._chunks.append(rows)
            self._newest_ns.append(0)
        self._grown(rows["ts_ns"].max())  # type: ignore[arg-type]

    def _keep_auctions(self, auctions: Iterable[Quote]) -> None:
        """A source that knows no sizes may bring an auction once more: its shares are not lost for that."""
        for quote in auctions:
            held = self._auctions.get(quote.symbol)
            if held is None or quote.size or quote.ts_ns > held.ts_ns:
                self._auctions[quote.symbol] = quote

    def _grown(self, newest_ns: int) -> None:
        """Forget chunks that are older than what was just added by KEPT_NS."""
        self._newest_ns[-1] = max(self._newest_ns[-1], newest_ns)
        floor_ns = max(self._newest_ns) - KEPT_NS
        while len(self._chunks) > 1 and self._newest_ns[0] < floor_ns:
            del self._chunks[0], self._newest_ns[0]

    def auction(self, symbol: str) -> Quote | None:
        """The newest closing auction of a symbol, of whatever session."""
        return self._auctions.get(symbol)

    def alike(
        self, symbols: AbstractSet[str], numbers: AbstractSet[int], times_ns: AbstractSet[int]
    ) -> dict[str, list[Quote]]:
        """By symbol those of its prints that have one of these numbers or times (UTC ns), in order."""
        held: dict[str, list[Quote]] = {symbol: [] for symbol in symbols}
        marks: tuple[Marks, Marks] | None = None
        for chunk in self._chunks:
            if isinstance(chunk, list):
                quotes = chunk
            else:
                marks = marks or _marks(numbers, times_ns)
                places = {*marks[0].find(chunk["seq"].to_numpy()).tolist()}
                places.update(marks[1].find(chunk["ts_ns"].to_numpy()).tolist())
                quotes = to_quotes(chunk[sorted(places)]) if places else []
            for quote in quotes:
                if quote.symbol in held and (quote.seq in numbers or quote.ts_ns in times_ns):
                    held[quote.symbol].append(quote)
        return held

    def since(self, symbols: AbstractSet[str], after_ns: int = 0) -> dict[str, list[Quote]]:
        """By symbol its prints after an instant (UTC ns): all of those within KEPT_NS.

        A busy share has thousands in the minute that has no bar yet, and each counts.
        """
        held: dict[str, list[Quote]] = {symbol: [] for symbol in symbols}
        for chunk in self._chunks:
            quotes = chunk if isinstance(chunk, list) else _of(chunk, symbols, after_ns)
            for quote in quotes:
                if quote.symbol in held and quote.ts_ns > after_ns:
                    held[quote.symbol].append(quote)
        for symbol, kept in held.items():
            floor_ns = max((quote.ts_ns for quote in kept), default=0) - KEPT_NS
            held[symbol] = [quote for quote in kept if quote.ts_ns >= floor_ns]
        return held
