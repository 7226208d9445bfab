"""When an alert calls: gates, hysteresis, restarts; and that history and the live market are one code."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import pytest

from rotation.alerts.engine import Alert, AlertEngine, replayed, step
from rotation.alerts.reading import Observed, Reading, of_history
from rotation.alerts.rule import AlertState, Rule
from rotation.desk import Desk
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from rotation.market import records
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, previous_session
from rotation.status import LIVE, Kind
from tests.support.core_worlds import CALENDAR, FIRST, closes, history_of

if TYPE_CHECKING:
    from rotation.figures.figure import Value

TABLE = figures(Desk())
DAY = dt.date(2024, 7, 16)
START = dt.datetime(2024, 7, 16, 14, 0, tzinfo=dt.UTC)


def alert(condition: str, **rule) -> Alert:
    return Alert.of(Rule(id="a", condition=condition, **rule), TABLE)


def reading(
    second: float,
    value: Value,
    *,
    kind=Kind.LIVE,
    phase="REGULAR",
    session=DAY,
    settled=False,
    name="spread.5.pp",
) -> Reading:
    observed = {name: Observed(value, kind, session, settled)}
    return Reading(START + dt.timedelta(seconds=second), session, phase, observed)


def calls(asked: Alert, *readings: Reading) -> list[float]:
    return [(fired.at - START).total_seconds() for fired in replayed([asked], readings)]


def test_once_a_session_whatever_flaps():
    flapping = [reading(i, 9.9 + 0.2 * (i % 2)) for i in range(10)]
    next_day = [reading(90_000 + i, 10.5, session=dt.date(2024, 7, 17)) for i in range(3)]
    assert calls(alert("spread.5.pp > 10"), *flapping, *next_day) == [1, 90_000]


def test_a_crossing_is_armed_again_beyond_the_hysteresis_only():
    asked = alert("spread.5.pp > 10", repeat="crossing", hysteresis=0.5)
    values = [9, 10.1, 9.9, 10.1, 9.6, 10.2, 9.4, 10.3]
    assert calls(asked, *(reading(i, float(value)) for i, value in enumerate(values))) == [1, 7]


def test_a_cool_down_and_a_clock_that_jumps_back():
    asked = alert("spread.5.pp > 10", repeat="crossing", cool_down_s=60)
    values = [(0, 11.0), (10, 9.0), (20, 11.0), (30, 9.0), (70, 11.0), (71, 9.0), (65, 11.0), (140, 11.0)]
    assert calls(asked, *(reading(second, value) for second, value in values)) == [0, 70, 140]


@pytest.mark.parametrize(
    "bad", [{"kind": Kind.STALE}, {"kind": Kind.DEMO}, {"kind": None}, {"phase": "PRE"}, {"phase": "POST"}]
)
def test_a_figure_that_is_not_good_enough_neither_calls_nor_arms(bad):
    asked = alert("spread.5.pp > 10", repeat="crossing")
    assert calls(asked, reading(0, 11.0, **bad)) == []
    lost = [reading(0, 11.0), reading(1, 9.0, **bad), reading(2, 11.0)]
    assert calls(asked, *lost) == [0], "what is lost at the crossing is not below it"


def test_a_clock_that_was_years_ahead_silences_no_alert():
    ahead = dt.date(2034, 7, 17)
    years = (ahead - DAY).days * 86_400
    now = [reading(second, 11, session=DAY) for second in (10, 20, 30)]
    tomorrow = reading(90_000, 11, session=dt.date(2024, 7, 17))
    wide = alert("spread.5.pp > 10")
    assert calls(wide, reading(years, 11, session=ahead), *now, tomorrow) == [years, 10, 90_000]


def test_a_clock_that_jumps_across_midnight_calls_once_for_each_session():
    """Back and forth, an hour long: the day before has had its call, or has none any more."""
    night = [reading(50_000 + i, 11, session=DAY + dt.timedelta(i % 2)) for i in range(3_600)]
    assert calls(alert("spread.5.pp > 10"), *night) == [50_000, 50_001]


def test_official_closes_count_after_the_bell():
    closed = reading(0, 11.0, kind=Kind.CLOSED, phase="POST", settled=True)
    assert calls(alert("spread.5.pp > 10"), closed) == [0]
    assert calls(alert("settled spread.5.pp > 10"), reading(0, 11.0), reading(1, 11.0, settled=True)) == [1]
    assert calls(alert("provisional spread.5.pp > 10"), reading(0, 11.0, settled=True), reading(1, 11.0)) == [
        1
    ]


def test_a_status_alert_needs_no_status():
    states = [("LIVE", Kind.LIVE), ("STALE", Kind.STALE), ("STALE", Kind.STALE)]
    readings = [reading(i, word, kind=kind, name="iwm.status") for i, (word, kind) in enumerate(states)]
    assert calls(alert("iwm.status is STALE"), *readings) == [1]
    assert calls(alert("iwm.status changes"), *readings) == [1]


def test_a_restart_calls_nothing_twice_and_loses_nothing():
    asked = alert("spread.5.pp > 10", repeat="crossing", hysteresis=0.5)
    readings = [reading(i, float(value)) for i, value in enumerate([9, 10.1, 9.9, 10.1, 9.4, 10.3, 10.4])]
    state, seconds = AlertState(), []
    for each in readings:
        state = msgspec.json.decode(msgspec.json.encode(state), type=AlertState)
        state, fired = step(asked, state, each)
        seconds += [(fired.at - START).total_seconds()] if fired else []
    assert seconds == calls(asked, *readings) == [1, 5]
    assert state.fired == 2


def test_another_condition_begins_anew():
    state, _ = step(alert("spread.5.pp > 10"), AlertState(), reading(0, 11.0))
    _, fired = step(alert("spread.5.pp > 9"), state, reading(1, 11.0))
    assert fired is not None
    assert fired.n == 1


CONDITIONS = (
    "spread.5.pp > 1",
    "iwm.streak.with_today >= 2",
    "spread.5.since < 2024-01-01 and spread.5.pp > 0",
    "spread.20.record or iwm.day_pct < -2",
    "spread.1.leader changes",
    "relative_streak <= -2 or not spread.5.percentile < 95",
    "settled ratio > 101",
    "iwm.streak.settled >= 2",
)


def rows(sessions: int):
    days = CALENDAR[FIRST : FIRST + sessions]
    for symbol, step_ in (("IWM", 5), ("QQQ", 3)):
        yield from closes(symbol, days, bytes((i * i * step_ + i // 3) % 8 for i in range(len(days))))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_settled_closes_played_through_the_live_market_call_on_the_same_sessions(condition, monkeypatch):
    monkeypatch.setattr(records, "SINCE_LEAST", 5)
    history = history_of(list(rows(70)))
    desk = Desk(legs=("IWM", "QQQ"))
    asked = Alert.of(Rule(id="a", condition=condition), figures(desk))
    settled = SettledFigures(history, desk)
    named = figures(desk)
    tested = list(replayed([asked], of_history(settled, named.values(), settled.sessions[0], None)))
    engine = AlertEngine([asked])
    live = []
    for session in settled.sessions:
        bell = close_ns(session)
        live += engine.take(Market(history, desk, as_of_ns=bell).apply([], as_of_ns=bell))
    assert [(each.session, each.values) for each in live] == [(each.session, each.values) for each in tested]
    assert tested


def test_the_last_print_before_the_bell_calls_like_the_close(monkeypatch):
    """A tape of one print a leg and session at its close, through one live market."""
    monkeypatch.setattr(records, "SINCE_LEAST", 5)
    history = history_of(list(rows(60)))
    desk = Desk(legs=("IWM", "QQQ"))
    asked = Alert.of(Rule(id="a", condition="spread.5.pp > 1 and iwm.day_pct > 0"), figures(desk))
    settled = SettledFigures(history, desk)
    wanted = [
        each.session
        for each in replayed([asked], of_history(settled, figures(desk).values(), settled.sessions[0], None))
    ]
    engine, live = AlertEngine([asked]), []
    for session in settled.sessions[6:]:
        at = close_ns(session) - NS
        market = Market(
            history, desk, as_of_ns=close_ns(previous_session(session)), origin=Provenance(LIVE, "a feed")
        )
        closed = {row[0]: row[2] for row in history.on(session).iter_rows()}
        prints = [Quote(symbol, at, price) for symbol, price in closed.items()]
        live += [each.session for each in engine.take(market.apply(prints, as_of_ns=at))]
    assert live == [session for session in wanted if session in settled.sessions[6:]]
    assert live


@pytest.mark.parametrize(
    ("condition", "value", "calls_it"),
    [
        ("spread.5.since < 2000-01-01", "record", True),
        ("spread.5.since > 2000-01-01", "record", False),
        ("spread.5.since < 2017-01-01", dt.date(2016, 11, 14), True),
        ("spread.5.since < 2016-11-14", dt.date(2016, 11, 14), False),
        ("spread.5.since is record", dt.date(2016, 11, 14), False),
    ],
)
def test_a_record_goes_further_back_than_any_date(condition, value, calls_it):
    assert calls(alert(condition), reading(0, value, name="spread.5.since")) == ([0] if calls_it else [])
