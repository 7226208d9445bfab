"""Where Yahoo answers: the chart API and the streamer, and what the environment puts in their place."""

from __future__ import annotations

from feeds.parsing.wire import address

HOME = "https://query2.finance.yahoo.com"
STREAM_HOME = "wss://streamer.finance.yahoo.com"
PATH = "/v8/finance/chart/"


def stream_url() -> str:
    """``ROTATION_TUI_YAHOO_STREAM_URL``, or Yahoo's own. Raises InputError for a wrong address."""
    return address("YAHOO", "STREAM", STREAM_HOME) + "/?version=2"
