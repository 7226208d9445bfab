"""What was recorded plays back as the same snapshots, and no kill, full disk or lie of a feed spoils it."""

from __future__ import annotations

import asyncio
import errno
import json
import math
import os
import re
import tempfile
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feeds.errors import InputError, StorageError
from feeds.events import (
    Batch,
    BidAsks,
    FedNews,
    Gap,
    HistoryUpdated,
    MacroNews,
    PrintsReplaced,
    Rewind,
    Status,
    SymbolStates,
)
from feeds.supervisor import Supervisor
from feeds.tapes import recorder as recorder_module
from feeds.tapes import tape_file
from feeds.tapes.player import TapeFeed
from feeds.tapes.reading import read_tape
from feeds.tapes.recorder import Recorder, recorded
from feeds.tapes.recording import events_as_of, frame_of, played, rows_of, steps
from feeds.tapes.tape_file import TapeFile, journal_of, read_recording
from feeds.tapes.tape_schema import RECORDED, SCHEMA, quotes
from rotation.desk import Desk
from rotation.fed.ageing import aged
from rotation.fed.assemble import fed
from rotation.fed.inputs import FedInputs, OutcomeQuote, Sourced, StripQuote
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Nbbo, Quote
from rotation.sessions import from_ns, to_ns
from rotation.status import LIVE, REPLAY, Kind, Refusal, delayed
from tests.support.core_worlds import look_backs_kept
from tests.support.fake_time import at_once

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

DESK = Desk(legs=("IWM", "QQQ"))
CLOSES = {
    "IWM": {10: 203.64, 11: 210.88, 12: 213.14, 15: 217.19},
    "QQQ": {10: 502.96, 11: 491.93, 12: 494.82, 15: 496.15},
}
CRASHES = 120
"""More than there are calls of the system in the scenario that is cut short at each of them."""


def at(clock: str, day: date = date(2024, 7, 16)) -> int:
    return to_ns(datetime.fromisoformat(f"{day}T{clock}-04:00"))


NOW = at("10:40:00")


@pytest.fixture(autouse=True, scope="module")
def _kept():
    with look_backs_kept():
        yield


@cache
def history() -> History:
    rows = [(s, date(2024, 7, d), close, None) for s, days in CLOSES.items() for d, close in days.items()]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


class Script:
    """A feed that says what it was told to."""

    name, mode = "script", LIVE

    def __init__(self, *events):
        self._events = events

    async def events(self):
        for event in self._events:
            yield event

    def tape(self):
        return None


