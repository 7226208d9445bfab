"""Random histories and tapes for the core, drawn so that every awkward case is common.

Histories come from bytes, one a session and symbol: cheap to draw, and they shrink to "unchanged".
Prices are cents on a few levels, whole per cents of each symbol's, so equal closes and equal returns happen
all the time, with the noise that they have in truth: closes are 32-bit floats, returns come from a division.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import polars as pl
import pytest
from hypothesis import strategies as st

from rotation.context.wants import MADE, Part, pair_wanted, wants
from rotation.desk import Desk
from rotation.history import SCHEMA, History
from rotation.market.market import Market
from rotation.market.past import passes
from rotation.market.past.look_back import LookBack, look_back
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import hours, next_session, previous_session, sessions_between
from rotation.status import BAD, DEMO, LIVE, REPLAY, delayed
from tests.support.core_oracle import Close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot

LEGS = ("QQQ", "IWM", "NEW", "IVW", "IWN")
"""The desk's; NEW may lack a history, and has no name."""
DESK = Desk(legs=LEGS)
MODES = {"LIVE": LIVE, "DELAYED 15m": delayed(15), "REPLAY": REPLAY, "DEMO": DEMO, "": None}
ORIGIN = Provenance(REPLAY, "a tape")
MEMBERS = ("MEM", "OUT")
"""Off the desk, known with or without history."""
SYMBOLS = ("IWM", "QQQ", "IWN", "IVW", "NEW", "MEM")
PRICED = {"IWM": 220, "QQQ": 480, "IWN": 150, "IVW": 96, "NEW": 20, "MEM": 10}

CALENDAR = sessions_between(date(2022, 6, 1), date(2024, 8, 30))
FIRST = CALENDAR.index(date(2023, 11, 20))
"""From here to July 2024 lie three half-days, seven holidays and both changes of clocks."""
LAST = CALENDAR.index(date(2024, 7, 8))


class World(NamedTuple):
    """A history, of which some rows lie in the future, and a tape."""

    desk: Desk
    rows: list[Close]
    session: date
    """The one the tape is mostly about; history goes on for two more."""
    started_ns: int
    batches: list[tuple[list[Quote], int]]
    """(quotes, as_of_ns), the clock never running back."""
    mode: str = "REPLAY"

    def market(self, rows: list[Close] | None = None) -> Market:
        return Market(
            history_of(self.rows if rows is None else rows),
            self.desk,
            as_of_ns=self.started_ns,
            origin=Provenance(MODES[self.mode], "a tape"),
            members=MEMBERS,
        )

    def played(self, rows: list[Close] | None = None) -> Snapshot:
        """The last snapshot, as if it were the first."""
        return play(self.market(rows), self.batches)


def play(market: Market, batches: list[tuple[list[Quote], int]]) -> Snapshot:
    for quotes, as_of_ns in batches:
        snapshot = market.apply(quotes, as_of_ns=as_of_ns)
    return msgspec.structs.replace(snapshot, seq=0)


@contextmanager
def look_backs_kept() -> Iterator[None]:
    """Within, a history is looked back on once a session: the pass is pure, and most of a market's cost."""
    made: dict[tuple[int, date | None, Desk], tuple[History, LookBack]] = {}

    def kept(
        history: History, session: date | None, desk: Desk, membership: tuple[Any, ...] = ()
    ) -> LookBack:
        if membership:
            return look_back(history, session, desk, membership)
        key = (id(history), session, desk)
        if key not in made:
            made[key] = (history, look_back(history, session, desk))  # held, so that its id stays its own
        return made[key][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "look_back", kept)
        yield


def history_of(rows: list[Close]) -> History:
    return History(pl.DataFrame([tuple(row) for row in rows], schema=SCHEMA, orient="row"))


