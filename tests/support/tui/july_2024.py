"""docs/july-2024.md: the claims of the article of 16 July 2024, and what the program answers to each.

``python -m tests.support.tui.july_2024 > docs/july-2024.md`` asks the installed command on the shared data.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from rotation.text import day, percent, signed
from tests.support.paths import SHARED
from tests.support.tui.program import Program

TEN_FORTY = "2024-07-16T10:40-04:00"
SETTLEMENTS = ("ZQ_U24_V24_X24_Z24_daily_long.csv", "ZQ_front_month_continuous.csv")
SEPTEMBER = "2024-09-18"


class Answers(NamedTuple):
    """Snapshots as JSON."""

    morning: dict[str, Any]
    """10:40 New York, by the five-minute bars of IWM and QQQ over the closes through 15 July."""
    evening: dict[str, Any]
    """After the close of 16 July."""
    eve: dict[str, Any]
    """After the close of 15 July: all that is known in the morning of what has no bars."""
    lowest: dict[str, Any]
    """After the close of 5 July."""
    indices: dict[str, Any]
    """After the close of 16 July, RUT against NDX."""


class Claim(NamedTuple):
    """A line of the table."""

    claim: str
    morning: str
    evening: str
    judged: str


def ask(program: Program, shared: Path = SHARED) -> Answers:
    """Ask the command, in a home of its own."""
    program.out("fed", "import", *(shared / "fed" / name for name in SETTLEMENTS))
    closes = ("--history", shared / "daily")
    bars = [shared / "intraday" / f"{symbol}_5m_2024-07-16.csv" for symbol in ("IWM", "QQQ")]
    return Answers(
        program.snapshot(*closes, "--at", TEN_FORTY, "--tape", *bars),
        program.snapshot(*closes, "--at", "2024-07-16"),
        program.snapshot(*closes, "--at", "2024-07-15"),
        program.snapshot(*closes, "--at", "2024-07-05"),
        program.snapshot(*closes, "--pair", "RUT/NDX", "--at", "2024-07-16"),
    )


def claims(answers: Answers) -> list[Claim]:
    """Every claim that the project knows of, in the article's order."""
    morning, evening, eve, lowest, indices = answers
    return [
        Claim(
            "The Russell 2000 gains for the fifth session in a row",
            _run(morning, "IWM"), _run(evening, "IWM"),
            "holds; at 10:40 the fifth is provisional",
        ),
        Claim(
            "More than 9 % in five sessions",
            _pct(morning, "IWM"), _pct(evening, "IWM"), "holds",
        ),
        Claim(
            "The best such stretch since mid-2020 (as the press had it, since June 2020)",
            _since_leg(morning, "IWM"), _since_leg(evening, "IWM"),
            "holds, and the strict date is earlier: 27 May 2020 at 10:40, 29 April 2020 at the close",
        ),
        Claim(
            "10.4 points ahead of the Nasdaq 100 over five sessions",
            _pp(morning), f"{_pp(evening)}; RUT − NDX {_pp(indices)}",
            "0.06 pp short of 10.4 by the funds at 10:40, beyond it at the close; "
            "the indices have no prices of that morning here",
        ),
        Claim(
            "The widest such lead since November 2016",
            _since_pp(morning), f"{_since_pp(evening)}; RUT − NDX {_since_pp(indices)}",
            "holds at 10:40, to the day; at the close it goes back to 2001",
        ),
        Claim(
            "A September cut is priced at 100 %",
            _cut(morning), _cut(evening),
            "holds, by settlements: no futures price of 10:40 is in the data, "
            "and the answer says which day settled",
        ),
        Claim(
            "Regional banks (KRE)",
            _without_bars(morning, eve, "KRE"), f"{_run(evening, 'KRE')}; {_pct(evening, 'KRE')}",
            "cannot be said of 10:40 without prices of KRE; the closes say it",
        ),
        Claim(
            "The Dow (DIA)",
            _without_bars(morning, eve, "DIA"), f"{_run(evening, 'DIA')}; {_pct(evening, 'DIA')}",
            "cannot be said of 10:40 without prices of DIA; the closes say it",
        ),
        Claim(
            "Value against growth at its lowest since 2000 (IWN/IVW)",
            _value_growth(morning), _value_growth(evening),
            f"on 5 July it stood at {_lowest(lowest)}; IVW's file begins in 2005, so no more is claimed. "
            "IWN has adjusted closes only, and no price of 10:40 could enter",
        ),
        Claim(
            "The valuation gap (prices by earnings)",
            "—", "—",
            "cannot be said: no source of the program has earnings or estimates. "
            "IWN/IVW is a price proxy, and every place that shows it says so",
        ),
    ]  # fmt: skip


