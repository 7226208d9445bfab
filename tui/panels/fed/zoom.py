"""The Fed panel zoomed: the whole tree of target ranges, the strip it comes from, and what would move it."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from math import ceil
from typing import TYPE_CHECKING

from rotation.fed.calibration import HORIZONS, Score
from rotation.fed.calibration import LEAST_N as LEAST_DECISIONS
from rotation.fed.comovement import LEAST_N
from rotation.text import counted, day
from tui.panels.base import status_role
from tui.panels.fed import history as fed_history
from tui.panels.fed.figures import (
    ENGINES,
    MEETINGS,
    STATE_MARK,
    Engine,
    age,
    details,
    lower_bp,
    mark_engines,
    mark_meetings,
    rate_role,
    share,
    short_day,
    stop,
    target,
)
from tui.panels.fed.next import top
from tui.view.draw import UNKNOWN, Row, Span, change, clean, column, fit, flowed, number, wrap
from tui.view.table import Column, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rotation.fed.figures import Fed, FedBreakeven, FedContract, FedMeeting, FedStrike, FedTick
    from tui.view.marks import Mark

    Block = Callable[[Fed, int, Mark], list[Row]]

BESIDE_FROM = 140
"""Cells from which strip and engines stand beside the tree."""
BETWEEN = 3
RANGE = 9
CELL, NARROW = 8, 7
"""A meeting's cells in the tree; the narrow one where all meetings then stand side by side."""
CHART = 8
DEGRADED = "~ rests on the month's own contract alone: read with care"
UNBOUNDED = 500
"""Lines: what is below the edge is scrolled to."""


def rows(fed: Fed, as_of: datetime, width: int, mark: Mark, crosshair: str, height: int) -> list[Row]:  # noqa: PLR0917 - what it shows, and its room
    """Everything, in two columns where they fit; what is below the edge is scrolled to.

    ``crosshair``: its moment on the chart, which then fits into the panel's ``height``; "" without one.
    """
    first = top(fed, as_of, width, UNBOUNDED, mark)
    blocks = (_tree, _meetings, partial(_history, crosshair=crosshair, height=height), _calibration)
    if width < BESIDE_FROM:
        return [*first, (), *_column(blocks, fed, width, mark), (), *_column(_SECOND, fed, width, mark)]
    left = (width - BETWEEN) * 53 // 100
    right = width - BETWEEN - left
    pairs = zip_longest(_column(blocks, fed, left, mark), _column(_SECOND, fed, right, mark), fillvalue=())
    gap = (" " * BETWEEN, "text")
    return [*first, (), *((*fit(left_row, left), gap, *fit(other, right)) for left_row, other in pairs)]


def _column(blocks: Sequence[Block], fed: Fed, width: int, mark: Mark) -> list[Row]:
    """The blocks that have something to say, one under the other."""
    filled = [block for build in blocks if (block := build(fed, width, mark))]
    return [row for i, block in enumerate(filled) for row in ([()] * (i > 0) + block)]


def _title(text: str, width: int, more: str = "") -> list[Row]:
    lines_more = wrap(more, width, 3) if more else []
    title = (((line, "title-focus"),) for line in wrap(text, width, 3))
    return [*title, *(((line, "faint"),) for line in lines_more)]


