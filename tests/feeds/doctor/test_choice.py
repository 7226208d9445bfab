"""What ``doctor`` says of the feeds in force."""

from __future__ import annotations

import pytest

from feeds.doctor.choice import choice


@pytest.mark.parametrize(
    ("feed", "keyed", "state", "message"),
    [
        ("auto", {"alpaca"}, "ok", "Alpaca SIP, else Alpaca IEX, Yahoo; if a plan does not include one"),
        ("auto", set(), "ok", "Yahoo, as there is no key"),
        ("alpaca,yahoo", {"alpaca"}, "ok", "your order: Alpaca IEX, else Yahoo"),
        ("massive,yahoo", set(), "ok", "your order: Yahoo; left out, no key: Massive"),
        ("yahoo,demo", set(), "ok", "your order: Yahoo; the demo while no other has anything"),
        ("alpaca-delayed", {"alpaca"}, "ok", "your order: Alpaca SIP 15 min late"),
        ("massive,finnhub,demo", set(), "warn", "massive,finnhub,demo: none of these has its key"),
        ("nats", set(), "ok", "nats"),
    ],
)
def test_the_feeds_in_force_are_reported(feed, keyed, state, message):
    (finding,) = choice(keyed, feed)
    assert (finding.area, finding.state) == ("keys", state)
    assert finding.message.startswith(message)
    assert finding.name == ("--feed auto" if feed == "auto" else "--feed")
