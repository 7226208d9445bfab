"""Who makes a fund's move in a settled session: from stored closes and membership files to one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.errors import InputError
from rotation.breadth.contributions import contributions, of_spread, values_before
from rotation.breadth.figures import ContributionsReport, FundContributions
from rotation.breadth.members import spelled
from rotation.context.wants import NOTHING
from rotation.market.market import Market

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from feeds.desk.open import Source
    from rotation.desk import Desk
    from rotation.snapshot import Snapshot

WINDOWS = (1, 5)


def report(
    source: Source, desk: Desk, fund: str, *, as_of_ns: int, indices: Mapping[str, str] | None = None
) -> ContributionsReport:
    """Contributions for the session shown, by official closes. Raises InputError without a file or session.

    The spread's part is None where no file of the other fund is held. ``indices``: by universe, in capitals,
    the symbol whose move its members make.
    """
    market = Market(source.history, desk, as_of_ns=as_of_ns, membership=source.membership)
    market.want(NOTHING)  # the pair itself, which is always made
    taken = market.apply((), as_of_ns=as_of_ns)
    held = {each.fund: each for each in source.membership}
    if fund not in held:
        raise InputError(f"no holdings file for {fund} is stored — run: rotation-tui members import --help")
    if taken.session is None:
        raise InputError("no daily closes are stored — run: rotation-tui history sync")
    wanted = dict.fromkeys((fund, desk.base, desk.against))
    funds = {
        name: _of_fund(source, desk, taken, name, (indices or {}).get(name, name))
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
    return ContributionsReport(
        fund=fund,
        session=taken.session,
        membership_date=day.membership_date,
        counted=day.counted,
        total=day.total,
        windows=windows,
        spread=spread,
    )


def _of_fund(
    source: Source, desk: Desk, taken: Snapshot, fund: str, index: str
) -> dict[str, FundContributions]:
    """By window, as ``1`` and ``5``."""
    column = "adj_close" if desk.returns == "total" else "close"
    session: date = taken.session  # type: ignore[assignment]
    membership = next(each for each in source.membership if each.fund == fund)
    leg = taken.legs.get(index)
    rows = source.history.on(session).select("symbol", column).iter_rows()
    values = {spelled(symbol): value for symbol, value in rows}
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
