"""Who makes a fund's move in the session shown: by settled closes, or by the prints of one that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.errors import InputError
from rotation.breadth.contributions import contributions, of_spread, values_before
from rotation.breadth.figures import ContributionsReport, FundContributions
from rotation.breadth.members import spelled
from rotation.sessions import close_ns, to_ns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from feeds.desk.opened.sources import Source
    from rotation.breadth.members import Membership
    from rotation.market.market import Market
    from rotation.snapshot import Snapshot

WINDOWS = (1, 5)


def report(
    source: Source,
    fund: str,
    market: Market,
    taken: Snapshot,
    *,
    indices: Mapping[str, str] | None = None,
) -> ContributionsReport:
    """Contributions for the session shown. Raises InputError without a file or session.

    ``market``, ``taken``: as ``market_at`` gives them, with breadth. The spread's part is None where no file
    of the other fund is held. ``indices``: by universe, in capitals, the symbol whose move its members make.
    """
    desk = market.desk
    held = {each.fund: each for each in source.membership}
    if fund not in held:
        raise InputError(f"no holdings file for {fund} is stored — run: rotation-tui members import --help")
    if taken.session is None:
        raise InputError("no daily closes are stored — run: rotation-tui history sync")
    wanted = dict.fromkeys((fund, desk.base, desk.against))
    column = "adj_close" if desk.returns == "total" else "close"
    official = _official(source, column, taken)
    values = official | market.member_values()
    funds = {
        name: _of_fund(source, column, taken, held[name], (indices or {}).get(name, name), values=values)
        for name in wanted
        if name in held
    }
    windows = funds[fund]
    spread = None
    if desk.base in funds and desk.against in funds:
        spread = {
            k: of_spread(funds[desk.base][k], funds[desk.against][k], taken.spread.windows[k].pp)
            for k in windows
        }
    day = windows["1"]
    index = (indices or {}).get(fund, fund)
    leg = taken.legs.get(index)
    breadth = taken.breadth.indices.get(fund) if taken.breadth is not None else None
    return ContributionsReport(
        fund=fund,
        session=taken.session,
        membership_date=day.membership_date,
        counted=day.counted,
        total=day.total,
        windows=windows,
        spread=spread,
        as_of=taken.as_of,
        is_provisional=any(
            each.return_pct is not None and each.symbol not in official for each in day.members
        )
        or (leg is not None and leg.last is not None and official.get(spelled(index)) is None),
        status=breadth.status if breadth is not None else None,
    )


def _official(source: Source, column: str, taken: Snapshot) -> dict[str, float | None]:
    """The session's closes that are known; none before its bell, whatever is stored."""
    session: date = taken.session  # type: ignore[assignment]
    if to_ns(taken.as_of) < close_ns(session):
        return {}
    rows = source.history.on(session).select("symbol", column).iter_rows()
    return {spelled(symbol): value for symbol, value in rows if value is not None}


def _of_fund(
    source: Source,
    column: str,
    taken: Snapshot,
    membership: Membership,
    index: str,
    *,
    values: Mapping[str, float | None],
) -> dict[str, FundContributions]:
    """By window, as ``1`` and ``5``."""
    session: date = taken.session  # type: ignore[assignment]
    leg = taken.legs.get(index)
    return {
        str(k): contributions(
            membership,
            session,
            sessions=k,
            was=values_before(source.history, session, k, column=column),
            values=values,
            fund_return_pct=leg.return_pct[str(k)] if leg is not None else None,
        )
        for k in WINDOWS
    }
