"""Fed scenes to look at.

``july``: 16 July 2024. Every meeting's ranges, and the prices of July to December, are as CME and the
exchange had them that day; the prediction markets, the history of P(cut in July) and the later prices are
made up in likely sizes. ``hike``: the comparison for 9 December 2026 of the shared samples, in which all
three engines are real.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from rotation.fed.comovement import CoMovement
from rotation.fed.figures import (
    Fed,
    FedBreakeven,
    FedContract,
    FedEngine,
    FedMeeting,
    FedPast,
    FedStrike,
    FedTick,
)
from rotation.status import Kind, PriceStatus
from rotation.wording import parse_word

replace = msgspec.structs.replace

NOW = datetime(2024, 7, 16, 14, 40, tzinfo=UTC)
HIKE_NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
HOSTILE = "\x1b]52;c;aGk=\x07\u202e漢字\n\x1b[2Jevil"

EXPORT = {
    date(2024, 7, 31): {"500-525": 0.08, "525-550": 0.92},
    date(2024, 9, 18): {"475-500": 0.08, "500-525": 0.92},
    date(2024, 11, 7): {"450-475": 0.052034, "475-500": 0.626354, "500-525": 0.321612},
    date(2024, 12, 18): {"425-450": 0.045857, "450-475": 0.558184, "475-500": 0.357784, "500-525": 0.038175},
    date(2025, 1, 29): {
        "400-425": 0.034314, "425-450": 0.429219, "450-475": 0.408230, "475-500": 0.118628,
        "500-525": 0.009609,
    },
    date(2025, 3, 19): {
        "375-400": 0.028824, "400-425": 0.366034, "425-450": 0.411588, "450-475": 0.164964,
        "475-500": 0.027052, "500-525": 0.001538,
    },
    date(2025, 5, 7): {
        "350-375": 0.022162, "375-400": 0.288101, "400-425": 0.401060, "425-450": 0.221962,
        "450-475": 0.058925, "475-500": 0.007434, "500-525": 0.000355,
    },
    date(2025, 6, 18): {
        "325-350": 0.010589, "350-375": 0.149222, "375-400": 0.342070, "400-425": 0.315491,
        "425-450": 0.144067, "450-475": 0.034324, "475-500": 0.004052, "500-525": 0.000186,
    },
}  # fmt: skip
"""CME's export of 16 July 2024 (FedMeetingHistory_20240916.csv); July by the same chain."""
RANGE = (525, 550)
PRICES = (
    ("ZQN24", "2024-07", 94.67), ("ZQQ24", "2024-08", 94.69), ("ZQU24", "2024-09", 94.79),
    ("ZQV24", "2024-10", 94.94), ("ZQX24", "2024-11", 95.065), ("ZQZ24", "2024-12", 95.195),
    ("ZQF25", "2025-01", 95.375), ("ZQG25", "2025-02", 95.52), ("ZQH25", "2025-03", 95.61),
    ("ZQJ25", "2025-04", 95.745), ("ZQK25", "2025-05", 95.86), ("ZQM25", "2025-06", 95.97),
)  # fmt: skip


def _lower(name: str) -> int:
    return int(name.split("-", maxsplit=1)[0])


def _meetings() -> tuple[FedMeeting, ...]:
    rows: list[FedMeeting] = []
    before, never = 0.0, 1.0
    for i, (day, outcomes) in enumerate(EXPORT.items()):
        total = sum(p * (_lower(name) - RANGE[0]) for name, p in outcomes.items())
        move = total - before
        never *= max(0.0, 1 + move / 25)
        rows.append(
            FedMeeting(
                date=day,
                state="degraded" if i == len(EXPORT) - 1 else "ok",
                implied_pct=5.33 + before / 100 + move / 200,
                end_pct=5.33 + total / 100,
                move_bp=move,
                cumulative_bp=total,
                outcomes=outcomes,
                cut=sum(p for name, p in outcomes.items() if _lower(name) < RANGE[0]),
                hold=outcomes.get("525-550", 0.0),
                hike=0.0,
                local={"-25": -move / 25, "0": 1 + move / 25},
                at_least_one_cut=1 - never if i != 1 else None,
                contracts=(PRICES[i][0], PRICES[i + 1][0]),
            )
        )
        before = total
    unsolved = FedMeeting(
        date(2025, 7, 30), "unsolved", None, None, None, None, {}, None, None, None, {}, None, ()
    )
    return (*rows, unsolved, replace(unsolved, date=date(2025, 9, 17)))


def status(state: str, at: datetime | None, age_s: float | None, source: str = "") -> PriceStatus:
    """What the word of a scene says, as a value."""
    kind, delay_s, stale_s = parse_word(state)
    assert isinstance(kind, Kind)
    return PriceStatus(kind, at, stale_s if age_s is None else age_s, delay_s, source=source)


