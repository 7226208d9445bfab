"""The market against the definitions, whatever the history and the tape."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from unittest.mock import patch

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tests.support.core_oracle as oracle
from rotation.history import History, closures_in
from rotation.market import records
from rotation.market.market import Market
from rotation.quote import Quote
from rotation.sessions import close_ns, is_session, last_closed, next_session
from rotation.snapshot import Counts, Snapshot, Streak
from tests.support.core_oracle import Close, Expected
from tests.support.core_worlds import (
    CALENDAR,
    DESK,
    FIRST,
    MEMBERS,
    SYMBOLS,
    World,
    closes,
    figures,
    history_of,
    moments,
    play,
    worlds,
)

EXAMPLES = settings.default.max_examples
FEWER = max(5, EXAMPLES * 3 // 5)
"""For properties that build two markets an example."""


def assert_as_defined(world: World) -> None:
    market = world.market()
    expected = Expected(
        world.rows,
        world.desk,
        started_ns=world.started_ns,
        mode=world.mode,
        source="a tape",
        members=MEMBERS,
    )
    for quotes, as_of_ns in world.batches:
        snapshot = market.apply(iter(quotes), as_of_ns=as_of_ns)
        expected.take(quotes, as_of_ns)
        differs = oracle.difference(figures(snapshot), expected.snapshot(as_of_ns))
        assert not differs, differs
        # NaN and infinity would come back as None.
        assert msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot) == snapshot


def same_figures(snapshot, other) -> bool:
    """Equal but for the words about what history holds."""
    health = msgspec.structs.replace(other.health, history=snapshot.health.history)
    return snapshot == msgspec.structs.replace(other, health=health)


def closes_at(draw: st.DrawFn, days: list[date]) -> list[Close]:
    """Rows that no random world has, on some of these days, for some symbols."""
    kept = draw(st.binary(min_size=len(days), max_size=len(days)))
    return [
        Close(symbol, day, 7_777.0 + keep, 7_770.0 - keep)
        for day, keep in zip(days, kept, strict=True)
        for i, symbol in enumerate(SYMBOLS)
        if keep >> i & 1
    ]


# As defined --------------------------------------------------------------------------------------------


@settings(max_examples=max(EXAMPLES, min(2 * EXAMPLES, 100)))
@given(worlds(), st.sampled_from((1, 5, 250)))
def test_every_figure_is_as_defined(world: World, least: int):
    """``least``: how many values a "since" needs; histories here are shorter than a year."""
    with patch.object(records, "SINCE_LEAST", least), patch.object(oracle, "SINCE_LEAST", least):
        assert_as_defined(world)


@settings(max_examples=max(3, EXAMPLES // 3))
@given(worlds(fewest=300, most=360))
def test_every_figure_is_as_defined_with_over_a_year_of_history(world: World):
    assert_as_defined(world)


@given(worlds(fewest=0, most=2))
def test_every_figure_is_as_defined_with_hardly_any_history(world: World):
    assert_as_defined(world)


def test_without_history_or_quotes_nothing_is_known():
    as_of_ns = close_ns(CALENDAR[FIRST]) - 1
    expected = Expected([], DESK, started_ns=as_of_ns)
    market = Market(History.empty(), DESK, as_of_ns=as_of_ns)
    snapshot = market.apply([], as_of_ns=as_of_ns)
    assert not oracle.difference(figures(snapshot), expected.snapshot(as_of_ns))
    assert snapshot.headline == "No price for IWM yet."


# Batches -----------------------------------------------------------------------------------------------


@settings(max_examples=FEWER)
@given(worlds(), st.data())
def test_how_quotes_are_batched_changes_nothing_but_seq(world: World, data: st.DataObject):
    batches = []
    for quotes, as_of_ns in world.batches:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(quotes)), max_size=3)))
        for start, end in pairwise([0, *cuts, len(quotes)]):
            batches.append((quotes[start:end], as_of_ns))
    market = world.market()
    assert play(market, batches) == world.played()
    assert market.apply([], as_of_ns=world.batches[-1][1]).seq == len(batches) + 1


@settings(max_examples=FEWER)
@given(worlds())
def test_a_clock_that_ticks_without_quotes_changes_nothing_but_ages(world: World):
    """No figure depends on how often the market was asked."""
    often = [([], world.started_ns)]
    for quotes, as_of_ns in world.batches:
        often += [(quotes, as_of_ns), ([], as_of_ns)]
    assert play(world.market(), often) == world.played()


# Time --------------------------------------------------------------------------------------------------


@settings(max_examples=FEWER)
@given(worlds(), st.data())
def test_nothing_looks_ahead(world: World, data: st.DataObject):
    """Rows of the session shown enter with its bell; rows after it never do."""
    snapshot = world.played()
    assume(snapshot.session is not None)
    as_of_ns = world.batches[-1][1]
    has_closed = as_of_ns >= close_ns(snapshot.session)
    first_hidden = next_session(snapshot.session) if has_closed else snapshot.session
    # What had closed when the market opened decides which session it shows first.
    first_hidden = max(first_hidden, next_session(last_closed(world.started_ns)))
    hidden = [day for day in CALENDAR if day >= first_hidden][:5]
    rows = [row for row in world.rows if row.day < first_hidden] + closes_at(data.draw, hidden)
    assert same_figures(world.played(rows), snapshot)


@settings(max_examples=FEWER)
@given(worlds())
def test_the_official_closes_of_a_session_wait_for_its_bell(world: World):
    """Beside the oracle, in one line: before the bell no leg is settled today."""
    snapshot = world.played()
    assume(snapshot.session is not None)
    if world.batches[-1][1] < close_ns(snapshot.session):
        for leg in snapshot.legs.values():
            assert leg.streak.provisional or leg.streak.with_today is None
            assert leg.age_s is not None or leg.session is None or leg.session < snapshot.session


@settings(max_examples=FEWER)
@given(worlds())
def test_restart_and_replay_is_a_fresh_market(world: World):
    market = world.market()
    fresh = play(market, world.batches)
    market.restart(world.started_ns)
    assert play(market, world.batches) == fresh


@settings(max_examples=FEWER)
@given(worlds(), st.data())
def test_learning_is_having_known_all_along(world: World, data: st.DataObject):
    """A market that learns the rest of history later is one that had it, given the same quotes."""
    at = data.draw(st.integers(0, len(world.batches)))
    held = data.draw(st.binary(min_size=len(world.rows), max_size=len(world.rows)))
    earlier = [
        # Of the other rows some are missing and some will be corrected.
        row if keep < 192 else row._replace(close=1.0, adj_close=2.0)
        for row, keep in zip(world.rows, held, strict=True)
        if keep >= 64
    ]
    assume({row.symbol for row in earlier} == {row.symbol for row in world.rows})
    market = world.market(earlier)
    for quotes, as_of_ns in world.batches[:at]:
        market.apply(quotes, as_of_ns=as_of_ns)
    market.update_history(history_of(world.rows))
    # A fresh market at this instant, to which the same quotes are told again.
    now_ns = world.batches[at - 1][1] if at else world.started_ns
    fresh = world._replace(started_ns=now_ns).market()
    for quotes, as_of_ns in world.batches[:at]:
        fresh.apply(quotes, as_of_ns=as_of_ns)
    rest = [*world.batches[at:], ([], world.batches[-1][1])]
    updated, known = play(market, rest), play(fresh, rest)
    if updated.session == last_closed(now_ns) or not at:
        # The filter counts from the session's first print: it may have counted others than a fresh one.
        updated = msgspec.structs.replace(updated, health=known.health)
    assert updated == known


def test_history_learned_into_an_empty_market_is_shown_without_a_quote():
    as_of_ns = moments(CALENDAR[FIRST])[0]
    rows = closes("IWM", CALENDAR[FIRST - 8 : FIRST], bytes([1, 0, 1, 2, 3, 4, 5, 6]))
    market = Market(History.empty(), DESK, as_of_ns=as_of_ns)
    assert market.apply([], as_of_ns=as_of_ns).session is None
    market.update_history(history_of(rows))
    snapshot = market.apply([], as_of_ns=as_of_ns)
    assert snapshot.session == CALENDAR[FIRST - 1]
    assert snapshot.legs["IWM"].streak == Streak(6, 6, provisional=False)


def test_a_session_that_closed_meanwhile_is_shown_once_history_has_it():
    """No quote came all day; the evening's history still turns the page."""
    yesterday, today = CALENDAR[FIRST - 1], CALENDAR[FIRST]
    rows = closes("IWM", CALENDAR[FIRST - 8 : FIRST + 1], bytes([0, 1, 2, 3, 4, 5, 6, 7, 0]))
    market = Market(history_of(rows[:-1]), DESK, as_of_ns=moments(today)[0])
    assert market.apply([], as_of_ns=close_ns(today)).session == yesterday
    market.update_history(history_of(rows))
    snapshot = market.apply([], as_of_ns=close_ns(today))
    assert snapshot.session == today
    assert snapshot.legs["IWM"].streak == Streak(-1, -1, provisional=False)
    assert snapshot.legs["IWM"].state == "CLOSED"


