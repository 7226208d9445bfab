"""CME's own history of probabilities against our chain on ZQ closes: prints docs/fedwatch-history.md.

python -m bench.fedwatch.history ../shared/data > docs/fedwatch-history.md
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rotation.fed.odds import distributions, mean_bp
from rotation.fed.strip.chain import StripCase, day_count, solve

if TYPE_CHECKING:
    from rotation.fed.strip.contracts import Month

RANGE_BP = (525, 550)
"""From 26 July 2023 to 18 September 2024, so for every watch date here."""
SEPTEMBER, NOVEMBER, DECEMBER = date(2024, 9, 18), date(2024, 11, 7), date(2024, 12, 18)
MEETINGS = (
    date(2023, 7, 26), date(2023, 9, 20), date(2023, 11, 1), date(2023, 12, 13), date(2024, 1, 31),
    date(2024, 3, 20), date(2024, 5, 1), date(2024, 6, 12), date(2024, 7, 31), SEPTEMBER, NOVEMBER, DECEMBER,
    date(2025, 1, 29),
)  # fmt: skip
CONTRACTS = {"ZQU24": (2024, 9), "ZQV24": (2024, 10), "ZQX24": (2024, 11), "ZQZ24": (2024, 12)}

Row = dict[int, float]
"""Steps of 25 bp from the range of the day → probability."""


class Whole(NamedTuple):
    """The rows of September, November and December on one day."""

    day: date
    ours: list[Row]
    theirs: list[Row]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fedwatch.history", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    fed = parser.parse_args().data / "fed"
    export = read_export(fed / "FedMeetingHistory_20240916.csv")
    listed = read_contracts(fed / "ZQ_U24_V24_X24_Z24_daily_long.csv")
    front = read_front(fed / "ZQ_front_month_continuous.csv")
    days = sorted(
        day for day in set(front) & set(export[SEPTEMBER]) if len(listed.get(day, ())) == len(CONTRACTS)
    )
    strips = {day: strip(day, listed, front) for day in days}
    print(document(whole_rows(strips, export), mean_rows(strips, export)))


def on_grid(price: str) -> float:
    """The files went through 32-bit floats; ZQ trades in quarters of a basis point."""
    return round(float(price) * 400) / 400


def read_export(path: Path) -> dict[date, dict[date, Row]]:
    """Meeting → watch date → row. Blocks of columns stand side by side; empty cells are no publication."""
    with path.open(newline="", encoding="utf-8") as file:
        titles, ranges, *rows = csv.reader(file)
    starts = [i for i, label in enumerate(ranges) if label == "(0-25)"]
    meetings = {}
    for start, end in zip(starts, [*starts[1:], len(ranges)], strict=True):
        meeting = (
            datetime.strptime(titles[start], "History for %d %b %Y Fed meeting").replace(tzinfo=UTC).date()
        )
        steps = [(int(label.strip("()").split("-")[0]) - RANGE_BP[0]) // 25 for label in ranges[start:end]]
        history = {}
        for row in rows:
            cells = row[start:end]
            if any(cells):
                day = datetime.strptime(row[0], "%m/%d/%Y").replace(tzinfo=UTC).date()
                history[day] = {k: float(p) for k, p in zip(steps, cells, strict=True) if p and float(p)}
                assert abs(sum(history[day].values()) - 1) < 1e-4, (meeting, day)
        meetings[meeting] = history
    return meetings


def read_contracts(path: Path) -> dict[date, dict[Month, float]]:
    """By the contract's name: the rows of term "2025 Jan" are a copy of ZQZ24."""
    closes: dict[date, dict[Month, float]] = defaultdict(dict)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, _, field = row["name"].partition(".CBT.")
            if field == "Close" and row["value"] != "NA":
                closes[date.fromisoformat(row["Index"])][CONTRACTS[name]] = on_grid(row["value"])
    return closes


def read_front(path: Path) -> dict[date, float]:
    """The contract of the month itself."""
    with path.open(newline="", encoding="utf-8") as file:
        return {date.fromisoformat(row["Date"]): on_grid(row["Close"]) for row in csv.DictReader(file)}


