"""The figures of the Fed: probabilities are shares of 1, moves are in basis points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.fed.prediction_markets import VENUES
from rotation.figures.figure import Figure, FigureKind, Status, Value
from rotation.figures.legs import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.fed.figures import Fed, FedMeeting
    from rotation.snapshot import Snapshot

MEETINGS = 8
"""Coming meetings that have ids of their own: a year of them."""
CHANGES = {"1d": "session", "1w": "week", "1m": "month"}


def meeting_of(name: str) -> int | None:
    """The place of the meeting in an id's second part: 0 of ``next``, 1 of ``2``; None where it is neither."""
    if name == "next":
        return 0
    return int(name) - 1 if name.isdigit() and 2 <= int(name) <= MEETINGS else None


def _status(snapshot: Snapshot) -> Status:
    return snapshot.fed.status if snapshot.fed else None


def _figure(
    name: str,
    unit: str,
    definition: str,
    formula: str,
    read: Callable[[Fed], Value],
    *,
    kind: FigureKind = "number",
    worth: Callable[[Snapshot], Status] = _status,
    words: tuple[str, ...] = (),
) -> Figure:
    def of(snapshot: Snapshot) -> Value:
        return read(snapshot.fed) if snapshot.fed else None

    return Figure(
        id=name,
        unit=unit,
        definition=definition,
        formula=formula,
        kind=kind,
        read=of,
        status=worth,
        reads="fed",
        of_fed=read,
        words=words,
    )


def _meeting_figures(place: int) -> list[Figure]:
    name = f"fed.{'next' if place == 0 else place + 1}"
    which = "the next FOMC meeting" if place == 0 else f"FOMC meeting {place + 1} from now"

    def of(read: Callable[[FedMeeting], Value]) -> Callable[[Fed], Value]:
        return lambda fed: read(fed.meetings[place]) if len(fed.meetings) > place else None

    split = "x = move / 25 bp, split between floor(x) and floor(x) + 1, convolved over the meetings up to this one"
    return [
        _figure(
            f"{name}.date",
            "date",
            f"Decision day of {which}.",
            "FOMC calendar",
            of(lambda m: m.date),
            kind="date",
        ),
        _figure(
            f"{name}.cut",
            "share",
            f"Probability that the target range is below today's after {which}.",
            f"P(steps < 0); {split}",
            of(lambda m: m.cut),
        ),
        _figure(
            f"{name}.hold",
            "share",
            f"Probability that the target range is today's after {which}.",
            f"P(steps = 0); {split}",
            of(lambda m: m.hold),
        ),
        _figure(
            f"{name}.hike",
            "share",
            f"Probability that the target range is above today's after {which}.",
            f"P(steps > 0); {split}",
            of(lambda m: m.hike),
        ),
        _figure(
            f"{name}.move_bp",
            "bp",
            f"Expected move at {which} alone; a cut is negative.",
            "rate after - rate before: 100 - price of a month without a meeting, or what a month's average leaves",
            of(lambda m: m.move_bp),
        ),
        _figure(
            f"{name}.cumulative_bp",
            "bp",
            f"Expected move up to and including {which}.",
            "sum of the moves",
            of(lambda m: m.cumulative_bp),
        ),
        _figure(
            f"{name}.at_least_one_cut",
            "share",
            f"Probability of a cut at {which} or one before it; known only where "
            "every move so far lies between -25 and 0 bp.",
            "1 - product(1 - p)",
            of(lambda m: m.at_least_one_cut),
        ),
    ]


def fed_figures() -> list[Figure]:
    """Figures of the next meeting, those after it, the prediction markets, and changes of P(cut)."""

    def change(key: str) -> Callable[[Fed], Value]:
        return lambda fed: fed.change.get(key)

    def venue(name: str) -> Figure:
        def read(fed: Fed) -> Value:
            return fed.engines[name].cut if name in fed.engines else None

        def status(snapshot: Snapshot) -> Status:
            return (
                snapshot.fed.engines[name].status if snapshot.fed and name in snapshot.fed.engines else None
            )

        return _figure(
            f"fed.next.{name.lower()}.cut",
            "share",
            f"Probability of a cut at the next FOMC meeting by {name}, without its overround.",
            "sum of the outcomes below 0 bp",
            read,
            worth=status,
        )

    return [
        *(each for place in range(MEETINGS) for each in _meeting_figures(place)),
        *(
            _figure(
                f"fed.next.cut.change.{key}",
                "share",
                f"Change in fed.next.cut since the settlement of the {word} before.",
                "cut - cut then",
                change(key),
            )
            for key, word in CHANGES.items()
        ),
        *map(venue, VENUES),
        _figure(
            "fed.status",
            "",
            "Worst status among the futures' prices behind the next meeting.",
            "kind of its PriceStatus",
            lambda fed: fed.status.kind.value if fed.status else None,
            kind="state",
            words=KINDS,
        ),
    ]
