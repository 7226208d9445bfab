"""Every figure is computed again from what ``explain`` prints, by scripts that know nothing of the project.

What is only observed (a price, a status, an age) has nothing to be computed from; meetings after the second
rest on one contract at a time and are judged by tests/rotation/fed.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from functools import cache
from itertools import groupby

import msgspec
import pytest

from feeds.demo.fed import demo_fed
from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.figures.explain import OF_NOW, OF_SESSION, QUOTED, explain, for_a_screen
from rotation.figures.registry import figures
from rotation.market.market import Market
from rotation.quote import Quote
from rotation.sessions import sessions_between, to_ns
from tests.rotation.figures.test_explain import again
from tests.rotation.graph.test_graph import by_hand
from tests.support.core_worlds import ORIGIN, closes, history_of, looking_at
from tui.panels.explained import rows
from tui.view.view_state import ViewState

DAYS = sessions_between(dt.date(2021, 6, 1), dt.date(2024, 7, 16))
DESK = Desk(legs=("IWM", "QQQ", "IWN", "IVW", "NEW"), pairs=(("IWN", "IVW"),), benchmark="NEW")
AT = to_ns(dt.datetime(2024, 7, 16, 14, 40, tzinfo=dt.UTC))
PRICES = {"IWM": 231.17, "QQQ": 495.43, "IWN": 170.3, "IVW": 91.2, "NEW": 51.1}
OBSERVED = OF_NOW | QUOTED
MEETINGS = ("fed.next.", "fed.2.")


@cache
def basis(returns: str = "price") -> Basis:
    """Two years and more of five legs, prices of today, and the demo's Fed."""
    rows = [
        row
        for number, symbol in enumerate(DESK.legs, 2)
        for row in closes(
            symbol, DAYS[:-1], bytes((i * i * number + i // 3) % 8 for i in range(len(DAYS) - 1)), trend=1
        )
    ]
    history = history_of(rows)
    desk = msgspec.structs.replace(DESK, returns=returns)
    market = Market(history, desk, as_of_ns=AT, origin=ORIGIN)
    market.take_fed(demo_fed(AT))
    market.want(looking_at("IWN/IVW"))
    prints = [Quote(symbol, AT, price) for symbol, price in PRICES.items()]
    return Basis(market.apply(prints, as_of_ns=AT), history, desk)


def lines_of(doc):
    """Symbol → its values, and the dates that they have in common."""
    lines = {}
    for row in doc["inputs"]:
        lines.setdefault(row["symbol"], []).append(row)
    dates = [row["date"] for row in next(iter(lines.values()))]
    return {symbol: [row["value"] for row in rows] for symbol, rows in lines.items()}, dates


def series_of(lines, k):
    """The return over k sessions, of two symbols their difference, in percent."""

    def one_way(line, i):
        return 0.0 if abs(line[i] - line[i - k]) <= 1e-6 * line[i - k] else (line[i] / line[i - k] - 1) * 100

    first, *rest = lines.values()
    return [one_way(first, i) - sum(one_way(line, i) for line in rest) for i in range(k, len(first))]


def of_run(doc, part):
    """How many runs reached the length of the present one, and how many to expect by chance."""
    lines, _ = lines_of(doc)
    ways = [(v > 1e-4) - (v < -1e-4) for v in series_of(lines, 1)]
    lengths = [way * n for way, run in groupby(ways) for n in range(1, len(list(run)) + 1)]
    *past, now = lengths
    if part == "times":
        return past.count(now)
    k, n, p = abs(now), len(past), sum(way == ways[-1] for way in ways[:-1]) / len(past)
    return p**k * ((n - k) * (1 - p) + 1)


def of_extremes(doc, part):
    """Record, the widest on either side, and how many there were."""
    lines, dates = lines_of(doc)
    k = next((int(p) for p in doc["id"].split(".") if p.isdigit()), 5)
    *past, now = series_of(lines, k)
    if part == "n":
        return len(past)
    if part == "record":
        return not any(v >= now if now >= 0 else v <= now for v in past)
    days = dates[k:-1]
    wider = [day for day, v in zip(days, past, strict=True) if abs(v) >= abs(now)]
    return wider[-1] if wider else "record"


def of_value_growth(doc, parts):
    lines, dates = lines_of(doc)
    value, growth = lines.values()
    line = [100 * (a / b) / (value[0] / growth[0]) for a, b in zip(value, growth, strict=True)]
    if len(parts) == 1:
        return line[-1]
    if parts[1] == "percentile":
        *past, now = line
        same = [abs(v - now) <= 1e-6 * now for v in past]  # float32 noise
        return 100 * sum(tie / 2 if tie else v < now for v, tie in zip(past, same, strict=True)) / len(past)
    year = range(max(len(line) - 252, 0), len(line))
    at = min(year, key=lambda i: line[i] if parts[1] == "low" else -line[i])
    if parts[-1] == "date":
        return dates[at]
    if parts[-1] != "since":
        return line[at]
    before = [i for i in range(at) if (line[i] <= line[at] if parts[1] == "low" else line[i] >= line[at])]
    return dates[before[-1]] if before else "record"


def of_graph(doc, parts):
    lines = {}
    for row in doc["inputs"]:
        lines.setdefault(row["symbol"], {})[dt.date.fromisoformat(row["date"])] = row["value"]
    own, against = lines.values()
    *_, before, head = by_hand(own, against, "daily" if "daily" in parts else "weekly")
    x, y = head.ratio - before.ratio, head.momentum - before.momentum
    names = {(True, True): "Leading", (True, False): "Weakening", (False, False): "Lagging"}
    return {
        "quadrant": names.get((head.ratio >= 100, head.momentum >= 100), "Improving"),
        "ratio": head.ratio,
        "momentum": head.momentum,
        "speed": math.hypot(x, y),
        "heading": math.degrees(math.atan2(x, y)) % 360,
    }[parts[-1]]


def of_fed(doc, parts):
    rows = doc["inputs"]
    if "change" in parts:
        *past, now = rows
        back = {"1d": 1, "1w": 7, "1m": 30}[parts[-1]]
        until = (dt.date.fromisoformat(now["date"]) - dt.timedelta(back)).isoformat()
        return now["value"] - [row["value"] for row in past if row["date"] <= until][-1]
    if parts[2] in ("kalshi", "polymarket"):
        return sum(row["value"] for row in rows if row["symbol"].startswith("-"))
    meetings = [row["date"] for row in rows if row["symbol"] == "FOMC"]
    rate = {row["month"]: 100 - row["value"] for row in rows if row["symbol"] != "FOMC"}
    # Each meeting here has a month without one after it; the first ends its month.
    after = [rate[min(month for month in rate if month > day[:7])] for day in meetings]
    moves = [100 * (b - a) for a, b in zip([rate[meetings[0][:7]], *after], after, strict=False)]
    odds = {0: 1.0}
    no_cut = 1.0
    for move in moves:
        low = math.floor(move / 25 + 1e-9)
        split = {low: 1 - (move / 25 - low), low + 1: move / 25 - low}
        no_cut *= split.get(0, 0.0)
        odds = {
            total: sum(odds.get(total - step, 0) * share for step, share in split.items())
            for total in range(-9, 9)
        }
    return {
        "date": meetings[-1],
        "cut": sum(share for total, share in odds.items() if total < 0),
        "hold": odds[0],
        "hike": sum(share for total, share in odds.items() if total > 0),
        "move_bp": moves[-1],
        "cumulative_bp": sum(moves),
        "at_least_one_cut": 1 - no_cut,
    }[parts[-1]]


def computed(doc):
    """The figure, from its id and its inputs alone."""
    parts = doc["id"].removeprefix("pair.iwn/ivw.").split(".")
    doc = doc | {"id": ".".join(parts)}
    if parts[0] == "value_growth":
        return of_value_growth(doc, parts)
    if parts[0] == "graph":
        return of_graph(doc, parts)
    if parts[0] == "fed":
        return of_fed(doc, parts)
    if "run" in parts:
        return of_run(doc, parts[-1])
    if parts[-1] in ("n", "since_either_way") or "record" in parts:
        return of_extremes(doc, "record" if "record" in parts else parts[-1])
    if parts[-1] == "leader":
        lines, _ = lines_of(doc)
        value = again(doc | {"id": doc["id"].replace("leader", "pp")})
        return list(lines)[value < 0] if abs(value) > 1e-4 else "even"
    return again(doc)


CAUSES = ("banks.", "breadth.", "macro.")
"""Computed again in test_causes.py."""


def is_judged_here(name: str) -> bool:
    if name.startswith(CAUSES):
        return False
    if name.startswith("fed."):
        return name.startswith(MEETINGS)
    return name.rpartition(".")[2] not in OBSERVED and not name.startswith(("qqq.", "iwn.", "ivw.", "new."))


NAMES = [name for name in figures(DESK) if is_judged_here(name)]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_computed_again(name):
    doc = json.loads(msgspec.json.encode(explain(name, basis())))
    wanted = doc["value"]
    if wanted is None:
        assert name.rpartition(".")[2] == "z", name
        return
    if isinstance(wanted, float):
        wanted = pytest.approx(wanted, rel=1e-6, abs=1e-6)
    assert computed(doc) == wanted
    # The chain of meetings is not solved once more from what is printed, and nothing says that it was.
    assert doc["result"] == (None if name.startswith("fed.") else wanted)


SAME = "the inputs below give the same"
COPIED = frozenset({"last", "bid", "ask", "mid"})
"""Of what is only observed, that which its inputs give."""


@pytest.mark.parametrize("returns", ["price", "total"])
def test_the_inputs_give_the_same_only_where_they_were_computed_with(returns):
    known = basis(returns)
    for name in figures(known.desk):
        whole = explain(name, known)
        last = "" if name.startswith("value_growth") else name.rpartition(".")[2]
        drawn = "".join(
            text for row in rows(_showing(whole, known), ViewState(figure=name), 160, 40) for text, _ in row
        )
        if last in OBSERVED - COPIED or name.startswith("fed.") or whole.value is None:
            assert whole.result is None, name
        if whole.result is None:
            assert "the inputs below" not in drawn, name
            assert "from the inputs below" not in drawn, name
        else:
            assert SAME in drawn, name
        if last in ("last", *OF_SESSION):
            given = [row.value for row in whole.inputs]
            assert given == ([] if whole.value is None else [whole.value]), name


def _showing(whole, known):
    return msgspec.structs.replace(known.snapshot, explained={whole.id: for_a_screen(whole)})


def test_a_streak_of_settled_closes_is_computed_from_its_closes():
    for name in ("iwm.streak.settled", "relative_streak.settled"):
        whole = explain(name, basis())
        assert whole.value == whole.result is not None


def test_a_high_volume_and_late_price_rest_on_the_session_s_own():
    leg = basis().snapshot.legs["IWM"]
    seen = msgspec.structs.replace(leg, high=96.4, low=95.1, volume=515_317, extended=95.9)
    shown = msgspec.structs.replace(basis().snapshot, legs={**basis().snapshot.legs, "IWM": seen})
    known = msgspec.structs.replace(basis(), snapshot=shown)
    for field, value in (("high", 96.4), ("low", 95.1), ("volume", 515_317), ("extended", 95.9)):
        whole = explain(f"iwm.{field}", known)
        assert (whole.value, whole.result) == (value, None)
        assert [(row.value, row.date) for row in whole.inputs] == [(value, leg.session)]