def test_a_session_under_way_keeps_its_prints_when_history_learns():
    today = CALENDAR[FIRST]
    rows = closes("IWM", CALENDAR[FIRST - 8 : FIRST], bytes(8))
    as_of_ns = moments(today)[4]
    market = Market(history_of(rows[:-2]), DESK, as_of_ns=as_of_ns)
    assert (
        market.apply([Quote("IWM", as_of_ns, 230.0)], as_of_ns=as_of_ns).legs["IWM"].return_pct["1"] is None
    )
    market.update_history(history_of(rows))
    iwm = market.apply([], as_of_ns=as_of_ns).legs["IWM"]
    assert (iwm.last, iwm.return_pct["1"]) == (230.0, (230.0 / 220.0 - 1) * 100)


def test_a_symbol_that_history_learns_of_may_print():
    as_of_ns = moments(CALENDAR[FIRST])[4]
    quote = Quote("XXX", as_of_ns, 10.0)
    market = Market(History.empty(), DESK, as_of_ns=as_of_ns)
    assert market.apply([quote], as_of_ns=as_of_ns).health.counts == Counts(unknown_symbol=1)
    rows = [row._replace(symbol="XXX") for row in closes("MEM", CALENDAR[FIRST - 8 : FIRST], bytes(8))]
    market.update_history(history_of(rows))
    assert market.apply([quote], as_of_ns=as_of_ns).health.counts == Counts(accepted=1)