def with_worth(known: Fed) -> Fed:
    """The same with what its own ``state`` says, as a value."""
    futures = known.engines["futures"]
    return replace(known, status=status(known.state, futures.at, futures.age_s, known.source))


def engine(state: str, age_s: float | None, moves: dict[str, float], **more: Any) -> FedEngine:
    mean = sum(p * int(move) for move, p in moves.items())
    given: dict[str, Any] = {
        "kind": "order book",
        "state": state,
        "at": None if age_s is None else NOW - timedelta(seconds=age_s),
        "age_s": age_s,
        "cut": sum(p for move, p in moves.items() if int(move) < 0),
        "hold": moves.get("0", 0.0),
        "hike": sum(p for move, p in moves.items() if int(move) > 0),
        "moves": moves,
        "mean_bp": mean,
        "gap_bp": None,
        "raw_sum": None,
        "note": "",
    }
    given |= more
    return FedEngine(**given, status=status(state, given["at"], age_s))


def _history() -> tuple[FedPast, ...]:
    levels = (10, 11, 9, 8, 9, 11, 12, 10, 10, 9, 7, 8, 6, 5, 5, 8, 9, 7, 6, 5, 4, 5, 5, 7, 6, 4, 4, 8, 6, 4)
    first = datetime(2024, 6, 3, 19, tzinfo=UTC)
    days = [first + timedelta(days=i) for i in range(43)]
    sessions = [day for day in days if day.weekday() < 5][: len(levels)]
    settled = [FedPast(day, level / 100, settled=True) for day, level in zip(sessions, levels, strict=True)]
    return (*settled, FedPast(NOW, 0.08, settled=False))


def _contracts() -> tuple[FedContract, ...]:
    ages = [4.0, 4.0, 31.0, 4.0, 12.0, 9.0, 75.0, 130.0, 75.0, 130.0, 160.0, None]
    odd = {"ZQX24": 0.42, "ZQG25": -1.31}
    return tuple(
        FedContract(
            symbol=symbol,
            month=month,
            price=price,
            kind="last" if age else "settlement",
            state="DELAYED 10m" if age else "CLOSED",
            at=NOW - timedelta(seconds=age) if age else None,
            age_s=age,
            settle=price + 0.005,
            settle_date=date(2024, 7, 15),
            residual_bp=odd.get(symbol, 0.04),
            source="Yahoo",
            flag="" if age else "one-sided book, last settlement used",
            status=status(
                "DELAYED 10m" if age else "CLOSED",
                NOW - timedelta(seconds=age) if age else None,
                age,
                "Yahoo",
            ),
        )
        for (symbol, month, price), age in zip(PRICES, ages, strict=True)
    )


def july() -> Fed:
    meetings = _meetings()
    first = meetings[0]
    return with_worth(Fed(
        meeting=first.date,
        decides=datetime(2024, 7, 31, 18, tzinfo=UTC),
        target_range_bp=RANGE,
        effr_pct=5.33,
        cut=first.cut,
        hold=first.hold,
        hike=first.hike,
        outcomes=first.outcomes,
        change={"1d": 0.04, "1w": 0.01, "1m": -0.02},
        engines={
            "futures": engine("DELAYED 10m", 4.0, {"-25": 0.08, "0": 0.92}, kind="last trades", gap_bp=0.0),
            "Kalshi": engine(
                "LIVE", 9.0, {"-50": 0.005, "-25": 0.045, "0": 0.94, "25": 0.005, "50": 0.005},
                gap_bp=0.75, raw_sum=1.025,
            ),
            "Polymarket": engine(
                "STALE 4m", 251.0, {"-50": 0.002, "-25": 0.058, "0": 0.935, "25": 0.003, "50": 0.002},
                gap_bp=0.6, raw_sum=1.0085, note="the +50 contract has no bid: left out",
            ),
        },
        meetings=meetings,
        stopped_at=date(2025, 7, 30),
        contracts=_contracts(),
        fit_rms_bp=0.41,
        disagreement_bp={day.isoformat(): 0.1 * i - 0.2 for i, day in enumerate(EXPORT)},
        ticks=(FedTick("ZQN24", 0.0025, 0.01, -0.01), FedTick("ZQQ24", 0.005, 0.02, -0.02)),
        breakevens=(
            FedBreakeven("ZQN24", 0.5, 94.565, -42.0),
            FedBreakeven("ZQQ24", 0.5, 94.795, 21.0),
            FedBreakeven("ZQQ24", 0.9, None, None),
        ),
        ladder=(
            FedStrike("Kalshi", date(2024, 9, 18), 500, 0.91, 0.92),
            FedStrike("Kalshi", date(2024, 9, 18), 525, 0.09, 0.0),
        ),
        history=_history(),
        comovement=CoMovement(60, 0.031, 0.44),
        state="DELAYED 10m",
        source="Yahoo futures",
        warnings=("prices of one block are up to 2 minutes apart",), stopped_by="missing contract",
    ))  # fmt: skip


