"""The figures of one leg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.desk import WINDOWS, name_of
from rotation.figures.figure import RECORD, Figure, FigureKind, Reads, Status, Value
from rotation.sessions import close_ns, from_ns, previous_session
from rotation.status import Kind, PriceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rotation.snapshot import Leg, SincePct, SincePp, Snapshot

KINDS = tuple(kind.value for kind in Kind)


def prefix(symbol: str) -> str:
    """``iwm``: how the ids of a symbol's figures begin."""
    return symbol.lower()


def is_official(snapshot: Snapshot, symbol: str) -> bool:
    """Whether the leg shows the official close of the session shown."""
    leg = snapshot.legs.get(symbol)
    return leg is not None and leg.last is not None and leg.settled_session == snapshot.session is not None


def since_value(since: SincePct | SincePp | None) -> Value:
    """A date, RECORD, or None where no claim is made."""
    if since is None:
        return None
    return RECORD if since.date is None else since.date


def record_value(since: SincePct | SincePp | None) -> bool | None:
    """Whether it is a record; None where no claim is made."""
    return None if since is None else since.date is None


def settled_status(snapshot: Snapshot, symbol: str) -> PriceStatus | None:
    """Status of a figure that rests on settled closes only, up to the session before if today's is not in yet."""
    leg = snapshot.legs.get(symbol)
    if leg is None or snapshot.session is None or is_official(snapshot, symbol):
        return leg.status if leg else None
    if leg.status.kind in (Kind.DEMO, Kind.UNADJUSTED) or leg.streak.settled is None:
        return leg.status
    before = previous_session(snapshot.session)
    return PriceStatus(Kind.CLOSED, from_ns(close_ns(before)))


def leg_figures(symbol: str, windows: Sequence[int] = WINDOWS) -> list[Figure]:
    """Price, returns, streak, base rate, since, status: in the order of the screen."""
    p, name = prefix(symbol), f"{name_of(symbol)} ({symbol})" if name_of(symbol) != symbol else symbol

    def of(read: Callable[[Leg], Value]) -> Callable[[Snapshot], Value]:
        return lambda snapshot: read(snapshot.legs[symbol]) if symbol in snapshot.legs else None

    def status(snapshot: Snapshot) -> Status:
        leg = snapshot.legs.get(symbol)
        return leg.status if leg else None

    def figure(
        suffix: str,
        unit: str,
        definition: str,
        formula: str,
        read: Callable[[Leg], Value],
        *,
        kind: FigureKind = "number",
        reads: Reads = "today",
        worth: Callable[[Snapshot], Status] = status,
        words: tuple[str, ...] = (),
    ) -> Figure:
        return Figure(
            id=f"{p}.{suffix}",
            unit=unit,
            definition=definition,
            formula=formula,
            kind=kind,
            read=of(read),
            status=worth,
            symbols=(symbol,),
            reads=reads,
            words=words,
        )

    def window(k: int) -> list[Figure]:
        key, over = str(k), "the day" if k == 1 else f"{k} sessions"
        return [
            figure(
                f"return.{k}",
                "%",
                f"Return of {name} over {over}.",
                f"(P / P[-{k}] - 1) * 100",
                lambda leg: leg.return_pct.get(key),
            ),
        ]

    def since(k: int) -> list[Figure]:
        key = str(k)
        return [
            figure(
                f"since.{k}",
                "date",
                f"The most recent earlier session whose {k}-session return was at least as large (for a fall, as "
                'small); "record" if there is none. Unknown with fewer than 250 settled values.',
                f"max(d < today: r{k}[d] >= r{k}) for r{k} >= 0, max(d < today: r{k}[d] <= r{k}) for r{k} < 0",
                lambda leg: since_value(leg.since.get(key)),
                kind="date",
            ),
            figure(
                f"record.{k}",
                "",
                f"Whether no earlier {k}-session return was as large (or, for a fall, as small).",
                f"{p}.since.{k} == record",
                lambda leg: record_value(leg.since.get(key)),
                kind="flag",
            ),
        ]

    streak = (
        "Consecutive sessions whose close is above the one before (below: negative); an unchanged close is 0"
    )
    return [
        figure(
            "last",
            "price",
            f"Last price of {name}: today's, else the latest official close.",
            "P",
            lambda leg: leg.last,
        ),
        figure(
            "day_pct",
            "%",
            f"Return of {name} on the day.",
            "(P / P[-1] - 1) * 100",
            lambda leg: leg.return_pct["1"],
        ),
        *(each for k in windows for each in window(k)),
        figure(
            "streak.settled",
            "sessions",
            f"{streak}. Official closes only.",
            "signed length of the run that ends with the latest official close",
            lambda leg: leg.streak.settled,
            reads="settled",
            worth=lambda snapshot: settled_status(snapshot, symbol),
        ),
        figure(
            "streak.with_today",
            "sessions",
            f"{streak}. Today's last price counts as a close.",
            "signed length of the run that ends with today's price",
            lambda leg: leg.streak.with_today,
        ),
        figure(
            "run.times",
            "runs",
            "Earlier runs in the same direction that reached the current length.",
            "count of maximal runs at least that long before it",
            lambda leg: leg.base_rate.runs if leg.base_rate else None,
        ),
        figure(
            "run.expected",
            "runs",
            "Runs of this length to expect if sessions were independent.",
            "p^k * ((n - k) * (1 - p) + 1), p the share of sessions in this direction among n",
            lambda leg: leg.base_rate.expected if leg.base_rate else None,
        ),
        *(each for k in windows for each in since(k)),
        figure(
            "high",
            "price",
            f"Highest price of {name} in today's regular session.",
            "max of prints",
            lambda leg: leg.high,
        ),
        figure(
            "low",
            "price",
            f"Lowest price of {name} in today's regular session.",
            "min of prints",
            lambda leg: leg.low,
        ),
        figure(
            "volume",
            "shares",
            f"Shares of {name} traded in today's regular session on all exchanges.",
            "sum of sizes",
            lambda leg: leg.volume,
        ),
        figure(
            "extended",
            "price",
            f"Last price of {name} after the close; it enters no other figure.",
            "last print after the bell",
            lambda leg: leg.extended,
        ),
        *(
            figure(
                name,
                "price",
                f"{words} of {symbol}; unknown while crossed, old, or outside the session.",
                formula,
                read,
            )
            for name, words, formula, read in (
                ("bid", "Best bid", "newest bid", lambda leg: leg.bid),
                ("ask", "Best ask", "newest ask", lambda leg: leg.ask),
                ("mid", "Middle of bid and ask", "(bid + ask) / 2", lambda leg: leg.mid),
            )
        ),
        figure(
            "quote_age_s",
            "s",
            f"Seconds since the newest bid and ask of {name} were made.",
            "now - time of the quote",
            lambda leg: leg.quote_age_s,
        ),
        figure(
            "on_pace",
            "",
            f"Whether the figures of {name} rest on a price of today that is not an official close; it is "
            "then only on pace for a record.",
            "today's close is not settled",
            lambda leg: leg.streak.provisional,
            kind="flag",
        ),
        figure(
            "status",
            "",
            f"Status of the price of {name}.",
            "kind of its PriceStatus",
            lambda leg: leg.status.kind.value,
            kind="state",
            words=KINDS,
        ),
        figure(
            "age_s",
            "s",
            f"Seconds since the last price of {name} was made; unknown for an official close.",
            "now - time of the print",
            lambda leg: leg.age_s,
        ),
    ]