class Clock:
    """Time that passes only in ``sleep``."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Listening(Supervisor):
    """Keeps every snapshot, where a listener keeps the newest."""

    def __init__(self, *args, **more):
        super().__init__(*args, offload=at_once, **more)
        self.seen: list[Snapshot] = []

    def _publish(self) -> None:
        super()._publish()
        self.seen.append(self.latest)


async def never(_seconds: float) -> None:
    await asyncio.Event().wait()


def market(began_ns: int) -> Market:
    return Market(history(), DESK, as_of_ns=began_ns, origin=Provenance(LIVE, "script"))


def live(events, path: Path, *, clock_ns=lambda: NOW, **more) -> list[Snapshot]:
    """The snapshots of a desk that is being recorded."""
    began = next((ns for e in events if (ns := getattr(e, "as_of_ns", None)) is not None), NOW)
    supervisor = Listening(market(began), [Script(*events)], clock_ns=clock_ns)
    recorder = Recorder(path, sleep=never, **more)
    supervisor.observer = recorder.take
    asyncio.run(recorded(supervisor.run(), recorder))
    return supervisor.seen


def replay(tape: pl.DataFrame, **more) -> list[Snapshot]:
    clock = Clock()
    feed = TapeFeed(
        tape, name="tape", mode=LIVE, stays=False, monotonic=clock.monotonic, sleep=clock.sleep, **more
    )
    supervisor = Listening(market(int(tape["at_ns"][0])), [feed])
    asyncio.run(supervisor.run())
    return supervisor.seen


def as_json(snapshot: Snapshot, **changes: object) -> bytes:
    """The JSON of a snapshot, but for the rows that name the source itself."""
    health = msgspec.structs.replace(snapshot.health, feeds=(), tape=None)
    return msgspec.json.encode(msgspec.structs.replace(snapshot, health=health, **changes))


AGES = {"age_s", "age_gap_s", "quote_age_s"}


def ageless(figures: object) -> object:
    """Figures without the ages in them: these go on while the figures stand."""
    if isinstance(figures, list):
        return [ageless(figure) for figure in figures]
    if not isinstance(figures, dict):
        return figures
    return {
        key: ageless(value)
        for key, value in figures.items()
        if key not in {"age_s", "age_gap_s", "quote_age_s"}
    }


PRICES = st.one_of(
    st.sampled_from([220.5, 221.0, 217.19, -3.0, 0.0, math.nan, math.inf, -math.inf, 1e308, 5e-324]),
    st.floats(200, 230),
)
TIMES = st.one_of(
    st.integers(NOW - 30 * NS, NOW + 200 * NS),
    st.sampled_from([NOW, NOW, NOW + 1, NOW - 90 * NS, at("15:00:00", date(2024, 7, 15))]),
    st.sampled_from(
        [at("04:00:00"), at("12:00:00", date(2024, 7, 12)), at("03:00:00"), at("17:00:00"), 0, -1]
    ),
    st.sampled_from([-(2**63), 2**63 - 1]),
)
QUOTES = st.builds(
    Quote,
    st.sampled_from(["IWM", "IWM", "QQQ", "ZZZ", "", "\x1b[2J", "not a symbol", "ÄÖ 漢"]),
    TIMES,
    PRICES,
    st.sampled_from([0, 1, 2, 2**62, -5]),
    st.sampled_from([0, 1, 100, 2**40]),
    st.one_of(st.none(), PRICES),
    st.one_of(st.none(), PRICES),
)
BIDS_AND_ASKS = st.lists(
    st.builds(
        Nbbo,
        st.sampled_from(["IWM", "QQQ", "ZZZ"]),
        st.floats(220.9, 221.1),
        st.floats(221.0, 221.2),
        st.integers(NOW - 60 * NS, NOW + 70 * NS),
    ),
    max_size=3,
)
BATCHES = st.lists(QUOTES, max_size=6).map(lambda q: tuple(q + q[:2]))
STEPS = st.sampled_from([0, 0, 1, NS // 10, NS, 2 * NS, -1, -NS])
"""From one event to the next; a clock may be set back."""


@st.composite
def scripts(draw) -> list:
    """What a feed says in some seconds; the first is a batch or, as of a live one, its status."""
    now, events = NOW, []
    for _ in range(draw(st.integers(1, 12))):
        now += draw(STEPS)
        kind = draw(st.sampled_from(["batch"] * 6 + ["status", "rewind", "redone", "gap", "bid and ask"]))
        if kind == "status":
            events.append(
                Status(Kind.STALE, draw(st.sampled_from(["", "reconnecting", "é\x1b[2J"])), now, age_s=42.0)
            )
        elif kind == "redone":
            symbols = draw(st.frozensets(st.sampled_from(["IWM", "QQQ", "ZZZ"])))
            events.append(PrintsReplaced(symbols, draw(BATCHES), now))
        elif kind == "bid and ask":
            events.append(BidAsks({each.symbol: each for each in draw(BIDS_AND_ASKS)}, now))
        elif kind == "gap":
            events.append(Gap(frozenset({"IWM"}), now - NS, now))
        elif kind == "rewind":
            events.append(Rewind(draw(BATCHES), now))
        else:
            events.append(Batch(draw(BATCHES), now))
    return events


@given(scripts())
def test_a_replay_is_the_same_snapshots_byte_for_byte(events):
    with tempfile.TemporaryDirectory() as folder:
        before = live(events, Path(folder, "t.parquet"))
        after = replay(read_tape([Path(folder)]), speed=10.0)
    assert [as_json(s) for s in after] == [as_json(s) for s in before]


@given(scripts(), st.integers(0, 11))
def test_seeking_stands_where_the_recorded_market_stood(events, place):
    with tempfile.TemporaryDirectory() as folder:
        before = live(events, Path(folder, "t.parquet"))
        tape = read_tape([Path(folder)])
    due = tape.group_by("step", maintain_order=True).first()["at_ns"].to_list()
    place = min(place, len(due) - 1)
    last = max(i for i, ts in enumerate(due) if ts == due[place])
    # A clock that was set back across the limit of age: at the tape's own time, which never goes back, the
    # price has become stale.
    assume(before[last].as_of == from_ns(due[place]))
    supervisor = Listening(market(0), [Script(*events_as_of(tape, due[place]))], clock_ns=lambda: NOW)
    asyncio.run(supervisor.run())
    same = {"seq": 0, "as_of": from_ns(due[place])}
    now, then = (ageless(json.loads(as_json(each, **same))) for each in (supervisor.latest, before[last]))
    assert now == then


async def test_the_keys_move_a_recorded_tape_as_any_other(tmp_path):
    recorder = Recorder(tmp_path / "t")
    for i in range(10):
        take(recorder, NOW + i * NS)
    recorder.close()
    feed = TapeFeed(
        read_tape([tmp_path]), name="tape", mode=REPLAY, sleep=Clock().sleep, start_ns=NOW + 5 * NS
    )
    events = feed.events()
    assert (await anext(events)) == Status(Kind.REPLAY, "10 quotes")
    begun = [await anext(events) for _ in range(2)]
    assert [type(event) for event in begun] == [Rewind, Batch]
    assert [len(event.quotes) for event in begun] == [0, 6]
    feed.seek(-2)
    back = [await anext(events) for _ in range(2)]
    assert [len(event.quotes) for event in back] == [0, 4]
    assert feed.tape().position == from_ns(NOW + 3 * NS)
    feed.seek(1.5)
    on = [await anext(events) for _ in range(3)]
    assert [(len(event.quotes), event.as_of_ns) for event in on] == [
        (0, NOW),
        (5, NOW + 4 * NS),
        (0, NOW + 4 * NS + NS // 2),
    ]
    await events.aclose()


def test_seeking_in_a_tape_of_many_days_reads_the_newest_two(tmp_path):
    days = [date(2024, 7, day) for day in (15, 16, 17, 18)]
    prints = [Quote("IWM", at("10:00:00", day) + i, 220.0 + i) for day in days for i in range(3)]
    before = live([Batch((quote,), quote.ts_ns) for quote in prints], tmp_path / "t.parquet")
    tape = read_tape([tmp_path])
    events = events_as_of(tape, int(tape["at_ns"][-1]))
    assert [quote for event in events for quote in event.quotes] == prints[-6:]
    supervisor = Listening(market(0), [Script(*events)])
    asyncio.run(supervisor.run())
    assert as_json(supervisor.latest, seq=0) == as_json(before[-1], seq=0)


def test_at_a_high_speed_the_end_is_the_same(tmp_path):
    quotes = [Quote("IWM", NOW + i * 1_000_000, 220.0 + i % 7, seq=i, size=1) for i in range(1_500)]
    quotes[500] = Quote("IWM", NOW + 90 * NS, 300.0)  # refused by its own time, a minute ahead of it
    batches = [Batch((quote,), NOW + i * 1_000_000) for i, quote in enumerate(quotes)]
    idle = Batch((), NOW + 120 * NS)
    before = live([*batches, idle], tmp_path / "t.parquet")
    after = replay(read_tape([tmp_path]), speed=3_600.0)
    assert len(after) < 20
    assert as_json(after[-1], seq=0) == as_json(before[-1], seq=0)
    assert after[-1].health.counts.future == 1


def test_what_a_feed_said_of_itself_is_told_again_and_cannot_act_on_a_terminal(tmp_path):
    live([Status(Kind.LIVE, "connected \x1b]52;c;eA==\x07", NOW), Batch((), NOW + 1)], tmp_path / "t.parquet")
    frame = read_tape([tmp_path])
    assert frame["feed"].to_list() == ["script", "script"]
    seen = replay(frame)
    assert [feed.detail for feed in seen[0].health.feeds] == ["script LIVE connected ]52;c;eA=="]


def test_the_fed_s_news_come_back(tmp_path):
    from feeds.demo.fed import demo_fed

    news = FedNews(demo_fed(NOW), NOW + 1)
    before = live([Batch((), NOW), news, Batch((), NOW + 2)], tmp_path / "t.parquet")
    after = replay(read_tape([tmp_path]))
    assert before[-1].fed is not None
    assert [as_json(s) for s in after] == [as_json(s) for s in before]


def test_a_seek_to_before_the_fed_s_first_news_forgets_them(tmp_path):
    from feeds.demo.fed import demo_fed

    news = FedNews(demo_fed(NOW), NOW + 2)
    live([Batch((), NOW), Batch((), NOW + 1), news], tmp_path / "t.parquet")
    tape = read_tape([tmp_path])
    assert FedNews(None, NOW + 1) in events_as_of(tape, NOW + 1)
    assert not any(isinstance(event, MacroNews) for event in events_as_of(tape, NOW + 1)), "it has none"
    supervisor = Listening(market(0), [Script(*events_as_of(tape, NOW + 2), *events_as_of(tape, NOW + 1))])
    asyncio.run(supervisor.run())
    assert supervisor.latest.fed is None


EVENTS_RENAMED = (PrintsReplaced(frozenset({"IWM"}), ()), SymbolStates({}), HistoryUpdated(History.empty()))


def test_a_recording_made_before_kinds_were_values_still_plays():
    """Its rows hold words: a state of any kind, states by symbol, and a Fed without a status."""
    from feeds.demo.fed import demo_fed

    demo = msgspec.to_builtins(demo_fed(NOW))
    del demo["status"]
    for figure in (*demo["engines"].values(), *demo["contracts"]):
        del figure["status"]
    recorded = [
        ("Status", {"state": "DELAYED 15m", "detail": "2 of 2 symbols", "as_of_ns": None}),
        ("Status", {"state": "STALE 42s", "detail": "", "as_of_ns": None}),
        ("Status", {"state": "TAKEN OVER", "detail": "by another", "as_of_ns": None}),
        ("Words", {"by_symbol": {"IWM": "GAPPED"}}),
        ("FedNews", {"fed": demo | {"state": "DELAYED 10m"}, "as_of_ns": None}),
    ]
    rows = [
        (
            None,
            NOW + i,
            0,
            None,
            0,
            None,
            None,
            0,
            0,
            NOW + i,
            i,
            kind,
            "Yahoo",
            msgspec.json.encode(message).decode(),
        )
        for i, (kind, message) in enumerate(recorded)
    ]
    rows.append(("IWM", NOW, 0, 221.0, 1, None, None, 0, 0, NOW + 9, 9, "Batch", "Yahoo", None))
    frame, lost = frame_of(rows)
    assert lost == 0
    events = steps(played([frame]))
    assert [event.detail for event in events if isinstance(event, Status)] == [
        "Yahoo DELAYED 15m 2 of 2 symbols", "Yahoo STALE 42s", "Yahoo TAKEN OVER by another",
    ]  # fmt: skip
    assert {event.state for event in events if isinstance(event, Status)} == {Kind.REPLAY}
    last = replay(played([frame]))[-1]
    assert (last.legs["IWM"].last, last.fed.state, last.fed.status.kind) == (221.0, "DEMO", Kind.DEMO)


def fed_inputs(now_ns):
    """Quotes and a settlement, of a delayed strip, beside a market."""
    months = {7: 94.67, 8: 94.69, 9: 94.79, 10: 94.94}
    strip = [
        StripQuote(
            year=2024, month=month, price=price, settle=price, settle_date=date(2024, 7, 15),
            ts_ns=now_ns - 5 * NS if month != 10 else at("10:00:00", date(2024, 7, 12)),
            source="Yahoo",
        )
        for month, price in months.items()
    ]  # fmt: skip
    market = [
        OutcomeQuote(
            venue="Kalshi", contract=f"{move}", event="e", label="", year=2024, month=7, move_bp=move,
            bid=p - 0.01, ask=p + 0.01,
        )
        for move, p in ((-25, 0.08), (0, 0.9), (25, 0.02))
    ]  # fmt: skip
    return FedInputs(
        strip=tuple(strip),
        fomc_dates=(date(2024, 7, 31), date(2024, 9, 18)),
        target_range_bp=(525, 550),
        outcomes=tuple(market),
        sources={"Kalshi": Sourced(Kind.LIVE, checked_ns=now_ns - 20 * NS)},
        strip_mode=delayed(10),
    )


@pytest.mark.parametrize("made_before_s", [0, 3_600])
def test_fed_news_recorded_before_figures_had_a_status_age_as_those_of_now(made_before_s):
    known = fed(fed_inputs(NOW - made_before_s * NS), NOW)
    assert {contract.kind for contract in known.contracts} == {"last", "settlement"}
    recorded_then = msgspec.to_builtins(known)
    del recorded_then["status"]
    for figure in (*recorded_then["engines"].values(), *recorded_then["contracts"]):
        del figure["status"]
    decoded = msgspec.json.encode({"fed": recorded_then, "as_of_ns": None}).decode()
    frame, lost = frame_of([(None, NOW, 0, None, 0, None, None, 0, 0, NOW, 0, "FedNews", "Fed", decoded)])
    (news,) = steps(played([frame]))
    assert lost == 0
    for later_s in (0, 600, 1_500, 7_200, 3 * 86_400):
        old, new = (words_and_ages(aged(figures, NOW + later_s * NS)) for figures in (news.fed, known))
        assert old == new, later_s
    assert {word for word, *_ in old} == {"STALE 3d", "STALE 4d"}, "quotes, and Monday's settlement"


def words_and_ages(known):
    figures = (*known.engines.values(), *known.contracts)
    return [(figure.state, figure.age_s, figure.status.kind, figure.status.age_s) for figure in figures]


def test_a_recording_made_before_events_had_their_names_still_replaces_prints():
    rows = [
        ("IWM", NOW, 0, 231.0, 1, None, None, 0, 0, NOW, 0, "Batch", "Yahoo", None),
        ("IWM", NOW - 1, 0, 221.0, 1, None, None, 0, 0, NOW + 1, 1, "Redone", "Yahoo", '["IWM"]'),
    ]
    last = replay(played([frame_of(rows)[0]]))[-1]
    assert last.legs["IWM"].last == 221.0
    names = [row[-3] for event in EVENTS_RENAMED for row in rows_of(0, "Yahoo", event, NOW)]
    assert names == ["Redone", "Words", "Learned"], "what is written now, older programs read"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status(Kind.DELAYED, "2 of 2", delay_s=900.0), "DELAYED 15m"),
        (Status(Kind.STALE, age_s=42.0), "STALE 42s"),
        (Status(Refusal.TAKEN_OVER), "TAKEN OVER"),
        (Status(Kind.LIVE), "LIVE"),
    ],
)
def test_a_state_is_recorded_as_the_word_it_always_was(status: Status, expected: str):
    (row,) = rows_of(0, "Yahoo", status, NOW)
    assert msgspec.json.decode(row[-1])["state"] == expected


def test_history_learned_while_recording_is_not_on_the_tape_but_its_time_is(tmp_path):
    before = live(
        [Batch((), NOW), HistoryUpdated(history(), NOW + 1), Batch((), NOW + 2)], tmp_path / "t.parquet"
    )
    after = replay(read_tape([tmp_path]))
    assert [as_json(s) for s in after] == [as_json(s) for s in before]
    assert read_tape([tmp_path])["said"].null_count() == 3


def test_a_quote_that_no_tape_can_hold_is_counted_and_harms_no_other(tmp_path):
    recorder = Recorder(tmp_path / "t.parquet")
    good = Quote("IWM", NOW, 220.0)
    absurd = Quote("IWM", NOW, 221.0, seq=2**70)
    recorder.take("a", Batch((good, absurd, good), NOW), NOW)
    recorder.take("a", Batch((Quote("\ud800", NOW, 1.0),), NOW), NOW)
    recorder.close()
    assert recorder.lost == 2
    assert read_recording(recorder.paths[0])["price"].to_list() == [220.0, 220.0]


# Files


def take(recorder: Recorder, *clocks: tuple[str, date] | int) -> None:
    for clock in clocks:
        ns = clock if isinstance(clock, int) else at(*clock)
        recorder.take("a", Batch((Quote("IWM", ns, 220.0),), ns), ns)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_a_day_in_new_york_and_never_back(tmp_path):
    recorder = Recorder(tmp_path / "desk")
    monday, tuesday = date(2024, 7, 15), date(2024, 7, 16)
    take(recorder, ("23:59:59", monday), ("00:00:00", tuesday), ("23:59:58", monday), ("09:30:00", tuesday))
    recorder.close()
    assert names(tmp_path) == ["desk-2024-07-15.parquet", "desk-2024-07-16.parquet"]
    assert [read_recording(path).height for path in recorder.paths] == [1, 3]
    assert read_tape([tmp_path])["ts_ns"].to_list() == [
        at("23:59:59", monday),
        at("00:00:00", tuesday),
        at("23:59:58", monday),
        at("09:30:00", tuesday),
    ]


def test_a_large_day_goes_on_in_further_files_and_a_later_start_in_the_last(tmp_path):
    for start in (0, 7):
        recorder = Recorder(tmp_path / "t", file_rows=5)
        take(recorder, *(NOW + i for i in range(start, start + 7)))
        recorder.close()
    assert names(tmp_path) == [f"t-2024-07-16{more}.parquet" for more in (".2", ".3", "")]
    frame = read_tape([tmp_path])
    assert frame["ts_ns"].to_list() == [NOW + i for i in range(14)]
    assert frame["step"].n_unique() == 14


def test_a_file_is_readable_by_anyone_while_it_is_recorded(tmp_path):
    recorder = Recorder(tmp_path / "t")
    for i in range(200):
        take(recorder, NOW + i)
        recorder._flush()
        path = recorder.paths[0]
        assert pl.read_parquet(path).height * 9 >= (i + 1) * 8, "the Parquet file alone is never far behind"
        assert read_recording(path)["batch"].to_list() == list(range(i + 1))
    recorder.close()
    assert names(tmp_path) == ["t-2024-07-16.parquet"]
    assert pl.read_parquet(path)["batch"].to_list() == list(range(200))


def test_a_recording_made_before_bars_had_a_length_still_plays_and_goes_on(tmp_path):
    with_bars = [Batch((Quote("IWM", NOW - 1, 221.0, high=222.0, low=220.0, bar_ns=60 * NS),), NOW - 1)]
    live(with_bars, tmp_path / "t", clock_ns=lambda: NOW)
    (path,) = tmp_path.glob("*.parquet")
    assert quotes(read_tape([path]))[0].bar_ns == 60 * NS
    pl.read_parquet(path).drop("bar_ns").write_parquet(path)
    old = quotes(read_tape([path]))
    assert [(quote.high, quote.bar_ns) for quote in old] == [(222.0, 0)]
    live(with_bars, tmp_path / "t", clock_ns=lambda: NOW)
    assert [quote.bar_ns for quote in quotes(read_tape([path]))] == [0, 60 * NS]


def test_a_reader_misses_nothing_that_is_folded_while_it_reads(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path / "t")
    for i in range(22):
        take(recorder, NOW + i)
        recorder._flush()
    path = recorder.paths[0]
    assert pl.read_parquet(path).height < 22, "22 is no number of rows after which all is folded"
    real = tape_file.read_bytes

    def fold_first(read: Path) -> bytes:
        recorder._file.fold()
        return real(read)

    monkeypatch.setattr(tape_file, "read_bytes", fold_first)
    assert read_recording(path)["batch"].to_list() == list(range(22))
    recorder.close()


def test_two_recorders_do_not_share_a_file(tmp_path):
    first, second = Recorder(tmp_path / "t"), Recorder(tmp_path / "t")
    take(first, NOW)
    first._flush()
    take(second, NOW)
    with pytest.raises(InputError, match="another rotation-tui is recording into it — choose"):
        second._flush()
    second.close()
    first.close()
    take(third := Recorder(tmp_path / "t"), NOW)
    third.close()
    assert read_tape([tmp_path]).height == 2


def test_what_cannot_become_a_tape_is_refused(tmp_path):
    def record(path: Path) -> None:
        recorder = Recorder(path)
        take(recorder, NOW)
        recorder.close()

    def refused(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            record(path)
        assert " — " in str(caught.value)
        return str(caught.value)

    assert "write tape.parquet" in refused(tmp_path / "tape.csv")
    (tmp_path / "file").write_text("")
    assert "the folder cannot be created" in refused(tmp_path / "file" / "tape.parquet")
    record(tmp_path / "made" / "and made" / "tape.parquet")
    assert list((tmp_path / "made" / "and made").glob("*.parquet"))
    other = tmp_path / "tape-2024-07-16.parquet"
    pl.DataFrame({"symbol": ["IWM"], "ts_ns": [1], "price": [1.0]}).write_parquet(other)
    assert "is not a recording — choose another name" in refused(tmp_path / "tape")
    other.write_bytes(b"PAR1 torn")
    assert "is not a readable Parquet file" in refused(tmp_path / "tape")
    assert other.read_bytes() == b"PAR1 torn"
    pl.DataFrame(schema=RECORDED | {"said": pl.Int64}).write_parquet(other)
    assert "was recorded by another version" in refused(tmp_path / "tape")


def test_a_recording_without_a_row_yet_says_so(tmp_path):
    pl.DataFrame(schema=RECORDED).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="nothing has been recorded yet"):
        read_tape([tmp_path])


def test_plain_tapes_are_as_they_were_and_play_beside_a_recording(tmp_path):
    plain = pl.DataFrame({"symbol": ["QQQ", "QQQ"], "ts_ns": [NOW + 1, NOW + 1], "price": [500.0, 500.0]})
    plain.write_parquet(tmp_path / "plain.parquet")
    assert read_tape([tmp_path]).schema == pl.Schema(SCHEMA)
    assert read_tape([tmp_path]).height == 1, "bars and prints said twice are one"
    quote = Quote("IWM", NOW, 220.0)
    live([Batch((quote, quote), NOW), Batch((quote,), NOW + 2)], tmp_path / "t.parquet")
    seen = replay(read_tape([tmp_path]))
    assert [(s.legs["IWM"].last, s.legs["QQQ"].last) for s in seen][-1] == (220.0, 500.0)
    assert seen[-1].health.counts.duplicates == 2, "what was recorded twice came twice"


# Kills and full disks


class Killed(BaseException):
    """What follows does not happen."""


class Killer:
    """Counts the system calls that change files, and dies in the k-th, having written half of it."""

    def __init__(self, monkeypatch, k: int) -> None:
        self.left = k
        for name in ("write", "fsync", "ftruncate", "replace", "unlink"):
            real = getattr(os, name)
            monkeypatch.setattr(
                os, name, lambda *a, real=real, name=name, **m: self._call(real, name, *a, **m)
            )

    def _call(self, real, name, *args, **more):
        self.left -= 1
        if self.left == 0:
            if name == "write":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            raise Killed
        return real(*args, **more)


@pytest.mark.parametrize("k", range(1, CRASHES, 3))
def test_a_kill_at_any_call_loses_nothing_that_was_acknowledged(tmp_path, monkeypatch, k):
    acknowledged = 0
    with monkeypatch.context() as patch:
        killer = Killer(patch, k)
        recorder = Recorder(tmp_path / "t")
        try:
            for i in range(30):
                take(recorder, NOW + i)
                recorder._flush()
                acknowledged = i + 1
            recorder.close()
        except Killed:
            pass
        assert killer.left <= 0 or k > 90, "else the scenario ended before it was cut"
    if recorder._file is not None:
        os.close(recorder._file._journal)  # as the system does for the dead
    path = tmp_path / "t-2024-07-16.parquet"
    if acknowledged:
        assert pl.read_parquet(path).columns == list(RECORDED)
        held = read_recording(path)["batch"].to_list()
        assert held == list(range(len(held)))
        assert acknowledged <= len(held) <= acknowledged + 1
    else:
        held = []
    again = Recorder(tmp_path / "t")
    take(again, NOW + 100)
    again.close()
    assert read_recording(path)["ts_ns"].to_list()[-1] == NOW + 100
    assert read_recording(path)["batch"].to_list() == list(range(max(len(held), read_recording(path).height)))
    assert names(tmp_path) == [path.name], "no journal, nothing half written stays"


def test_what_is_acknowledged_has_been_flushed_to_the_disk(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path / "t")
    take(recorder, NOW)
    recorder._flush()
    flushed = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: flushed.append((handle, recorder._file.rows)) or real(handle)
    )
    take(recorder, NOW + 1)
    recorder._flush()
    assert flushed[0] == (recorder._file._journal, 1), "the journal first, before its rows count as kept"
    recorder.close()


def test_a_torn_or_foreign_end_of_the_journal_is_ignored(tmp_path):
    recorder = Recorder(tmp_path / "t")
    for i in range(22):
        take(recorder, NOW + i)
        recorder._flush()
    path = recorder.paths[0]
    journal = journal_of(path)
    whole = journal.read_bytes()
    assert whole, "22 is no number of rows after which all is folded"
    for end in (b"\0", b"RTJ1", b"RTJ1" + b"\xff" * 8 + b"x", os.urandom(500)):
        journal.write_bytes(whole + end)
        assert read_recording(path)["batch"].to_list() == list(range(22))
    journal.write_bytes(whole[:-1])
    assert read_recording(path).height < 22
    os.close(recorder._file._journal)


def full(monkeypatch, name: str, *, when=lambda *_: True) -> None:
    real = getattr(os, name)

    def fails(*args, **more):
        if when(*args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **more)

    monkeypatch.setattr(os, name, fails)


def test_a_full_disk_ends_the_recording_with_what_came_before(tmp_path, monkeypatch):
    quotes = [Batch((Quote("IWM", NOW + i * NS, 220.0),), NOW + i * NS) for i in range(3)]
    recorder = Recorder(tmp_path / "t.parquet", sleep=never)
    for batch in quotes:
        recorder.take("a", batch, batch.as_of_ns)
        recorder._flush()
    real = os.write

    def half(handle, data):
        real(handle, bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        take(recorder, NOW + 3 * NS)
        with pytest.raises(StorageError) as caught:
            recorder.close()
    assert re.search(
        r"t-2024-07-16.parquet: cannot be written \(No space left on device\)"
        r" — free some space or record elsewhere; everything until 10:40:02 New York is saved$",
        str(caught.value),
    )
    assert read_tape([tmp_path]).height == 3
    assert TapeFile(recorder.paths[0]).next_batch == 3


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_what_could_not_be_appended_is_not_in_the_journal(tmp_path, monkeypatch, call):
    """Half a frame, or a whole one that nobody was told is on the disk, would be read as recorded."""
    recorder = Recorder(tmp_path / "t", sleep=never)
    take(recorder, NOW)
    recorder.close()
    file = TapeFile(recorder.paths[0])
    rows = read_recording(file.path)

    def numbered(batch: int) -> pl.DataFrame:
        return rows.with_columns(pl.lit(batch, rows.schema["batch"]).alias("batch"))

    file.append(numbered(1))
    held = journal_of(file.path).read_bytes()
    real = getattr(os, call)

    def fails(handle, *data):
        real(handle, *(part[: len(part) // 2] for part in data))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        with pytest.raises(OSError, match="No space left"):
            file.append(numbered(2))
    assert journal_of(file.path).read_bytes() == held
    file.append(numbered(3))
    file.close()
    assert read_recording(file.path)["batch"].to_list() == [0, 1, 3]


def test_no_room_for_rewriting_the_file_is_no_reason_to_stop(tmp_path, monkeypatch, caplog):
    recorder = Recorder(tmp_path / "t")
    take(recorder, NOW)
    recorder._flush()
    with monkeypatch.context() as patch:
        full(patch, "replace")
        for i in range(1, 50):
            take(recorder, NOW + i)
            recorder._flush()
        recorder.close()
    assert "not folded (No space left on device); its journal stays" in caplog.text
    assert names(tmp_path) == ["t-2024-07-16.parquet", "t-2024-07-16.parquet.journal"]
    assert read_tape([tmp_path]).height == 50
    take(again := Recorder(tmp_path / "t"), NOW + 50)
    again.close()
    assert names(tmp_path) == ["t-2024-07-16.parquet"]
    assert read_tape([tmp_path])["ts_ns"].to_list() == [NOW + i for i in range(51)]


async def test_a_disk_that_fails_ends_the_run(tmp_path, monkeypatch):
    second = asyncio.Event()
    seconds = [second]

    async def sleep(_seconds: float) -> None:
        await (seconds.pop() if seconds else asyncio.Event()).wait()

    recorder = Recorder(tmp_path / "t", sleep=sleep)
    take(recorder, NOW)
    full(monkeypatch, "fsync")
    second.set()
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(500):
            await recorded(asyncio.Event().wait(), recorder)
    assert caught.group_contains(StorageError, match="cannot be written")


async def test_a_burst_is_written_before_the_second_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "FLUSH_ROWS", 10)
    recorder = Recorder(tmp_path / "t", sleep=never)
    keeping = asyncio.create_task(recorder.keep())
    take(recorder, *(NOW + i for i in range(10)))
    async with asyncio.timeout(500):
        while recorder._kept_until_ns is None:  # noqa: ASYNC110 - a thread writes
            await asyncio.sleep(0.001)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert read_recording(recorder.paths[0]).height == 10
    recorder.close()


def test_what_waits_for_the_disk_is_bounded(tmp_path):
    recorder = Recorder(tmp_path / "t", rows_max=100)
    take(recorder, *(NOW + i for i in range(99)))
    with pytest.raises(StorageError, match="the disk cannot keep up"):
        take(recorder, NOW + 99)
    recorder.close()
    assert read_tape([tmp_path]).height == 100
