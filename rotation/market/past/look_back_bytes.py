"""A look-back as bytes, to be kept beside its history: a start that has them reads no history at all.

``key_of`` names all that a look-back depends on; ``load`` gives None for bytes of another key, and for bytes
that are broken, and then it is made anew.
"""

from __future__ import annotations

import sys
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from rotation.breadth.figures import BreadthFigures
from rotation.breadth.past import Means, Past
from rotation.graph.past import GraphPast
from rotation.market.assemble import Charts
from rotation.market.past.look_back import LookBack
from rotation.market.records import Kept, Records
from rotation.market.settled import Baseline, Settled
from rotation.market.streaks import Before, Ends, Runs

if TYPE_CHECKING:
    from rotation.breadth.members import Membership
    from rotation.desk import Desk
    from rotation.history import History

LAYOUT = 7
"""Version of the bytes; raise it when they change."""
DIGEST = 32
"""Bytes of SHA-256, which come first, of all that follow."""


def key_of(
    history: str, session: date | None, desk: Desk, membership: tuple[Membership, ...], code: str
) -> str:
    """The key of a look-back: hexadecimal, fit for a file name.

    ``history`` identifies the content of the history (its manifest's digest), ``code`` whatever computes: the
    program's version, and that of the calendar with the closures that were added to it.
    """
    lists: dict[tuple[str, ...], int] = {}  # most days have the members of the day before
    funds = [
        (fund.fund, [(each.as_of, lists.setdefault(tuple(each.symbols), len(lists))) for each in fund.lists])
        for fund in membership
    ]
    parts = (LAYOUT, sys.byteorder, history, session, desk, funds, list(lists), code)
    return sha256(msgspec.json.encode(parts)).hexdigest()


def dump(made: LookBack, key: str) -> bytes:
    """The look-back without its history, for ``load``. Twelve legs of 26 years take 3.4 MB."""
    settled = made.settled
    data = None if settled is None else _settled_as_data(settled)
    closed = None if made.closed == made.charts else made.closed
    breadth = [_breadth_as_data(each) for each in made.breadth]
    held = _Held(
        key,
        made.session,
        data,
        made.charts,
        closed,
        breadth,
        made.graph,
        made.pairs,
        made.pairs_closed,
        made.returns,
    )
    body = msgspec.msgpack.encode(held)
    return sha256(body).digest() + body


def load(kept: bytes, key: str, history: History, membership: tuple[Membership, ...] = ()) -> LookBack | None:
    """What ``dump`` was given, over ``history``; None where the bytes are broken or of another key.

    ``membership``: that of the key.
    """
    digest, body = kept[:DIGEST], memoryview(kept)[DIGEST:]  # a view: records stay in these bytes
    if sha256(body).digest() != digest:
        return None
    try:
        held = msgspec.msgpack.decode(body, type=_Held)
        if held.key != key:
            return None
        settled = None if held.settled is None else _settled_of_data(held.settled)
        funds = {fund.fund: fund for fund in membership}
        breadth = tuple(_breadth_of_data(each, funds[each.fund]) for each in held.breadth)
    except (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError):  # msgspec's are ValueErrors
        return None
    closed = held.closed or held.charts
    return LookBack(
        history,
        held.session,
        settled,
        held.charts,
        closed,
        membership,
        breadth,
        held.graph,
        held.pairs,
        held.pairs_closed,
        held.returns,
    )


class _HeldBaseline(msgspec.Struct, frozen=True, array_like=True):
    before: Before
    runs: Runs
    records: dict[int, Kept]


class _HeldSettled(msgspec.Struct, frozen=True, array_like=True):
    session: date
    table: dict[str, list[Any]]
    legs: dict[str, _HeldBaseline]
    spread: _HeldBaseline
    ends: list[tuple[Before, Ends]]
    pairs: list[_HeldBaseline]
    banks: dict[str, Kept]


class _HeldBreadth(msgspec.Struct, frozen=True, array_like=True):
    """Without the members, whom the membership of the key has."""

    fund: str
    session: date
    table: dict[str, list[Any]]
    sessions: tuple[BreadthFigures, ...]
    means: Means


class _Held(msgspec.Struct, frozen=True, array_like=True):
    key: str
    session: date | None
    settled: _HeldSettled | None
    charts: Charts
    closed: Charts | None
    """None where it is ``charts``."""
    breadth: list[_HeldBreadth]
    graph: GraphPast | None
    pairs: tuple[Charts, ...]
    pairs_closed: tuple[Charts, ...]
    returns: str


def _settled_as_data(settled: Settled) -> _HeldSettled:
    table = settled.table.with_columns(pl.col("date").cast(pl.Int32)).to_dict(as_series=False)
    legs = {symbol: _baseline_as_data(leg) for symbol, leg in settled.legs.items()}
    pairs = [_baseline_as_data(pair) for pair in settled.pairs]
    banks = {symbol: index.kept for symbol, index in settled.banks.items()}
    spread = _baseline_as_data(settled.spread)
    return _HeldSettled(settled.session, table, legs, spread, list(settled.ends.items()), pairs, banks)


def _settled_of_data(held: _HeldSettled) -> Settled:
    schema = {"symbol": pl.String, "streak": pl.Int64, "direction": pl.Int64, "date": pl.Int32}
    columns = (pl.Series(name, each, schema.get(name, pl.Float64)) for name, each in held.table.items())
    # Column by column: a query here would be the first of a start, which brings the engine into memory.
    table = pl.DataFrame([each.cast(pl.Date) if each.name == "date" else each for each in columns])
    legs = {symbol: _baseline_of_data(leg) for symbol, leg in held.legs.items()}
    pairs = tuple(_baseline_of_data(pair) for pair in held.pairs)
    banks = {symbol: Records.of_kept(kept) for symbol, kept in held.banks.items()}
    spread = _baseline_of_data(held.spread)
    return Settled(held.session, table, legs, spread, dict(held.ends), pairs, banks)


def _baseline_as_data(baseline: Baseline) -> _HeldBaseline:
    records = {k: index.kept for k, index in baseline.records.items()}
    return _HeldBaseline(baseline.before, baseline.runs, records)


def _baseline_of_data(held: _HeldBaseline) -> Baseline:
    return Baseline(held.before, held.runs, {k: Records.of_kept(kept) for k, kept in held.records.items()})


def _breadth_as_data(past: Past) -> _HeldBreadth:
    table = past.table.to_dict(as_series=False)
    return _HeldBreadth(past.fund, past.session, table, past.sessions, past.means)


def _breadth_of_data(held: _HeldBreadth, membership: Membership) -> Past:
    schema = {name: pl.String if name == "symbol" else pl.Float64 for name in held.table}
    table = pl.DataFrame(held.table, schema=schema)
    return Past(held.fund, held.session, membership.on(held.session), table, held.sessions, held.means)
