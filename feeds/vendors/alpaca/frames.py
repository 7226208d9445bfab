"""Frames of Alpaca's stock stream: what to send, and what to make of what comes. Pure.

JSON and msgpack say the same; in msgpack ``t`` is a Timestamp extension. No text of the vendor's leaves
this module but symbols, and those only as they are written on the exchange.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.errors import SourceError
from feeds.events import Correction
from feeds.parsing.wire import Loose, instant_ns, number
from feeds.streaming.vendor import Band, Halt
from rotation.quote import MINUTE_NS, NS, Nbbo, Quote, Role

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from collections.abc import Set as AbstractSet

    from feeds.streaming.vendor import Frame
    from feeds.streaming.watch.auction import Auctions

T = TypeVar("T")

ALL = "*"
"""Every symbol of a channel."""
MESSAGES_MAX = 20_000
"""Most messages in one frame; at a minute's end thousands of bars arrive together."""
SHARES_MAX = 1e13
SYMBOL = re.compile(r"[A-Z][A-Z0-9]{0,9}(\.[A-Z]{1,5}){0,2}", re.ASCII)

NOT_LAST = frozenset("CNRHIMQPZU4789GV")
"""Sale conditions whose trades set no last price, on every tape.

CTS Pillar Output Specification and UTP UTDF Specification, "consolidated last: no", or only where the day has
no trade yet: C cash, N next day, R seller, H price variation, I odd lot, M and Q official close and open
(reports, not trades), P prior reference price, Z and U sold out of sequence, 4 derivatively priced, 7 and V
contingent, 8 reserved, G bunched sold. 9, the corrected close, may come hours later: it is history's to
know, as in Alpaca's own minute bars. T, before and after hours, stays: the market knows the hour by itself.
"""
NO_TRADE = frozenset("MQ9")
"""Reports of a price: their size is not volume."""
CLOSING = "6"
"""Closing prints: the closing auction, which comes after the bell."""
LISTING = {"A": "N", "B": "P", "C": "Q"}
"""By tape the exchange that holds the closing auction: NYSE, NYSE Arca, Nasdaq. Tape B is shared with
American and Cboe BZX, whose auctions are known by their condition code alone."""
AVERAGE = {"A": "B", "B": "B", "C": "W", "N": "W", "O": "W"}
"""Average price by tape; B on tape C is a bunched trade, an ordinary price."""
HALTED = {"2": True, "H": True, "P": True, "3": False, "T": False}
"""Status codes: 2 and 3 on tapes A and B, H, P (volatility) and T on C. Q (quotes resume) does not count."""
_SILENT = frozenset({"d", "i", "o", "n"})
"""Known and not asked for: daily bars (never settled here), imbalances, books, news."""

