"""What a recorded tape holds: every event that the supervisor took, in order, with its time.

Rows of a step, which is one event: a print each, or a single row without a symbol where the event had none.
``kind`` says what it was; what is no quotes stands as JSON in ``said``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import polars as pl

from feeds.events import (
    Batch,
    BidAsks,
    ColumnBatch,
    FedNews,
    HistoryUpdated,
    MacroNews,
    PrintsReplaced,
    Rewind,
    Status,
    SymbolStates,
)
from feeds.parsing.sanitize import clean
from feeds.tapes.tape_schema import RECORDED, SCHEMA, quotes
from rotation.columns import to_quotes
from rotation.fed.figures import FUTURES
from rotation.quote import FUTURE_NS, NS
from rotation.sessions import NEW_YORK
from rotation.status import Kind, PriceStatus
from rotation.wording import parse_word, state_word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.events import Event
    from rotation.fed.ageing import Aging
    from rotation.quote import Quote

log = logging.getLogger(__name__)

BATCH, REWIND, REPLACED = "Batch", "Rewind", "Redone"
_KINDS = {PrintsReplaced: REPLACED, SymbolStates: "Words", HistoryUpdated: "Learned"}
"""Names on a tape of events that have another in the code by now: recordings outlive class names."""
_NEWEST_ONLY = ("Status", "FedNews", "MacroNews")
"""Kinds of which only the newest counts, and which ``said`` holds completely."""
_BID_ASKS = BidAsks.__name__
BID_ASK_NS = 120 * NS
"""A bid and ask that came this long before is shown no more."""

DAY_NS = 86_400 * NS


class _Recorded(msgspec.Struct, frozen=True):
    """A Status as a tape holds it: the state is a word, ``DELAYED 15m``, as it always was."""

    state: str
    detail: str = ""
    as_of_ns: int | None = None

    @classmethod
    def of(cls, status: Status) -> _Recorded:
        """The status in words; older programs read it too."""
        word = state_word(status.state, delay_s=status.delay_s, age_s=status.age_s)
        return cls(word, status.detail, status.as_of_ns)


T = TypeVar("T")
Row = tuple[Any, ...]


def rows_of(number: int, feed: str, event: Event, as_of_ns: int) -> list[Row]:
    """One event as rows of RECORDED."""
    if isinstance(event, ColumnBatch):  # which says the same
        event = Batch(tuple(to_quotes(event.rows)), event.as_of_ns)
    given: tuple[Quote, ...] = ()
    text = None
    if isinstance(event, Batch | Rewind | PrintsReplaced):
        given = event.quotes
    if isinstance(event, PrintsReplaced):
        text = msgspec.json.encode(sorted(event.symbols)).decode()
    elif isinstance(event, Status):
        text = msgspec.json.encode(_Recorded.of(event)).decode()
    elif not isinstance(
        event, Batch | Rewind | HistoryUpdated
    ):  # settled history is in the store, not on a tape
        text = msgspec.json.encode(event).decode()
    tail = (as_of_ns, number, _KINDS.get(type(event), type(event).__name__), feed, text)
    if not given:
        return [(None, as_of_ns, 0, None, 0, None, None, 0, 0, *tail)]
    return [
        (q.symbol, q.ts_ns, q.seq, q.price, q.size, q.high, q.low, q.bar_ns, int(q.role), *tail)
        for q in given
    ]


def frame_of(rows: list[Row]) -> tuple[pl.DataFrame, int]:
    """The rows as a frame, and how many a tape cannot hold: absurd numbers, invalid text."""
    try:
        return pl.DataFrame(rows, schema=RECORDED, orient="row"), 0
    except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):
        kept = [row for row in rows if _fits(row)]
        return pl.DataFrame(kept, schema=RECORDED, orient="row"), len(rows) - len(kept)


def _fits(row: Row) -> bool:
    try:
        pl.DataFrame([row], schema=RECORDED, orient="row")
    except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):
        return False
    return True


def played(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Recordings, and plain tapes, as one: in order of ``at_ns``, when a row is due; a ``step`` is one event.

    A clock that was set back while recording holds the tape up, but reorders nothing.
    """
    timed = [_timed(part, i) for i, part in enumerate(parts)]
    rows = pl.concat(timed).sort("at_ns", maintain_order=True)
    at_once = pl.when(pl.col("batch").is_null()).then("at_ns")  # prints of one instant of a plain tape
    return rows.with_columns(step=pl.struct("_file", "batch", at_once.alias("at_once")).rle_id()).drop(
        "_file"
    )


def _timed(part: pl.DataFrame, number: int) -> pl.DataFrame:
    if "batch" not in part.columns:
        absent = [pl.lit(None, kind).alias(name) for name, kind in RECORDED.items() if name not in SCHEMA]
        part = part.with_columns(*absent).with_columns(as_of_ns=pl.col("ts_ns"), kind=pl.lit(BATCH))
    return part.select(*RECORDED).with_columns(at_ns=pl.col("as_of_ns").cum_max(), _file=pl.lit(number))


def steps(rows: pl.DataFrame) -> list[Event]:
    """Rows of a played tape as the events that they were; what cannot be played again still moves time."""
    return [_event(part) for part in rows.partition_by("step", maintain_order=True)]


