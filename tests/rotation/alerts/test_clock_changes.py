"""Alerts over the Sundays on which New York changes its clocks, whatever zone the machine is in."""

from __future__ import annotations

import datetime as dt
import time

import msgspec
import pytest

from rotation.alerts.engine import Alert, AlertEngine
from rotation.alerts.rule import AlertState, Fired, Rule
from rotation.desk import Desk
from rotation.figures.registry import figures
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import NEW_YORK, from_ns, sessions_between, to_ns
from rotation.status import LIVE
from tests.support.breadth.worlds import history_of

DESK = Desk(legs=("IWM", "QQQ"))
TABLE = figures(DESK)
SPRING = dt.date(2026, 3, 6), dt.date(2026, 3, 9), 14, 13
"""Friday, Monday, and the hour of UTC whose half is the opening bell on each."""
AUTUMN = dt.date(2026, 10, 30), dt.date(2026, 11, 2), 13, 14


@pytest.fixture(params=["UTC", "America/New_York", "Europe/London", "Pacific/Auckland"], autouse=True)
def zone(request, monkeypatch):
    """The machine's own."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


class Tape:
    """A desk that is shown at any instant, with prices of that instant."""

    def __init__(self, friday: dt.date, **rule: object) -> None:
        self.days = sessions_between(friday - dt.timedelta(60), friday)
        self.alert = Alert.of(Rule(id="up", condition="iwm.return.1 > 1", **rule), TABLE)  # type: ignore[arg-type]
        self.state = AlertState()
        self.fired: list[Fired] = []

    def at(self, moment: dt.datetime, price: float = 103.0) -> bool:
        """Whether it fires; what it remembers goes through the file between two looks."""
        ns = to_ns(moment)
        before = [day for day in self.days if day < moment.astimezone(NEW_YORK).date()]
        history = history_of({name: dict.fromkeys(before, 100.0) for name in DESK.legs})
        market = Market(history, DESK, as_of_ns=ns, origin=Provenance(LIVE, "x"))
        shown = market.apply([Quote(name, ns - NS, price) for name in DESK.legs], as_of_ns=ns)
        held = msgspec.json.decode(msgspec.json.encode(self.state), type=AlertState)
        engine = AlertEngine([self.alert], {"up": held})
        calls = engine.take(shown)
        self.state = engine.states["up"]
        self.fired += calls
        return bool(calls)


def utc(day: dt.date, hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=dt.UTC)


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_the_regular_session_begins_and_ends_with_new_york_s_bells(change):
    friday, monday, *hours = change
    for day, hour in zip((friday, monday), hours, strict=True):
        assert not Tape(friday).at(utc(day, hour, 29, 58))
        assert Tape(friday).at(utc(day, hour, 30, 2))
        assert Tape(friday).at(utc(day, hour + 6, 29, 58)), "half an hour and a little before the close"
        assert Tape(friday).at(utc(day, hour + 6, 59, 58))
        assert not Tape(friday).at(utc(day, hour + 7, 0, 5))
        assert Tape(friday, any_hour=True).at(utc(day, hour, 29, 58))


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_once_a_session_is_once_on_either_side_of_the_change(change):
    friday, monday, before, after = change
    tape = Tape(friday, any_hour=True)
    moments = [
        utc(friday, before, 31),
        utc(friday, 20, 30),
        utc(friday, 23, 30),  # late trading, Saturday in Auckland
        utc(friday, 23, 30) + dt.timedelta(hours=1),  # still late trading in winter: Saturday in UTC, too
        utc(monday, 9, 30),  # pre-market
        utc(monday, after, 31),
        utc(monday, 23, 30),
        utc(monday, 23, 30) + dt.timedelta(hours=1),
    ]
    fires = [True, False, False, False, True, False, False, False]
    assert [tape.at(moment) for moment in moments] == fires
    assert [each.session for each in tape.fired] == [friday, monday]


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_a_cool_down_lasts_as_many_seconds_over_the_change_as_on_any_other_day(change):
    """From Friday's 15:00 to Monday's 15:00 are 71 hours in spring and 73 in autumn."""
    friday, monday, before, after = change
    first, second = utc(friday, before + 5, 30), utc(monday, after + 5, 30)
    passed_s = (second - first).total_seconds()
    assert passed_s == (72 + after - before) * 3600
    for cool_down_s, fires in ((passed_s - 1, True), (passed_s + 1, False)):
        tape = Tape(friday, repeat="crossing", cool_down_s=cool_down_s)
        assert tape.at(first)
        assert not tape.at(first + dt.timedelta(seconds=60), price=100.0)
        assert tape.at(second) is fires


def test_an_instant_kept_in_another_zone_is_the_same_instant():
    """A file that somebody has edited may have New York's own offset of the week before."""
    friday, monday, before, after = AUTUMN
    tape = Tape(friday, repeat="crossing", cool_down_s=3600)
    assert tape.at(utc(monday, after + 1))
    local = from_ns(to_ns(utc(monday, after + 1))).astimezone(dt.timezone(dt.timedelta(hours=-4)))
    tape.state = msgspec.structs.replace(tape.state, is_armed=True, last_at=local)
    assert not tape.at(utc(monday, after + 1, 59))
    assert tape.at(utc(monday, after + 2, 1))
    assert before < after
