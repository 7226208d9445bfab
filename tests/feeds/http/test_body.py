"""A body costs no more than its limit allows, whatever a server puts into it or behind it."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import tracemalloc

import pytest

from feeds.errors import SourceError
from feeds.http.body import read_body
from feeds.http.cached import CachedClient
from feeds.http.client import MIB, HttpClient, Limits
from feeds.http.failure import RequestError
from tests.support.servers.rest import RestServer, ok

BEHIND = [b"x", b"\0" * 64, gzip.compress(b"[2]"), b"y" * (25 * MIB)]


class Chunks:
    """As much of an httpx response as the body's reader needs."""

    def __init__(self, data: bytes) -> None:
        self.headers = {"content-encoding": "gzip"}
        self.read = 0
        self._data = data

    async def aiter_raw(self, size: int):
        for start in range(0, len(self._data), size):
            self.read += 1
            yield self._data[start : start + size]


@pytest.mark.parametrize("behind", BEHIND, ids=["a byte", "zeros", "a member", "25 MiB"])
async def test_nothing_may_follow_the_end_of_a_gzip_member(behind):
    response = Chunks(gzip.compress(b"[1]") + behind)
    tracemalloc.start()
    with pytest.raises(SourceError, match="data after the end of the compressed body"):
        await read_body(response, 4 * MIB)  # type: ignore[arg-type]
    assert response.read <= 2, "it must not be read to its end"
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    tracemalloc.stop()


async def test_the_end_of_a_member_at_the_end_of_a_chunk(monkeypatch):
    whole = gzip.compress(b"[1]")
    response = Chunks(whole + b"x" * 65_536)
    response._data = whole + b"\0" * (65_536 - len(whole) % 65_536)
    with pytest.raises(SourceError):
        await read_body(response, MIB)  # type: ignore[arg-type]
    assert await read_body(Chunks(whole), MIB) == b"[1]"  # type: ignore[arg-type]


@pytest.fixture
def threads(monkeypatch):
    """Names of the functions that were given to another thread."""
    handed_over: list[object] = []
    real = asyncio.to_thread

    async def to_thread(work, /, *args, **named):
        handed_over.append(work)
        return await real(work, *args, **named)

    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    return handed_over


async def test_a_large_body_is_inflated_in_another_thread_in_steps(threads):
    body = b"[" + b"1," * (3 * MIB) + b"1]"
    assert await read_body(Chunks(gzip.compress(body)), 8 * MIB) == body  # type: ignore[arg-type]
    assert len(threads) >= 5, "a MiB a step"


async def test_a_small_body_stays_in_the_loop(threads):
    assert await read_body(Chunks(gzip.compress(b"[1]" * 9)), 8 * MIB) == b"[1]" * 9  # type: ignore[arg-type]
    assert threads == []


async def test_a_bomb_is_stopped_at_the_limit():
    with pytest.raises(SourceError, match="larger than"):
        await read_body(Chunks(gzip.compress(b"0" * (64 * MIB))), 4 * MIB)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [10, 2 * MIB])
async def test_a_large_body_is_parsed_in_another_thread(size):
    where: list[threading.Thread] = []

    def parse(body: bytes) -> int:
        where.append(threading.current_thread())
        return len(json.loads(body))

    answer = b'"' + b"x" * size + b'"'
    async with RestServer(ok(answer)) as server, HttpClient(Limits(body_max=8 * MIB)) as client:
        assert await client.get(server.url, parse=parse) == size
    async with RestServer(ok(answer)) as server, CachedClient(body_max=8 * MIB) as http:
        assert (await http.get(server.url, parse=parse)).value == size
        assert (await http.get(server.url, parse=parse)).value == size
    assert {thread is threading.main_thread() for thread in where} == {size < MIB}


async def test_an_error_of_a_parser_in_another_thread_is_a_request_s():
    def parse(body: bytes) -> int:
        raise SourceError("of another shape")

    async with RestServer(ok(b"1" * (2 * MIB))) as server, HttpClient(Limits(tries=1)) as client:
        with pytest.raises(RequestError, match="of another shape"):
            await client.get(server.url, parse=parse)
