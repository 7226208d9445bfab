"""Who brings the quotes: the order, the key that is lacking, the next one where a vendor says no."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing

import pytest

from feeds.desk import choose
from feeds.desk.choose import by_vendor
from feeds.errors import InputError
from feeds.events import Batch, Status, Stream
from feeds.http.cached import CachedClient
from feeds.keys.preference import why
from feeds.streaming.failover import Failover
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.stream import Massive
from rotation.status import CONSOLIDATED, LIVE, delayed
from rotation.wording import mode_word
from tests.support.fake_time import FakeTime, settle
from tests.support.fault_table import FIRST, Exchange, prints
from tests.support.servers import massive
from tests.support.servers.alpaca import Answers
from tests.support.servers.ws import READY, STAY, Refuse
from tests.support.subjects import ALPACA, MASSIVE, NOWHERE, SYMBOLS, YAHOO, Subject
from tui.settings.values import ALONE, DEMO_FEED, FEEDS

ALPACA_KEYS = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": "secret-1"}
ALL_KEYS = ALPACA_KEYS | {"MASSIVE_API_KEY": "massive-key-1", "FINNHUB_API_KEY": "finnhub-key-1"}
SIP = Subject(**vars(ALPACA) | {"vendor": lambda: Alpaca("a-key", "a-secret", NOWHERE, feed="sip")})
REFUSED = (Answers(auth=(402,)), READY, STAY)
GOOD = (READY, *prints(YAHOO, FIRST), STAY)


@pytest.fixture(autouse=True)
def no_keys_here(monkeypatch, tmp_path):
    """Neither a keyring nor a file of the person who runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


async def named(choice: str, environ: dict[str, str]) -> list[str]:
    async with CachedClient() as http:
        result = choose.vendors(choice, SYMBOLS, http, FakeTime(), environ)
        return [f"{vendor.name} {mode_word(vendor.mode)}" for vendor in result]


@pytest.mark.parametrize(
    ("choice", "environ", "names"),
    [
        ("auto", {}, ["Yahoo LIVE"]),
        ("auto", ALPACA_KEYS, ["Alpaca SIP LIVE", "Alpaca LIVE", "Yahoo LIVE"]),
        (
            "auto",
            ALL_KEYS,
            [
                *("Alpaca SIP LIVE", "Massive LIVE", "Massive DELAYED 15m"),
                *("Alpaca LIVE", "Finnhub LIVE", "Yahoo LIVE"),
            ],
        ),
        ("auto", {"POLYGON_API_KEY": "old"}, ["Massive LIVE", "Massive DELAYED 15m", "Yahoo LIVE"]),
        ("alpaca-sip", ALL_KEYS, ["Alpaca SIP LIVE"]),
        ("yahoo", ALL_KEYS, ["Yahoo LIVE"]),
        ("alpaca", ALL_KEYS, ["Alpaca LIVE"]),
        ("alpaca-delayed", ALL_KEYS, ["Alpaca DELAYED 15m"]),
        ("massive-delayed", ALL_KEYS, ["Massive DELAYED 15m"]),
        ("finnhub", ALL_KEYS, ["Finnhub LIVE"]),
        ("yahoo,alpaca", ALL_KEYS, ["Yahoo LIVE", "Alpaca LIVE"]),
        ("finnhub,alpaca-delayed,yahoo", ALPACA_KEYS, ["Alpaca DELAYED 15m", "Yahoo LIVE"]),
        ("massive,yahoo,demo", ALPACA_KEYS, ["Yahoo LIVE"]),
        ("alpaca,demo", ALPACA_KEYS, ["Alpaca LIVE"]),
    ],
)
async def test_the_order(choice, environ, names):
    assert await named(choice, environ) == names


@pytest.mark.parametrize("choice", [name for name in choose.NAMES if name not in {"auto", "yahoo"}])
async def test_a_feed_without_its_key_is_one_line_that_says_what_to_do(choice):
    with pytest.raises(InputError) as caught:
        await named(choice, {})
    feed = choice.partition("-")[0]
    assert str(caught.value) == f"--feed {choice}: needs a key — see: rotation-tui config key set {feed}"


async def test_a_list_of_which_none_has_its_key_is_one_line():
    with pytest.raises(InputError) as caught:
        await named("massive,alpaca", {})
    assert str(caught.value) == (
        "--feed massive,alpaca: none of them has its key — see: rotation-tui config key set massive; "
        "yahoo needs none"
    )


def test_a_list_says_its_order_and_what_is_left_out():
    why = choose.why_chosen("massive,alpaca,yahoo,demo", ALPACA_KEYS)
    assert why == "your order: Alpaca IEX, else Yahoo; left out, no key: Massive"
    assert choose.why_chosen("yahoo,alpaca", ALPACA_KEYS) == "your order: Yahoo, else Alpaca IEX"


def test_only_the_demo_is_left_where_no_vendor_of_a_list_has_its_key():
    assert choose.why_demo("massive,alpaca,demo", {}) == "no key for Massive, Alpaca IEX"
    for choice, environ in (
        ("massive,alpaca,demo", ALPACA_KEYS), ("yahoo,demo", {}), ("massive,alpaca", {}), ("auto", {}),
    ):  # fmt: skip
        assert choose.why_demo(choice, environ) == ""


