"""Keeping daily history right: tails, settled days only, splits, dividends, renames, refusals."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import msgspec
import polars as pl
import pytest

from feeds.errors import SourceAway, SourceError
from feeds.history.importing import SCHEMA
from feeds.history.plan import OVERLAP, join, last_turn
from feeds.history.renames import KNOWN, Rename, Renames
from rotation.sessions import next_session
from tests.support.sync_world import DAYS, SINCE, Vendor, World, ny, share

LAST = DAYS[-1]
TODAY = DAYS[-2]


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "history", {"IWM": share(), "QQQ": share(400.0)})


def test_first_everything_then_only_the_missing_tail(world):
    report = world.sync()
    assert report.loaded == ("IWM", "QQQ")
    assert report.sessions == 2 * len(DAYS[:-1])
    assert world.held("IWM") == world.truth("IWM")
    assert world.yahoo.asked == [(["IWM"], SINCE), (["QQQ"], SINCE)]
    entry = world.store.symbols()["IWM"]
    assert (entry.source, entry.vendor, entry.since, entry.last) == ("Yahoo", "Yahoo", SINCE, TODAY)

    world.yahoo.asked.clear()
    assert world.sync().current == ("IWM", "QQQ")
    assert world.yahoo.asked == []  # nothing can have changed since

    world.now_ns = ny(LAST, 18)
    report = world.sync()
    assert report.extended == ("IWM", "QQQ")
    assert report.sessions == 2
    assert world.yahoo.asked == [([symbol], DAYS[-1 - OVERLAP]) for symbol in ("IWM", "QQQ")]
    assert world.held("IWM") == world.truth("IWM")
    assert world.store.symbols()["IWM"].since == SINCE


def test_progress(world):
    world.sync("IWM", "QQQ", "NONE")
    assert [(each.done, each.total, each.failed, each.symbol) for each in world.progress] == [
        (1, 3, 0, "IWM"),
        (2, 3, 0, "QQQ"),
        (3, 3, 1, "NONE"),
    ]
    assert world.progress[-1].message == "NONE: Yahoo: No data found, symbol may be delisted"


def test_progress_is_told_in_the_loops_own_thread(world):
    threads = set()

    class ThreadNoting(list):
        def append(self, progress) -> None:
            threads.add(threading.get_ident())

    world.progress = ThreadNoting()
    world.yahoo.away = [refusal(1.0)]
    world.sync("IWM", "QQQ", "NONE")
    assert threads == {threading.get_ident()}


def test_rate_and_time_left(world):
    vendor = world.yahoo
    spoil = vendor.spoil

    def slow(symbol, bars):
        world.now_ns += 2_000_000_000
        return spoil(symbol, bars)

    vendor.spoil = slow
    world.sync()
    assert [(each.per_s, each.left_s) for each in world.progress] == [(0.5, 2.0), (0.5, 0.0)]


@pytest.mark.parametrize(
    ("hour", "minute", "last"),
    [(9, 0, DAYS[-3]), (15, 59, DAYS[-3]), (16, 10, DAYS[-3]), (16, 20, DAYS[-2]), (23, 0, DAYS[-2])],
)
def test_only_settled_days(world, hour, minute, last):
    world.now_ns = ny(TODAY, hour, minute)
    world.sync()
    assert [row[0] for row in world.held("IWM")][-1] == last
    assert world.held("IWM") == world.truth("IWM")


def test_a_morning_then_the_evening(world):
    world.now_ns = ny(TODAY, 12)
    world.sync()
    world.now_ns = ny(TODAY, 17)
    assert world.sync().sessions == 2
    assert world.held("IWM") == world.truth("IWM")


@pytest.mark.parametrize("ratio", [4.0, 0.1, 1.5, 1.05])
def test_a_split_overnight_restates_the_whole_series(world, ratio):
    world.sync()
    before = world.held("IWM")
    world.market.shares["IWM"].splits[LAST] = ratio
    world.now_ns = ny(LAST, 9, 31)
    report = world.sync()
    assert report.loaded == ("IWM",)
    assert report.current == ("QQQ",)
    assert report.sessions == 0
    assert world.held("IWM") == world.truth("IWM")
    assert world.held("IWM")[0][1] == pytest.approx(before[0][1] / ratio)
    assert world.yahoo.asked[3] == (["IWM"], SINCE)  # after its tail showed it
    words = {4.0: "4 for 1", 0.1: "1 for 10", 1.5: "3 for 2", 1.05: "21 for 20"}[ratio]
    [note] = report.notes
    assert note.startswith(f"IWM: a split ({words}) restated the close of {DAYS[-2 - OVERLAP + 1]}")
    assert note.endswith("fetched again as a whole")


def test_a_dividend_restates_adjusted_closes(world):
    world.sync()
    world.market.shares["QQQ"].dividends[LAST] = 0.01
    world.now_ns = ny(LAST, 18)
    report = world.sync()
    assert report.loaded == ("QQQ",)
    assert report.extended == ("IWM",)
    assert world.held("QQQ") == world.truth("QQQ")
    assert "a dividend restated the adjusted close" in report.notes[0]


def test_a_corrected_close(world):
    world.sync()
    world.market.shares["IWM"].raw[DAYS[-4]] = 99.5
    world.now_ns = ny(LAST, 18)
    report = world.sync()
    assert report.loaded == ("IWM",)
    assert f"a correction restated the close of {DAYS[-4]}" in report.notes[0]
    assert world.held("IWM") == world.truth("IWM")


def test_a_split_that_the_vendor_works_in_late(world):
    world.sync()
    late = world.market.shares["IWM"]
    late.splits[LAST] = 4.0
    rows = late.rows
    late.rows = lambda first, last, _restated: rows(first, last, LAST - timedelta(1))
    world.now_ns = ny(LAST, 9, 31)
    for _ in range(2):  # asked again each time, though nothing is new
        world.yahoo.asked.clear()
        assert world.sync("IWM").current == ("IWM",)
        assert len(world.yahoo.asked) == 1
    late.rows = rows
    assert world.sync("IWM").loaded == ("IWM",)
    assert world.held("IWM") == world.truth("IWM")


def test_a_hole_is_filled_when_the_vendor_has(world):
    missing = DAYS[-20]
    close = world.market.shares["IWM"].raw[missing]
    world.market.shares["IWM"].raw[missing] = None
    world.sync()
    assert missing not in [row[0] for row in world.held("IWM")]
    world.market.shares["IWM"].raw[missing] = close
    world.now_ns = ny(LAST, 18)
    report = world.sync()
    assert world.held("IWM") == world.truth("IWM")
    assert report.sessions == 3


def test_further_back_on_request(world):
    world.sync(since=DAYS[20])
    world.yahoo.asked.clear()
    report = world.sync(since=SINCE)
    assert report.loaded == ("IWM", "QQQ")
    assert report.sessions == 40
    assert world.held("IWM") == world.truth("IWM")
    world.yahoo.asked.clear()
    assert world.sync(since=DAYS[30]).current == ("IWM", "QQQ")


def test_one_that_fails_does_not_stop_the_others(world):
    world.yahoo.spoil = lambda symbol, bars: SourceError("Yahoo: HTTP 500") if symbol == "IWM" else bars
    report = world.sync()
    assert report.failed == (("IWM", "Yahoo: HTTP 500"),)
    assert report.loaded == ("QQQ",)


def test_the_next_source_is_asked(world):
    stooq = Vendor(world, "Stooq")
    world.yahoo.spoil = lambda symbol, bars: SourceError("Yahoo: HTTP 500") if symbol == "IWM" else bars
    report = world.sync("IWM", "QQQ", "NONE", sources=[world.yahoo, stooq])
    assert report.loaded == ("QQQ", "IWM")
    assert world.store.symbols()["IWM"].source == "Stooq"
    assert report.failed == (
        ("NONE", "Yahoo: No data found, symbol may be delisted; Stooq: no data for NONE"),
    )
    # A series stays with the vendor that it came from.
    world.now_ns = ny(LAST + timedelta(3), 18)
    world.yahoo.asked.clear()
    stooq.asked.clear()
    world.sync("IWM", "QQQ", sources=[world.yahoo, stooq])
    assert [symbols for symbols, _ in world.yahoo.asked] == [["QQQ"]]
    assert [symbols for symbols, _ in stooq.asked] == [["IWM"]]


def test_an_answer_to_several_that_is_of_no_use(world):
    alpaca = Vendor(world, "Alpaca", at_once=9)

    async def broken(symbols, since, through):
        raise SourceError("Alpaca: a page repeats its own token")

    alpaca.daily = broken
    assert world.sync(sources=[alpaca, world.yahoo]).loaded == ("IWM", "QQQ")
    world.now_ns = ny(LAST, 18)
    assert world.sync(sources=[alpaca]).failed == tuple(
        (symbol, "Alpaca: a page repeats its own token") for symbol in ("IWM", "QQQ")
    )


def test_symbols_that_no_source_serves(world):
    world.yahoo.lacks = {"QQQ"}
    assert world.sync().failed == (("QQQ", "no source has this symbol"),)


def test_a_group_is_asked_for_together(tmp_path):
    world = World(tmp_path, {f"S{count}": share(100.0 + count) for count in range(7)})
    vendor = Vendor(world, at_once=3)
    assert len(world.sync(sources=[vendor]).loaded) == 7
    assert [len(symbols) for symbols, _ in vendor.asked] == [3, 3, 1]
    assert all(world.held(symbol) == world.truth(symbol) for symbol in world.market.shares)


def refusal(after_s: float) -> SourceAway:
    return SourceAway("Yahoo: HTTP 429", after_s=after_s, refused=True)


def outage() -> SourceAway:
    return SourceAway("Yahoo: host name not found", after_s=3.0)


def test_a_vendor_out_of_reach_from_the_start_is_given_up_at_once(world):
    world.yahoo.away = [outage()]
    result = "Yahoo: host name not found"
    assert world.sync().failed == (("IWM", result), ("QQQ", result))
    assert [each.message for each in world.progress] == [f"{result} (Yahoo is skipped)", "", ""]
    assert world.slept == []


@pytest.mark.parametrize("outages", [1, 2])
def test_an_outage_in_the_middle_is_waited_for_once(world, outages):
    def cut(symbol, bars):
        if symbol == "IWM":
            world.yahoo.away = [outage() for _ in range(outages)]
        return bars

    world.yahoo.spoil = cut
    report = world.sync()
    assert world.slept == [60.0]
    assert report.loaded == (("IWM", "QQQ") if outages == 1 else ("IWM",))
    assert len(report.failed) == outages - 1


def test_a_refusal_is_waited_out(world):
    world.yahoo.away = [
        refusal(90.0),
        refusal(1.0),
    ]
    assert world.sync().loaded == ("IWM", "QQQ")
    assert world.slept == [90.0, 300.0]
    assert world.progress[0].message == "Yahoo: HTTP 429; continuing in 1m (completed symbols are stored)"


def test_refusals_in_a_row_count_anew_after_an_answer(world):
    def refuse_next(_symbol, bars):
        if len(world.slept) == 1:
            world.yahoo.away = [refusal(1.0)]
        return bars

    world.yahoo.spoil = refuse_next
    world.yahoo.away = [refusal(1.0)]
    assert world.sync().loaded == ("IWM", "QQQ")
    assert world.slept == [60.0, 60.0]


def test_a_source_that_goes_on_refusing_is_given_up(world):
    world.yahoo.away = [refusal(1.0) for _ in range(9)]
    report = world.sync()
    assert report.failed == tuple((symbol, "Yahoo: HTTP 429; start again in 1m") for symbol in ("IWM", "QQQ"))
    assert world.slept == [60.0, 300.0, 900.0]


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        (refusal(7_200.0), "Yahoo: HTTP 429; start again in 2h"),
        (SourceAway("Yahoo: HTTP 401"), "Yahoo: HTTP 401"),
    ],
)
def test_waiting_that_is_no_use(world, away, expected):
    stooq = Vendor(world, "Stooq")
    stooq.lacks = {"QQQ"}
    world.yahoo.away = [away]
    report = world.sync(sources=[world.yahoo, stooq])
    assert report.failed == (("QQQ", expected),)
    assert report.loaded == ("IWM",)
    assert world.slept == []
    assert len(world.yahoo.asked) == 1


def test_a_long_list_within_the_vendors_limit(tmp_path):
    world = World(tmp_path, {f"S{count}": share(days=DAYS[:15]) for count in range(150)}, ny(DAYS[14], 18))
    real, budget = world.yahoo.daily, [95]

    async def limited(symbols, since, through):
        if not budget[0]:
            if sum(world.slept) < 360:
                raise refusal(1.0)
            budget[0] = 95
        budget[0] -= 1
        return await real(symbols, since, through)

    world.yahoo.daily = limited
    report = world.sync()
    assert len(report.loaded) == 150
    assert world.slept == [60.0, 300.0]
    assert len(world.yahoo.asked) == 150  # none was asked for twice
    assert len(world.store.symbols()) == 150


def imported(world: World, symbol: str, days: list[date], scale: float = 1.0) -> None:
    """A person's own file of the same closes."""
    truth = {row[0]: row[1] for row in world.market.shares[symbol].rows(date.min, date.max, date.min)}
    frame = pl.DataFrame(
        {"symbol": symbol, "date": days, "close": [truth.get(day, 90.0) * scale for day in days]}
    )
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    frame = frame.with_columns(absent).select(SCHEMA.keys())
    world.store.replace(frame, {symbol: "IWM.csv"}, now_ns=world.now_ns)


