"""From a person's wishes to a market, its feed and its snapshot."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from feeds.desk.opened import sources
from feeds.desk.opened.desk_legs import desk_for
from feeds.desk.opened.snapshots import snapshot_at
from feeds.desk.opened.sources import Source
from feeds.desk.opened.supervision import supervise
from feeds.errors import InputError
from feeds.history.store import HistoryStore
from feeds.tapes.reading import SCHEMA
from rotation.desk import Desk, LegList
from rotation.history import History
from rotation.market.market import NOWHERE
from rotation.market.status import Provenance
from rotation.sessions import close_ns, from_ns, open_ns, sessions_between, to_ns
from rotation.status import REPLAY

TUESDAY = date(2024, 7, 16)
DAYS = sessions_between(date(2024, 7, 1), TUESDAY)
NOW = to_ns(datetime.fromisoformat("2024-08-01T12:00:00Z"))


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text))


def closes(*symbols: str, days=DAYS) -> pl.DataFrame:
    """A series a symbol, rising by 1 a session after a first fall; every symbol at another level."""
    rows = [
        (symbol, day, 100.0 * (i + 1) + (j or 3), 90.0 * (i + 1) + (j or 3))
        for i, symbol in enumerate(symbols)
        for j, day in enumerate(days)
    ]
    return pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row")


def settled(*symbols: str, days=DAYS) -> Source:
    return Source(History(closes(*(symbols or ("IWM", "QQQ")), days=days)), None, NOWHERE)


def played(**more) -> Source:
    """Two prints of the 16th over closes up to the 15th."""
    rows = [
        ("IWM", at("2024-07-16T14:00:00Z"), 0, 110.0, 10, None, None, 0, 0),
        ("QQQ", at("2024-07-16T14:40:00Z"), 0, 209.0, 10, None, None, 0, 0),
    ]
    tape = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    history = History(closes("IWM", "QQQ", days=DAYS[:-1]))
    return Source(history, tape, Provenance(REPLAY, "tape x"), **more)


def refusal(text: str, source: Source | None = None, now_ns: int = NOW) -> str:
    with pytest.raises(InputError) as caught:
        snapshot_at(source or settled(), Desk(), at=text, now_ns=now_ns)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_date_means_after_that_session_s_close():
    for day in DAYS[-3:]:
        taken = snapshot_at(settled(), Desk(), at=str(day), now_ns=NOW)
        assert taken.as_of == from_ns(close_ns(day))
        assert (taken.session, taken.phase, taken.mode) == (day, "POST", "")
        assert taken.legs["IWM"].last == 100.0 + DAYS.index(day)
        assert taken.legs["IWM"].streak.settled == DAYS.index(day) - 1
        assert not taken.legs["IWM"].streak.provisional
        assert taken.legs["IWM"].state == "CLOSED"


def test_a_half_day_s_close_is_at_one():
    day = date(2024, 7, 3)
    taken = snapshot_at(settled(), Desk(), at=str(day), now_ns=NOW)
    assert taken.as_of == datetime.fromisoformat("2024-07-03T17:00:00+00:00")
    assert taken.legs["IWM"].last == 102.0


def test_a_time_means_that_instant():
    before = snapshot_at(settled(), Desk(), at="2024-07-16T15:59:59.999-04:00", now_ns=NOW)
    assert (before.session, before.legs["IWM"].last) == (DAYS[-2], 100.0 + len(DAYS) - 2)
    after = snapshot_at(settled(), Desk(), at="2024-07-16T16:00:00-04:00", now_ns=NOW)
    assert (after.session, after.legs["IWM"].last) == (TUESDAY, 100.0 + len(DAYS) - 1)


def test_without_either_it_is_now():
    taken = snapshot_at(settled(), Desk(), at=None, now_ns=NOW)
    assert (taken.as_of, taken.session) == (from_ns(NOW), TUESDAY)


def test_on_a_tape_a_time_means_what_was_known_then():
    early = snapshot_at(played(), Desk(), at="2024-07-16T14:39:59Z", now_ns=NOW)
    assert (early.mode, early.session) == ("REPLAY", TUESDAY)
    assert early.legs["IWM"].last == 110.0
    assert early.legs["QQQ"].last == 200.0 + len(DAYS) - 2, "not printed yet"
    later = snapshot_at(played(), Desk(), at="2024-07-16T14:40:00Z", now_ns=NOW)
    assert later.legs["QQQ"].last == 209.0
    assert later.legs["IWM"].age_s == 2_400
    assert [(feed.name, feed.state, feed.quotes) for feed in later.health.feeds] == [("tape x", "REPLAY", 2)]


def test_on_a_tape_no_time_means_its_end_or_where_it_begins_to_play():
    assert snapshot_at(played(), Desk(), at=None, now_ns=NOW).as_of == from_ns(at("2024-07-16T14:40:00Z"))
    begins = at("2024-07-16T14:10:00Z")
    assert snapshot_at(played(starts_ns=begins), Desk(), at=None, now_ns=NOW).as_of == from_ns(begins)


def test_before_the_tape_the_settled_state_stands():
    taken = snapshot_at(played(), Desk(), at="2024-07-16T08:00:00-04:00", now_ns=NOW)
    assert (taken.session, taken.phase) == (DAYS[-2], "PRE")
    assert taken.legs["IWM"].last == 100.0 + len(DAYS) - 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2024-07-13", ["--at", "2024-07-13 is not an NYSE session", "2024-07-12"]),
        ("2024-07-04", ["2024-07-04 is not an NYSE session", "2024-07-03"]),
        ("2024-08-02", ["--at", "2024-08-02", "future", "2024-08-01 12:00 UTC"]),
        ("2024-08-01", ["future"]),
        ("2024-08-01T12:00:01Z", ["future"]),
        ("2024-07-16T14:40:00", ["2024-07-16T14:40:00", "zone", "2024-07-16T14:40:00Z"]),
        ("2024-07-17", ["history has no close for 2024-07-17", "2024-07-01", "2024-07-16"]),
        ("2024-06-28", ["history has no close for 2024-06-28"]),
        ("yesterday", ["'yesterday'", "neither a date", "2024-07-16T14:40:00Z"]),
        ("2024-13-01", ["'2024-13-01'", "neither a date"]),
        ("", ["neither a date"]),
        ("2024-07-16T25:00Z", ["neither a date"]),
        ("0001-01-01", ["before 1900"]),
        ("0001-01-01T00:00:00+14:00", ["before 1900"]),
        ("1899-12-31T23:59:59Z", ["before 1900"]),
        ("9999-12-31", ["--at"]),
        ("9999-12-31T23:59:59-12:00", ["--at"]),
    ],
)
def test_a_wrong_time_is_told_in_one_line(text, parts):
    message = refusal(text)
    for part in parts:
        assert part in message


def test_the_last_instant_there_is_can_be_asked_for():
    assert snapshot_at(settled(), Desk(), at="2024-08-01T12:00:00Z", now_ns=NOW).as_of == from_ns(NOW)


@pytest.mark.parametrize("text", ["1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-06-28T20:00:00Z"])
def test_before_all_history_nothing_is_known(text):
    taken = snapshot_at(settled(), Desk(), at=text, now_ns=NOW)
    assert (taken.session, taken.legs) == (None, {})


def test_without_any_history_a_date_shows_what_a_tape_has():
    tape = played().tape
    source = Source(History.empty(), tape, Provenance(REPLAY, "tape x"))
    taken = snapshot_at(source, Desk(), at="2024-07-16", now_ns=NOW)
    assert (taken.session, taken.legs["IWM"].last) == (TUESDAY, 110.0)
    assert taken.legs["IWM"].return_pct["1"] is None


def test_the_desk_has_the_pair_first_then_its_own_then_what_was_imported():
    desk = desk_for(History(closes("IWM", "QQQ", "XLF", "ARKK")), ("RUT", "NDX"), "total")
    assert (desk.base, desk.against, desk.returns) == ("RUT", "NDX", "total")
    own = [symbol for symbol in Desk().legs if symbol not in ("RUT", "NDX")]
    assert desk.legs == ("RUT", "NDX", *own, "ARKK", "XLF")


def test_the_desk_has_an_end():
    many = [f"S{i:03}" for i in range(40)]
    desk = desk_for(History(closes(*many)), ("S039", "IWM"), "price")
    assert desk.legs == ("S039", "IWM", *(leg for leg in Desk().legs if leg != "IWM")), "no A, AA, AAL …"
    few_held = History(closes("AAPL"))
    few = desk_for(few_held, ("IWM", "QQQ"), "price")
    assert (
        few.leg_gap_s,
        desk_for(History(closes("AAPL")), ("IWM", "QQQ"), "price", leg_gap_s=5.0).leg_gap_s,
    ) == (60.0, 5.0)
    assert few.legs == (*Desk().legs, "AAPL")


def test_a_share_named_under_one_spelling_and_stored_under_the_other_is_one_leg():
    own = LegList("own", ("BRK.B",))
    desk = desk_for(History(closes("IWM", "QQQ", "BRK-B", "DIA")), ("IWM", "QQQ"), "price", lists=(own,))
    assert {"BRK.B", "DIA"} <= {*desk.legs}
    assert "BRK-B" not in desk.legs


def test_legs_that_are_in_no_group_stand_by_themselves_and_a_pair_is_not_its_own_choice():
    groups = LegList("banks", ("KRE",)), LegList("watched", ("DIA", "TLT"), is_watchlist=True)
    more = {"legs": ("IWM", "QQQ", "KRE", "DIA"), "pairs": (("IWM", "QQQ"), ("IWN", "IVW"))}
    history = History(closes("IWM", "XLF"))
    desk = desk_for(history, ("IWM", "QQQ"), "price", lists=groups, **more)
    assert desk.lists == (LegList("", ("IWM", "QQQ", "DIA", "IWN", "IVW")), *groups)
    own = ("IWM", "QQQ", "KRE", "DIA", "IWN", "IVW")
    assert {*own, "TLT"} == {*desk.legs}, "what is stored beside legs that were named is none of them"
    assert desk.pairs == (("IWN", "IVW"),)
    assert desk_for(history, ("IWM", "QQQ"), "price", **more).lists == ()


def test_another_pair_and_total_returns_reach_the_figures():
    source = settled("RUT", "NDX", "IWM")
    total = snapshot_at(
        source, desk_for(source.history, ("NDX", "RUT"), "total"), at="2024-07-16", now_ns=NOW
    )
    assert (total.spread.base, total.spread.against) == ("NDX", "RUT")
    last = len(DAYS) - 1
    assert total.legs["NDX"].return_pct["1"] == pytest.approx(100 / (180 + last - 1))
    price = snapshot_at(
        source, desk_for(source.history, ("NDX", "RUT"), "price"), at="2024-07-16", now_ns=NOW
    )
    assert price.legs["NDX"].return_pct["1"] == pytest.approx(100 / (200 + last - 1))


@pytest.mark.parametrize(
    ("start", "begins"),
    [
        (None, "2024-07-16T14:00:00Z"),
        ("2024-07-16T14:20:00Z", "2024-07-16T14:20:00Z"),
        ("2024-07-16T10:20:00-04:00", "2024-07-16T14:20:00Z"),
        ("2024-07-16", "2024-07-16T14:00:00Z"),
        ("2024-07-15", "2024-07-16T14:00:00Z"),
        ("2024-07-17", "2024-07-16T14:40:00Z"),
    ],
)
def test_a_tape_begins_where_one_says_within_its_ends(start, begins):
    _, feed = supervise(played(), Desk(), start=start, speed=1.0, stays=True, now_ns=NOW)
    assert feed.tape().position == datetime.fromisoformat(begins)


def test_a_session_s_date_means_its_opening_bell():
    source = played()
    early = pl.DataFrame(
        [("IWM", at("2024-07-16T08:10:00Z"), 0, 109.0, 1, None, None, 0, 0)], SCHEMA, orient="row"
    )
    source = Source(source.history, pl.concat([early, source.tape]), source.origin)
    _, feed = supervise(source, Desk(), start="2024-07-16", speed=1.0, stays=True, now_ns=NOW)
    assert feed.tape().position == from_ns(open_ns(TUESDAY))


@pytest.mark.parametrize(
    ("start", "part"),
    [
        ("2024-07-13", "2024-07-13 is not an NYSE session"),
        ("2024-07-16T10:20:00", "zone"),
        ("noon", "neither a date"),
    ],
)
def test_a_wrong_beginning_is_told_in_one_line(start, part):
    with pytest.raises(InputError, match=r"^--from: ") as caught:
        supervise(played(), Desk(), start=start, speed=1.0, stays=True, now_ns=NOW)
    assert part in str(caught.value)


async def test_a_tape_under_its_supervisor_plays_with_its_own_name_and_controls():
    supervisor, feed = supervise(
        played(), Desk(), start="2024-07-16T14:40:00Z", speed=5.0, stays=False, now_ns=NOW
    )
    await supervisor.run()
    (health,) = supervisor.latest.health.feeds
    assert (health.name, health.state, health.quotes) == ("tape", "REPLAY", 2)
    assert supervisor.latest.health.tape == feed.tape()
    assert feed.tape().speed == 5.0
    assert supervisor.latest.mode == "REPLAY"


async def test_without_a_tape_there_is_nothing_to_control():
    supervisor, feed = supervise(settled(), Desk(), start=None, speed=1.0, stays=False, now_ns=NOW)
    assert feed is None
    await supervisor.run()
    assert supervisor.latest.session == TUESDAY


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    return HistoryStore(tmp_path / "store")


def fill(store: HistoryStore) -> None:
    store.replace(closes("IWM", "QQQ"), {"IWM": "IWM.csv", "QQQ": "QQQ.csv"}, now_ns=NOW)


def write_closes(folder, name: str, close: float) -> None:
    folder.mkdir(exist_ok=True)
    lines = [f"{day},{close + i}" for i, day in enumerate(DAYS)]
    (folder / name).write_text("\n".join(["date,close", *lines, ""]))


def write_bars(folder, name: str = "IWM_5m.csv"):
    path = folder / name
    path.write_text("start,open,high,low,close,volume\n2024-07-16T14:35:00Z,110,110,110,110,5\n")
    return path


def test_with_nothing_imported_it_is_the_demo(store):
    source = sources.source(store, history=None, tapes=(), now_ns=NOW)
    assert source.is_demo
    assert source.tape is not None
    assert not store.folder.exists(), "looking leaves nothing behind"


def test_imported_history_comes_before_the_demo(store):
    fill(store)
    source = sources.source(store, history=None, tapes=(), now_ns=NOW)
    assert (source.origin, source.tape) == (NOWHERE, None)
    assert source.history.symbols == ["IWM", "QQQ"]


def test_a_tape_plays_over_imported_history(store, tmp_path):
    fill(store)
    source = sources.source(store, history=None, tapes=[write_bars(tmp_path)], now_ns=NOW)
    assert (source.origin.mode, source.origin.source) == (REPLAY, "tape IWM_5m.csv")
    assert source.history.symbols == ["IWM", "QQQ"]


def test_a_tape_without_history_is_no_demo(store, tmp_path):
    source = sources.source(store, history=None, tapes=[write_bars(tmp_path)], now_ns=NOW)
    assert (source.origin.mode, source.history.symbols) == (REPLAY, [])
    assert source.tape["price"].to_list() == [110.0]


def test_a_named_folder_stands_in_place_of_what_was_imported(store, tmp_path):
    fill(store)
    write_closes(tmp_path / "closes", "DIA.csv", 400.0)
    source = sources.source(store, history=tmp_path / "closes", tapes=(), now_ns=NOW)
    assert source.history.symbols == ["DIA"]
    assert source.history.source == "history closes"


def test_a_bad_folder_is_an_error_and_never_the_demo(store, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        sources.source(store, history=tmp_path / "nowhere", tapes=(), now_ns=NOW)


def test_the_demo_begins_at_twenty_to_eleven_where_the_article_has_its_figures():
    source = sources.demo()
    taken = snapshot_at(source, Desk(), at=None, now_ns=NOW)
    assert taken.mode == "DEMO"
    assert taken.as_of == from_ns(open_ns(TUESDAY)) + timedelta(minutes=70)
    _, feed = supervise(source, Desk(), start=None, speed=1.0, stays=True, now_ns=NOW)
    assert feed.name == "demo"
    assert feed.tape().position == taken.as_of
