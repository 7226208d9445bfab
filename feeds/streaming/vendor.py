"""The contract of a streaming vendor: pure protocol, no I/O and no clock. ``feeds.streaming.feed`` drives it.

A vendor says where to connect and what its frames mean; connecting, waiting, coming back after an outage,
filling gaps and judging ticks are the same for all of them and live elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import msgspec

from feeds.events import Correction
from feeds.streaming.members.prints import MemberChannel, MemberPrints
from rotation.columns import PrintColumns
from rotation.quote import Nbbo, Quote
from rotation.status import FeedState, Refusal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from feeds.streaming.requests import Reference
    from rotation.status import Mode

Frame = str | bytes
"""A text or a binary websocket message."""


class VendorError(msgspec.Struct, frozen=True):
    """The vendor refuses something."""

    kind: Literal["fatal", "again", "limit"]
    """fatal: stop until the configuration changes. again: authenticate again on this very socket later.
    limit: the symbols just asked for were not added; those acknowledged stay."""
    message: str
    """In our own words, since it reaches the screen: the vendor's may repeat a key."""
    refusal: FeedState = Refusal.AUTH_FAILED
    """State of the feed after a fatal error: AUTH_FAILED, TAKEN OVER where another session holds the one
    connection of the account, or OFFLINE where the address or the network cannot be used as configured."""


class Halt(msgspec.Struct, frozen=True):
    """Trading in a symbol stopped or went on."""

    symbol: str
    halted: bool
    ts_ns: int


class Band(msgspec.Struct, frozen=True, gc=False):
    """Limit up, limit down: no trade may be made outside of it in the regular session."""

    symbol: str
    low: float
    high: float
    ts_ns: int


class FrameResult(msgspec.Struct, frozen=True):
    """What one frame contains."""

    quotes: tuple[Quote, ...] = ()
    """In order; ``seq`` is the vendor's trade id or sequence number where it has one."""
    sequence: tuple[tuple[str, int], ...] = ()
    """(symbol, number) where the vendor numbers its messages without holes on a connection: a hole is a gap.

    A number of the connection as a whole has the symbol "".
    """
    send: tuple[Frame, ...] = ()
    """Answers to send at once."""
    ready: bool = False
    """Authenticated: subscriptions may be sent now."""
    subscribed: frozenset[str] | None = None
    """The whole set that the vendor acknowledges now; None where the frame does not say."""
    heartbeat: bool = False
    """The vendor is alive, beyond the transport's own pings; this is not data."""
    halts: tuple[Halt, ...] = ()
    nbbo: tuple[Nbbo, ...] = ()
    bands: tuple[Band, ...] = ()
    corrections: tuple[Correction, ...] = ()
    error: VendorError | None = None
    rejected: tuple[str, ...] = ()
    """Messages in the frame that could not be used, a reason each; the others stand."""
    left_out: int = 0
    """So many more were not looked at, since a frame has too many; that is said in ``rejected``."""
    members: tuple[Quote, ...] = ()
    """Prints of an index's members, under the spelling of ``MemberPrints.wanted``; see StreamsMembers."""
    passed_over: int = 0
    """Prints in the frame of symbols that nobody asked for."""
    member_channel: MemberChannel | None = None
    """How members come from now on; None where the frame does not say."""


class Conversation(Protocol):
    """One connection's side of the protocol. Made anew for every connection."""

    def opened(self) -> tuple[Frame, ...]:
        """The authentication, sent as soon as the socket is open, and once more on it after ``again``.

        Empty where none is needed: then the vendor is ready at once and need not say so, and
        ``subscribe`` follows at once. Otherwise it waits for ``FrameResult.ready``.
        """
        ...

    def received(self, frame: Frame) -> FrameResult:
        """What a frame means. Raises SourceError for a frame that this vendor cannot have sent.

        Anything at all may come; it must be quick, since it runs between two reads of the socket.
        """
        ...

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """What to send so that the vendor's set becomes this one; empty where it already is.

        Asked for again, some seconds apart, while ``FrameResult.subscribed`` lacks something.
        """
        ...

    def beat(self) -> tuple[Frame, ...]:
        """What to send every ``Vendor.beat_s`` seconds; again the subscription for vendors that forget it."""
        ...