EARLIER = [date(2024, 4, 29), date(2024, 4, 30)]


def test_a_persons_own_file_goes_on(world):
    imported(world, "IWM", [*EARLIER, *DAYS[:-5]])
    own = world.rows("IWM")
    report = world.sync("IWM")
    assert report.extended == ("IWM",)
    assert report.sessions == 4
    rows = world.rows("IWM")
    assert rows.head(own.height).equals(own)  # not a cell of it was touched
    assert rows["date"].to_list() == [*EARLIER, *DAYS[:-1]]
    entry = world.store.symbols()["IWM"]
    assert (entry.source, entry.vendor, entry.since) == ("IWM.csv + Yahoo", "", None)
    world.now_ns = ny(LAST, 18)
    assert world.sync("IWM").sessions == 1
    assert world.store.symbols()["IWM"].source == "IWM.csv + Yahoo"


def test_a_persons_own_file_that_does_not_agree(world):
    imported(world, "IWM", [*EARLIER, *DAYS[:-5]], scale=2.0)
    world.yahoo.from_day = SINCE
    own = world.rows("IWM")
    [(symbol, reason)] = world.sync("IWM").failed
    assert symbol == "IWM"
    assert reason.startswith("Yahoo: a split (2 for 1) restated the close of ")
    assert reason.endswith(
        f"but its series begins {SINCE}, after the stored one (2024-04-29, IWM.csv); import that again"
    )
    assert world.rows("IWM").equals(own)


