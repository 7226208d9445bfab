"""The demo's Fed: the strip of 16 July 2024 as facts; its past and the markets beside it generated."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

from feeds.demo.news import DemoNews
from feeds.events import FedNews
from feeds.fed.calendar import SHIPPED
from rotation.fed.assemble import fed
from rotation.fed.inputs import FedInputs, OutcomeQuote, PastCut, Sourced, StripQuote
from rotation.fed.prices import settled_ns
from rotation.sessions import sessions_between
from rotation.status import DEMO, Kind

if TYPE_CHECKING:
    from rotation.fed.figures import Fed

SESSION = date(2024, 7, 16)
TARGET_RANGE_BP = (525, 550)
EFFR_PCT = 5.33
PRICES = {7: 94.67, 8: 94.69, 9: 94.79, 10: 94.94, 11: 95.065, 12: 95.195}
"""ZQ of 2024 by month: July to October as CME's export of that day implies, then that day's closes."""
SOURCE = "built-in demo"
SEED = 20240716
LAST_MEETING = date(2025, 1, 29)
_KALSHI = {-50: (0.01, 0.02), -25: (0.05, 0.07), 0: (0.91, 0.93), 25: (0.01, 0.02), 50: (0.0, 0.01)}
_POLYMARKET = {-50: (0.004, 0.006), -25: (0.050, 0.060), 0: (0.930, 0.940), 25: (0.003, 0.005)}


def demo_fed(now_ns: int) -> Fed | None:
    """What the demo knows of the Fed at this instant of its tape."""
    return fed(_inputs(now_ns), now_ns)


def _inputs(now_ns: int) -> FedInputs:
    meeting = min(day for day in SHIPPED if day >= SESSION)
    return FedInputs(
        strip=tuple(
            StripQuote(
                year=2024,
                month=month,
                price=price,
                settle=price,
                settle_date=date(2024, 7, 15),
                ts_ns=now_ns,
                source=SOURCE,
            )
            for month, price in PRICES.items()
        ),
        fomc_dates=tuple(day for day in SHIPPED if day <= LAST_MEETING),
        target_range_bp=TARGET_RANGE_BP,
        effr_pct=EFFR_PCT,
        outcomes=(*_venue("Kalshi", _KALSHI, meeting), *_venue("Polymarket", _POLYMARKET, meeting)),
        sources={"Kalshi": Sourced(Kind.DEMO), "Polymarket": Sourced(Kind.DEMO)},
        past={meeting: _past()},
        strip_mode=DEMO,
    )


def _venue(venue: str, books: dict[int, tuple[float, float]], meeting: date) -> tuple[OutcomeQuote, ...]:
    return tuple(
        OutcomeQuote(
            venue=venue,
            contract=f"demo {move:+d}",
            event="demo",
            label=f"{move:+d} bp",
            year=meeting.year,
            month=meeting.month,
            move_bp=move,
            is_open=abs(move) == 50,
            bid=bid,
            ask=ask,
        )
        for move, (bid, ask) in books.items()
    )


def _past() -> tuple[PastCut, ...]:
    """Two months of settlements of P(cut on 31 July): a walk on the tick grid that ends near that day's."""
    random = Random(SEED)  # noqa: S311 - a picture, not a secret
    cut, walk = 0.06, []
    for session in reversed(sessions_between(date(2024, 5, 15), date(2024, 7, 15))):
        walk.append(PastCut(settled_ns(session), round(cut, 2), settled=True))
        cut = min(max(cut + random.choice((-0.02, 0.0, 0.0, 0.02)), 0.02), 0.2)
    return tuple(reversed(walk))


def fed_feed(now_ns: int) -> DemoNews:
    """The demo's Fed as a feed, as known at this instant of the tape."""

    def news() -> FedNews | None:
        known = demo_fed(now_ns)
        return None if known is None else FedNews(known)

    return DemoNews("Fed", "strip of 16 July 2024", news)
