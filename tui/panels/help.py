"""Help: every key and every definition, from the same tables that the program runs on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tui.view.ascii import plain_keys
from tui.view.draw import Row, cells, column, wrap
from tui.view.view_state import filter_of

if TYPE_CHECKING:
    from rotation.figures.figure import Figure
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

SEARCHED_FROM = 3
"""Letters of a search from which on figures are searched, too: there are hundreds."""
FIGURES = (
    "/ and three letters find figures, too, by id or definition, with their formulas; "
    "Enter on a figure, and rotation-tui explain ID, say what it rests on"
)
LATER = "figures can be found here once the first prices are on screen"
DEFINITIONS = (
    ("session", "one NYSE trading day; half-days close at 13:00 New York"),
    ("price", "split-adjusted close, not dividend-adjusted (--returns total for dividend-adjusted)"),
    (
        "streak",
        "consecutive sessions whose close is above (below) the one before; an unchanged close ends it",
    ),
    ("4 + 1", "4 settled by official closes, 1 provisional by today's last price; never mixed"),
    ("▼1 today", "a run that today's last price begins"),
    ("relative streak", "the same for the base's day return minus the other leg's"),
    ("5d %", "5-session return: price / close 5 sessions back − 1"),
    ("spread", "return of the base minus return of the other leg, in percentage points (pp)"),
    ("since", "the most recent earlier session whose settled value was at least as large (small, for falls)"),
    (
        "record",
        "no earlier session was as large; the first session compared is named; both need 250 settled values",
    ),
    (
        "n / k",
        "settled values before / window length: the number of independent windows, which do not overlap",
    ),
    (
        "z",
        "(value − mean) / sd of the 252 settled values before; few: they hold under ten independent windows",
    ),
    ("pctile", "midrank among all settled values before; 0.0 and 100.0 are records"),
    (
        "gap ┊ lead",
        "a spread's place among all settled values, widest gap to widest lead; ┊ is their median, not zero",
    ),
    (
        "LEADING ▲ ▼",
        "▲ the base: spread above 0, at percentile 75 or more; ▼ the other leg: below 0, at 25 or less",
    ),
    ("low ─ high", "where the price stands between the lowest and the highest price of the session"),
    ("52 weeks", "where the price stands between the lowest and the highest close of 252 sessions and now"),
    ("times", "earlier runs in this direction that reached this length, in all of history"),
    ("by chance", "how many such runs to expect if sessions were independent, at the sample's own share"),
    ("ratio", "base / against, 100 at the first common session"),
    ("┄ ┊ close", "the previous close, in today's ratio and on a leg's day: that of the session before"),
    (
        "┼",
        "crosshair of a zoomed chart: a point that is known; a minute by its end, with its last prices",
    ),
    ("value/growth", "IWN/IVW by adjusted closes: a price proxy for the valuation gap, not a valuation"),
    ("graph", "RS = 100 · price / benchmark's; right of the middle: ahead of its average; above: gaining"),
    (
        "RS-Ratio",
        "100 + z of the 10-week mean of RS against the 40 weeks before (daily: 10 and 200 sessions)",
    ),
    ("RS-Momentum", "100 + z of RS-Ratio's change over 4 weeks (sessions) against the 40 weeks before"),
    ("heading", "from the last settled point to the head: 0° momentum rises, 90° the ratio rises"),
    ("~ LIVE", "the head moves until its week, or session, is settled; the points behind it never change"),
    ("members up", "members above their close of the session before, of those counted"),
    (
        "counted",
        "members with every close the figure needs, from the last holdings file on or before that day",
    ),
    ("above 50-day", "share of members above the mean of their last 50 closes, the session's own included"),
    ("highs − lows", "members above every close of the 252 sessions before, minus those below every one"),
    (
        "McClellan",
        "19-day EMA minus 39-day EMA of (advances − declines) / (advances + declines), times 1,000",
    ),
    (
        "A/D line",
        "advances − declines of each settled session added up, today's on top; its level means nothing",
    ),
    ("sectors", "by the holdings file: bar: weight of the members counted; colour: their weighted return"),
    ("top, bottom", "the members that rose most and fell most, in percent"),
    ("yields", "the Treasury's par yield curve, constant maturity; 1d, 1w, 1m: change in basis points"),
    (
        "10Y − 2Y",
        "ten-year minus two-year yield of one day, in basis points; its line is of the last 252 days",
    ),
    (
        "CPI",
        "on the month seasonally adjusted, on the year as the press has it; core: without food and energy",
    ),
    ("banks, pp", "return of KRE (regional banks) and KBE minus the base leg's"),
    (
        "P(cut)",
        "probability that the target range is lower after the meeting, from 30-day Fed Funds futures",
    ),
    ("move bp", "expected change in the rate at this meeting alone; a cut is negative"),
    ("sum bp", "expected change up to and including this meeting; cuts: the same in cuts of 25 bp"),
    ("≥1 cut", "P(a cut at this meeting or before); known only while every move so far is within −25 … 0 bp"),
    ("▸ ◂", "today's target range; the most likely one"),
    ("~ degraded", "rests on the month's own contract: an error in its price counts several times"),
    ("× unsolved", "no odds from here on: a contract is missing, or its price cannot be used"),
    ("sum %", "what a prediction market's quotes add up to; its odds are de-vigged: scaled to 100"),
    (
        "vs futures",
        "a market's expected move minus the futures', in bp: futures price the mean, not the tails",
    ),
    (
        "fit bp",
        "residual: a contract's rate minus one path fitted to the strip; for a meeting: fit minus chain",
    ),
    ("history", "P(cut at the next meeting): settlements joined, ○ today's provisional value"),
    ("—", "unknown; never shown as 0"),
    ("≈", "the two legs' prices are from different times; no record is claimed"),
    ("LIVE", "a print of today from a feed that is on time"),
    ("DELAYED 15m", "on time for a feed that is late by this much by design"),
    ("PROVISIONAL", "the last print of the session, until the official close is known"),
    ("NO AUCTION", "prints were missed in which the closing auction may have been"),
    ("GAPPED", "prints may have been missed, or one was taken back; they are being fetched"),
    ("HALTED", "the exchange has halted trading in it"),
    ("UNADJUSTED", "a possible split that history lacks: no figures until history has been fetched again"),
    ("OFFLINE", "a settled close from history; there is no live price for this symbol"),
    ("STALE 42s", "no newer price for that long during trading"),
    ("CLOSED", "the official close of the latest session"),
    ("DEMO REPLAY", "generated, or played from a tape: not the market now"),
)


def rows(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> list[Row]:
    """Return the lines with the text that is searched for; without one all lines.

    Before the first Snapshot everything but the figures, which depend on the desk.
    """
    del height
    wanted = filter_of(view, "help")
    left = 16 if width >= 60 else 12
    lines: list[Row] = [(("/ to find", "faint"),)]
    if view.typing or view.filter:
        lines = [((f"find: {view.filter}" + ("▏" if view.typing else ""), "accent"),)]
    elsewhere = ("tape", "local") if _is_hosted(snapshot, view) else ("host",)
    keys = [
        (plain_keys(action.shown) if view.ascii else action.shown, action.says)
        for action in view.keys.actions
        if action.scope not in elsewhere
    ]
    for head, entries in (("Keys", keys), ("Definitions", DEFINITIONS)):
        matches = [(a, b) for a, b in entries if wanted in a.casefold() or wanted in b.casefold()]
        if matches:
            lines += [*([()] if len(lines) > 1 else []), ((head, "strong"),)]
        for name, says in matches:
            if is_long := cells(name) > left:
                lines.append(((name, "accent"),))
            for i, line in enumerate(wrap(says, width - left - 1, 8)):
                lead = "" if i or is_long else name
                lines.append(((column(lead, left, right=False) + " ", "accent"), (line, "text")))
    if len(wanted) < SEARCHED_FROM:
        lines += [(), *(((line, "muted"),) for line in wrap(FIGURES, width, 6))]
    elif snapshot is None:
        lines += [(), *(((line, "muted"),) for line in wrap(LATER, width, 3))]
    else:
        lines += _figures(snapshot, wanted, width)
    return lines if len(lines) > 1 else [*lines, (("no match; Esc clears the search", "muted"),)]


def _is_hosted(snapshot: Snapshot | None, view: ViewState) -> bool:
    """Whether a host of many viewers shows this: they have no tape and no shell of their own."""
    if snapshot is not None:
        return bool(snapshot.health.host)
    return "host" in view.scopes and "local" not in view.scopes


def _figures(snapshot: Snapshot, wanted: str, width: int) -> list[Row]:
    """The figures whose id or definition has the text: id and unit, then definition and formula below."""
    lines: list[Row] = []
    for figure in _table(
        snapshot.spread.base,
        snapshot.spread.against,
        tuple(snapshot.legs),
        tuple(snapshot.pairs),
        tuple(map(int, snapshot.spread.windows)),
        tuple(snapshot.breadth.indices) if snapshot.breadth else (),
    ):
        if wanted not in figure.id and wanted not in figure.definition.casefold():
            continue
        unit = f"  {figure.unit}" if figure.unit else ""
        lines.append(((figure.id, "accent"), (unit, "muted")))
        for text, role in ((figure.definition, "text"), (figure.formula, "muted")):
            lines += [((f"  {line}", role),) for line in wrap(text, width - 2, 6)]
    return [(), (("Figures", "strong"),), *lines] if lines else []


@lru_cache(maxsize=16)
def _table(  # noqa: PLR0917 - what the figures of a desk depend on
    base: str,
    against: str,
    legs: tuple[str, ...],
    pairs: tuple[str, ...],
    windows: tuple[int, ...],
    funds: tuple[str, ...],
) -> tuple[Figure, ...]:
    """Every figure of the desk; imported once somebody searches, since the first paint waits for nothing."""
    from rotation.desk import Desk  # noqa: PLC0415
    from rotation.figures.registry import figures  # noqa: PLC0415

    more = tuple((first, second) for first, _, second in (pair.partition("/") for pair in pairs))
    desk = Desk(base=base, against=against, legs=legs, pairs=more, windows=windows, universes=funds)
    return tuple(figures(desk).values())
