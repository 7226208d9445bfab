"""Alpaca's closes and splits behind a session's prints: a raw close is put on the session's scale first."""

from __future__ import annotations

from datetime import date

import pytest

from feeds.errors import SourceError
from feeds.http.cached import CachedClient
from feeds.streaming.requests import Reference
from feeds.vendors.alpaca.actions import parse_splits
from feeds.vendors.alpaca.stream import Alpaca
from rotation.quote import NS
from rotation.sessions import hours
from tests.support.servers.alpaca import AlpacaRestServer, Tape, rfc3339
from tests.support.servers.rest import Reply

DAY, MONDAY, FRIDAY = date(2024, 7, 16), date(2024, 7, 15), date(2024, 7, 12)
EARLY_NS = hours(DAY)[0] + 60 * NS
SYMBOLS = frozenset({"IWM", "QQQ", "BRK-B"})


def tape(iwm: float = 110.0, **more) -> Tape:
    """Two shares of IWM from one on DAY; closes are raw."""
    latest = {"IWM": iwm, "QQQ": 495.4, "BRK.B": 437.0}
    days = {"IWM": 219.0, "QQQ": 494.8, "BRK.B": 436.9}
    return Tape(
        days={name: [(FRIDAY, close + 1.0), (MONDAY, close)] for name, close in days.items()},
        splits={"IWM": (DAY, 2.0)},
        latest={name: {"t": rfc3339(EARLY_NS), "p": price, "s": 100, "c": ["@"], "i": 1, "z": "B"}
                for name, price in latest.items()},
        **more,
    )  # fmt: skip


async def reference(monkeypatch, server) -> Reference:
    monkeypatch.setenv("ROTATION_TUI_ALPACA_REST_URL", server.url)
    async with CachedClient(clock_ns=lambda: EARLY_NS, tries=1) as http:
        vendor = Alpaca("PKTEST", "secret", http, clock_ns=lambda: EARLY_NS)
        return await vendor.reference(SYMBOLS, DAY)


async def test_a_raw_close_is_divided_by_the_listed_split(monkeypatch):
    async with AlpacaRestServer(tape(), now_ns=EARLY_NS) as server:
        answer = await reference(monkeypatch, server)
    assert answer == Reference({"IWM": 109.5, "QQQ": 494.8, "BRK-B": 436.9}, {"IWM": 2.0})


async def test_before_the_first_print_the_newest_trade_is_still_on_the_old_scale(monkeypatch):
    async with AlpacaRestServer(tape(iwm=219.0), now_ns=EARLY_NS) as server:
        assert (await reference(monkeypatch, server)).closes["IWM"] == 109.5


async def test_a_raw_close_of_before_a_split_that_the_list_lacks_says_nothing(monkeypatch):
    """It would mark a history that is right already; where history is not, nothing here can tell."""
    async with AlpacaRestServer(tape(unlisted=frozenset({"IWM"})), now_ns=EARLY_NS) as server:
        assert await reference(monkeypatch, server) == Reference({"QQQ": 494.8, "BRK-B": 436.9})


async def test_closes_of_another_session_are_no_previous_closes(monkeypatch):
    old = tape()
    old.days["QQQ"].pop()
    async with AlpacaRestServer(old, now_ns=EARLY_NS) as server:
        assert "QQQ" not in (await reference(monkeypatch, server)).closes


async def test_without_the_list_nothing_is_compared(monkeypatch):
    async with AlpacaRestServer(tape(), Reply(b'{"message":"forbidden"}', 403), now_ns=EARLY_NS) as server:
        with pytest.raises(SourceError, match="Alpaca"):
            await reference(monkeypatch, server)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (b'{"forward_splits":[{"symbol":"IWM","new_rate":2,"old_rate":1,"ex_date":"2024-07-16"}]}', 2.0),
        (b'{"reverse_splits":[{"symbol":"IWM","new_rate":1,"old_rate":10,"ex_date":"2024-07-16"}]}', 0.1),
        (b'{"unit_splits":[{"old_symbol":"IWM","new_rate":3,"old_rate":2,"effective_date":"2024-07-16"}]}',
         1.5),
        (b'{"forward_splits":[{"symbol":"IWM","new_rate":0,"old_rate":1,"ex_date":"2024-07-16"}]}', None),
        (b'{"forward_splits":[{"symbol":"IWM","new_rate":2,"old_rate":1,"ex_date":"soon"}]}', None),
        (b'{"forward_splits":[{"new_rate":2,"old_rate":1,"ex_date":"2024-07-16"}]}', None),
        (b"{}", None),
    ],
)  # fmt: skip
def test_the_list_as_documented(action, expected):
    result = parse_splits(b'{"corporate_actions":' + action + b',"next_page_token":null}')
    assert result == ({} if expected is None else {("IWM", DAY): expected})
