"""Answers of Finnhub's REST interface as Quotes: the last price of one symbol. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import instant, quote, sifted
from feeds.parsing.wire import Loose, decode

if TYPE_CHECKING:
    from rotation.quote import Quote


class _Quote(msgspec.Struct):
    c: Loose = None
    t: Loose = None


def parse_quote(name: str, data: bytes) -> list[Quote]:
    """The answer for one symbol: its last price; empty where the vendor knows none. Raises SourceError."""
    answer = decode(data, _Quote, "Finnhub quote")
    return list(sifted([quote(name, instant(answer.t), answer.c)])[0])