def test_a_persons_own_file_is_replaced_where_the_vendor_has_as_much(world):
    imported(world, "IWM", DAYS[3:-5], scale=2.0)
    assert world.sync("IWM").loaded == ("IWM",)
    assert world.held("IWM") == world.truth("IWM")
    assert world.store.symbols()["IWM"].vendor == "Yahoo"


def test_another_vendor_may_not_take_adjusted_closes_away(world):
    world.sync("IWM")
    world.market.shares["IWM"].splits[LAST] = 2.0
    world.now_ns = ny(LAST + timedelta(3), 18)
    [(_, reason)] = world.sync("IWM", sources=[Vendor(world, "Stooq")]).failed
    assert reason.endswith("its series has no adjusted closes, which the stored one has")
    world.market.shares["IWM"].splits.clear()
    report = world.sync("IWM", sources=[Vendor(world, "Stooq")])
    assert report.extended == ("IWM",)  # a tail is joined: unknown adjusted closes stay unknown
    assert [row[2] for row in world.held("IWM")][-1] is None
    assert world.store.symbols()["IWM"].source == "Yahoo + Stooq"


def test_an_older_answer_than_what_is_held(world):
    world.sync("IWM")
    world.now_ns = ny(LAST, 9)
    world.yahoo.spoil = lambda _, bars: msgspec.structs.replace(bars, frame=bars.frame.head(5))
    assert world.sync("IWM").failed == (("IWM", "Yahoo: an older answer than what is held"),)


