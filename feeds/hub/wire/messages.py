"""What a hub sends. Every message starts with the version of this schema and the place in the hub's order.

They are arrays in msgpack: a field is added at the end of none of them, but with a new SCHEMA.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from feeds.clock import LATEST_NS
from rotation.breadth.members import SCHEMA as MEMBERS
from rotation.market.status import Provenance
from rotation.quote import PRICE_MAX
from rotation.snapshot import Counts, FeedHealth

SCHEMA = 1
"""Version of the messages. Another one is refused: what its fields mean is not known."""
LONGEST = 64
"""Characters of a symbol or a name."""
ROWS_MAX = 256
"""Rows of a hub's Health panel."""

LISTS_MAX = 60
"""Holdings files of a fund that are sent, the newest: those of the last sessions, one a day. A server answers
with no more than 1,024 subjects at once."""
FUNDS_MAX = 1_000

EPOCH_MAX = 10**13
"""In the year 2286: an epoch is the time at which a hub begins, in ms since 1970, or the next number."""

Version = Annotated[int, Meta(ge=SCHEMA, le=SCHEMA)]
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Order64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Price = Annotated[float, Meta(gt=0, le=PRICE_MAX)]
Name = Annotated[str, Meta(max_length=LONGEST)]


class Place(NamedTuple):
    """A message's place in the order of all that hubs have sent: a later hub has a higher epoch."""

    epoch: int
    """Of the hub that sends, higher than that of every hub before it."""
    seq: int
    """The hub's own count of messages, without a gap, from 1."""


class Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What all have in common."""

    version: Version
    epoch: Annotated[int, Meta(ge=0, le=EPOCH_MAX)]
    seq: Whole
    as_of_ns: Annotated[int, Meta(ge=0, le=LATEST_NS)]
    """The hub's clock, UTC ns."""

    @property
    def place(self) -> Place:
        """Where it stands among all messages."""
        return Place(self.epoch, self.seq)


class Print(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A ``Quote`` without its symbol."""

    ts_ns: Whole
    price: Price
    seq: Order64
    size: Whole
    role: Annotated[int, Meta(ge=0, le=3)]
    high: Price | None
    low: Price | None
    bar_ns: Whole


class Minute(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last price of a minute."""

    place: Annotated[int, Meta(ge=-1440, le=1440)]
    """From the opening bell."""
    ts_ns: Whole
    price: Price
    bar_ns: Whole


class Part(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One part of the day of a symbol."""

    last: Print | None
    high: Price | None
    low: Price | None
    volume: Whole
    minutes: Annotated[list[Minute], Meta(max_length=4)]


class BidAsk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An ``Nbbo`` without its symbol; a side that is 0 says that there is no market."""

    bid: Annotated[float, Meta(ge=0, le=PRICE_MAX)]
    ask: Annotated[float, Meta(ge=0, le=PRICE_MAX)]
    ts_ns: Whole


class QuoteMessage(Message, frozen=True):
    """A symbol's session so far: complete in itself, so that the newest one replaces all before."""

    symbol: Name
    session: Annotated[int, Meta(ge=0, le=100_000)] | None
    """Days from 1970."""
    pre: Part | None
    regular: Part | None
    late: Part | None
    bid_ask: BidAsk | None


class MinutesMessage(Message, frozen=True):
    """All last prices of the minutes of a symbol's regular session: columns of the same length."""

    symbol: Name
    session: Annotated[int, Meta(ge=0, le=100_000)]
    places: Annotated[list[int], Meta(max_length=1440)]
    ts_ns: Annotated[list[Whole], Meta(max_length=1440)]
    prices: Annotated[list[Price], Meta(max_length=1440)]
    bar_ns: Annotated[list[Whole], Meta(max_length=1440)]


class BeatMessage(Message, frozen=True):
    """The hub is alive, once a second; ``seq`` says how much it has sent."""

    hub: Name
    """A random name of the process."""
    is_leaving: bool
    """Whether it ends: the next hub need not wait."""
    counts: Counts
    health: Annotated[list[FeedHealth], Meta(max_length=ROWS_MAX)]


class StateMessage(Message, frozen=True):
    """What prices are worth, which symbols there are, and the scale that vendors have them on."""

    symbols: list[Name]
    legs: list[Name]
    """Those of which MinutesMessages are sent."""
    states: list[Provenance]
    """Each once."""
    state_of: dict[Name, Annotated[int, Meta(ge=0)]]
    """By symbol the place in ``states``."""
    previous_session: Annotated[int, Meta(ge=0, le=100_000)] | None
    previous_closes: dict[Name, float]
    splits: dict[Name, tuple[Annotated[int, Meta(ge=0, le=100_000)], float | None]]
    """By symbol the first day on the new scale, from 1970, and new shares for an old one."""


class HistoryMessage(Message, frozen=True):
    """Settled closes of one symbol."""

    symbol: Name
    rows: Annotated[int, Meta(ge=0, le=100_000)]
    columns: Annotated[bytes, Meta(max_length=4_000_000)]
    """zlib: days from 1970 as int32, then closes and adjusted closes as float64, little-endian; NaN where
    unknown."""


class IndexMessage(Message, frozen=True):
    """Which history there is: it is whole once every symbol's rows have this digest."""

    source: Annotated[str, Meta(max_length=1000)]
    digests: dict[Name, Annotated[int, Meta(ge=0, le=2**32 - 1)]]
    """By symbol the CRC-32 of ``HistoryMessage.columns``."""


class MembersMessage(Message, frozen=True):
    """One holdings file of a fund."""

    fund: Name
    day: Annotated[int, Meta(ge=0, le=100_000)]
    columns: Annotated[bytes, Meta(max_length=4_000_000)]
    """zlib: the columns of ``rotation.breadth.members.SCHEMA`` as a msgpack array of arrays."""


class FundsMessage(Message, frozen=True):
    """Which holdings files the hub sends, before it sends them; of any other fund it has none (any more)."""

    days: Annotated[
        dict[
            Name,
            Annotated[list[Annotated[int, Meta(ge=0, le=100_000)]], Meta(min_length=1, max_length=LISTS_MAX)],
        ],
        Meta(max_length=FUNDS_MAX),
    ]
    """By fund the days of its newest files, from 1970; where they are LISTS_MAX, older ones may exist."""


class BlobMessage(Message, frozen=True):
    """A figure struct of its own, ``Fed`` or ``Macro``."""

    body: Annotated[bytes, Meta(max_length=4_000_000)]
    """zlib of msgpack; nil where nothing is known any more."""


class TapeMessage(Message, frozen=True):
    """Rows of the tape: what the hub's supervisor took in, event by event.

    ``seq`` counts the tape's own messages. ``as_of_ns`` is the time of the last row.
    """

    rows: Annotated[int, Meta(ge=1, le=1_000_000)]
    columns: Annotated[bytes, Meta(max_length=64_000_000)]
    """zlib: the columns of ``feeds.tapes.tape_schema.RECORDED`` as a msgpack array of arrays."""


MEMBER_COLUMNS = tuple(MEMBERS)
