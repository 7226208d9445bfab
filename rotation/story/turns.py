"""Where a function of whole numbers turns, by bisection."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def first_true(is_so: Callable[[int], bool], low: int, high: int) -> int | None:
    """The first number of ``low`` … ``high`` from which on it is so; None where it never is.

    ``is_so`` turns from no to yes at most once.
    """
    if not is_so(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if is_so(middle):
            high = middle
        else:
            low = middle + 1
    return low


def nearest(shown: Callable[[int], object], now: int, highest: int, *, split: int | None = None) -> list[int]:
    """The largest n <= now and the smallest n > now, of 2 … highest, with ``shown(n) != shown(n - 1)``.

    On each side of ``split`` a value stands on one stretch of numbers. What is the same on both sides of
    it does not turn there.
    """
    bounds = [1, split, highest + 1] if split is not None and 1 < split <= highest else [1, highest + 1]
    pieces = [(low, high - 1) for low, high in pairwise(bounds)]
    here = shown(now)
    below = next((at for piece in reversed(pieces) if (at := _below(shown, here, now, piece))), None)
    above = next((at for piece in pieces if (at := _above(shown, here, now, piece))), None)
    return [at for at in (below, above) if at is not None]


def _above(shown: Callable[[int], object], here: object, now: int, piece: tuple[int, int]) -> int | None:
    low, high = max(piece[0], now + 1), piece[1]
    if low <= high and shown(low) != here:
        return low  # the piece below is of one value up to its end
    return first_true(lambda n: shown(n) != here, low, high) if low <= high else None


def _below(shown: Callable[[int], object], here: object, now: int, piece: tuple[int, int]) -> int | None:
    low, high = piece[0], min(piece[1], now)
    if low > high:
        return None
    if shown(high) != here:
        return high + 1  # the piece above is of one value down to its start
    at = first_true(lambda n: shown(n) == here, low, high)
    return at if at is not None and at > low else None