def test_a_series_that_comes_back_shorter(world):
    world.sync("IWM")
    before = world.rows("IWM")
    world.market.shares["IWM"].splits[LAST] = 2.0
    world.now_ns = ny(LAST, 9, 31)
    world.yahoo.spoil = lambda _, bars: msgspec.structs.replace(
        bars, frame=bars.frame.head(9) if bars.frame.height > 20 else bars.frame
    )
    [(_, reason)] = world.sync("IWM").failed
    assert "its series ends" in reason
    assert world.rows("IWM").equals(before)


def test_a_vendor_that_forgot_every_day_held(world):
    world.sync("IWM")
    world.now_ns = ny(LAST, 18)
    tail = world.yahoo.spoil
    world.yahoo.spoil = lambda symbol, bars: (
        msgspec.structs.replace(bars, frame=bars.frame.tail(1))
        if bars.frame.height < 20
        else tail(symbol, bars)
    )
    report = world.sync("IWM")
    assert report.loaded == ("IWM",)
    assert "the source has none of the last stored days" in report.notes[0]
    assert world.held("IWM") == world.truth("IWM")


def test_a_damaged_file_comes_again(world):
    world.sync()
    path = world.store.folder / world.store.symbols()["IWM"].file
    path.write_bytes(b"x")
    world.now_ns = ny(LAST, 18)
    report = world.sync()
    assert report.notes == ("IWM: its stored file was damaged: fetched again as a whole",)
    assert world.held("IWM") == world.truth("IWM")
    imported(world, "QQQ", DAYS)
    (world.store.folder / world.store.symbols()["QQQ"].file).unlink()
    [(_, reason)] = world.sync().failed
    assert reason.endswith("is missing — import the history of QQQ again")