def test_a_history_that_ends_on_a_day_without_trading_ends_with_the_session_before():
    friday = date(2024, 7, 12)
    days = [date(2024, 7, 10), date(2024, 7, 11), friday, date(2024, 7, 13)]
    rows = closes("IWM", days, bytes([1, 0, 1, 2]))
    as_of_ns = moments(date(2024, 7, 16))[0]
    snapshot = Market(history_of(rows), DESK, as_of_ns=as_of_ns).apply([], as_of_ns=as_of_ns)
    assert snapshot.session == friday
    assert snapshot.legs["IWM"].streak.settled == 1
    assert snapshot.health.history == "history: 1 symbol, 2024-07-10 to 2024-07-12"


# Growth ------------------------------------------------------------------------------------------------


@settings(max_examples=FEWER)
@given(worlds(), st.data())
def test_rows_of_symbols_off_the_desk_change_no_figure(world: World, data: st.DataObject):
    days = sorted({row.day for row in world.rows if is_session(row.day)})
    # A symbol more may show that the exchange was open, or closed, on a day without closes.
    assume(not days or days == [day for day in CALENDAR if days[0] <= day <= days[-1]])
    others = [row._replace(symbol="ZZZ") for row in closes_at(data.draw, days) if row.symbol == "IWM"]
    assert same_figures(world.played(world.rows + others), world.played())


def _is_unknown(streak: Streak) -> bool:
    """A run that goes back to a session without a close: how long it is, nobody knows."""
    return streak.settled is None or streak.with_today is None


@settings(max_examples=max(3, EXAMPLES // 3))
@given(worlds(fewest=6, most=300), st.data())
def test_an_older_past_changes_only_what_was_unknown_or_a_record(world: World, data: st.DataObject):
    snapshot = world.played()
    assume(world.rows)
    # One session between stays unknown, so that no run goes back over it; another symbol trades in it.
    *before, between = [day for day in CALENDAR if day < min(row.day for row in world.rows)][-12:]
    rows = [*world.rows, *closes_at(data.draw, before), Close("ZZZ", between, 1.0, 1.0)]
    grown = world.played(rows)
    assume(grown.session == snapshot.session)
    # With more symbols around it, a day without any close may turn out to be a closure.
    closures, known = (
        set(closures_in(history_of(held).before(world.session))) for held in (rows, world.rows)
    )
    assume({day for day in closures if day > between} == known)
    for symbol, leg in snapshot.legs.items():
        now = grown.legs[symbol]
        if leg.last is not None:
            same = {"return_pct": leg.return_pct, "since": leg.since, "base_rate": leg.base_rate}
            assert msgspec.structs.replace(now, **same, streak=leg.streak) == leg
        assert now.streak == leg.streak or _is_unknown(now.streak)
        for k, pct in leg.return_pct.items():
            assert pct is None or now.return_pct[k] == pct
            assert not (leg.since[k] and leg.since[k].date) or now.since[k] == leg.since[k]
    relative = grown.spread.relative_streak
    assert relative == snapshot.spread.relative_streak or _is_unknown(relative)
    for k, window in snapshot.spread.windows.items():
        now = grown.spread.windows[k]
        assert window.pp is None or now.pp == window.pp
        assert not (window.since and window.since.date) or now.since == window.since
        assert window.z is None or now.z == window.z
        assert now.n >= window.n


# Scale -------------------------------------------------------------------------------------------------


@settings(max_examples=FEWER)
@given(worlds(), st.sampled_from(SYMBOLS), st.sampled_from((0.5, 2.0, 4.0)))
def test_a_symbol_quoted_in_other_units_moves_the_same(world: World, symbol: str, unit: float):
    """Powers of two, so that floats scale exactly, and few, so that seven digits hold the product: returns,
    streaks, dates and rebased ratios stay."""

    def times(price: float | None) -> float | None:
        return None if price is None else price * unit

    def quote_times(quote: Quote) -> Quote:
        prices = {name: times(getattr(quote, name)) for name in ("price", "high", "low")}
        return msgspec.structs.replace(quote, **prices) if quote.symbol == symbol else quote

    rows = [
        Close(row.symbol, row.day, times(row.close), times(row.adj_close)) if row.symbol == symbol else row
        for row in world.rows
    ]
    batches = [([quote_times(quote) for quote in quotes], as_of_ns) for quotes, as_of_ns in world.batches]
    scaled = world._replace(rows=rows, batches=batches).played()
    legs = dict(world.played().legs)
    if symbol in legs:
        prices = {name: times(getattr(legs[symbol], name)) for name in ("last", "high", "low", "extended")}
        legs[symbol] = msgspec.structs.replace(legs[symbol], **prices)
    assert scaled == msgspec.structs.replace(world.played(), legs=legs)
