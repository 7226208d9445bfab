"""Rows of bars as vendors send them, checked: the one rule of what may be a bar's prices."""

from __future__ import annotations

from typing import NamedTuple

from feeds.parsing.fields import price


class BarPrices(NamedTuple):
    """Plausible prices of one bar; None where the row gives none."""

    open: float | None
    high: float | None
    low: float | None
    close: float


def bar_prices(
    close: object, *, opened: object = None, high: object = None, low: object = None
) -> BarPrices | None:
    """The prices of a row, or None where they cannot be a bar's.

    Every figure that is given must be a plausible price (``feeds.parsing.fields.price``), and they must be in
    order: low ≤ open, close ≤ high.
    """
    given = (close, opened, high, low)
    last, first, top, bottom = (price(value) for value in given)
    if last is None or any(
        value is not None and checked is None
        for value, checked in zip(given, (last, first, top, bottom), strict=True)
    ):
        return None
    inner = [last] if first is None else [last, first]
    if (top is not None and max(inner) > top) or (bottom is not None and min(inner) < bottom):
        return None
    return BarPrices(first, top, bottom, last)