def _run(taken: dict[str, Any], symbol: str) -> str:
    streak = taken["legs"][symbol]["streak"]
    settled, now = streak["settled"], streak["with_today"]
    return f"{settled} settled + today = {now}" if streak["provisional"] else f"{now} gains in a row, settled"


def _pct(taken: dict[str, Any], symbol: str) -> str:
    return f"{signed(taken['legs'][symbol]['return_pct']['5'], 3)} % in 5 sessions"


def _since_leg(taken: dict[str, Any], symbol: str) -> str:
    since = taken["legs"][symbol]["since"]["5"]
    return f"since {_day(since['date'])} ({signed(since['value_pct'], 3)} %)"


def _pp(taken: dict[str, Any]) -> str:
    return f"{signed(taken['spread']['windows']['5']['pp'], 3)} pp"


def _since_pp(taken: dict[str, Any]) -> str:
    since = taken["spread"]["windows"]["5"]["since"]
    return f"since {_day(since['date'])} ({signed(since['value_pp'], 3)} pp)"


def _cut(taken: dict[str, Any]) -> str:
    fed = taken["fed"]
    cut = next(row["cut"] for row in fed["meetings"] if row["date"] == SEPTEMBER)
    return f"{percent(cut)} % by the {fed['engines']['futures']['kind']}"


def _without_bars(taken: dict[str, Any], eve: dict[str, Any], symbol: str) -> str:
    leg = taken["legs"][symbol]
    assert leg["return_pct"]["5"] is leg["streak"]["with_today"] is None
    return f"— ({leg['streak']['settled']} gains settled; {_pct(eve, symbol)} to 15 July)"


def _value_growth(taken: dict[str, Any]) -> str:
    stated = taken["value_growth"]
    low = stated["low"]
    since = f"since {_day(low['since'])}" if low["since"] else f"on record (from {_day(low['first_date'])})"
    value = f"{stated['value']:.2f} at the close of {_day(stated['session'])}"
    return f"{value}; year's low {_day(low['date'])}, lowest {since}"


def _lowest(taken: dict[str, Any]) -> str:
    stated = taken["value_growth"]
    assert stated["low"]["date"] == stated["session"] == "2024-07-05"
    return (
        f"{stated['value']:.2f}, the lowest of {stated['n'] + 1:,} sessions from {_day(stated['first_date'])}"
    )


def _day(text: str) -> str:
    return day(date.fromisoformat(text))


HEAD = """\
# 16 July 2024, claim by claim

This desk was made after an article of July 2024. Each of its claims that the project's papers name stands
below, with what the program answers at 10:40 in New York on 16 July 2024, the moment of its figures, and
after that day's close. Of the regional banks and the Dow only the subject is kept: shown is what it says of
them. This page is written by `python -m tests.support.tui.july_2024`, which asks the command itself;
`tests/tui/cli/test_july_2024.py` compares it, and computes each figure once more with plain loops.

What there is of that day: daily closes of ten symbols (IWN adjusted ones only), five-minute bars of IWM and
QQQ, and daily settlements of the Fed funds futures. So at 10:40 only IWM, QQQ and what rests on both have a
price of the day; of all else the program shows the close of 15 July and no figure of the 16th.

    rotation-tui fed import FILES…
    rotation-tui snapshot --history CLOSES --tape IWM.csv QQQ.csv --at 2024-07-16T10:40-04:00 --format json
    rotation-tui snapshot --history CLOSES --at 2024-07-16 --format json

"""


def page(answers: Answers) -> str:
    """The document."""
    lines = ["| the claim | at 10:40 | after the close | judged |", "| --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(each)} |" for each in claims(answers)]
    sentences = [
        "",
        "The sentence that the program says of it:",
        "",
        f"- at 10:40: {answers.morning['headline']}",
        f"- after the close: {answers.evening['headline']}",
        f"- the indices, after the close: {answers.indices['headline']}",
    ]
    return HEAD + "\n".join(lines + sentences) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        sys.stdout.write(page(ask(Program(Path(home)))))
