"""Breadth and contributions by their definitions: dictionaries and loops, every session anew from nothing.

``closes``: symbol → {session: value}. ``lists``: [(day of the file, {symbol: (sector, weight in percent)})].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

Closes = Mapping[str, Mapping[date, float]]
Members = Mapping[str, tuple[str, float | None]]


def way(value: float, was: float) -> int:
    """Which way a price moved; closes within 1e-6 are equal."""
    return 0 if abs(value - was) <= 1e-6 * was else 1 if value > was else -1


def list_on(lists: Sequence[tuple[date, Members]], day: date) -> tuple[date, Members] | None:
    """The last file on or before a day."""
    earlier = [each for each in lists if each[0] <= day]
    return max(earlier, key=lambda each: each[0]) if earlier else None


def counts(closes: Closes, members: Members, days: Sequence[date]) -> dict[str, int]:
    """Of the last of ``days``, which are all sessions up to it."""
    made = dict.fromkeys(
        ("counted", "advances", "declines", "mean_counted", "above", "range_counted", "highs", "lows"), 0
    )
    for symbol in members:
        series = [closes.get(symbol, {}).get(day) for day in days]
        value = series[-1]
        if value is None:
            continue
        was = series[-2] if len(series) > 1 else None
        if was is not None:
            made["counted"] += 1
            made["advances"] += way(value, was) > 0
            made["declines"] += way(value, was) < 0
        mean = [close for close in series[-50:] if close is not None]
        if len(mean) == 50:
            made["mean_counted"] += 1
            made["above"] += way(value, sum(mean) / 50) > 0
        before = [close for close in series[-253:-1] if close is not None]
        if len(before) == 252:
            made["range_counted"] += 1
            made["highs"] += way(value, max(before)) > 0
            made["lows"] += way(value, min(before)) < 0
    return made


def ema(values: Sequence[float], span: int) -> float:
    """The exponential mean that begins with the first value."""
    mean = values[0]
    for value in values[1:]:
        mean += (value - mean) * 2 / (span + 1)
    return mean


def breadth(
    closes: Closes, lists: Sequence[tuple[date, Members]], days: Sequence[date]
) -> list[dict[str, float | int | date | None]]:
    """A record for each of ``days`` (all sessions since history began) in which a member is counted."""
    ratios: list[float] = []
    made: list[dict[str, float | int | date | None]] = []
    for place, day in enumerate(days):
        held = list_on(lists, day)
        if held is None:
            continue
        count = counts(closes, held[1], days[: place + 1])
        if not count["counted"]:
            continue
        up, down, counted = count["advances"], count["declines"], count["counted"]
        ratios.append((up - down) / (up + down) if up + down else 0.0)
        made.append(
            {
                "session": day,
                "membership_date": held[0],
                "total": len(held[1]),
                "counted": counted,
                "advances": up,
                "declines": down,
                "unchanged": counted - up - down,
                "net": up - down,
                "share_up": up / counted,
                "above_mean": count["above"] / count["mean_counted"] if count["mean_counted"] else None,
                "mean_counted": count["mean_counted"],
                "highs": count["highs"] if count["range_counted"] else None,
                "lows": count["lows"] if count["range_counted"] else None,
                "net_highs": count["highs"] - count["lows"] if count["range_counted"] else None,
                "range_counted": count["range_counted"],
                "net_ratio": ratios[-1],
                "mcclellan": ema(ratios, 19) - ema(ratios, 39) if len(ratios) >= 39 else None,
            }
        )
    return made


def contributions(
    closes: Closes, members: Members, day: date, then: date
) -> tuple[dict[str, float], dict[str, float], float]:
    """By member, by sector, and the sum: weight × return from ``then`` to ``day``, in percentage points."""
    by_member: dict[str, float] = {}
    by_sector: dict[str, float] = {}
    for symbol, (sector, weight) in members.items():
        value, was = closes.get(symbol, {}).get(day), closes.get(symbol, {}).get(then)
        if value is None or was is None or weight is None:
            continue
        pct = 0.0 if way(value, was) == 0 else (value / was - 1) * 100
        by_member[symbol] = weight * pct / 100
        by_sector[sector] = by_sector.get(sector, 0.0) + by_member[symbol]
    return by_member, by_sector, sum(by_member.values())