def test_another_program_at_the_same_symbol(world):
    world.sync("IWM")
    world.now_ns = ny(LAST, 18)

    def meanwhile(_symbol, bars):
        imported(world, "IWM", DAYS[:-1])
        return bars

    world.yahoo.spoil = meanwhile
    assert world.sync("IWM").failed == (("IWM", "was changed by another program; run the command again"),)
    assert world.store.symbols()["IWM"].source == "IWM.csv"


def test_a_symbol_that_was_renamed_goes_on(world):
    world.market.shares = {"FB": share(), "QQQ": share(400.0)}
    world.sync()
    world.market.shares["META"] = world.market.shares.pop("FB")
    world.renames = Renames([Rename(LAST, "FB", "META")])
    world.now_ns = ny(LAST, 18)
    world.yahoo.asked.clear()
    report = world.sync("FB", "QQQ")
    assert report.extended == ("META", "QQQ")
    assert world.yahoo.asked[0] == (["META"], DAYS[-1 - OVERLAP])  # only the tail
    assert sorted(world.store.symbols()) == ["META", "QQQ"]
    assert world.held("META") == world.truth("META")
    assert world.rows("META")["symbol"].unique().to_list() == ["META"]
    assert report.notes == ("FB trades as META today: fetched under that name", "FB continues as META")
    assert not list(world.store.folder.glob("FB-*"))


def test_a_new_name_that_is_another_company(world):
    world.market.shares = {"FB": share()}
    world.sync()
    world.market.shares = {"META": share(30.0)}
    world.renames = Renames([Rename(LAST, "FB", "META")])
    world.now_ns = ny(LAST, 18)
    report = world.sync("META")
    assert report.loaded == ("META",)  # its own series, none of the other's rows
    assert world.held("META") == world.truth("META")


