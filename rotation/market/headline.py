"""The headline: the rotation in one sentence, from the snapshot's own figures and what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.sessions import NEW_YORK, phase_at, to_ns
from rotation.status import Kind
from rotation.text import day, ordinal, percent, short_day, signed
from rotation.wording import ages, clauses

if TYPE_CHECKING:
    from datetime import date

    from rotation.fed.figures import Fed
    from rotation.snapshot import Leg, SincePct, SincePp, Spread, Streak

WINDOW = "5"
"""Sessions the sentence looks back over."""
RECENT_DAYS = 30
"""A record younger than this is not worth a clause."""


def headline(
    legs: dict[str, Leg],
    spread: Spread,
    session: date | None,
    fed: Fed | None = None,
    *,
    today: date,
    limit_s: float = 60.0,
    claims: bool = True,
) -> str:
    """Today, the run, five sessions, the spread and the next decision, with strict "since" dates.

    What is wrong with a leg's price stands first. Clauses without a value are left out; with none at all the
    sentence says so. ``today``: New York's date at the time shown; figures of another session carry its date.
    ``limit_s``: no record is claimed on a bad price that is older than this.
    ``claims``: False for the same sentence without its records, where there is no room for them.
    """
    base, against = legs.get(spread.base), legs.get(spread.against)
    if base is None or session is None:
        return f"No price for {spread.base} yet."
    firm = claims and _is_firm(base, session, limit_s)
    decision = _decision(fed)
    parts = [
        _today(base, today),
        _return(base, session, claims=firm),
        _spread(
            spread,
            base,
            against,
            session,
            claims=firm and against is not None and _is_firm(against, session, limit_s),
        ),
    ]
    figures = "; ".join(part for part in parts if part)
    if not figures:
        unknown = f"{base.name}: {_nothing(base, session, today)}"
        return f"{unknown}; {decision}." if decision else f"{unknown}."
    name = "" if parts[0] else f"{base.name}{_on(session, today, ':')} "
    wrong = _wrong({spread.base: base, spread.against: against})
    return f"{wrong}{name}{figures}; {decision}." if decision else f"{wrong}{name}{figures}."


def _wrong(pair: dict[str, Leg | None]) -> str:
    """``IWM HALTED 3 h, QQQ 15 min late: ``; empty where nothing is wrong with either."""
    wrong = clauses({symbol: (leg.status, leg.settled_session) for symbol, leg in pair.items() if leg})
    return f"{wrong}: " if wrong else ""


def _is_firm(leg: Leg, session: date, limit_s: float) -> bool:
    """Whether a record may be claimed on it: an official close of the session shown, or no bad, old price."""
    return leg.settled_session == session or not leg.status.is_bad(limit_s)


def _nothing(leg: Leg, session: date, today: date) -> str:
    if leg.status.kind is Kind.UNADJUSTED:
        return "possible split, no figures until its history has been fetched again"
    return "today's price is not known yet" if session == today else f"no price{_on(session, today)}"


def _on(session: date, today: date, after: str = "") -> str:
    """`` on 16 Jul``, with the year where it is another; empty for today's session."""
    if session == today:
        return ""
    return f" on {short_day(session) if session.year == today.year else day(session)}{after}"


def _today(leg: Leg, today: date) -> str:
    pct = leg.return_pct["1"]
    if pct is None or leg.session is None:
        return ""
    run = _run(leg.streak, _added(leg, today))
    return f"{leg.name} {signed(pct, 2)} %{_on(leg.session, today)}" + (f", {run}" if run else "")


def _added(leg: Leg, today: date) -> str:
    """What is added to the settled sessions of a run, by the time of the print, not of the clock."""
    as_of = leg.status.as_of
    if as_of is not None and phase_at(to_ns(as_of)) == "PRE":
        return "pre-market"
    return "today" if leg.session == today else "1 provisional"


def _run(streak: Streak, added: str) -> str:
    length = streak.with_today
    if not length:
        return "unchanged" if length == 0 else ""
    way = "gain" if length > 0 else "fall"
    settled = f"{abs(streak.settled or 0) if abs(length) > 1 else 0} + {added}"
    suffix = f" ({settled})" if streak.provisional else ""
    return f"{ordinal(abs(length))} {way} in a row{suffix}" if abs(length) > 1 else f"first {way}{suffix}"


def _return(leg: Leg, session: date, *, claims: bool) -> str:
    pct = leg.return_pct[WINDOW]
    if pct is None:
        return ""
    since = _since(leg.since[WINDOW], session, "best" if pct >= 0 else "worst") if claims else ""
    return f"{signed(pct, 1)} % in {WINDOW} sessions{since}"


def _spread(spread: Spread, base: Leg, against: Leg | None, session: date, *, claims: bool) -> str:
    """The pair's difference; of legs that are not of one instant ``≈``, with both ages and no record."""
    window = spread.windows[WINDOW]
    if window.pp is None or against is None:
        return ""
    if round(abs(window.pp), 1) == 0:
        return f"level with {against.name}"
    side, widest = ("ahead of", "widest lead") if window.pp >= 0 else ("behind", "widest gap behind")
    gap = f"{abs(window.pp):.1f} pp {side} {against.name}"
    if window.status is not None and window.status.apart:
        return f"≈ {gap}, {ages({spread.base: base.status, spread.against: against.status})}"
    return gap + (_since(window.since, session, widest) if claims else "")


def _decision(fed: Fed | None) -> str:
    """The first meeting after which a lower (higher) range is likelier than not, else the next one."""
    if fed is None:
        return ""
    priced = [row for row in fed.meetings if row.cut is not None and row.hike is not None]
    if not priced:
        return ""
    row = next((row for row in priced if max(row.cut or 0, row.hike or 0) >= 0.5), priced[0])
    what, p = max(("cut", row.cut or 0.0), ("hike", row.hike or 0.0), key=lambda way: way[1])
    rough = "~" if row.state == "degraded" else ""
    return f"{what} on {short_day(row.date)} priced at {rough}{percent(p)} %{_worth(fed)}"


def _worth(fed: Fed) -> str:
    """What the reader must know of the prices: that they are old, or by which day's settlement."""
    kind = fed.status.kind if fed.status else Kind.OFFLINE
    if kind in (Kind.STALE, Kind.OFFLINE):
        return f" ({fed.state})"
    futures = fed.engines.get("futures")
    if futures is None or futures.at is None or kind is Kind.DEMO:
        return ""
    if not futures.kind.startswith("settlement"):
        return ""
    return f" (settled {short_day(futures.at.astimezone(NEW_YORK).date())})"


def _since(since: SincePct | SincePp | None, session: date, word: str) -> str:
    if since is None:
        return ""
    if since.date is None:
        return f", {word} on record (since {day(since.first_date)})" if since.first_date else ""
    if (session - since.date).days <= RECENT_DAYS:
        return ""
    return f", {word} since {day(since.date)}"
