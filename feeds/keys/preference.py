"""The order in which ``--feed auto`` tries vendors with the keys at hand, and its English.

The best is who has most of the market: the consolidated tape, late if it must be, before one exchange. What a
plan includes only the vendor knows: each is asked in turn, and one that refuses gives way to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

KEYED = ("alpaca", "massive", "finnhub")
"""Vendors that need a key."""
PREFERENCE = ("alpaca-sip", "massive", "massive-delayed", "alpaca", "finnhub", "yahoo")
"""Best first; of these, whatever has a key, and Yahoo, which needs none."""
_LABELS = {
    "alpaca-sip": "Alpaca SIP",
    "massive": "Massive",
    "massive-delayed": "Massive 15 min late",
    "alpaca": "Alpaca IEX",
    "alpaca-delayed": "Alpaca SIP 15 min late",
    "finnhub": "Finnhub",
    "yahoo": "Yahoo",
}


def order(keyed: Collection[str]) -> list[str]:
    """Names of ``--feed`` that ``auto`` tries, best first, with keys of these vendors."""
    return [feed for feed in PREFERENCE if feed == "yahoo" or feed.partition("-")[0] in keyed]


def why(keyed: Collection[str]) -> str:
    """What ``auto`` chooses from, in words: the one in charge is the first that does not refuse."""
    first, *others = (_LABELS[feed] for feed in order(keyed))
    return f"auto: {first}, as there is no key" if not others else f"auto: {first}, else {', '.join(others)}"


def label(name: str) -> str:
    """A feed as a person reads it: ``Alpaca IEX``."""
    return _LABELS[name]


def why_listed(names: Sequence[str], lacking: Collection[str]) -> str:
    """What a person's own list chooses from; ``lacking``: those of it that have no key."""
    first, *others = (_LABELS[name] for name in names if name not in lacking)
    words = f"your order: {', else '.join((first, ', '.join(others))) if others else first}"
    left = ", ".join(_LABELS[name] for name in names if name in lacking)
    return f"{words}; left out, no key: {left}" if left else words