def offline() -> Fed:
    """Only the calendar is known."""
    dark = FedMeeting(
        date(2024, 7, 31), "unsolved", None, None, None, None, {}, None, None, None, {}, None, ()
    )
    silent = FedEngine(
        "", "OFFLINE", None, None, None, None, None, {}, None, None, None, "", status("OFFLINE", None, None)
    )
    return with_worth(replace(
        july(),
        target_range_bp=None, effr_pct=None, cut=None, hold=None, hike=None, outcomes={},
        change={"1d": None, "1w": None, "1m": None},
        engines=dict.fromkeys(("futures", "Kalshi", "Polymarket"), silent),
        meetings=(dark,), stopped_at=dark.date, contracts=(), fit_rms_bp=None, disagreement_bp={},
        ticks=(), breakevens=(), ladder=(), history=(), comovement=None, state="OFFLINE", source="",
        warnings=("no futures price has come: Yahoo cannot be reached; tried 10:39:12 New York",),
    ))  # fmt: skip


def markets() -> Fed:
    """The futures are silent, prediction markets are not."""
    known = {name: replace(rows, gap_bp=None) for name, rows in july().engines.items()}
    return replace(offline(), engines={**known, "futures": offline().engines["futures"]})


def hike() -> Fed:
    """A hike regime: 9 December 2026 as the shared comparison has it."""
    outcomes = {"350-375": 0.184, "375-400": 0.816}
    only = replace(
        _meetings()[0], date=date(2026, 12, 9), state="ok", outcomes=outcomes,
        move_bp=20.4, cumulative_bp=20.4, cut=0.0, hold=0.184, hike=0.816,
        at_least_one_cut=None, local={"0": 0.184, "25": 0.816},
    )  # fmt: skip
    return with_worth(replace(
        july(),
        meeting=date(2026, 12, 9), decides=datetime(2026, 12, 9, 19, tzinfo=UTC), target_range_bp=(350, 375),
        cut=0.0, hold=0.184, hike=0.816, outcomes=outcomes, meetings=(only,), stopped_at=None, stopped_by="",
        engines={
            "futures": engine("LIVE", 2.0, {"0": 0.184, "25": 0.816}, kind="middles of the book", gap_bp=0.0),
            "Kalshi": engine(
                "LIVE", 3.0, {"-50": 0.005, "-25": 0.015, "0": 0.268, "25": 0.688, "50": 0.024},
                mean_bp=17.8, gap_bp=-2.6, raw_sum=1.025,
            ),
            "Polymarket": engine(
                "LIVE", 1.0, {"-50": 0.003, "-25": 0.017, "0": 0.233, "25": 0.729, "50": 0.017},
                mean_bp=18.5, gap_bp=-1.9, raw_sum=1.0085,
            ),
        },
        comovement=CoMovement(7, None, None), state="LIVE", warnings=(),
        history=tuple(
            FedPast(HIKE_NOW - timedelta(minutes=60 - i), 0.001 * (i // 9), settled=False) for i in range(60)
        ),
    ))  # fmt: skip


def negative() -> Fed:
    """A rate below zero: ranges with a minus, a price above 100."""
    outcomes = {"-50--25": 0.25, "-25-0": 0.7, "0-25": 0.05}
    first = replace(_meetings()[0], outcomes=outcomes, cut=0.95, hold=0.05)
    return replace(
        july(),
        target_range_bp=(0, 25), outcomes=outcomes, cut=0.95, hold=0.05, meetings=(first, *_meetings()[1:]),
        warnings=("ZQN24 at 100.0425: a price above 100 is a negative rate",),
    )  # fmt: skip


def hostile() -> Fed:
    """Text from outside that would take over a terminal, long and wide."""
    long = HOSTILE * 9
    base = july()
    return replace(
        base,
        source=long, state=long, warnings=(long, HOSTILE, "x" * 400),
        engines={name + HOSTILE: replace(rows, note=long, kind=long) for name, rows in base.engines.items()},
        contracts=tuple(
            replace(c, flag=long, source=long, symbol=c.symbol + HOSTILE) for c in base.contracts
        ),
    )  # fmt: skip


def all_scenes() -> dict[str, Fed | None]:
    return {
        "july": july(), "offline": offline(), "markets": markets(), "hike": hike(), "negative": negative(),
        "hostile": hostile(), "none": None,
    }  # fmt: skip
