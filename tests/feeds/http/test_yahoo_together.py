"""One source, however many ask it: a 429 holds all of them back; a second address stands in."""

from __future__ import annotations

import pytest

from feeds.clock import Pace
from feeds.errors import InputError
from feeds.http import exchange
from feeds.http.client import HttpClient, Limits
from feeds.http.exchange import AGENT, user_agent
from feeds.http.failure import RequestError
from feeds.vendors.yahoo.address import HOME
from tests.support.servers.rest import Reply, RestServer, fault, ok


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.refusals = Pace(random=lambda: 0.5)

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def client(self, tries: int = 2) -> HttpClient:
        return HttpClient(
            Limits(tries=tries),
            clock_ns=lambda: 1_721_174_400 * 10**9,
            monotonic=lambda: self.now_s,
            sleep=self.sleep,
            random=lambda: 0.5,
            refusals=self.refusals,
        )


@pytest.fixture
def twins(monkeypatch):
    """Make one source of two servers."""

    def make(first: RestServer, second: RestServer) -> None:
        pair = (first.url, second.url)
        monkeypatch.setattr(exchange, "GROUPS", dict.fromkeys(pair, "Yahoo"))
        monkeypatch.setattr(exchange, "TWINS", dict(zip(pair, reversed(pair), strict=True)))

    return make


@pytest.mark.parametrize("bad", [fault(500), Reply(b"x" * 99, cut=True)])
async def test_the_second_address_answers_for_the_first(twins, bad):
    clock = Clock()
    async with RestServer(bad) as first, RestServer(ok(b"[1]")) as second, clock.client() as client:
        twins(first, second)
        assert await client.get(first.url + "/a?b=c", parse=bytes) == b"[1]"
        assert [request.path for request in second.requests] == ["/a?b=c"]
        assert clock.now_s == 0.0, "without a wait"


async def test_while_the_first_cannot_be_reached_the_second_is_asked_first(twins):
    clock = Clock()
    async with RestServer() as first, RestServer(ok(b"[1]")) as second, clock.client() as client:
        twins(first, second)
        gone = first.url
        await first.__aexit__()
        for count in (1, 2, 3):
            assert await client.get(f"{gone}/{count}", parse=bytes) == b"[1]"
        assert len(second.requests) == 3


async def test_a_429_holds_back_every_client_of_the_source(twins):
    clock = Clock()
    async with RestServer(fault(429, retry_after="50")) as first, RestServer(ok(b"[1]")) as second:
        twins(first, second)
        async with clock.client() as quotes, clock.client() as history:
            with pytest.raises(RequestError, match="HTTP 429"):
                await quotes.get(first.url + "/a", parse=bytes)
            for client, url in ((quotes, second.url), (history, first.url), (history, second.url)):
                with pytest.raises(RequestError, match="HTTP 429") as caught:
                    await client.get(url + "/b", parse=bytes)
                assert not caught.value.asked
                assert caught.value.next_try_s == pytest.approx(50, abs=1)
            assert (len(first.requests), len(second.requests)) == (1, 0)
            clock.now_s += 51
            assert await history.get(second.url + "/b", parse=bytes) == b"[1]"


def test_yahoo_has_two_addresses():
    assert exchange.TWINS[f"{HOME}:"] == "https://query1.finance.yahoo.com:"


async def test_the_user_agent_can_be_set(monkeypatch):
    async with RestServer(ok(b"[1]")) as server, Clock().client() as client:
        await client.get(server.url, parse=bytes)
        monkeypatch.setenv("ROTATION_TUI_USER_AGENT", "Mozilla/5.0")
        await client.get(server.url, parse=bytes)
        assert [request.headers["user-agent"] for request in server.requests] == [AGENT, "Mozilla/5.0"]


@pytest.mark.parametrize("wrong", ["a\r\nx-key: 1", "é", "x" * 301])
def test_a_user_agent_that_is_no_header_is_refused(wrong):
    with pytest.raises(InputError, match="ROTATION_TUI_USER_AGENT"):
        user_agent({"ROTATION_TUI_USER_AGENT": wrong})


def test_it_is_refused_before_anything_is_asked(monkeypatch):
    monkeypatch.setenv("ROTATION_TUI_USER_AGENT", "é")
    with pytest.raises(InputError, match="printable ASCII"):
        HttpClient()
