"""A tape of prices tells the Fed of its time, forwards and back, and nothing that settled later."""

from __future__ import annotations

from datetime import date

from feeds.events import Batch, FedNews, MacroNews, Rewind, Status
from feeds.fed.store import FedStore, Settlement
from feeds.fed.then.fed_at import after_close, fed_then
from feeds.fed.then.replayed import EVERY_NS, WithThen
from rotation.fed.prices import settled_ns
from rotation.history import History
from rotation.macro.figures import Macro
from rotation.market.market import Market
from rotation.quote import NS
from rotation.sessions import close_ns, open_ns
from rotation.status import REPLAY, Kind

DAY = date(2024, 7, 16)
JULY_15 = {(2024, 7): 94.67, (2024, 8): 94.69, (2024, 9): 94.79, (2024, 10): 94.94}
JULY_16 = {(2024, 7): 94.67, (2024, 8): 94.69, (2024, 9): 94.74, (2024, 10): 94.84}


def kept(folder):
    with FedStore(folder) as store:
        store.settle_all(
            Settlement(*month, day, price, "file", settled_ns(DAY))
            for day, prices in ((date(2024, 7, 15), JULY_15), (DAY, JULY_16))
            for month, price in prices.items()
        )
    return fed_then(folder)


class Tape:
    name, mode = "tape", REPLAY

    def __init__(self, *events):
        self._events = events

    def tape(self):
        return None

    async def events(self):
        for event in self._events:
            yield event


async def test_each_half_hour_tells_it_once_and_a_seek_back_tells_what_was_known_then(tmp_path):
    morning, evening = open_ns(DAY), close_ns(DAY)
    tape = Tape(
        Status(Kind.REPLAY, "4 quotes"),
        Batch((), morning),
        Batch((), morning + NS),
        Batch((), evening),
        Rewind((), morning + EVERY_NS),
    )
    events = [event async for event in WithThen(tape, kept(tmp_path).at).events()]
    news = [event for event in events if isinstance(event, FedNews)]
    assert [type(event).__name__ for event in events] == [
        "Status", "Batch", "FedNews", "Batch", "Batch", "FedNews", "Rewind", "FedNews",
    ]  # fmt: skip
    assert [each.as_of_ns for each in news] == [morning, evening, morning + EVERY_NS]
    settled = [each.fed.engines["futures"].kind for each in news]
    assert settled == [f"settlement of {day} Jul 2024" for day in (15, 16, 15)]


async def test_a_seek_back_to_before_anything_was_known_forgets_what_came_later(tmp_path):
    now, then = open_ns(DAY), open_ns(date(2004, 7, 16))
    known = kept(tmp_path).at
    macro = Macro((), None, (), None, (), {}, ())
    tape = Tape(Batch((), now), Rewind((), then), Batch((), then + EVERY_NS))
    feed = WithThen(tape, known, lambda at_ns: macro if at_ns >= now else None)
    assert [event async for event in feed.events() if isinstance(event, FedNews | MacroNews)] == [
        FedNews(known(now), now),
        MacroNews(macro, now),
        FedNews(None, then),
        MacroNews(None, then),
    ]
    market = Market(History.empty(), as_of_ns=then)
    market.take_fed(known(now))
    market.take_macro(macro)
    market.take_fed(None)
    market.take_macro(None)
    snapshot = market.apply((), as_of_ns=then)
    assert (snapshot.fed, snapshot.macro) == (None, None)


async def test_where_nothing_was_known_nothing_is_told(tmp_path):
    assert fed_then(tmp_path) is None
    long_ago = date(2004, 7, 16)
    tape = Tape(Batch((), open_ns(long_ago)))
    assert [event async for event in WithThen(tape, kept(tmp_path).at).events()] == [
        Batch((), open_ns(long_ago))
    ]


def test_a_close_knows_its_own_day_s_settlements(tmp_path):
    """October's rate less August's, by hand: 25 bp are one cut, whole; 15 bp three fifths of one."""
    then = after_close(kept(tmp_path))
    cuts = [then(day).meetings[1].local["-25"] for day in (date(2024, 7, 15), DAY)]
    assert [round(cut, 6) for cut in cuts] == [1.0, 0.6]
    assert then(date(2004, 7, 16)) is None
