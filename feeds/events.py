"""The contract of a feed: an async stream of events, and what its prices are worth by design.

A feed is a small class whose ``events()`` yields Batches (quotes), Statuses (how the source is
doing) and Rewinds (a tape went back). It does no arithmetic; the supervisor drives it and hands what it
yields to the market. A feed that returns has ended; a live one that raises is OFFLINE until ``events`` has
been called again; a tape that raises stops the program with its error.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec
import polars as pl

from rotation.fed.figures import Fed
from rotation.history import History
from rotation.macro.figures import Macro
from rotation.market.status import Provenance
from rotation.quote import Nbbo, Quote, SymbolDay
from rotation.snapshot import Counts, FeedHealth
from rotation.status import FeedState, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from rotation.feed_stats import FeedStats
    from rotation.snapshot import Tape
    from rotation.status import Mode


class Batch(msgspec.Struct, frozen=True):
    """Quotes in order of arrival, possibly none (then only time has moved)."""

    quotes: tuple[Quote, ...]
    as_of_ns: int | None = None
    """The feed's own time; None means the supervisor's clock (a live feed)."""
    has_auction: bool = False
    """Whether a closing auction may be among the quotes; a stream says so."""


class ColumnBatch(msgspec.Struct, frozen=True, eq=False):
    """A Batch of many prints, as columns."""

    rows: pl.DataFrame
    """With the columns of ``rotation.columns``, in order of arrival."""
    as_of_ns: int | None = None
    """The feed's own time; None means the supervisor's clock (a live feed)."""


class Status(msgspec.Struct, frozen=True):
    """How the source is doing, for the Health panel."""

    state: FeedState
    """What its prices are worth now, or why it no longer connects. Nothing is decided by ``detail``."""
    detail: str = ""
    as_of_ns: int | None = None
    """When it was so, as recorded on a tape; None means the supervisor's clock."""
    delay_s: float = 0.0
    """For DELAYED, the seconds by which its prices are late."""
    age_s: float | None = None
    """For STALE, the age of its newest price in seconds; None if unknown."""


class Rewind(msgspec.Struct, frozen=True):
    """A tape went back: forget today's prints and take those that follow as all there are."""

    quotes: tuple[Quote, ...]
    as_of_ns: int


class FedNews(msgspec.Struct, frozen=True):
    """What is new about the coming FOMC meetings."""

    fed: Fed | None
    """None: nothing was known of them then, and what was known later is forgotten."""
    as_of_ns: int | None = None
    """The time at which it was so, as recorded on a tape; None means the supervisor's clock."""


class MacroNews(msgspec.Struct, frozen=True):
    """Newly known of yields, prices and jobs."""

    macro: Macro | None
    """As of FedNews."""
    as_of_ns: int | None = None
    """As of a Status."""


class Gap(msgspec.Struct, frozen=True):
    """Prints of these symbols may have been missed between the two instants (UTC ns of our clock)."""

    symbols: frozenset[str]
    start_ns: int
    end_ns: int


class Correction(msgspec.Struct, frozen=True):
    """An earlier print was cancelled or corrected: the day's bar must be fetched again."""

    symbol: str
    ts_ns: int
    """Time of the print that was wrong, or of the message if it does not name it."""
    seq: int | None = None
    """``Quote.seq`` of the print that was wrong; None where the vendor does not say which."""
    has_replacement: bool = False
    """The right print is in the vendor's bars of that minute only: corrected, not cancelled."""


class PrintsCorrected(msgspec.Struct, frozen=True):
    """The corrections of one look, in order: one event, since a busy tape has hundreds a second."""

    corrections: tuple[Correction, ...]


class SymbolStates(msgspec.Struct, frozen=True):
    """For every symbol whose prices are not worth the feed's mode, the kind instead of it.

    GAPPED (being filled), HALTED, or OFFLINE (no connection, not subscribed). Each replaces the one
    before; empty: all are as good as the feed's mode.
    """

    by_symbol: dict[str, Kind]
    incomplete: frozenset[str] = frozenset()
    """Symbols whose high, low and volume of today lack prints; their price may still be good."""
    behind_s: float = 0.0
    """Our clock is behind by so many seconds: prices are older than it says."""