def test_the_command_line_knows_the_same_names():
    assert sorted(FEEDS) == sorted((*choose.NAMES, "nats")), "a hub is no vendor"
    assert DEMO_FEED == choose.DEMO
    for name in choose.NAMES:
        if name not in ALONE:
            assert choose.label(name)


@contextlib.asynccontextmanager
async def driven(monkeypatch, *subjects_and_scripts, reason=""):
    """An Failover over these vendors, its time and what it told; nothing may be left of it."""
    before = asyncio.all_tasks()
    time = FakeTime()
    async with contextlib.AsyncExitStack() as stack:
        servers, made = [], []
        for subject, *scripts in subjects_and_scripts:
            server = await stack.enter_async_context(subject.server(*scripts))
            monkeypatch.setenv(f"ROTATION_TUI_{subject.name.upper()}_STREAM_URL", server.url)
            servers.append(server)
            vendor = subject.vendor()
            vendor.url = server.url  # two vendors may share the name of a variable
            made.append(by_vendor(Exchange(vendor, FIRST, time), SYMBOLS, {}, time, list.clear))
        feed = Failover(CachedClient(), made, time=time, why=reason)
        result: list[object] = []

        async def drive() -> None:
            async with aclosing(feed.events()) as events:
                async for event in events:
                    await asyncio.sleep(0)
                    result.append(event)

        task = asyncio.create_task(drive())
        await settle()
        yield feed, time, result, servers
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await settle()
    assert {each for each in asyncio.all_tasks() - before if not each.done()} == set()


def last_status(events) -> Status:
    return [event for event in events if isinstance(event, Status)][-1]


async def test_a_refused_key_hands_over_to_yahoo_and_says_why(monkeypatch):
    async with driven(monkeypatch, (ALPACA, REFUSED), (YAHOO, GOOD)) as (feed, time, result, servers):
        await time.passing(5)
        assert (feed.name, feed.mode, feed.symbols) == ("Yahoo", LIVE, frozenset(SYMBOLS))
        assert isinstance(feed, Stream)
        assert last_status(result) == Status(
            "LIVE", "Alpaca: AUTH_FAILED (key or secret is wrong (402)); 3 of 3 symbols"
        )
        prices = {quote.symbol: quote.price for e in result if isinstance(e, Batch) for quote in e.quotes}
        assert prices == FIRST
        assert feed.stats().connections == 1
        tasks = len(asyncio.all_tasks())
        await time.passing(3600, step=30)
        assert servers[0].upgrades == 1, "a bad key is not tried again"
        assert len(asyncio.all_tasks()) <= tasks + 2


NO_PLAN = (READY, massive.array(massive.status("error", "You don't have access real-time data.")), STAY)


async def test_a_plan_without_the_tape_falls_to_the_next_best_and_health_says_why(monkeypatch):
    """409 for SIP, no real-time for Massive: its delayed host is in charge, before IEX and Yahoo."""
    no_sip = (Answers(auth=(409,)), READY, STAY)
    late = Subject(**vars(MASSIVE) | {"vendor": lambda: Massive(massive.KEY, NOWHERE, delayed=True)})
    late_good = (READY, *prints(MASSIVE, FIRST, -900), STAY)
    order = why({"alpaca", "massive"})
    rows = ((SIP, no_sip), (MASSIVE, NO_PLAN), (late, late_good), (ALPACA, GOOD), (YAHOO, GOOD))
    async with driven(monkeypatch, *rows, reason=order) as (feed, time, result, servers):
        await time.passing(10)
        assert (feed.name, feed.mode) == ("Massive", delayed(15, CONSOLIDATED))
        status = last_status(result)
        assert status.state == "DELAYED"
        assert status.detail.startswith(
            "Alpaca SIP: AUTH_FAILED (the plan does not include this feed (409)); "
        )
        assert "; Massive: AUTH_FAILED (the key's plan has no real-time data" in status.detail
        assert status.detail.endswith(f"; {order}")
        assert [server.upgrades for server in servers] == [1, 1, 1, 0, 0]


def test_why_names_the_order():
    assert why(()) == "auto: Yahoo, as there is no key"
    assert why({"alpaca"}) == "auto: Alpaca SIP, else Alpaca IEX, Yahoo"
    assert choose.why_chosen("alpaca", ALL_KEYS) == ""
    assert choose.why_chosen("auto", ALPACA_KEYS) == why({"alpaca"})


async def test_one_after_the_other_down_to_the_one_without_a_key(monkeypatch):
    taken = (READY, massive.array(massive.status("max_connections")), STAY)
    vendors = ((ALPACA, Refuse(402)), (MASSIVE, taken), (YAHOO, GOOD))
    async with driven(monkeypatch, *vendors) as (feed, time, result, _):
        await time.passing(8)
        assert feed.name == "Yahoo"
        detail = last_status(result).detail
        assert detail.startswith("Alpaca: AUTH_FAILED (HTTP 402: refused, will not retry); ")
        assert "; Massive: TAKEN OVER (" in detail


async def test_the_only_one_asked_for_stays_refused(monkeypatch):
    async with driven(monkeypatch, (ALPACA, REFUSED)) as (feed, time, result, servers):
        await time.passing(600, step=10)
        assert feed.name == "Alpaca"
        assert last_status(result).state == "AUTH_FAILED"
        assert servers[0].upgrades == 1
