"""Events between Snapshots, and alerts on them: each told once, in words that stand alone."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import msgspec
import pytest

from rotation.alerts.desk_log import DeskLog
from rotation.alerts.rule import Rule
from rotation.desk import EVENTS_MAX, Desk, EventKind
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import close_ns
from rotation.snapshot import FeedHealth, SincePp
from rotation.status import LIVE, Kind
from tests.support.core_worlds import CALENDAR, FIRST, closes, history_of

DESK = Desk(legs=("IWM", "QQQ"))
DAYS = CALENDAR[FIRST : FIRST + 60]
replace = msgspec.structs.replace


def rows(days):
    for symbol, step in (("IWM", 5), ("QQQ", 3)):
        yield from closes(symbol, days, bytes((i * i * step + i // 3) % 8 for i in range(len(days))))


def market_before(as_of_ns: int) -> Market:
    """Without the close of the last day."""
    history = history_of(list(rows(DAYS[:-1])))
    return Market(history, DESK, as_of_ns=as_of_ns, origin=Provenance(LIVE, "x"))


@pytest.fixture(scope="module")
def market():
    return market_before(close_ns(DAYS[-2]))


@pytest.fixture(scope="module")
def quiet(market):
    return market.apply([], as_of_ns=close_ns(DAYS[-2]) + NS)


def texts(snapshot) -> list[str]:
    return [event.text for event in snapshot.events]


def test_what_a_run_begins_with_is_no_event(quiet):
    shown, calls = DeskLog(DESK).take(quiet)
    assert (shown.events, shown.alerts, calls) == ((), (), [])


def test_official_closes_and_a_correction(quiet):
    log = DeskLog(DESK)
    history = history_of(list(rows(DAYS)))
    bell = close_ns(DAYS[-1])
    live = market_before(bell - 60 * NS)
    prints = [Quote(symbol, bell - 30 * NS, 100.0) for symbol in ("IWM", "QQQ")]
    log.take(live.apply(prints, as_of_ns=bell - 20 * NS))
    live.update_history(history)
    settled, _ = log.take(live.apply([], as_of_ns=bell + 60 * NS))
    (text,) = [each.text for each in settled.events if each.kind is EventKind.SETTLED]
    assert text.startswith(f"official closes of {DAYS[-1].day} ")
    assert all(part in text for part in ("IWM ", "QQQ ", "%"))
    leg = settled.legs["IWM"]
    other = replace(settled, legs={**settled.legs, "IWM": replace(leg, last=leg.last + 1)})
    corrected, _ = log.take(other)
    assert corrected.events[-1].kind is EventKind.CORRECTED
    assert f"corrected from {leg.last:,.2f} to {leg.last + 1:,.2f}" in corrected.events[-1].text


def record(snapshot, pp: float, first=dt.date(2001, 1, 2)):
    window = replace(snapshot.spread.windows["5"], pp=pp, since=SincePp(None, None, first), status=None)
    spread = replace(snapshot.spread, windows={**snapshot.spread.windows, "5": window})
    return replace(snapshot, spread=spread)


def test_a_record_is_told_once_a_session_whatever_flaps(quiet):
    log = DeskLog(DESK)
    log.take(quiet)
    for _ in range(3):
        log.take(record(quiet, 12.0))
        shown, _ = log.take(quiet)
    assert texts(shown) == ["IWM − QQQ over 5 sessions +12.00 pp: a record (data from 2 Jan 2001)"]


def feed(kind: Kind, detail=""):
    return FeedHealth("Yahoo", kind.value, detail, 0, 0, kind=kind)


def with_feed(snapshot, kind, detail="", seconds=0):
    health = replace(snapshot.health, feeds=(feed(kind, detail),))
    return replace(snapshot, health=health, as_of=snapshot.as_of + dt.timedelta(seconds=seconds))


def test_a_feed_that_flaps_has_one_line(quiet):
    log = DeskLog(DESK)
    log.take(with_feed(quiet, Kind.LIVE))
    for second in range(1, 20, 2):
        log.take(with_feed(quiet, Kind.STALE, seconds=second))
        shown, _ = log.take(with_feed(quiet, Kind.LIVE, seconds=second + 1))
    assert texts(shown) == ["Yahoo: STALE → LIVE"]
    shown, _ = log.take(with_feed(quiet, Kind.OFFLINE, "connection refused", seconds=300))
    assert texts(shown)[-1] == "Yahoo: LIVE → OFFLINE (connection refused)"
    assert len(texts(shown)) == 2


def test_the_fed(quiet):
    log = DeskLog(DESK)

    def fed(upper, meeting):
        return SimpleNamespace(target_range_bp=(upper - 25, upper), meeting=meeting)

    log.take(replace(quiet, fed=fed(550, dt.date(2024, 9, 18))))
    shown, _ = log.take(replace(quiet, fed=fed(500, dt.date(2024, 11, 7))))
    assert texts(shown) == [
        "target range cut by 50 bp to 4.75–5.00 %",
        "next FOMC meeting: 7 Nov 2024",
    ]


def test_events_are_bounded_and_numbered(quiet):
    log = DeskLog(DESK)
    log.take(quiet)
    for number in range(3 * EVENTS_MAX):
        log.note(EventKind.DELIVERY, "phone", f"{number}")
        shown, _ = log.take(quiet)
    assert [event.seq for event in shown.events] == list(range(2 * EVENTS_MAX + 1, 3 * EVENTS_MAX + 1))


def test_an_alert_calls_and_stands_as_hit_until_the_next_session(quiet):
    log = DeskLog(DESK, [Rule(id="any", condition="spread.5.pp > -99", to=("bell", "phone"))])
    shown, (call,) = log.take(quiet)
    assert call.rule.to == ("bell", "phone")
    assert call.text.startswith("any: spread.5.pp > -99 — spread.5.pp ")
    assert shown.events[-1].signals == ("bell",)
    (line,) = shown.alerts
    assert (line.name, line.is_armed, line.fired) == ("any", False, 1)
    shown, calls = log.take(replace(quiet, session=DAYS[-1]))
    assert calls == []
    assert shown.alerts[0].is_armed


def test_an_alert_on_a_figure_that_the_desk_has_not_is_off_and_says_so(quiet):
    typo = Rule(id="typo", condition="abc.last > 5")
    log = DeskLog(DESK, [typo, Rule(id="ok", condition="spread.5.pp > -99")])
    shown, calls = log.take(quiet)
    assert [call.fired.id for call in calls] == ["ok"]
    assert shown.alerts[0].problem.startswith("condition, column 1: unknown figure 'abc.last'")
    assert any(text.startswith("alert typo is disabled: ") for text in texts(shown))


def test_an_alert_whose_leg_is_about_to_come_is_not_called_disabled_before(quiet):
    early = Rule(id="early", condition="dia.status is LIVE or spread.5.pp > -99")
    log = DeskLog(DESK)
    log.await_desk()
    log.set_rules([early])
    shown, calls = log.take(quiet)
    assert (texts(shown), calls) == ([], [])
    assert shown.alerts[0].problem == "waits for the changed desk"
    log.set_desk(msgspec.structs.replace(DESK, legs=("IWM", "QQQ", "DIA")))
    shown, calls = log.take(quiet)
    assert [call.fired.id for call in calls] == ["early"]
    assert shown.alerts[0].problem == ""


def test_one_whose_desk_does_not_come_is_called_disabled_once_and_remembers(quiet):
    early = Rule(id="early", condition="dia.status is LIVE or spread.5.pp > -99")
    log = DeskLog(msgspec.structs.replace(DESK, legs=("IWM", "QQQ", "DIA")), [early])
    log.take(quiet)
    states = log.states
    log = DeskLog(DESK)
    log.await_desk()
    log.set_rules([early], states)
    log.settle_desk()
    shown, _ = log.take(quiet)
    assert [text.partition(": ")[0] for text in texts(shown)] == ["alert early is disabled"]
    log.settle_desk()
    log.set_desk(msgspec.structs.replace(DESK, legs=("IWM", "QQQ", "DIA")))
    shown, calls = log.take(quiet)
    assert (len(texts(shown)), calls, shown.alerts[0].fired) == (1, [], 1)


def test_rules_are_replaced_while_it_runs_and_those_that_stay_keep_their_state(quiet):
    rule = Rule(id="a", condition="spread.5.pp > -99")
    log = DeskLog(DESK, [rule])
    log.take(quiet)
    log.set_rules([rule, Rule(id="b", condition="spread.5.pp < 99")])
    _, calls = log.take(quiet)
    assert [call.fired.id for call in calls] == ["b"]
    log.set_rules([replace(rule, condition="spread.5.pp > -98")])
    shown, calls = log.take(quiet)
    assert [call.fired.id for call in calls] == ["a"], "another condition begins anew"
    assert [line.name for line in shown.alerts] == ["a"]


def test_an_empty_desk_has_no_events():
    market = Market(History.empty(), DESK, as_of_ns=close_ns(DAYS[-1]))
    log = DeskLog(DESK, [Rule(id="a", condition="spread.5.pp > 0")])
    for second in range(3):
        shown, calls = log.take(market.apply((), as_of_ns=close_ns(DAYS[-1]) + second * NS))
        assert (shown.events, calls) == ((), [])