def merged(rows: pl.DataFrame) -> list[Event]:
    """The same for the market in as few events as leave it in the same state.

    A batch with a print from the future stays apart: only its own clock says that it must be refused.
    """
    if rows.is_empty():
        return []
    future = pl.col("ts_ns") > pl.col("as_of_ns") + FUTURE_NS
    is_newest_only = pl.col("kind").is_in(list(_NEWEST_ONLY))
    is_old = (pl.col("kind") == _BID_ASKS) & (pl.col("at_ns") < pl.col("at_ns").max() - BID_ASK_NS)
    rows = rows.filter(~is_old)
    apart = (future | (pl.col("kind") != BATCH)).any().over("step")
    rows = rows.filter(~is_newest_only | (pl.col("step") == pl.col("step").max().over("kind", "feed")))
    turns = pl.when(apart).then("step").otherwise(-1)
    return steps(rows.with_columns(step=turns.rle_id()))


def events_as_of(tape: pl.DataFrame, at_ns: int) -> list[Event]:
    """All that a new market and a screen need to stand at this instant; the first is a Rewind."""
    known = tape.filter(pl.col("at_ns") <= at_ns)
    is_newest_only = pl.col("kind").is_in(list(_NEWEST_ONLY))
    newest_only, known = known.filter(is_newest_only), known.filter(~is_newest_only)
    known = _of_newest_days(_since_rewind(known))
    began_ns = int(known["as_of_ns"][0]) if known.height else at_ns
    events: list[Event] = [Rewind((), began_ns), *merged(known)]
    if known.is_empty() or known["at_ns"][-1] < at_ns:
        events.append(Batch((), at_ns))
    events += [msgspec.structs.replace(event, as_of_ns=at_ns) for event in merged(newest_only)]
    return events + _not_yet_known(tape, newest_only, at_ns)


def _not_yet_known(tape: pl.DataFrame, newest_only: pl.DataFrame, at_ns: int) -> list[Event]:
    """News that the tape has only later, as None: after a seek back they are to be forgotten."""
    kinds = set(tape["kind"].unique()) - set(newest_only["kind"])
    return [news(None, at_ns) for news in (FedNews, MacroNews) if news.__name__ in kinds]


def _since_rewind(rows: pl.DataFrame) -> pl.DataFrame:
    last = rows.filter(pl.col("kind") == REWIND)["step"].max()
    return rows if last is None else rows.filter(pl.col("step") >= last)


def _of_newest_days(rows: pl.DataFrame) -> pl.DataFrame:
    """The newest two days with prints of their own: by then a market has forgotten the others."""
    age = pl.col("as_of_ns") - pl.col("ts_ns")
    fresh = age.is_between(-FUTURE_NS, DAY_NS) & (pl.col("price") > 0)
    utc = pl.from_epoch("as_of_ns", "ns").dt.replace_time_zone("UTC")
    arrived = rows.filter(fresh).select("step", day=utc.dt.convert_time_zone(NEW_YORK.key).dt.date())
    days = arrived["day"].unique().sort()
    if len(days) <= 2:
        return rows
    return rows.filter(pl.col("step") >= arrived.filter(pl.col("day") >= days[-2])["step"][0])


def _event(part: pl.DataFrame) -> Event:
    kind, as_of_ns, text = part["kind"][0], int(part["as_of_ns"][-1]), part["said"][0]
    if kind == _BID_ASKS:
        markets = _decoded(text, BidAsks)
        return msgspec.structs.replace(markets, as_of_ns=as_of_ns) if markets else Batch((), as_of_ns)
    if kind in _NEWEST_ONLY:
        event = _news(kind, part["feed"][0], text)
        return msgspec.structs.replace(event, as_of_ns=as_of_ns) if event else Batch((), as_of_ns)
    given = tuple(quotes(part.filter(pl.col("symbol").is_not_null())))
    if kind == REPLACED:
        return PrintsReplaced(frozenset(_decoded(text, list[str]) or ()), given, as_of_ns)
    return Rewind(given, as_of_ns) if kind == REWIND else Batch(given, as_of_ns)


def _news(kind: str, feed: str, text: str) -> Status | FedNews | MacroNews | None:
    if kind == "Status":
        return _status(feed, text)
    return _fed_news(text) if kind == "FedNews" else _decoded(text, MacroNews)


def _status(feed: str, text: str) -> Status | None:
    """The tape's own state is REPLAY; what a feed was then is a detail of it, in words."""
    recorded = _decoded(text, _Recorded)
    if recorded is None:
        return None
    detail = " ".join(word for word in (clean(str(feed)), recorded.state, recorded.detail) if word)
    return Status(Kind.REPLAY, detail)


def _fed_news(text: str) -> FedNews | None:
    """As recorded. Older versions recorded what an engine is worth as a word alone, which is read here."""
    news = _decoded(text, FedNews)
    if news is None or news.fed is None:
        return news
    known = msgspec.structs.replace(
        news.fed,
        engines={
            name: _with_status(engine, "" if name == FUTURES else name)
            for name, engine in news.fed.engines.items()
        },
        contracts=tuple(_with_status(contract, contract.source) for contract in news.fed.contracts),
    )
    return msgspec.structs.replace(news, fed=known)


def _with_status(figure: Aging, source: str) -> Aging:
    """``source``: whose price it is; empty where the figures as a whole name it."""
    if figure.status is not None:
        return figure
    state, delay_s, stale_s = parse_word(figure.state)
    kind = state if isinstance(state, Kind) else Kind.OFFLINE
    age_s = stale_s if figure.age_s is None else figure.age_s
    return msgspec.structs.replace(figure, status=PriceStatus(kind, figure.at, age_s, delay_s, source=source))


def _decoded(text: str, kind: type[T]) -> T | None:
    """A tape may come from anyone: no text of it reaches a terminal as it is."""
    try:
        return msgspec.convert(_cleaned(msgspec.json.decode(text)), kind)
    except (msgspec.MsgspecError, TypeError, RecursionError):
        log.warning("tape: unreadable event of a feed, skipped")
        return None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(str(name)): _cleaned(item) for name, item in value.items()}
    return value
