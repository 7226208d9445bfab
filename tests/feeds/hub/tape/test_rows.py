"""The tape in messages is the tape of a recorder: whatever is cut, lost, sent twice or handed over."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.events import Batch, BidAsks, Gap, PrintsReplaced, Status
from feeds.hub.tape import writer as writer_module
from feeds.hub.tape.reader import TapeReader
from feeds.hub.tape.writer import HEADERS, TapeWriter
from feeds.hub.wire.codec import OtherVersion, decode, encode, pack
from feeds.hub.wire.messages import SCHEMA, TapeMessage
from feeds.tapes.recording import frame_of, played, rows_of, steps
from rotation.quote import NS, Nbbo, Quote
from rotation.status import Kind
from tests.feeds.tapes.test_recorder import NOW, at, scripts

DAY = "tape.2024-07-16"


def times(events):
    """When a supervisor would have taken each of them."""
    at_ns = NOW
    for event in events:
        at_ns = getattr(event, "as_of_ns", None) or at_ns
        yield event, at_ns


def expected(events):
    rows = [
        row for i, (event, at_ns) in enumerate(times(events)) for row in rows_of(i, "script", event, at_ns)
    ]
    return frame_of(rows)[0]


def messages(events, *, places=(), max_bytes=2**20, epoch=1, before_ns=None):
    """What a hub sends that looks at its tape after each of these ``places``."""
    writer = TapeWriter(epoch=epoch, max_bytes=max_bytes)
    writer.begin(before_ns)
    made = []
    for i, (event, at_ns) in enumerate(times(events)):
        writer.take("script", event, at_ns)
        if i in places:
            made += writer.chunks()
    return [*made, *writer.chunks()]


def read(made, **options):
    reader = TapeReader(**options)
    parts = [rows for each in made if (rows := reader.take(each.subject, each.data)) is not None]
    return pl.concat(parts), reader


@given(scripts(), st.frozensets(st.integers(0, 11)), st.sampled_from([2**20, HEADERS + 300]))
def test_what_is_read_is_what_was_taken(events, places, max_bytes):
    made = messages(events, places=places, max_bytes=max_bytes)
    rows, reader = read(made)
    assert rows.equals(expected(events))
    assert reader.gaps == 0
    assert [each.seq for each in made] == list(range(1, len(made) + 1))
    assert all(len(each.data) <= max_bytes for each in made)


@given(scripts(), st.data())
def test_what_comes_twice_counts_once_and_what_does_not_come_is_marked(events, data):
    made = messages(events, places=range(12))
    lost = data.draw(st.sampled_from(made))
    twice = [each for each in made if each is not lost for _ in range(2)]
    if not twice:
        return
    rows, reader = read(twice)
    whole = expected(events)
    marked = rows.filter(pl.col("feed") == "hub")
    kept = whole.filter(pl.col("batch") != int(decode(lost.subject, lost.data).seq) - 1)
    assert rows.filter(pl.col("feed") != "hub").drop("batch").equals(kept.drop("batch"))
    is_inside = 1 < lost.seq < made[-1].seq
    assert reader.gaps == is_inside
    assert marked["kind"].to_list() == (["Gap", "Status"] if is_inside else [])
    assert rows["batch"].is_sorted()


def test_an_event_that_was_cut_in_two_is_one_event_again():
    bars = tuple(Quote("IWM", NOW - i * NS, 221.0 + i, size=i) for i in range(300))
    made = messages(
        [PrintsReplaced(frozenset({"IWM"}), bars, NOW), Batch((), NOW + NS)], max_bytes=HEADERS + 900
    )
    assert len(made) > 2
    first, second = steps(played([read(made)[0]]))
    assert first.quotes == bars
    assert second == Batch((), NOW + NS)


def test_another_hub_says_what_is_missing_and_begins_anew():
    old = messages([Batch((Quote("IWM", NOW, 221.0),), NOW)])
    new = messages([Batch((Quote("IWM", NOW + 9 * NS, 222.0),), NOW + 9 * NS)], epoch=2, before_ns=NOW)
    rows, reader = read([*old, *new, *old])  # a paused hub that wakes is the older one
    assert rows["kind"].to_list() == ["Batch", "Gap", "Status", "Rewind", "Batch"]
    gap = msgspec.json.decode(rows["said"][1], type=Gap)
    assert (gap.start_ns, gap.end_ns) == (NOW, NOW + 9 * NS)
    assert '"the tape lacks 10:40:00 to 10:40:09 New York"' in rows["said"][2]
    assert rows["batch"].to_list() == [0, 1, 2, 3, 4]
    assert reader.gaps == 0


def test_a_tape_whose_beginning_has_gone_says_so_where_it_was_expected():
    made = messages([Batch((), NOW), Batch((), NOW + NS)], places=(0,))
    assert read(made[1:])[0]["kind"].to_list() == ["Batch"]
    rows, _ = read(made[1:], is_whole=True)
    assert rows["kind"].to_list() == ["Gap", "Status", "Batch"]
    assert "lacks 00:00:00 to 10:40:01" in rows["said"][1]


def test_what_waits_too_long_is_left_out_and_the_tape_says_so():
    writer = TapeWriter(epoch=1, rows_max=2)
    for second in range(5):
        writer.take("script", Batch((Quote("IWM", NOW, 221.0),)), NOW + second * NS)
    rows, _ = read(writer.chunks())
    assert rows["kind"].to_list() == ["Batch", "Batch", "Gap", "Status"]
    gap = msgspec.json.decode(rows["said"][2], type=Gap)
    assert (gap.start_ns, gap.end_ns) == (NOW + 2 * NS, NOW + 4 * NS)
    assert writer.lost == 3
    writer.take("script", Batch(()), NOW + 5 * NS)
    assert len(writer.chunks()) == 1


def test_bids_and_asks_count_by_the_symbol():
    writer = TapeWriter(epoch=1, rows_max=5)
    books = {name: Nbbo(name, 10.0, 10.1, NOW) for name in ("IWM", "QQQ", "SPY")}
    for _ in range(3):
        writer.take("script", BidAsks(books), NOW)
    assert writer.lost == 6


def test_a_gap_between_clocks_that_differ_runs_forward():
    new = messages([Batch((), NOW)], epoch=2, before_ns=NOW + 2 * NS)
    rows, _ = read(new)
    gap = msgspec.json.decode(rows["said"][0], type=Gap)
    assert (gap.start_ns, gap.end_ns) == (NOW, NOW + 2 * NS)
    assert "lacks 10:40:00 to 10:40:02" in rows["said"][1]


def test_a_row_that_no_server_takes_is_a_gap():
    long = "".join(chr(i) for i in range(300, 3000))
    made = messages([Status(Kind.STALE, long, NOW)], max_bytes=HEADERS + 300)
    assert read(made)[0]["kind"].to_list() == ["Gap"]


def test_each_day_has_its_own_subject_and_a_clock_set_back_does_not_return():
    events = [Batch((), at("23:59:59")), Batch((), at("00:00:01") + 86_400 * NS), Batch((), at("23:59:58"))]
    assert [each.subject for each in messages(events)] == [DAY, "tape.2024-07-17"]


def test_many_rows_are_several_messages(monkeypatch):
    monkeypatch.setattr(writer_module, "CHUNK_ROWS", 10)
    events = [Batch((Quote("IWM", NOW, 221.0),) * 4, NOW) for _ in range(9)]
    assert len(messages(events)) == 3


GOOD = messages([Batch((Quote("IWM", NOW, 221.0),), NOW)])[0]


def changed(**fields):
    return encode(msgspec.structs.replace(decode(GOOD.subject, GOOD.data), **fields))


@given(st.one_of(st.binary(), st.binary().map(pack).map(lambda body: changed(columns=body))))
def test_hostile_bytes_are_counted_and_change_nothing(data):
    reader = TapeReader()
    reader.take(GOOD.subject, GOOD.data)
    assert reader.take(DAY, data) is None
    assert reader.hostile == 1


def test_columns_that_no_tape_has_are_refused():
    columns = msgspec.msgpack.decode(__import__("zlib").decompress(decode(GOOD.subject, GOOD.data).columns))
    for place, value in ((0, [1]), (1, ["x"]), (3, [None, 1.0]), (10, [-1]), (10, [2**60]), (11, [None])):
        body = [*columns]
        body[place] = value
        reader = TapeReader()
        assert reader.take(DAY, changed(columns=pack(msgspec.msgpack.encode(body)), seq=2)) is None
        assert reader.hostile == 1
    assert TapeReader().take(DAY, changed(rows=2, seq=2)) is None


def test_another_version_is_an_error_and_not_noise():
    later = msgspec.msgpack.encode([SCHEMA + 1, "whatever"])
    with pytest.raises(OtherVersion, match="update this program"):
        TapeReader().take(DAY, later)
    assert isinstance(decode(GOOD.subject, GOOD.data), TapeMessage)


def test_a_hub_that_found_an_empty_stream_begins_anew_all_the_same():
    """The stream was made anew; who has read the old one plays no second market on top of the first."""
    old = messages([Batch((Quote("IWM", NOW, 221.0),), NOW)])
    new = messages([Batch((Quote("IWM", NOW + 9 * NS, 222.0),), NOW + 9 * NS)], epoch=2)
    rows, reader = read([*old, *new])
    assert rows["kind"].to_list() == ["Batch", "Gap", "Status", "Rewind", "Batch"]
    assert rows["batch"].to_list() == [0, 1, 2, 3, 4]
    gap = msgspec.json.decode(rows["said"][1], type=Gap)
    assert (gap.start_ns, gap.end_ns) == (NOW, NOW + 9 * NS)
    assert reader.gaps == 1


def test_a_hub_whose_first_messages_have_gone_begins_anew():
    old = messages([Batch((Quote("IWM", NOW, 221.0),), NOW)])
    later = [Batch((Quote("IWM", NOW + i * NS, 222.0),), NOW + i * NS) for i in (9, 10)]
    new = messages(later, places=(0,), epoch=2, before_ns=NOW)
    rows, reader = read([*old, *new[1:]])
    assert rows["kind"].to_list() == ["Batch", "Gap", "Status", "Rewind", "Batch"]
    assert reader.gaps == 1


def test_what_is_let_go_is_counted_and_marked_from_its_first_event_on():
    writer = TapeWriter(epoch=1)
    for second in range(3):
        writer.take("script", Batch((Quote("IWM", NOW, 221.0),)), NOW + second * NS)
    writer.leave_out()
    writer.take("script", Batch((Quote("IWM", NOW, 221.0),)), NOW + 3 * NS)  # nobody has asked for chunks
    writer.leave_out()
    assert writer.lost == 4
    made = writer.chunks()
    writer.take("script", Batch((Quote("IWM", NOW, 222.0),)), NOW + 4 * NS)
    rows, _ = read([*made, *writer.chunks()])
    assert rows["kind"].to_list() == ["Gap", "Status", "Batch"]
    gap = msgspec.json.decode(rows["said"][0], type=Gap)
    assert (gap.start_ns, gap.end_ns) == (NOW, NOW + 3 * NS)
