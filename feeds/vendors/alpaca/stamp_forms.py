"""The two forms that Alpaca's times usually have, by their lengths, and the last time that fits."""

from __future__ import annotations

LATEST_S = 2**33
"""Beyond it nanoseconds do not fit into 64 bits."""
TEXT = 32
"""Bytes of ``"2024-07-16T14:40:00.123456789Z"``, with its quotation marks."""
PACKED = 10
"""Bytes of a msgpack Timestamp of 64 bits: two that say so, 30 bits of nanoseconds, 34 of seconds."""
