"""``doctor --capture``: what is kept, what is not, and that it replays to what the desk was given."""

from __future__ import annotations

import asyncio
import gzip
import json
import stat
from typing import TYPE_CHECKING

import pytest

from feeds.desk import capture, capture_records
from feeds.desk.capture import check, run, write
from feeds.desk.capture_records import Capture, Record, secrets_of
from feeds.errors import InputError
from feeds.events import Batch
from feeds.http.client import HttpClient
from feeds.http.exchange import Request
from feeds.http.failure import RequestError
from feeds.http.tap import tap
from feeds.streaming.feed import StreamFeed
from feeds.streaming.requests import Reference
from tests.support.fake_time import FakeTime, driven
from tests.support.fault_table import FIRST, LATER, SUBJECTS, prints
from tests.support.servers.capture_replay import payload, records, replay
from tests.support.servers.fed_world import FedWorld, environment
from tests.support.servers.rest import Reply, RestServer
from tests.support.servers.ws import READY, STAY, Close
from tests.support.servers.yahoo import YahooServer, pricing
from tests.support.subjects import SYMBOLS

if TYPE_CHECKING:
    import httpx

COOKIE = "c00kie-MARKER-98765"
KEY = "mArKeRsEcReT/0123456789+abcdefghijkl"


def quotes(events):
    return [quote for event in events if isinstance(event, Batch) for quote in event.quotes]


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
async def test_a_capture_replays_to_the_same_quotes(monkeypatch, tmp_path, subject):
    time = FakeTime()
    kept = Capture(time, {})
    events: list[object] = []
    held = tap.set(kept)
    scripts = (
        (READY, *prints(subject, FIRST), Close(1000)),
        (READY, subject.unknown, *subject.damaged, *prints(subject, LATER, 1, 11), STAY),
    )
    try:
        async with subject.server(*scripts) as server:
            monkeypatch.setenv(f"ROTATION_TUI_{subject.name.upper()}_STREAM_URL", server.url)
            vendor = subject.vendor()
            vendor.snapshot = vendor.backfill = nothing
            vendor.reference = no_reference
            feed = StreamFeed(vendor, SYMBOLS, time=time)

            async def drive() -> None:
                async for event in feed.events():
                    events.append(event)  # noqa: PERF401 - the feed does not end

            async with driven(drive(), server.until(lambda: server.clients)):
                await time.passing(5)
                while {quote.symbol: quote.price for quote in quotes(events)} != LATER:
                    await time.passing(1)
    finally:
        tap.reset(held)
    path = tmp_path / "capture.jsonl.gz"
    write(path, kept.lines(5))
    captured = records(path)
    assert [record.kind for record in captured if record.source == subject.name].count("open") == 2
    assert "lost" in {record.kind for record in captured}
    again = quotes(replay(captured, subject.name, subject.vendor(), SYMBOLS))
    assert again == quotes(events)
    assert {quote.symbol: quote.price for quote in again} == pytest.approx(LATER)


async def nothing(*_args: object) -> tuple[()]:
    return ()


async def no_reference(*_args: object) -> Reference:
    return Reference()


async def test_answers_are_kept_without_query_header_or_cookie():
    kept = Capture(FakeTime(), {})
    body = json.dumps({"price": 221.28, "echo": f"you sent {COOKIE}", "account": "PA12345"}).encode()
    early = Reply(json.dumps({"hello": COOKIE}).encode())
    reply = Reply(body, headers={"set-cookie": f"sid={COOKIE}; Path=/, other=1", "server": "secret-host"})
    held = tap.set(kept)
    try:
        async with RestServer(early, reply, Reply(b"busy", 403)) as server, HttpClient() as client:
            for path in ("early", "price?token=hush-hush-1", "gone"):
                url = Request(parsed(f"{server.url}/v1/{path}"), {"authorization": f"Bearer {KEY}"})
                try:
                    await client.fetch(url, lambda reply: reply)
                except RequestError as failure:
                    kept.note("server", str(failure))
    finally:
        tap.reset(held)
    lines = kept.lines(1)
    for secret in (COOKIE, KEY, "hush", "PA12345", "secret-host"):
        assert secret not in lines.decode()  # the cookie was seen before it was set
    answers = [msgspec_record(line) for line in lines.splitlines() if b'"answer"' in line]
    assert [answer.status for answer in answers] == [200, 200, 403]
    assert json.loads(payload(answers[1]))["price"] == 221.28
    assert b"HTTP 403" in lines


