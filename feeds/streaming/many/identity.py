"""What makes two prints of a source the same. Pure."""

from __future__ import annotations

UNNUMBERED = -3
"""Less the size it stands for the number of a print that has none. Of -1 and -2 the hash is the same."""
Identity = tuple[str, int, float, int]
"""Symbol, time, price and number."""


def number_of(seq: int, size: int) -> int:
    """What tells prints of one time and price apart.

    Where the vendor numbers its prints the size does not count: some send it as a difference.
    """
    return seq or UNNUMBERED - size
