"""Trades among frames of another kind, as bars at a minute's end: nothing is read again and again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feeds.streaming.alike.words import ByteWords
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.alpaca import many_trades as alpaca
from feeds.vendors.massive import many_trades as massive
from feeds.vendors.massive.frames import TradeIds

NOW_MS = 1721140800000
ALPACA = {"T": "t", "S": "IWM", "x": "V", "p": 221.28, "s": 100, "c": ["@"], "z": "B"}
MASSIVE = {"ev": "T", "sym": "IWM", "x": 4, "i": "5", "z": 3, "p": 221.28, "s": 100, "c": [14]}


def trades(of: str, start: int, count: int) -> str:
    if of == "Alpaca":
        at = [{"i": 2**53 + i, "t": f"2024-07-16T14:40:00.{i:09}Z"} for i in range(start, start + count)]
        return json.dumps([ALPACA | each for each in at], separators=(",", ":"))
    times = [{"t": NOW_MS + i, "q": i + 1} for i in range(start, start + count)]
    return json.dumps([MASSIVE | each for each in times], separators=(",", ":"))


def reader(of: str) -> Any:
    return alpaca.ManyTrades({}) if of == "Alpaca" else massive.ManyTrades({}, TradeIds(), Auctions())


OTHER = json.dumps([{"T": "b", "ev": "A", "S": "IWM", "c": 1.0}], separators=(",", ":"))


def read(of: str, frames: list[str]) -> tuple[list[int], int]:
    """Numbers of the prints in order, and the bytes that were laid out for arrays."""
    many, place, numbers, laid_out = reader(of), 0, [], 0
    fill = ByteWords.fill

    def counted(words: ByteWords, parts: Any) -> int:
        nonlocal laid_out
        stop = fill(words, parts)
        laid_out += stop
        return stop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ByteWords, "fill", counted)
        while place < len(frames):
            made = many.read(frames, place)
            numbers += made.prints.seqs
            place += made.count or 1
    return numbers, laid_out


@pytest.mark.parametrize("of", ["Alpaca", "Massive"])
@pytest.mark.parametrize(("per_frame", "others_every"), [(100, 1), (20, 1), (2, 50), (2, 5)])
def test_frames_of_another_kind_make_nothing_be_read_again_and_again(of, per_frame, others_every):
    frames: list[str] = []
    for place, start in enumerate(range(0, 10_000, per_frame)):
        frames.append(trades(of, start, per_frame))
        if place % others_every == 0:
            frames.append(OTHER)
    numbers, laid_out = read(of, frames)
    first = 2**53 if of == "Alpaca" else 1
    assert numbers == list(range(first, first + 10_000))
    assert laid_out < 6 * sum(map(len, frames))


@pytest.mark.parametrize("of", ["Alpaca", "Massive"])
def test_behind_them_trades_are_arrays_again(of):
    mixed = [frame for start in range(0, 200, 2) for frame in (trades(of, start, 2), OTHER)]
    plain = [trades(of, start, 100) for start in range(200, 60_200, 100)]
    numbers, laid_out = read(of, mixed + plain)
    assert len(numbers) == 60_200
    assert laid_out > 0.7 * sum(map(len, plain))