class ManyFrames(msgspec.Struct, frozen=True):
    """What several frames contain that hold nothing but prints, what takes one back, and markets."""

    count: int
    """So many of the frames do; 0 where the first does not."""
    prints: PrintColumns
    nbbo: list[Nbbo] = []
    bands: list[Band] = []
    corrections: list[Correction] = []


@runtime_checkable
class ReadsMany(Protocol):
    """A conversation that reads many frames at once, and says the same as ``received`` of each."""

    def received_many(self, frames: Sequence[Frame], start: int) -> ManyFrames:
        """What the frames from this place on mean, as far as they can be read at once. Raises nothing."""
        ...


class Vendor(Protocol):
    """One vendor, configured. Its figures are plain attributes of a class or an instance."""

    @property
    def name(self) -> str:
        """Short, as the Health panel and provenance show it."""
        ...

    @property
    def mode(self) -> Mode:
        """LIVE or DELAYED."""
        ...

    @property
    def url(self) -> str:
        """Where to connect, or ``ROTATION_TUI_<FEED>_STREAM_URL``. It may hold a key: never shown."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the upgrade request."""
        ...

    @property
    def keyed(self) -> bool:
        """True where it is asked with a key: HTTP 401, 402 and 403 then refuse the key for good."""
        ...

    @property
    def beat_s(self) -> float | None:
        """Seconds between beats; None for none."""
        ...

    @property
    def heartbeats(self) -> bool:
        """True where the vendor sends something even when nothing trades: then silence is an outage."""
        ...

    @property
    def acknowledges(self) -> bool:
        """False where it never says what is subscribed: a symbol's first print then counts as that."""
        ...

    @property
    def most_symbols(self) -> int | None:
        """How many symbols it allows; None where no limit is known."""
        ...

    def conversation(self) -> Conversation:
        """A new connection begins."""
        ...

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The newest print of each symbol by REST, for seeding and to compare with; empty where it cannot.

        Raises SourceError where the source does not answer.
        """
        ...

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Minute bars (as quotes, at their end) of a gap by REST; empty where the vendor has none.

        Each holds all trades of its minute. Raises SourceError where the source does not answer,
        PartialAnswer where it does for some of the symbols only.
        """
        ...


@runtime_checkable
class ModesBySymbol(Protocol):
    """A vendor of which some symbols are later than others."""

    def mode_of(self, symbol: str) -> Mode:
        """What the prices of this symbol are worth by design."""
        ...


def mode_of(vendor: Vendor, symbol: str) -> Mode:
    """What a vendor's prices of a symbol are worth by design."""
    return vendor.mode_of(symbol) if isinstance(vendor, ModesBySymbol) else vendor.mode


@runtime_checkable
class StreamsMembers(Protocol):
    """A vendor of which one subscription brings all shares there are, beside the symbols asked for."""

    members: MemberPrints | None
    """Whose ``wanted`` says which to keep; each connection asks for members while there are any. None: no one
    ever wants any."""


@runtime_checkable
class ReferenceSource(Protocol):
    """A vendor that knows the closes and splits behind a session's prints; not every one does."""

    async def reference(self, symbols: frozenset[str], session: dt.date) -> Reference:
        """Closes of the session before ``session`` on its scale, and the splits of its day.

        A symbol of which the scale is in doubt has no close. Raises SourceError where it does not answer.
        """
        ...


@runtime_checkable
class HoldsAnswers(Protocol):
    """A vendor whose ``snapshot`` may repeat an answer of some seconds before, to ask less."""

    async def snapshot_anew(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """As ``snapshot``, from answers made after this call. Raises SourceError."""
        ...


async def newest_of(vendor: Vendor, symbols: frozenset[str], *, anew: bool) -> tuple[Quote, ...]:
    """A vendor's snapshot. ``anew``: of after this call, since it decides on a print. Raises SourceError."""
    if anew and isinstance(vendor, HoldsAnswers):
        return await vendor.snapshot_anew(symbols)
    return await vendor.snapshot(symbols)


async def reference_of(vendor: Vendor, symbols: frozenset[str], session: dt.date) -> Reference | None:
    """What a vendor says of closes and splits; None where it has no such answer. Raises SourceError."""
    return await vendor.reference(symbols, session) if isinstance(vendor, ReferenceSource) else None
