"""Bank funds against the base leg of the pair: their lines, and their figures by id. Pure."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from rotation.context.wants import Part, wants
from rotation.desk import BANKS, name_of
from rotation.figures.figure import Figure, Status, Value
from rotation.status import derive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rotation.desk import Desk
    from rotation.snapshot import BankLead, Snapshot
    from rotation.status import DerivedStatus


def led(snapshot: Snapshot) -> dict[str, dict[str, float | None]]:
    """By bank fund and window its return minus the base leg's, in pp; only of those that are legs."""
    base = snapshot.legs.get(snapshot.spread.base)
    made: dict[str, dict[str, float | None]] = {}
    for symbol in BANKS:
        leg = snapshot.legs.get(symbol)
        if leg is None or base is None or leg is base:
            continue
        pairs = {k: (own, base.return_pct[k]) for k, own in leg.return_pct.items()}
        made[symbol] = {
            k: None if own is None or other is None else own - other for k, (own, other) in pairs.items()
        }
    return made


def led_status(snapshot: Snapshot) -> dict[str, DerivedStatus]:
    """By bank fund what its line of ``led`` is worth: as much as the worse of its price and the base leg's.

    How far apart in time the two may be is not asked, so that none is ``apart``; ``gap_s`` says it.
    """
    base = snapshot.spread.base
    return {
        symbol: derive({name: snapshot.legs[name].status for name in (symbol, base)}, limit_s=inf)
        for symbol in led(snapshot)
    }


def bank_figures(desk: Desk) -> list[Figure]:
    """Figures of the bank funds that are legs, each against the desk's base leg."""
    return [
        figure
        for symbol in BANKS
        if symbol in desk.legs and symbol != desk.base
        for figure in _of(symbol, desk.base, desk.windows)
    ]


def _of(symbol: str, base: str, windows: Sequence[int]) -> list[Figure]:
    name = f"banks.{symbol.lower()}"
    what = f"{name_of(symbol)} ({symbol}) minus that of {base}"

    def status(snapshot: Snapshot) -> Status:
        return led_status(snapshot).get(symbol)

    def pp(k: int) -> Callable[[Snapshot], Value]:
        return lambda snapshot: led(snapshot).get(symbol, {}).get(str(k))

    def ranked(read: Callable[[BankLead], Value]) -> Callable[[Snapshot], Value]:
        def value(snapshot: Snapshot) -> Value:
            lead = snapshot.banks.get(symbol)
            return read(lead) if lead else None

        return value

    return [
        *(
            Figure(
                id=f"{name}.{k}.pp",
                unit="pp",
                definition=f"The {k}-session return of {what}, in percentage points.",
                formula=f"({symbol} / {symbol}[-{k}] - {base} / {base}[-{k}]) * 100",
                read=pp(k),
                status=status,
                symbols=(symbol, base),
            )
            for k in windows
        ),
        Figure(
            id=f"{name}.1.percentile",
            unit="percentile",
            definition=f"Midrank of {name}.1.pp among all settled values before.",
            formula="100 * (count(s[d] < s) + count(s[d] == s) / 2) / n",
            read=ranked(lambda lead: lead.percentile),
            status=status,
            symbols=(symbol, base),
            wants=wants(Part.BANKS),
        ),
        Figure(
            id=f"{name}.1.n",
            unit="sessions",
            definition=f"Settled values before today's with which {name}.1.pp is compared.",
            formula="count(s[d], d < today)",
            is_level=True,
            read=ranked(lambda lead: lead.n),
            status=status,
            symbols=(symbol, base),
            wants=wants(Part.BANKS),
        ),
    ]