def parsed(url: str) -> httpx.URL:
    import httpx

    return httpx.URL(url)


def msgspec_record(line: bytes) -> Record:
    import msgspec

    return msgspec.json.decode(line, type=Record)


def test_without_a_capture_nobody_listens():
    assert tap.get() is None


def test_it_is_bounded(monkeypatch):
    monkeypatch.setattr(capture_records, "TOTAL_MAX", 10_000)
    monkeypatch.setattr(capture_records, "ONE_MAX", 1_000)
    kept = Capture(FakeTime(), {})
    kept.frame("Yahoo", "x" * 1_001)
    for _ in range(1_000):
        kept.frame("Yahoo", "y" * 500)
    lines = kept.lines(1).splitlines()
    assert len(b"".join(lines)) < 15_000
    assert msgspec_record(lines[1]).omitted == "too large"
    assert msgspec_record(lines[-1]).left_out > 900


def test_a_line_that_still_leaks_goes_as_a_whole(monkeypatch):
    monkeypatch.setattr(capture_records.Redactor, "text", lambda _self, text: text)
    kept = Capture(FakeTime(), {"ALPACA_SECRET": KEY})
    kept.frame("Alpaca", f"the key is {KEY}")
    lines = kept.lines(1)
    assert KEY.encode() not in lines
    assert b"held a secret" in lines


def test_what_the_environment_holds_is_secret():
    environ = {
        "APCA_API_SECRET_KEY": KEY,
        "HTTPS_PROXY": "http://someone:hush-hush@proxy.example:8080",
        "ROTATION_TUI_FRED_REST_URL": "https://a.example/x?api_key=query-secret",
        "HOME": "/home/someone",
    }
    assert {KEY, "someone", "hush-hush", "query-secret"} <= secrets_of(environ)
    assert "/home/someone" not in secrets_of(environ)


def test_a_file_that_exists_or_cannot_be_made_is_refused_at_once(tmp_path):
    held = tmp_path / "held.jsonl"
    held.write_text("mine")
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "nowhere")
    for path in (held, link):
        with pytest.raises(InputError, match="already exists"):
            run(path, 60)
        with pytest.raises(InputError, match="already exists"):
            write(path, b"")
    for path in (tmp_path / "none" / "x.jsonl", held / "x.jsonl"):
        with pytest.raises(InputError, match="cannot be written"):
            run(path, 60)
    assert held.read_text() == "mine"
    check(tmp_path / "new.jsonl")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["held.jsonl", "link.jsonl"]


def test_a_whole_capture_of_the_scripted_sources(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    path = tmp_path / "capture.jsonl.gz"
    environ = {"STOOQ_API_KEY": KEY}

    async def served() -> bytes:
        time = capture.Time()
        world = FedWorld(time.clock_ns())
        now_ms = time.clock_ns() // 10**6
        frames = [pricing(name, price, now_ms) for name, price in FIRST.items()]
        async with RestServer(answer=world.answer) as rest, YahooServer((READY, *frames, STAY)) as stream:
            for name, value in environment(rest.url).items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("ROTATION_TUI_YAHOO_STREAM_URL", stream.url)
            monkeypatch.setenv("ROTATION_TUI_STOOQ_REST_URL", rest.url)
            kept = await capture.captured_for(3.0, environ)
        return kept.lines(3.0)

    lines = asyncio.run(served())
    write(path, lines)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    captured = records(path)
    assert (captured[0].kind, captured[0].version, captured[-1].kind) == ("begin", 1, "end")
    frames = [record for record in captured if record.kind == "frame"]
    assert {record.source for record in frames} == {"Yahoo"}
    addresses = {record.source.partition("/")[2] for record in captured if record.kind == "answer"}
    assert any("finance/chart" in address for address in addresses)
    assert "q/d/l/" in addresses
    assert not any("?" in address for address in addresses)
    assert KEY.encode() not in gzip.decompress(path.read_bytes())