def strip(day: date, listed: dict[date, dict[Month, float]], front: dict[date, float]) -> StripCase:
    """What was known that evening: the listed contracts, the month's own, expired ones at their last."""
    prices = {(at.year, at.month): price for at, price in sorted(front.items()) if at <= day}
    return StripCase(day, RANGE_BP, MEETINGS, prices | listed[day])


def whole_rows(strips: dict[date, StripCase], export: dict[date, dict[date, Row]]) -> list[Whole]:
    """Days on which September is the next meeting: its whole row can be computed, and two after it."""
    collected = []
    for day, case in strips.items():
        chain = solve(case)
        if chain.solved and chain.solved[0].date == SEPTEMBER:
            dates = [row.date for row in chain.solved]
            assert dates[:3] == [SEPTEMBER, NOVEMBER, DECEMBER]
            theirs = [export[meeting][day] for meeting in dates[:3]]
            assert [row.state for row in chain.solved[:3]] == ["ok", "degraded", "degraded"]
            collected.append(Whole(day, distributions(chain)[:3], theirs))
    return collected


def mean_rows(
    strips: dict[date, StripCase], export: dict[date, dict[date, Row]]
) -> list[tuple[date, float, float]]:
    """Days on which the rate before the next meeting is known: September's cumulative mean, ours and CME's.

    The moves in between need contracts that are not here; their sum does not: it is the rate after
    September (October's average) minus the rate now.
    """
    collected = []
    meeting_months = {(day.year, day.month) for day in MEETINGS}
    for day, case in strips.items():
        following = next(meeting for meeting in MEETINGS if meeting >= day)
        before = (
            following.year - (following.month == 1),
            following.month - 1 or 12,
        )
        if before not in meeting_months:
            now = case.prices.get(before)
        elif not day_count(following)[1]:
            now = case.prices.get((following.year, following.month))
        else:
            now = None
        if now is not None:
            ours = 100 * (now - case.prices[2024, 10])
            collected.append((day, ours, mean_bp(export[SEPTEMBER][day])))
    return collected


def largest(ours: Row, theirs: Row) -> float:
    """Percentage points."""
    return max(100 * abs(ours.get(k, 0.0) - theirs.get(k, 0.0)) for k in {*ours, *theirs})


def signed(difference: float) -> str:
    """Without the sign that rounding leaves on a zero."""
    return f"{difference:+.2f}" if abs(difference) >= 0.005 else "0"