# Snapshots ---------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Structs as dicts, all the way down; the rest as it is."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """What the oracle computes: all but seq, the headline, the words about history and the statuses."""
    shown = plain(snapshot)
    assert shown.pop("seq") >= 0
    shown.pop("headline_status")
    assert shown.pop("unasked") == ()
    shown.pop("graph")  # tests/rotation/graph has an oracle of its own
    assert (shown.pop("macro"), shown.pop("story")) == (None, None)  # nobody was asked for them here
    assert (shown.pop("events"), shown.pop("alerts")) == ((), ())
    assert (shown.pop("lines"), shown.pop("explained")) == ({}, {})
    assert (shown.pop("pairs"), shown.pop("lists")) == ({}, ())
    pair = [shown["spread"]["base"], shown["spread"]["against"]]
    statuses = [shown["legs"][symbol]["status"] for symbol in pair if symbol in shown["legs"]]
    times = [status["as_of"] for status in statuses if status["as_of"] is not None]
    assert shown.pop("data_as_of") == min(times, default=None)
    connection = shown.pop("connection")
    assert (connection is None) is (not statuses)
    worst = max((status["kind"].severity for status in statuses), default=None)
    assert (connection["kind"].severity if connection else None) == worst
    for part in (*shown["legs"].values(), *shown["spread"]["windows"].values(), shown["ratio"]):
        part.pop("status")
    if shown["value_growth"] is not None:
        shown["value_growth"].pop("status")
    assert shown.pop("headline").endswith(".")
    rare = [
        each
        for each in shown["banks"].values()
        if each.pop("status")["kind"] not in BAD and each["n"] >= 250 and each["percentile"] is not None
        if not 5 < each["percentile"] < 95
    ]
    clauses = shown.pop("clauses")  # no breadth or macro here; of banks only the rarest
    ranks = sorted((each["percentile"] for each in rare), key=lambda rank: min(rank, 100 - rank))
    assert [each["percentile"] for each in clauses] == ranks[:1]
    health = shown.pop("health")
    assert health["feeds"] == ()
    assert health["tape"] is None
    return {**shown, "counts": {name: n for name, n in sorted(health["counts"].items()) if n}}


# Histories ---------------------------------------------------------------------------------------------


def closes(symbol: str, days: list[date], codes: bytes, *, close: bool = True, trend: int = 0) -> list[Close]:
    """A row for each day but where the code is a gap; ``close`` False leaves adjusted closes alone."""
    rows = []
    split, dividends = 1.0, 0.5
    for i, (day, code) in enumerate(zip(days, codes, strict=True)):
        kind, level = code >> 3, code & 7
        if kind == 31:
            continue
        if kind == 30:
            split = 0.5
        if kind == 29:
            split = 10.0
        if kind == 28:
            dividends = 1.0
        price = as_sent(PRICED.get(symbol, PRICED["IWM"]) * (100 + level + trend * (i % 40)) / 100 * split)
        rows.append(
            Close(
                symbol,
                day,
                price if close and kind not in (26, 27) else None,
                as_sent(price * dividends) if kind not in (25, 26) else None,
            )
        )
    return rows


def as_sent(price: float) -> float:
    """A price in cents, as a vendor sends it: a 32-bit float."""
    sent: float = struct.unpack("<f", struct.pack("<f", round(price, 2)))[0]
    return sent


@st.composite
def histories(draw: st.DrawFn, days: list[date]) -> list[Close]:
    rows: list[Close] = []
    # History may end with the last session drawn (two after the tape's) or up to six sessions earlier.
    days = days[: max(0, len(days) - draw(st.integers(0, 6)))] if draw(st.booleans()) else days
    for symbol in SYMBOLS:
        always = symbol in ("IWM", "QQQ")
        starts = draw(st.sampled_from([0, 0, 0, 0, 0, 1, len(days) - 2, len(days)][: 6 if always else 8]))
        starts = min(max(starts, 0), len(days))
        codes = draw(st.binary(min_size=len(days) - starts, max_size=len(days) - starts))
        if draw(st.booleans()):
            codes = bytes(code & 7 for code in codes)  # nothing missing, no splits
        rows += closes(
            symbol,
            days[starts:],
            codes,
            close=symbol != "IWN" or draw(st.booleans()),
            trend=draw(st.sampled_from((0, 1, -1))),
        )
    if len(days) > 4 and draw(st.integers(0, 4)) == 4:
        # The exchange was closed on a day, and the calendar does not know.
        closed = days[draw(st.integers(1, len(days) - 2))]
        rows = [row for row in rows if row.day != closed]
    if draw(st.integers(0, 4)) == 4:
        # Somebody's calendar has Saturdays.
        saturdays = sorted({day + timedelta(days=5 - day.weekday()) for day in days[-6:]})
        rows += closes("NEW", saturdays, bytes(len(saturdays)))
    return rows


# Tapes -------------------------------------------------------------------------------------------------

JITTERS = (0, 0, 1, -1, NS, 30 * NS, 59 * NS, 60 * NS, 60 * NS + 1, 61 * NS, 20 * 60 * NS)
BAD_PRICES = (float("nan"), float("inf"), 0.0, -1.0)