def _tree(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    """Ranges down, meetings across, in as many pieces as the width asks for."""
    solved = [meeting for meeting in fed.meetings if meeting.outcomes]
    if not solved:
        return []
    cell = NARROW if len(solved) * NARROW <= width - RANGE < len(solved) * CELL else CELL
    pieces = ceil(len(solved) / max((width - RANGE) // cell, 1))
    across = ceil(len(solved) / pieces)
    block = _title("Target range after each meeting, %", width)
    for at in range(0, len(solved), across):
        block += [*([()] if at else []), *_piece(fed, solved[at : at + across], cell)]
    return block


def _piece(fed: Fed, meetings: list[FedMeeting], cell: int) -> list[Row]:
    now = "{}-{}".format(*fed.target_range_bp) if fed.target_range_bp else ""
    names = {name for meeting in meetings for name in meeting.outcomes} | ({now} if now else set())
    best = {meeting.date: max(meeting.outcomes, key=meeting.outcomes.__getitem__) for meeting in meetings}
    block: list[Row] = [
        (
            (" " * RANGE, "text"),
            *((column(STATE_MARK[m.state] + short_day(m.date), cell), "strong") for m in meetings),
        ),
        ((" " * RANGE + "".join(column(str(m.date.year), cell) for m in meetings), "faint"),),
    ]
    for name in sorted(names, key=lower_bp, reverse=True):
        spans: list[Span] = [
            ("▸" if name == now else " ", "accent"),
            (column(target(name), RANGE - 1, right=False), "strong" if name == now else "muted"),
        ]
        for meeting in meetings:
            p = meeting.outcomes.get(name)
            if best[meeting.date] == name:
                spans.append((column(share(p) + "◂", cell), "accent"))
            else:
                spans.append((column("· " if p is None else share(p) + " ", cell), _heat(p)))
        block.append(tuple(spans))
    return block


def _heat(p: float | None) -> str:
    return "faint" if p is None or p < 0.01 else "muted" if p < 0.1 else "text"


def _meetings(fed: Fed, width: int, mark: Mark) -> list[Row]:
    """Every meeting, with the fitted path's disagreement and the contracts it rests on."""
    apart: Column[FedMeeting] = Column(
        "fit bp", 6, 2, lambda m: (change(fed.disagreement_bp.get(m.date.isoformat()), 1), "muted")
    )
    rests: Column[FedMeeting] = Column(
        "contracts", 23, 10, lambda m: (" ".join(m.contracts), "faint"), right=False
    )
    state: Column[FedMeeting] = Column(
        "state", 8, 11, lambda m: (m.state, "muted" if m.state == "ok" else "warn"), right=False
    )
    columns = (*MEETINGS, apart, rests, state)
    table = lines(columns, fed.meetings, width, mark_meetings(mark, fed))
    block = [*_title("Meetings", width), *table]
    if fed.stopped_at:
        block.append(stop(fed, width))
    if any(meeting.state == "degraded" for meeting in fed.meetings):
        block += _note(DEGRADED, width)
    if fed.fit_rms_bp is not None:
        fitted = f"one rate path fitted to the strip: rms error {number(fed.fit_rms_bp)} bp"
        block += _note(fitted, width)
    return block


def _note(text: str, width: int) -> list[Row]:
    return [((line, "faint"),) for line in wrap(text, width, 4)]


def _history(fed: Fed, width: int, _mark: Mark, crosshair: str, height: int) -> list[Row]:
    lines_shown = min(CHART, max(height - 2, 3)) if crosshair else CHART
    chart = fed_history.zoomed(fed.history, width, lines_shown, crosshair)
    now = f", {fed_history.NOW} provisional" if fed.history and not fed.history[-1].settled else ""
    return [*_title(f"P(cut at the next meeting){now}", width), *chart]


STRIP: tuple[Column[FedContract], ...] = (
    Column("contract", 8, 0, lambda c: (c.symbol, "strong"), right=False),
    Column("price", 8, 0, lambda c: (number(c.price, 4), "text")),
    Column("age", 4, 1, lambda c: (age(c.age_s), "muted")),
    Column("kind", 10, 4, lambda c: (c.kind, "muted"), right=False),
    Column("state", 11, 3, lambda c: (c.state, status_role(c.status)), right=False),
    Column("settle", 8, 5, lambda c: (number(c.settle, 4), "text")),
    Column("of", 6, 6, lambda c: (short_day(c.settle_date) if c.settle_date else UNKNOWN, "muted")),
    Column("fit bp", 6, 2, lambda c: (change(c.residual_bp), _odd(c.residual_bp))),
)
ODD_BP = 1.0
"""Two ticks: a larger residual is not rounding."""


def _odd(residual_bp: float | None) -> str:
    return "warn" if residual_bp is not None and abs(residual_bp) > ODD_BP else "muted"


def _strip(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    if not fed.contracts:
        return []
    table = lines(STRIP, fed.contracts, width)
    block = [*_title("Strip", width), table[0]]
    for contract, row in zip(fed.contracts, table[1:], strict=True):
        block.append(row)
        if contract.flag:
            block += [(("  ! " + line, "warn"),) for line in wrap(clean(contract.flag), max(width - 4, 1), 2)]
    sources = ", ".join(sorted({contract.source for contract in fed.contracts if contract.source}))
    return [*block, *(((line, "faint"),) for line in wrap(clean(f"source: {sources}"), width, 2))]


def _move(bp: str) -> Column[Engine]:
    return Column(bp.replace("-", "−"), 5, 3, lambda e: (share(e[1].moves.get(bp)), "text"))


MOVES = (
    ENGINES[0],
    ENGINES[1],
    ENGINES[2],
    *(_move(bp) for bp in ("-50", "-25", "0", "25", "50")),
    ENGINES[8]._replace(rank=4),
    ENGINES[6]._replace(rank=5),
    ENGINES[7]._replace(rank=6),
)
"""An engine's mean first, then its whole distribution."""


def _engines(fed: Fed, width: int, mark: Mark) -> list[Row]:
    block = [
        *_title("Next meeting: odds by size of move in bp, %", width),
        *lines(MOVES, fed.engines.items(), width, mark_engines(mark)),
    ]
    for engine in fed.engines.items():
        text = details(engine)
        if text:
            block += [(("  " + line, "muted"),) for line in wrap(clean(text), max(width - 2, 1), 3)]
    return block


TICKS: tuple[Column[FedTick], ...] = (
    Column("contract", 8, 0, lambda t: (t.contract, "strong"), right=False),
    Column("tick", 7, 1, lambda t: (number(t.tick, 4), "muted")),
    Column("up, pp", 7, 0, lambda t: (change(100 * t.up, 1), rate_role(t.up))),
    Column("down, pp", 8, 0, lambda t: (change(100 * t.down, 1), rate_role(t.down))),
)


def _ticks(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    if not fed.ticks:
        return []
    return [*_title("One tick moves P(cut) by", width), *lines(TICKS, fed.ticks, width)]


BREAKEVENS: tuple[Column[FedBreakeven], ...] = (
    Column("P(cut)", 7, 0, lambda x: (f"{100 * x.level:g} %", "accent")),
    Column("contract", 8, 0, lambda x: (x.contract, "strong"), right=False),
    Column("at", 8, 0, lambda x: (number(x.price, 4), "text")),
    Column("ticks", 7, 0, lambda x: (change(x.ticks, 1), "muted")),
)


def _breakevens(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    if not fed.breakevens:
        return []
    title = "Price of one contract at which P(cut) reaches a level"
    return [*_title(title, width), *lines(BREAKEVENS, fed.breakevens, width)]


LADDER: tuple[Column[FedStrike], ...] = (
    Column("venue", 10, 1, lambda r: (r.venue, "strong"), right=False),
    Column("meeting", 11, 0, lambda r: (day(r.meeting), "text"), right=False),
    Column("strike", 6, 0, lambda r: (number(r.above_bp / 100), "text")),
    Column("market", 6, 0, lambda r: (share(r.market), "text")),
    Column("futures", 7, 0, lambda r: (share(r.futures), "text")),
    Column("vs futures", 10, 0, lambda r: (change(100 * (r.market - r.futures), 1), "warn")),
)


def _ladder(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    if not fed.ladder:
        return []
    return [
        *_title("P(upper bound above strike) after the meeting, %", width),
        *lines(LADDER, fed.ladder, width),
    ]


Scored = tuple[str, dict[str, Score]]


def _scored(days: int) -> Column[Scored]:
    def cell(row: Scored) -> Span:
        score = row[1].get(str(days))
        if score is None:
            return "n 0", "faint"
        mark = "*" if score.by_settlements else ""
        return f"{number(score.brier, 3)} n {score.n}{mark}", "faint" if score.brier is None else "text"

    return Column(f"{counted(days, 'day')} before", 14, days // 5, cell)


CALIBRATION: tuple[Column[Scored], ...] = (
    Column("by", 10, 0, lambda row: (row[0], "strong"), right=False),
    *map(_scored, HORIZONS),
)


def _comovement(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    both = fed.comovement
    if both is None:
        return []
    block = _title("Spread vs P(cut), daily changes", width)
    if both.n < LEAST_N:
        return [*block, ((f"{both.n} days so far, {LEAST_N} needed", "muted"),)]
    figures: tuple[Row, ...] = (
        (("beta ", "muted"), (f"{change(both.beta)} pp per point", "text")),
        (("  correlation ", "muted"), (change(both.correlation), "text")),
        ((f"  n {both.n}", "muted"),),
    )
    why = "least-squares fit of the spread's daily change to the change in P(cut); not evidence of cause"
    return [*block, *flowed(figures, width), *_note(why, width)]


def _calibration(fed: Fed, width: int, _mark: Mark) -> list[Row]:
    if not fed.calibration:
        return []
    block = _title("Brier score of P(cut) before past decisions", width)
    block += lines(CALIBRATION, fed.calibration.items(), width)
    scored = [score for by_days in fed.calibration.values() for score in by_days.values()]
    notes = ["0 is perfect, 0.25 a steady one half; n: decisions"]
    if any(str(days) not in by_days for by_days in fed.calibration.values() for days in HORIZONS):
        notes.append("n 0: nothing logged so early, nor settlements of the meeting's contracts stored")
    if any(score.brier is None for score in scored):
        notes.append(f"no score below {LEAST_DECISIONS} decisions")
    if any(score.by_settlements for score in scored):
        notes.append("*: in part by settlements, not by live rows of the log")
    return [*block, *(((line, "faint"),) for line in wrap("; ".join(notes), width, 4))]


_SECOND = (_engines, _strip, _ticks, _breakevens, _ladder, _comovement)
