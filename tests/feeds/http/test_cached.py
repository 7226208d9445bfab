"""The cached client: what it asks, how long it waits, and what it still has when a source fails."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging

import pytest

from feeds.clock import Pace, retry_after_s
from feeds.errors import InputError, SourceError
from feeds.http.cached import KEYS_MAX, CachedClient
from feeds.http.fetched import dated
from feeds.http.last_good import LastGoodFolder
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import address, instant_ns, number
from rotation.sessions import from_ns
from tests.support.servers.rest import ETAG, FAULTS, PAGE, Reply, RestServer, fault, ok, zipped

NOW_NS = 1_721_140_800 * 10**9
"""16 July 2024, 10:40 New York."""
S = 10**9


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_ns = NOW_NS
        self.waits: list[float] = []

    def clock_ns(self) -> int:
        return self.now_ns

    def monotonic(self) -> float:
        return self.now_ns / 1e9

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.pass_s(seconds)

    def pass_s(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def time() -> Time:
    return Time()


def cached_client(time: Time, cache=None, **more) -> CachedClient:
    result = {"random": lambda: 0.5, "timeout_s": 20.0} | more
    return CachedClient(cache, clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, **result)


def decoded(body: bytes) -> dict[str, object]:
    parsed = json.loads(body)
    if not isinstance(parsed, dict):
        raise SourceError("not an object")
    return parsed


GOOD = ok(b'{"v":1}', etag=ETAG)


async def ask(time, *script, cache=None, **more):
    async with RestServer(*script) as server, cached_client(time, cache, **more) as client:
        return await client.get(server.url + "/x", parse=decoded), server.requests


async def after_good(time, *script, wait_s=90.0, cache=None, **more):
    """A good answer, then 90 s, then the script."""
    async with RestServer(GOOD, *script) as server, cached_client(time, cache, **more) as client:
        first = await client.get(server.url + "/x", parse=decoded)
        assert (first.value, first.state, first.error) == ({"v": 1}, "LIVE", "")
        time.pass_s(wait_s)
        return await client.get(server.url + "/x", parse=decoded), server.requests[1:]


async def test_a_good_answer_is_live_and_new(time):
    got, requests = await ask(time, GOOD)
    assert (got.value, got.state, got.age_s, got.error) == ({"v": 1}, "LIVE", 0.0, "")
    assert got.fetched_at_ns == got.changed_at_ns == NOW_NS
    assert len(requests) == 1
    assert time.waits == []


async def test_unchanged_is_asked_for_and_confirms_without_a_body(time):
    got, requests = await after_good(time, GOOD)
    assert requests[0].headers["if-none-match"] == ETAG
    assert (got.value, got.state, got.error) == ({"v": 1}, "LIVE", "")
    assert got.fetched_at_ns == NOW_NS + 90 * S  # confirmed now
    assert got.changed_at_ns == NOW_NS  # though its bytes are old


async def test_a_304_without_validators_keeps_them_for_the_next_time(time):
    script = (ok(b"{}", etag=ETAG), Reply(b"", 304), Reply(b"", 304))
    async with RestServer(*script) as server, cached_client(time) as client:
        for _ in range(3):
            await client.get(server.url, parse=decoded)
    assert [asked.headers.get("if-none-match") for asked in server.requests] == [None, ETAG, ETAG]


async def test_last_modified_is_sent_back(time):
    since = "Mon, 01 Jul 2024 00:00:00 GMT"
    async with RestServer(ok(b"{}", last_modified=since)) as server, cached_client(time) as client:
        for _ in range(2):
            await client.get(server.url, parse=decoded)
    assert [asked.headers.get("if-modified-since") for asked in server.requests] == [None, since]


async def test_an_etag_holds_for_one_address_only(time):
    async with RestServer(GOOD, ok(b'{"v":2}')) as server, cached_client(time) as client:
        await client.get(server.url, parse=decoded, params={"day": "1"}, passing=["day"])
        got = await client.get(server.url, parse=decoded, params={"day": "2"}, passing=["day"])
    assert "if-none-match" not in server.requests[1].headers
    assert got.value == {"v": 2}


async def test_the_same_bytes_again_are_not_a_change(time):
    got, _ = await after_good(time, ok(b'{"v":1}'))
    assert (got.fetched_at_ns, got.changed_at_ns) == (NOW_NS + 90 * S, NOW_NS)


async def test_back_off_doubles_with_jitter_and_then_gives_up(time):
    got, requests = await after_good(time, fault(500))
    assert len(requests) == 3
    assert time.waits == [0.5, 1.0]  # half of 1 s and of 2 s: random() is 0.5
    assert got.value == {"v": 1}
    assert got.age_s == 91.5
    assert got.state == "STALE 1m"
    assert got.error == "HTTP 500; next try in 2s"


async def test_a_fault_that_passes_leaves_no_trace(time):
    got, requests = await ask(time, fault(503), fault(500), GOOD)
    assert (got.value, got.state, got.error, len(requests)) == ({"v": 1}, "LIVE", "", 3)


async def test_a_success_ends_the_back_off(time):
    async with (
        RestServer(fault(500), fault(500), GOOD, fault(500), GOOD) as server,
        cached_client(time) as client,
    ):
        for _ in range(2):
            await client.get(server.url, parse=decoded)
    assert time.waits == [0.5, 1.0, 0.5]


async def test_retry_after_is_the_floor_of_the_wait(time):
    got, requests = await ask(time, FAULTS["429"], GOOD)
    assert time.waits == [7.0]
    assert (got.value, len(requests)) == ({"v": 1}, 2)


async def test_jitter_above_the_floor_counts(time):
    await ask(time, fault(429, retry_after="0"), GOOD, random=lambda: 0.75)
    assert time.waits == [0.75]


async def test_retry_after_as_a_date(time):
    await ask(time, fault(503, retry_after="Tue, 16 Jul 2024 14:40:09 GMT"), GOOD)
    assert time.waits == [9.0]


async def test_a_long_retry_after_is_not_slept_but_kept(time):
    async with RestServer(GOOD, fault(429, retry_after="300"), GOOD) as server, cached_client(time) as client:
        await client.get(server.url + "/x", parse=decoded)
        limited = await client.get(server.url + "/x", parse=decoded)
        again = await client.get(server.url + "/x", parse=decoded)
        other = await client.get(server.url + "/y", parse=decoded)  # the whole host said 429
        assert len(server.requests) == 2
        time.pass_s(301)
        got = await client.get(server.url + "/x", parse=decoded)
    assert time.waits == []
    assert limited.error == "HTTP 429; next try in 5m"
    assert again.error == "backing off, next try in 5m"
    assert (again.value, again.state) == ({"v": 1}, "LIVE")
    assert (other.value, other.state) == (None, "OFFLINE")
    assert (got.value, got.error, len(server.requests)) == ({"v": 1}, "", 3)


async def test_another_path_of_a_host_is_asked_after_a_fault_of_one(time):
    async with RestServer(fault(404), GOOD) as server, cached_client(time) as client:
        await client.get(server.url + "/x", parse=decoded)
        got = await client.get(server.url + "/y", parse=decoded)
    assert got.value == {"v": 1}


@pytest.mark.parametrize(
    ("name", "requests", "expected"),
    [
        ("cut", 3, "the connection was cut"),
        ("html", 1, "an HTML page instead of JSON"),
        ("empty", 1, "not an object"),
        ("huge", 1, "the body is larger than 4,194,304 bytes"),
        ("utf8", 1, "the answer cannot be parsed"),
    ],
)
async def test_a_fault_keeps_the_last_good_value(time, name, requests, expected):
    got, asked = await after_good(time, FAULTS[name])
    assert got.value == {"v": 1}
    assert got.state == "STALE 1m"
    assert got.fetched_at_ns == NOW_NS
    assert got.error.startswith(expected)
    assert len(asked) == requests


@pytest.mark.parametrize("name", ["429", "500", "cut", "html", "empty", "huge", "utf8"])
async def test_a_fault_without_a_last_good_value_is_offline(time, name):
    got, _ = await ask(time, FAULTS[name])
    assert (got.value, got.fetched_at_ns, got.age_s, got.state) == (None, None, None, "OFFLINE")
    assert got.error


async def test_html_is_known_by_its_body_whatever_it_says_it_is(time):
    got, _ = await ask(time, ok(b"\xef\xbb\xbf  " + PAGE, content_type="application/json"))
    assert got.error.startswith("an HTML page instead of JSON")


async def test_an_empty_body(time):
    got, _ = await ask(time, ok(b" \n"))
    assert got.error.startswith("an empty body")


async def test_headers_that_do_not_come(time):
    # The one real wait: 20 ms of silence, three times.
    got, _ = await ask(time, FAULTS["slow"], timeout_s=0.02)
    assert (got.error, time.waits) == ("no answer in time; next try in 2s", [0.5, 1.0])


async def test_the_whole_try_has_a_limit_too(time):
    got, _ = await ask(time, FAULTS["slow"], timeout_s=60.0, total_s=0.02)
    assert got.error.startswith("no answer in time")


async def test_nobody_listens(time):
    async with RestServer() as server:
        url = server.url
    async with cached_client(time) as client:
        got = await client.get(url, parse=decoded)
    assert got.error == "connection refused; next try in 2s"
    assert time.waits == [0.5, 1.0]


async def test_a_host_that_cannot_be_reached_is_not_asked_for_the_next_thing_either(time):
    async with RestServer() as server:
        url = server.url
    async with cached_client(time) as client:
        await client.get(url + "/one", parse=decoded)
        got = await client.get(url + "/two", parse=decoded)
    assert got.error == "backing off, next try in 2s"
    assert time.waits == [0.5, 1.0]


async def test_a_single_try_waits_for_no_other(time):
    got, asked = await ask(time, fault(500), GOOD, tries=1)
    assert (got.error, time.waits, len(asked)) == ("HTTP 500; next try in under 1s", [], 1)


async def test_an_answer_from_an_old_cache_is_as_old_as_it_says(time):
    got, _ = await ask(time, ok(b'{"v":1}', date="Tue, 16 Jul 2024 14:00:00 GMT"))
    assert (got.age_s, got.state) == (2400.0, "STALE 40m")
    got, _ = await ask(time, ok(b'{"v":1}', age="3600"))
    assert got.state == "STALE 1h"


async def test_an_older_answer_than_the_one_held_is_refused(time):
    got, _ = await after_good(time, ok(b'{"v":0}', date="Mon, 01 Jul 2024 00:00:00 GMT"))
    assert got.value == {"v": 1}
    assert got.error.startswith("an older answer")


async def test_an_old_page_is_marked_by_what_it_says(time):
    got, _ = await ask(time, GOOD)
    day_ns = 86_400 * S
    assert dated(got, NOW_NS - 12 * day_ns, now_ns=NOW_NS, fresh_s=5 * 86_400).state == "STALE 12d"
    assert dated(got, NOW_NS - 2 * day_ns, now_ns=NOW_NS, fresh_s=5 * 86_400).state == "LIVE"


async def test_gzip_is_read_and_bounded(time):
    got, requests = await ask(time, zipped(b'{"v":1}'))
    assert (got.value, requests[0].headers["accept-encoding"]) == ({"v": 1}, "gzip")
    got, _ = await ask(time, zipped(b" " * 50_000_000))
    assert got.error.startswith("the body is larger than 4,194,304 bytes")
    got, _ = await ask(time, ok(gzip.compress(b'{"v":1}')[:-9], content_encoding="gzip"))
    assert got.error.startswith("the body is truncated")
    got, _ = await ask(time, ok(b'{"v":1}', content_encoding="br"))
    assert got.error.startswith("unexpected content encoding")


async def test_the_last_good_value_outlives_the_process(time, tmp_path):
    async with RestServer(GOOD, fault(500)) as server:
        async with cached_client(time, tmp_path) as client:
            await client.get(server.url, parse=decoded)
        time.pass_s(3 * 86_400)
        async with cached_client(time, tmp_path) as client:
            got = await client.get(server.url, parse=decoded)
    assert server.requests[1].headers["if-none-match"] == ETAG
    assert (got.value, got.state, got.error[:8]) == ({"v": 1}, "STALE 3d", "HTTP 500")


async def test_a_cache_of_another_host_is_not_used(time, tmp_path):
    for script in (GOOD, fault(500)):
        async with RestServer(script) as server, cached_client(time, tmp_path) as client:
            got = await client.get(server.url, parse=decoded)
    assert (got.value, got.state) == (None, "OFFLINE")


@pytest.mark.parametrize("damage", [b"", b"\x00" * 50, b"\x81" * 6_000_000], ids=range(3))
async def test_a_damaged_cache_counts_as_absent(time, tmp_path, damage):
    async with RestServer(GOOD, fault(500), GOOD) as server:
        async with cached_client(time, tmp_path) as client:
            await client.get(server.url, parse=decoded)
        only_file(tmp_path).write_bytes(damage)
        async with cached_client(time, tmp_path, random=lambda: 0) as client:
            got = await client.get(server.url, parse=decoded)
    assert got.value == {"v": 1}
    assert kept_in(tmp_path).body == b'{"v":1}'
    assert len(server.requests) == 3
    assert "if-none-match" not in server.requests[1].headers


async def test_a_cache_that_cannot_be_written_does_no_harm(time, tmp_path):
    (tmp_path / "file").write_text("")
    got, _ = await ask(time, GOOD, cache=tmp_path / "file" / "folder")
    assert got.value == {"v": 1}


async def test_a_cached_body_that_no_longer_parses_is_asked_for_whole(time, tmp_path):
    async with RestServer(GOOD) as server:
        async with cached_client(time, tmp_path) as client:
            await client.get(server.url, parse=decoded)
        async with cached_client(time, tmp_path) as client:
            got = await client.get(server.url, parse=strict)
    assert "if-none-match" not in server.requests[1].headers
    assert (got.value, got.error[:6]) == (None, "strict")


def only_file(folder):
    [path] = folder.glob("*.last")
    return path


def kept_in(folder):
    return LastGoodFolder(folder, limit=1000).read(only_file(folder).stem)


def strict(body):
    raise SourceError("strict")


async def test_confirmations_are_written_seldom(time, tmp_path):
    async with RestServer(GOOD) as server, cached_client(time, tmp_path) as client:
        for wait_s in (100, 100, 200):
            await client.get(server.url, parse=decoded)
            assert kept_in(tmp_path).confirmed_ns == NOW_NS
            time.pass_s(wait_s)
        await client.get(server.url, parse=decoded)
    assert kept_in(tmp_path).confirmed_ns == NOW_NS + 400 * S


async def test_memory_is_bounded(time):
    async with RestServer(ok(b"{}")) as server, cached_client(time) as client:
        for count in range(3 * KEYS_MAX):
            await client.get(server.url, parse=decoded, params={"k": str(count)})
        assert len(client._held) == KEYS_MAX
        assert len(client._locks) <= 2 * KEYS_MAX + 1


async def test_one_question_at_a_time_per_key(time):
    async with RestServer(GOOD) as server, cached_client(time) as client:
        got = await asyncio.gather(*(client.get(server.url, parse=decoded) for _ in range(4)))
    assert [each.value for each in got] == [{"v": 1}] * 4
    assert [asked.headers.get("if-none-match") for asked in server.requests] == [None, ETAG, ETAG, ETAG]


async def test_no_secret_is_logged_or_reported(time, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "hunter2"
    for script in (
        fault(401),
        fault(500),
        FAULTS["html"],
        ok(secret.encode()),
        fault(302, location="http://["),
    ):
        async with RestServer(script) as server, cached_client(time) as client:
            url = server.url.replace("//", f"//user:{secret}@")
            got = await client.get(
                f"{url}/x", parse=decoded, params={"token": secret}, headers={"x-api-key": secret}
            )
        assert server.requests[0].headers["x-api-key"] == secret
        assert secret not in repr(got)
    assert secret not in caplog.text
    assert "/x: HTTP 401" in caplog.text


async def test_a_key_of_ours_follows_no_redirect(time):
    async with RestServer(GOOD) as target:
        got, _ = await ask(time, fault(302, location="/y"), GOOD)
        assert got.value == {"v": 1}
        script = fault(302, location="/y")
        async with RestServer(script) as server, cached_client(time) as client:
            got = await client.get(server.url, parse=decoded, headers={"x-api-key": "k"})
    assert got.error.startswith("HTTP 302")
    assert len(target.requests) == 0


async def test_redirects_end(time):
    async with RestServer() as server, cached_client(time) as client:
        server.script = [fault(302, location=server.url)]
        got = await client.get(server.url, parse=decoded)
    assert got.error.startswith("too many redirects")


async def test_cancelling_is_not_a_fault(time):
    async with RestServer(FAULTS["slow"]) as server, cached_client(time) as client:
        task = asyncio.create_task(client.get(server.url, parse=decoded))
        async with asyncio.timeout(30):
            await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_back_off_grows_to_a_minute_and_is_forgotten_on_success():
    pace = Pace(random=lambda: 1.0)
    assert [pace.failed("a", 0.0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pace.wait_s("a", 10.0) == 50.0
    pace.worked("a")
    assert (pace.wait_s("a", 0.0), pace.failed("a", 0.0)) == (0.0, 1.0)
    for count in range(1000):
        pace.failed(f"n{count}", 0.0)
    assert len(pace._failures) == len(pace._next_s) == 256


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Tue, 16 Jul 2024 14:41:00 GMT", 60.0),
        ("Tue, 16 Jul 2024 14:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("9" * 400, 999_999_999.0),
        ("\u0667", None),
    ],
)
def test_retry_after(header, seconds):
    assert retry_after_s(header, NOW_NS) == seconds


HOSTILE = (
    "\x1b[31mred\x1b]52;c;aGk=\x07 \x00nul \x9b5mC1 \u202eevil\u2066"
    " \u200bzero\ufeff \x7fdel\r\nnext\u2028line"
    " [bold]markup[/] \U000e0041tag \ud800"
)


def test_nothing_a_terminal_obeys_is_left():
    assert clean(HOSTILE) == "[31mred]52;c;aGk= nul 5mC1 evil zero del nextline [bold]markup[/] tag"
    assert clean(HOSTILE).isprintable()
    assert len(clean("x" * 100_000)) == 200
    assert clean("x" * 100_000, 10) == "xxxxxxxxx…"


@pytest.mark.parametrize("code", [*range(0x20), 0x7F, *range(0x80, 0xA0), 0x202E, 0x200B, 0x2069, 0xFEFF])
def test_each_of_them_is_dropped(code):
    assert clean(f"a{chr(code)}b") in {"ab", "a b"}


@pytest.mark.parametrize(
    ("value", "figure"),
    [
        ("5.33", 5.33), (5, 5.0), ("-0.5", -0.5), ("1e3", 1000.0), (".5", 0.5),
        ("NA", None), (".", None), ("", None), (None, None), (True, None), ("nan", None), ("inf", None),
        (float("nan"), None), ("1_000", None), (" 1", None), ("9" * 30, None), ([], None), (10**400, None),
        ("\u0665", None),
    ],
)  # fmt: skip
def test_number(value, figure):
    assert number(value) == figure


def test_instants():
    assert instant_ns("1757908892351") == 1_757_908_892_351_000_000
    assert instant_ns(1721140800) == NOW_NS
    assert from_ns(instant_ns("2026-12-09T18:55:00Z")).isoformat() == "2026-12-09T18:55:00+00:00"
    for wrong in (
        "",
        "NA",
        "2026-12-09",
        "2026-12-09T18:55:00",
        0,
        -1,
        None,
        "0001-01-01T00:00:00+14:00",
        {},
    ):
        assert instant_ns(wrong) is None


def test_addresses():
    assert address("FRED", "REST", "https://d", {}) == "https://d"
    given = {"ROTATION_TUI_FRED_REST_URL": "http://127.0.0.1:8/base/"}
    assert address("FRED", "REST", "https://d", given) == "http://127.0.0.1:8/base"
    for wrong in ("ws://h", "file:///etc/passwd", "http://", "http://h:x", "http://u:hunter2@"):
        with pytest.raises(InputError, match="ROTATION_TUI_FRED_REST_URL") as caught:
            address("FRED", "REST", "https://d", {"ROTATION_TUI_FRED_REST_URL": wrong})
        assert "hunter2" not in str(caught.value)