def moments(session: date) -> list[int]:
    """Instants of a session at which something turns, in order."""
    pre, opens, closes_, post = hours(session)
    hour = 3600 * NS
    return [
        pre - hour,
        pre,
        pre + hour,
        opens,
        opens + hour,
        closes_ - 60 * NS,
        closes_,
        closes_ + hour,
        post,
    ]


class _Drawn(NamedTuple):
    symbol: str
    anchor: int
    jitter: int
    seq: int
    size: int
    level: int
    bar: int
    again: int


DRAWN = st.builds(
    _Drawn,
    symbol=st.sampled_from(
        ("IWM", "QQQ", "IWM", "QQQ", "IWM", "QQQ", "IWN", "IVW", "NEW", "MEM", "OUT", "XXX")
    ),
    anchor=st.integers(0, 99),
    jitter=st.sampled_from(JITTERS),
    seq=st.integers(0, 1),
    size=st.sampled_from((0, 100, 250)),
    level=st.integers(0, 15),
    bar=st.integers(0, 5),
    again=st.integers(0, 9),
)


def quote_of(drawn: _Drawn, anchors: list[int]) -> Quote:
    price = round(PRICED.get(drawn.symbol, 50) * (94 + drawn.level) / 100, 2)
    high = low = None
    bar_ns = 0
    if drawn.bar >= 3:
        high, low = round(price * 1.25, 2), round(price * 0.75, 2)
        bar_ns = (60 * NS, 300 * NS, 0)[drawn.bar - 3]  # the last from a tape that does not tell its length
    if drawn.bar == 5 and drawn.level >= 12:
        price = BAD_PRICES[drawn.level - 12]
    if drawn.bar == 5 and drawn.level == 0:
        low = -1.0
    return Quote(
        drawn.symbol,
        anchors[drawn.anchor % len(anchors)] + drawn.jitter,
        price,
        seq=drawn.seq,
        size=drawn.size,
        high=high,
        low=low,
        bar_ns=bar_ns,
    )


def quotes_of(drawn: list[_Drawn], anchors: list[int]) -> list[Quote]:
    """One after the other; some are the print before again, or a revision of it."""
    quotes: list[Quote] = []
    for plan in drawn:
        quote = quote_of(plan, anchors)
        if plan.again >= 7 and quotes:
            earlier = quotes[plan.anchor % len(quotes)]
            revision = {"price": round(earlier.price * 1.5, 2), "size": earlier.size + 50}
            quote = earlier if plan.again == 7 else msgspec.structs.replace(earlier, **revision)
        quotes.append(quote)
    return quotes


@st.composite
def tapes(draw: st.DrawFn, session: date) -> list[tuple[list[Quote], int]]:
    """Batches around one session, sometimes going on into the next, a clock beside each."""
    instants = moments(session)
    if draw(st.booleans()):
        instants += moments(next_session(session))
    chosen = draw(st.lists(st.sampled_from(range(1, len(instants))), min_size=1, max_size=4))
    # Prints of the session before and of the night are on some tapes too.
    outside = [moments(previous_session(session))[4], instants[0]] if draw(st.integers(0, 3)) == 3 else []
    batches = []
    for i in sorted(chosen):
        as_of_ns = instants[i] + draw(st.sampled_from((0, 0, -1, 45 * NS)))
        anchors = instants[max(1, i - 4) : i + 1] + outside
        drawn = draw(st.lists(DRAWN, min_size=draw(st.sampled_from((0, 10))), max_size=20))
        quotes = quotes_of(drawn, anchors)
        if draw(st.booleans()):
            quotes.sort(key=lambda quote: quote.ts_ns)
        batches.append((quotes, as_of_ns))
    return sorted(batches, key=lambda batch: batch[1])


@st.composite
def worlds(draw: st.DrawFn, fewest: int = 6, most: int = 40) -> World:
    today = draw(st.integers(FIRST, LAST))
    days = CALENDAR[today - draw(st.integers(fewest, most)) : today + 3]
    session = CALENDAR[today]
    mode = draw(st.sampled_from(("REPLAY", "LIVE", "DELAYED 15m", "DEMO", "")))
    desk = msgspec.structs.replace(DESK, returns=draw(st.sampled_from(("price", "price", "total"))))
    batches = draw(tapes(session))
    before = [instant for instant in moments(session) if instant <= batches[0][1]]
    started_ns = draw(st.sampled_from([moments(session)[0], before[-1]]))
    return World(desk, draw(histories(days)), session, started_ns, batches, mode)


def looking_at(*pairs: str) -> Wants:
    """All that a market makes, of the more pairs only these."""
    return (MADE - wants(Part.PAIRS)) | frozenset(map(pair_wanted, pairs))
