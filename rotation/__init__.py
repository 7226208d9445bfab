"""The pure core: sessions, history, market and snapshot. No I/O, no clock, no asyncio."""

__version__ = "0.1.0"