Instant = msgspec.msgpack.Ext | str | None
_TIMESTAMP = -1
BRACKETS = (b"[", b"{")
"""What a binary frame of JSON begins with."""
_ISO = re.compile(r"([0-9T:-]{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Subscribed(msgspec.Struct, frozen=True):
    """The whole set of each channel that matters here."""

    trades: frozenset[str] = frozenset()
    bars: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    lulds: frozenset[str] = frozenset()
    quotes: frozenset[str] = frozenset()


class Parsed(msgspec.Struct):
    """What a frame contains, before any conclusion is drawn."""

    quotes: list[Quote] = []
    halts: list[Halt] = []
    nbbo: list[Nbbo] = []
    bands: list[Band] = []
    corrections: list[Correction] = []
    authenticated: bool = False
    subscribed: Subscribed | None = None
    errors: list[int] = []
    """The vendor's own codes; 0 where it sent none."""
    rejected: list[str] = []
    left_out: int = 0
    """See ``FrameResult``."""
    members: list[Quote] = []
    passed_over: int = 0
    """Bars of symbols that nobody asked for."""


class _Message(msgspec.Struct):
    kind: Loose = msgspec.field(default=None, name="T")
    symbol: Loose = msgspec.field(default=None, name="S")
    t: Instant = None
    p: Loose = None
    s: Loose = None
    i: Loose = None
    x: Loose = None
    oi: Loose = None
    c: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741 - the wire's own name
    v: Loose = None
    bp: Loose = None
    ap: Loose = None
    u: Loose = None
    d: Loose = None
    z: Loose = None
    sc: Loose = None
    msg: Loose = None
    code: Loose = None
    trades: Loose = None
    bars: Loose = None
    updated: Loose = msgspec.field(default=None, name="updatedBars")
    statuses: Loose = None
    lulds: Loose = None
    quotes: Loose = None


_JSON = msgspec.json.Decoder(list[_Message])
_JSON_SINGLE = msgspec.json.Decoder(_Message)
_JSON_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_PACKED = msgspec.msgpack.Decoder(list[_Message])
_PACKED_SINGLE = msgspec.msgpack.Decoder(_Message)
_PACKED_RAW = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode(message: Mapping[str, object], *, packed: bool) -> Frame:
    """A message to send: a binary frame of msgpack, or a text frame of JSON."""
    return msgspec.msgpack.encode(message) if packed else msgspec.json.encode(message).decode()


def parse(
    frame: Frame,
    *,
    wanted: AbstractSet[str] | None = None,
    on_trades: AbstractSet[str] = frozenset(),
    members: Container[str] = (),
    auctions: Auctions | None = None,
) -> Parsed:
    """What a frame contains. Raises SourceError for a frame that is not an array of messages.

    Bars of symbols not ``wanted`` are left out (``*`` brings the whole market), and those of symbols that
    are ``on_trades``: their trades said the same already, and volume would count twice. Those of ``members``
    that are neither are kept apart. ``auctions`` knows the closing auction of a trade that has no conditions;
    None: without conditions no trade is one.
    """
    parsed = Parsed()
    for message in _messages(frame, parsed):
        try:
            _take(message, parsed, wanted, on_trades, members, auctions)
        except SourceError as error:
            parsed.rejected.append(str(error))
    return parsed


def _messages(frame: Frame, parsed: Parsed) -> list[_Message]:
    """The messages that can be read, of the first MESSAGES_MAX; the others are counted as rejected."""
    is_json = isinstance(frame, str) or frame.lstrip()[:1] in BRACKETS
    whole, raws, single = (
        (_JSON, _JSON_RAW, _JSON_SINGLE) if is_json else (_PACKED, _PACKED_RAW, _PACKED_SINGLE)
    )
    try:
        return _bounded(whole.decode(frame), parsed)  # type: ignore[arg-type]
    except msgspec.ValidationError:
        pass  # one message of another shape must not cost the others
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SourceError(f"Alpaca stream: not valid {'JSON' if is_json else 'msgpack'}") from error
    try:
        parts = raws.decode(frame)  # type: ignore[arg-type]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SourceError("Alpaca stream: not an array of messages") from error
    messages: list[_Message] = []
    for part in _bounded(parts, parsed):
        try:
            messages.append(single.decode(part))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            parsed.rejected.append("unexpected message structure")
    return messages


def _bounded(messages: list[T], parsed: Parsed) -> list[T]:
    """The first MESSAGES_MAX; the others are counted."""
    if len(messages) > MESSAGES_MAX:
        parsed.rejected.append(f"more than {MESSAGES_MAX:,} messages in one frame")
        parsed.left_out = len(messages) - MESSAGES_MAX - 1
    return messages[:MESSAGES_MAX]


def _take(  # noqa: PLR0917 - what a frame is read with
    message: _Message,
    parsed: Parsed,
    wanted: AbstractSet[str] | None,
    on_trades: AbstractSet[str],
    members: Container[str],
    auctions: Auctions | None,
) -> None:
    kind = message.kind if isinstance(message.kind, str) else ""
    if kind == "t":
        quote = _trade(message, auctions)
        if quote is not None:
            parsed.quotes.append(quote)
    elif kind in {"b", "u"}:
        _take_bar(message, parsed, wanted, on_trades, members)
    elif kind == "s":
        halted = HALTED.get(message.sc) if isinstance(message.sc, str) else None
        if halted is not None:
            parsed.halts.append(Halt(_symbol(message), halted, _instant(message)))
    elif kind in {"q", "l"}:
        _market(message, parsed)
    elif kind in {"c", "x"}:
        wrong = _trade_id(message.oi if kind == "c" else message.i)
        corrected = Correction(_symbol(message), _instant(message), wrong, has_replacement=kind == "c")
        parsed.corrections.append(corrected)
    elif kind not in _SILENT:
        _control(message, parsed)


def _take_bar(
    message: _Message,
    parsed: Parsed,
    wanted: AbstractSet[str] | None,
    on_trades: AbstractSet[str],
    members: Container[str],
) -> None:
    symbol = _symbol(message)
    is_member = symbol in members
    if is_member:  # it may be a leg, too, under another spelling of ours
        parsed.members.append(_bar(message, symbol))
    if symbol in on_trades:
        return
    if wanted is None or symbol in wanted:
        parsed.quotes.append(_bar(message, symbol))
    else:
        parsed.passed_over += not is_member


def _control(message: _Message, parsed: Parsed) -> None:
    if message.kind == "success":
        parsed.authenticated |= message.msg == "authenticated"
    elif message.kind == "subscription":
        channels = (
            *(message.trades, message.bars, message.updated),
            *(message.statuses, message.lulds, message.quotes),
        )
        parsed.subscribed = Subscribed(*(_names(listed) for listed in channels))
    elif message.kind == "error":
        code = message.code
        parsed.errors.append(code if isinstance(code, int) and not isinstance(code, bool) else 0)
    else:
        raise SourceError("a message of an unknown kind")


def _market(message: _Message, parsed: Parsed) -> None:
    """A price band, or bid and ask. Crossed, or with a side of 0 as before the bell, it is no market."""
    is_quote = message.kind == "q"
    low, high = (number(side) for side in ((message.bp, message.ap) if is_quote else (message.d, message.u)))
    if low is None or high is None:
        return
    if is_quote:
        parsed.nbbo.append(Nbbo(_symbol(message), low, high, _instant(message)))
    elif 0 < low <= high:
        parsed.bands.append(Band(_symbol(message), low, high, _instant(message)))


def _trade(message: _Message, auctions: Auctions | None) -> Quote | None:
    """The print, of which the size alone counts where its conditions say so; None for a mere report."""
    symbol, price = _symbol(message), number(message.p)
    if price is None:
        raise SourceError("a trade without a price")
    role = role_of(message.c, message.z)
    if role is None:
        return None
    trade_id, size = _trade_id(message.i), number(message.s)
    if trade_id is None:
        raise SourceError("a trade without its number")
    ts_ns = _instant(message)
    if auctions is not None and role == Role.CLOSE:
        auctions.note(symbol, ts_ns)
    elif auctions is not None and not message.c and _is_of_listing(message):
        role = Role.CLOSE if auctions.is_first(symbol, ts_ns) else role
    return Quote(symbol, ts_ns, price, trade_id, shares(size), role=role)


def _is_of_listing(message: _Message) -> bool:
    """Whether the exchange of a trade is the one that lists the share."""
    return isinstance(message.z, str) and message.x == LISTING.get(message.z, "")


def _trade_id(value: Loose) -> int | None:
    """None for what cannot be the number of a trade."""
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_id and isinstance(value, int) else None


def _bar(message: _Message, symbol: str) -> Quote:
    close, high, low = number(message.c), number(message.h), number(message.l)
    if close is None or high is None or low is None or not low <= close <= high:
        raise SourceError("a bar without its prices")
    return bar(symbol, _instant(message), close, high, low, number(message.v))


def bar(  # noqa: PLR0917 - a bar has these
    symbol: str, start_ns: int, close: float, high: float, low: float, volume: float | None
) -> Quote:
    """A minute bar, which the vendor names by its start, as a quote at its end."""
    return Quote(symbol, start_ns + MINUTE_NS, close, 0, shares(volume), high, low, MINUTE_NS)


def sets_last(conditions: object, tape: object) -> bool:
    """Whether a trade with these sale conditions may be the last price."""
    if not isinstance(conditions, list):
        return conditions is None
    average = AVERAGE.get(tape) if isinstance(tape, str) else None
    return not any(code in NOT_LAST or code == average for code in conditions if isinstance(code, str))


def role_of(conditions: object, tape: object) -> Role | None:
    """What of a trade with these sale conditions counts; None for a report that is not a trade."""
    codes = conditions if isinstance(conditions, list) else []
    if any(code in NO_TRADE for code in codes if isinstance(code, str)):
        return None
    if not sets_last(conditions, tape):
        return Role.SIZE
    return Role.CLOSE if CLOSING in codes else Role.PRICE


def shares(size: float | None) -> int:
    """Whole shares; 0 where unknown or beyond belief."""
    return int(size) if size is not None and 0 <= size < SHARES_MAX else 0


def _symbol(message: _Message) -> str:
    symbol = message.symbol
    if not isinstance(symbol, str) or not SYMBOL.fullmatch(symbol):
        raise SourceError("a message without a symbol")
    return symbol


def _names(listed: Loose) -> frozenset[str]:
    names = listed[:MESSAGES_MAX] if isinstance(listed, list) else ()
    return frozenset(
        name for name in names if isinstance(name, str) and (name == ALL or SYMBOL.fullmatch(name))
    )


def _instant(message: _Message) -> int:
    ts_ns = exact_ns(message.t)
    if ts_ns is None:
        raise SourceError("a message without a time")
    return ts_ns


def exact_ns(value: Instant) -> int | None:
    """UTC nanoseconds of RFC 3339 text or of a msgpack Timestamp, not one rounded; None for neither."""
    if isinstance(value, msgspec.msgpack.Ext):
        return _stamp_ns(value)
    match = _ISO.fullmatch(value) if value is not None else None
    if match is None:
        return None
    second_ns = _second_ns(match[1] + match[3])
    return None if second_ns is None else second_ns + int((match[2] or "").ljust(9, "0"))


@lru_cache(maxsize=64)
def _second_ns(text: str) -> int | None:
    """Thousands of messages share a second."""
    return instant_ns(text)


def _stamp_ns(stamp: msgspec.msgpack.Ext) -> int | None:
    """The three lengths of the msgpack specification's Timestamp; None for another extension."""
    data = bytes(stamp.data)
    if stamp.code != _TIMESTAMP:
        return None
    if len(data) == 4:
        seconds, nanos = int.from_bytes(data), 0
    elif len(data) == 8:
        nanos, seconds = divmod(int.from_bytes(data), 2**34)
    elif len(data) == 12:
        nanos, seconds = int.from_bytes(data[:4]), int.from_bytes(data[4:], signed=True)
    else:
        return None
    return seconds * NS + nanos if nanos < NS and 0 < seconds < 2**34 else None