def test_the_renames_known_agree_with_the_index(shared_data):
    """FISV left the Nasdaq 100 for another exchange and another name on the day that the table has."""
    text = (shared_data / "constituents" / "n100-ticker-changes-2023.yaml").read_text()
    change = next(each for each in KNOWN if each.old == "FISV")
    assert f"'{change.day}':\n    difference:\n      - FISV" in text
    renames = Renames()
    assert "- META" in text
    assert renames.now("FB", date(2023, 1, 3)) == "META"
    assert renames.now("FISV", date(2024, 1, 3)) == "FI"
    assert renames.now("FI", date(2026, 1, 5)) == "FISV"
    assert renames.now("FISV", date(2026, 1, 5)) == "FISV"
    assert renames.before("FISV", date(2026, 1, 5)) == ["FI"]
    for gone in ("ATVI", "SGEN"):  # bought, not renamed
        assert f"- {gone}" in text
        assert renames.now(gone, date(2026, 1, 5)) == gone


def test_one_vendors_newest_word_counts_another_vendors_only_where_there_was_none():
    def rows(*cells: tuple[date, float | None, int | None]) -> pl.DataFrame:
        made = pl.DataFrame(cells, schema=["date", "close", "volume"], orient="row")
        absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in made.columns]
        return made.with_columns(absent).with_columns(symbol=pl.lit("IWM")).select(SCHEMA.keys())

    a, b, c, d = DAYS[:4]
    cached = rows((a, 1.0, 10), (b, 2.0, None), (d, 4.0, 40))
    given = rows((b, 2.0, 20), (c, 3.0, 30), (d, None, 41))
    same = join(cached, given, same_vendor=True)
    assert same.equals(rows((a, 1.0, 10), (b, 2.0, 20), (c, 3.0, 30), (d, 4.0, 41)))
    other = join(cached, given, same_vendor=False)
    assert other.equals(rows((a, 1.0, 10), (b, 2.0, None), (c, 3.0, 30), (d, 4.0, 40)))


def test_turns_of_a_day():
    day, before = date(2026, 11, 27), date(2026, 11, 25)  # a half-day behind a holiday
    turns = [
        last_turn(ny(day, hour, minute)) for hour, minute in ((3, 0), (4, 0), (9, 30), (13, 19), (13, 20))
    ]
    assert turns == [ny(before, 16, 20), ny(day, 4), ny(day, 9, 30), ny(day, 9, 30), ny(day, 13, 20)]
    assert last_turn(ny(date(2026, 11, 29), 12)) == ny(day, 13, 20)
    assert next_session(before) == day


def test_tiingo_takes_over_where_yahoo_refuses_and_holds_the_same(tmp_path):
    shares = {"IWM": share(), "QQQ": share(400.0)}
    shares["IWM"].splits[DAYS[20]] = 4.0
    shares["IWM"].dividends[DAYS[30]] = 1.5
    world = World(tmp_path, shares)
    world.yahoo.away = [SourceAway("Yahoo: HTTP 429", after_s=None, refused=True)]
    tiingo = Vendor(world, "Tiingo")
    report = world.sync(sources=[world.yahoo, tiingo])
    assert sorted(report.loaded) == ["IWM", "QQQ"]
    assert world.store.symbols()["IWM"].vendor == "Tiingo"
    assert world.held("IWM") == world.truth("IWM")


def test_a_tail_of_tiingos_after_a_dividend_never_mixes_with_yahoos(tmp_path):
    world = World(tmp_path, {"IWM": share()}, ny(DAYS[40], 18))
    world.sync("IWM")
    world.market.shares["IWM"].dividends[DAYS[41]] = 1.5
    world.now_ns = ny(DAYS[42], 18)
    world.yahoo.away = [SourceAway("Yahoo: HTTP 429", after_s=None, refused=True)]
    report = world.sync("IWM", sources=[world.yahoo, Vendor(world, "Tiingo")])
    assert report.loaded == ("IWM",)  # as a whole
    assert world.store.symbols()["IWM"].source == "Tiingo"
    assert world.held("IWM") == world.truth("IWM")
