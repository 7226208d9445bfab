"""REST follows a redirect within the same site over https, never a key, never to plain http."""

from __future__ import annotations

import httpx
import pytest

from feeds.errors import InputError
from feeds.http.client import HttpClient, Limits
from feeds.http.failure import RequestError
from feeds.http.redirects import is_same_site
from feeds.parsing.wire import ALLOW_INSECURE, address
from tests.support.servers.rest import Reply, RestServer, ok


def moved(location: str, status: int = 302) -> Reply:
    return Reply(b"moved", status, {"Location": location})


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("https://query2.finance.yahoo.com/a", "https://query1.finance.yahoo.com/b", True),
        ("https://stooq.com/a", "https://www.stooq.com/a", True),
        ("https://www.stooq.com/a", "https://stooq.com/a", True),
        ("https://stooq.com/a", "https://stooq.pl/a", False),
        ("https://a.example.co.uk/", "https://b.example.co.uk/", True),
        ("https://a.example.co.uk/", "https://other.co.uk/", False),
        ("https://yahoo.com/", "https://evilyahoo.com/", False),
        ("https://yahoo.com/", "https://yahoo.com.evil.com/", False),
        ("https://yahoo.com/", "http://yahoo.com/", False),
        ("https://yahoo.com:8443/", "http://yahoo.com:8443/", False),
        ("http://yahoo.com/", "https://yahoo.com/", True),
        ("https://yahoo.com/", "https://yahoo.com:8443/", False),
        ("https://yahoo.com/", "https://user:secret@yahoo.com/", False),
        ("https://10.0.0.1/", "https://10.9.0.1/", False),
        ("https://10.0.0.1/", "https://10.0.0.1/b", True),
        ("https://yahoo.com/", "ftp://yahoo.com/", False),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80/b", True),
        ("http://127.0.0.1:80/", "http://127.0.0.1:81/b", False),
        ("https://com/", "https://evil.com/", False),
    ],
)
def test_the_same_site(old, new, same):
    assert is_same_site(httpx.URL(old), httpx.URL(new)) is same


async def test_a_redirect_to_another_origin_is_not_followed():
    async with RestServer(ok(b"[1]")) as elsewhere, RestServer(moved(elsewhere.url)) as server:
        async with HttpClient(Limits(tries=1)) as client:
            with pytest.raises(RequestError, match="redirected to another site, not followed"):
                await client.get(server.url, parse=bytes)
        assert elsewhere.requests == []


async def test_a_redirect_within_the_site_is():
    async with RestServer(moved("/b"), ok(b"[1]")) as server, HttpClient(Limits(tries=1)) as client:
        assert await client.get(server.url + "/a", parse=bytes) == b"[1]"
        assert [request.path for request in server.requests] == ["/a", "/b"]


@pytest.mark.parametrize("location", ["http://[", "http://a..b:99999/", "//", "\x7f", "http://"])
async def test_a_malformed_one_is_a_failed_request(location):
    async with RestServer(moved(location)) as server, HttpClient(Limits(tries=1)) as client:
        with pytest.raises(RequestError):
            await client.get(server.url, parse=bytes)


async def test_they_end():
    async with RestServer(moved("/a")) as server, HttpClient(Limits(tries=1)) as client:
        with pytest.raises(RequestError, match="too many redirects"):
            await client.get(server.url, parse=bytes)
        assert len(server.requests) == 4


KEYED = [("ALPACA", "STREAM"), ("ALPACA", "REST"), ("MASSIVE", "STREAM"), ("FINNHUB", "REST")]


@pytest.mark.parametrize(("feed", "kind"), KEYED)
def test_a_key_goes_unencrypted_to_loopback_only(feed, kind):
    plain, safe = ("http", "https") if kind == "REST" else ("ws", "wss")
    name = f"ROTATION_TUI_{feed}_{kind}_URL"

    def given(url: str, **more: str) -> str:
        return address(feed, kind, "", {name: url} | more)

    for host in ("127.0.0.1:80", "localhost", "[::1]:99", "127.9.9.9"):
        assert given(f"{plain}://{host}") == f"{plain}://{host}"
    for host in ("example.org", "10.0.0.1", "127.0.0.1.example.org", "localhost.example.org"):
        assert given(f"{safe}://{host}") == f"{safe}://{host}"
        with pytest.raises(InputError, match=f"{name}: would send a key unencrypted .* {ALLOW_INSECURE}=1"):
            given(f"{plain}://{host}")
        with pytest.raises(InputError, match="unencrypted"):
            given(f"{plain}://{host}", **{ALLOW_INSECURE: "0"})
        assert given(f"{plain}://{host}", **{ALLOW_INSECURE: "1"}) == f"{plain}://{host}"


def test_without_a_key_plain_http_is_a_person_s_own_choice():
    assert address("YAHOO", "REST", "", {"ROTATION_TUI_YAHOO_REST_URL": "http://proxy.lan"})


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".test", "127.0.0.1:99999"])
def test_a_host_that_cannot_be_connected_to_is_refused_on_input(host):
    with pytest.raises(InputError, match="is not an address"):
        address("YAHOO", "STREAM", "", {"ROTATION_TUI_YAHOO_STREAM_URL": f"wss://{host}"})