class HistoryUpdated(msgspec.Struct, frozen=True):
    """Settled history has grown or was corrected."""

    history: History
    as_of_ns: int | None = None


class HistoryConfirmed(msgspec.Struct, frozen=True):
    """The source of history was asked again after the opening bell, and has not restated these symbols."""

    session: dt.date
    """In which it was asked."""
    symbols: frozenset[str]


class PreviousCloses(msgspec.Struct, frozen=True):
    """A vendor's closes of the session before, on the scale of today's prints: adjusted for today's split."""

    session: dt.date
    """The session they are the closes of."""
    by_symbol: dict[str, float]


class ListedSplits(msgspec.Struct, frozen=True):
    """The splits that a vendor lists around now: all there are of ``symbols``."""

    ex_dates: dict[str, dt.date]
    """By symbol the first session that trades on the new scale."""
    ratios: dict[str, float] = {}
    """2.0 for two shares from one. Without it history counts as not restated while the split is listed."""
    symbols: frozenset[str] | None = None
    """Which were looked up; None: every symbol."""


class BidAsks(msgspec.Struct, frozen=True):
    """The newest bid and ask of the symbols of which another has come, once a second."""

    by_symbol: dict[str, Nbbo]
    as_of_ns: int | None = None


class PrintsReplaced(msgspec.Struct, frozen=True):
    """Today's prints of these symbols were wrong: forget them and take these instead."""

    symbols: frozenset[str]
    quotes: tuple[Quote, ...]
    as_of_ns: int | None = None


class SymbolDays(msgspec.Struct, frozen=True):
    """What another process has made of the prints of these symbols: a hub's viewer is given no prints."""

    days: tuple[SymbolDay, ...]
    counts: Counts | None = None
    """Its counters of the session; None where they are not newly known."""
    as_of_ns: int | None = None


class RelayedStates(msgspec.Struct, frozen=True):
    """What the prices are worth and how its feeds are doing, as another process has it."""

    provenance: dict[str, Provenance]
    """By symbol; it replaces all before."""
    health: tuple[FeedHealth, ...]
    """The rows of the Health panel."""
    as_of_ns: int | None = None
    is_silent: bool = False
    """Whether nothing comes from it: what it has said of the Fed and of macro is of before, too."""


Event = (
    Batch
    | ColumnBatch
    | Status
    | Rewind
    | Gap
    | SymbolStates
    | PrintsCorrected
    | PrintsReplaced
    | HistoryUpdated
    | HistoryConfirmed
    | FedNews
    | MacroNews
    | PreviousCloses
    | ListedSplits
    | BidAsks
    | SymbolDays
    | RelayedStates
)
Prices = Batch | ColumnBatch | SymbolDays | BidAsks
"""Events of which many may come in a frame of the screen. Of all others each is shown by itself."""


class Feed(Protocol):
    """What the supervisor needs of a source."""

    @property
    def name(self) -> str:
        """Short, unique, shown on the Health panel and as provenance."""
        ...

    @property
    def mode(self) -> Mode:
        """What its prices are worth by design."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """Yield events until the source ends. After an error it may be called again."""
        ...

    def tape(self) -> Tape | None:
        """Where a recorded or generated tape stands; None for a live source."""
        ...


@runtime_checkable
class Stream(Feed, Protocol):
    """A live source of quotes. It yields what has changed; that time passes is the supervisor's matter."""

    @property
    def symbols(self) -> frozenset[str]:
        """Whose quotes it brings."""
        ...

    def mode_of(self, symbol: str) -> Mode:
        """What its prices of this symbol are worth by design: some are later than others."""
        ...

    def stats(self) -> FeedStats:
        """What has been counted until now."""
        ...


@runtime_checkable
class TakesOver(Stream, Protocol):
    """A stream that can replace what another source has brought of today."""

    def take_over(self, auctions: Iterable[Quote] = ()) -> None:
        """Replace today's prints by its own bars, as soon as they can be had.

        ``auctions``: closing auctions that the consumer has. They stay, where bars cannot tell them.
        """
        ...