def document(whole: list[Whole], means: list[tuple[date, float, float]]) -> str:
    september = [largest(row.ours[0], row.theirs[0]) for row in whole]
    gaps = [abs(ours - theirs) for _, ours, theirs in means]
    equal = sum(gap < 1e-4 for gap in september)
    tick = sum(gap <= 2.01 for gap in september)
    later = [[abs(mean_bp(r.ours[i]) - mean_bp(r.theirs[i])) for r in whole] for i in (1, 2)]
    months: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for day, ours, theirs in means:
        months[f"{day:%Y-%m}"].append((ours, theirs))
    lines = [
        TEXT.format(
            n=len(whole),
            first=whole[0].day,
            last=whole[-1].day,
            equal=equal,
            tick=tick,
            worst=max(september),
            mean=sum(september) / len(september),
            november=sum(later[0]) / len(whole),
            november_worst=max(later[0]),
            december=sum(later[1]) / len(whole),
            december_worst=max(later[1]),
            n_means=len(means),
            gap=sum(gaps) / len(gaps),
            exact=sum(gap < 1e-3 for gap in gaps),
            half=sum(gap <= 0.51 for gap in gaps),
            gap_worst=max(gaps),
            gap_day=means[gaps.index(max(gaps))][0],
        ),
        "## The whole row of 18 September 2024, and the means of the two meetings after it",
        "",
        "| watch date | P(-50) % | CME | largest gap, pp | mean bp Sep | CME | Nov | CME | Dec | CME |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row, gap in zip(whole, september, strict=True):
        pairs = [
            f"{mean_bp(ours):.2f} | {mean_bp(theirs):.2f}"
            for ours, theirs in zip(row.ours, row.theirs, strict=True)
        ]
        p, q = (100 * side[0].get(-2, 0.0) for side in (row.ours, row.theirs))
        lines.append(f"| {row.day} | {p:.2f} | {q:.2f} | {gap:.2f} | {' | '.join(pairs)} |")
    lines += [
        "",
        "## The expected move to 18 September 2024, by month of the watch date",
        "",
        "| month | days | mean difference, bp | mean size, bp | largest size, bp |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for month, pairs_of in months.items():
        differences = [ours - theirs for ours, theirs in pairs_of]
        sizes = [abs(d) for d in differences]
        n = len(sizes)
        lines.append(
            f"| {month} | {n} | {signed(sum(differences) / n)} | {sum(sizes) / n:.2f} | {max(sizes):.2f} |"
        )
    lines += [
        "",
        "## The same, day by day",
        "",
        "| watch date | ours, bp | CME, bp | difference, bp |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {day} | {ours:.2f} | {theirs:.2f} | {signed(ours - theirs)} |" for day, ours, theirs in means),
    ]
    return "\n".join(lines)


TEXT = """\
# CME's own history against our chain

Written by `python -m bench.fedwatch.history ../shared/data > docs/fedwatch-history.md`; nothing here is
typed by hand but the reading. CME's side is its export of 16 September 2024
(`FedMeetingHistory_20240916.csv`). Ours is `rotation.fed.strip.chain.solve` on the daily closes of ZQU24,
ZQV24,
ZQX24 and ZQZ24, and for the current month, and expired ones, the front-month series. The rows of that file
under "2025 Jan" are a copy of ZQZ24 and are not used: contracts are taken by their name.

## What the strip allows

- **The whole row of 18 September 2024** on the {n} days from {first} to {last}, when it was the next
  meeting: August is its start (expired in September: its last close), October its end.
- **The two meetings after it** on the same days, degraded: January and February 2025 are not in the files,
  so November and December are filled forward from their own contracts, where CME comes backward from
  February.
- **The expected move to 18 September 2024** on {n_means} days since September 2023, on which the rate
  before the next meeting is known: the moves in between need contracts that are not here, their sum does
  not. This compares means, not distributions.
- Nothing on the other days of the export, and nothing of its meetings from 2025 on: the contracts are
  missing.

## Differences, and why

| compared | days | equal to the export's rounding | within a tick | mean size | largest |
| --- | ---: | ---: | ---: | ---: | ---: |
| row of 18 September, pp | {n} | {equal} | {tick} (2 pp) | {mean:.3f} | {worst:.3f} |
| mean of 7 November, degraded, bp | {n} | | | {november:.2f} | {november_worst:.2f} |
| mean of 18 December, degraded, bp | {n} | | | {december:.2f} | {december_worst:.2f} |
| move to 18 September, bp | {n_means} | {exact} | {half} (0.5 bp) | {gap:.3f} | {gap_worst:.2f} ({gap_day}) |

- **September's row and every mean since January 2024: no difference.** The closes of these files are then
  the settlements that CME used. The day count is the present one throughout: 31 January and 31 July 2024
  are last-day meetings, whose start is the month's own average only under N = d, while the press of the
  time quoted figures of the older count. So the export is what CME computed when it was made, not what its
  page showed on the day.
- **Autumn 2023: up to a few ticks.** All these differences are whole multiples of 0.25 bp, the spot month's
  tick, and of both signs: other prices in the same rule, not another rule. ZQV24 then traded 600 to 4,000
  contracts a day, and the file's close need not be the settlement. Which of the two it is cannot be told
  from these files.
- **November and December 2024: the forward fill.** September is exact on the same days, so the prices are
  not to blame. Filled forward, the rate after November rests on November's own contract, which CME's chain
  ignores: a contract that is e bp off the line through December, January and February shifts it by 30/23 e,
  and the rate after December by -18/13 of that, to the other side, as the table shows. That is what the
  mark "degraded" stands for.

With whole strips the chain has no difference to explain: `tests/rotation/fed/test_chain_vectors.py` holds it
to the export within 6e-7 for all eight meetings on the 31 dates whose strips are reconstructed.
"""

if __name__ == "__main__":
    main()
