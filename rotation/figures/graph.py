"""The figures of the rotation graph: where a leg stands against the benchmark, and where it is heading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.context.wants import Part, wants
from rotation.desk import name_of
from rotation.figures.figure import Figure, FigureKind, Status, Value
from rotation.figures.legs import prefix
from rotation.graph.figures import STEPS, Quadrant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rotation.desk import Desk
    from rotation.graph.figures import Step, Trail
    from rotation.snapshot import Snapshot

QUADRANTS = tuple(quadrant.value for quadrant in Quadrant)
RS = (
    "RS = 100 x price / benchmark; RS-Ratio = 100 + z(SMA10(RS)); RS-Momentum = 100 + z(ROC4(RS-Ratio)); "
    "z over the 40 weeks before"
)


def step_of(parts: Sequence[str]) -> Step:
    """Step of what follows the leg in an id: ``daily.quadrant``, or ``quadrant`` of the weekly graph."""
    return "daily" if parts[0] == "daily" else "weekly"


def graph_figures(desk: Desk) -> list[Figure]:
    """Figures of every leg but the benchmark, weekly and daily."""
    return [
        figure
        for symbol in desk.legs
        if symbol != desk.benchmark_leg
        for step in STEPS
        for figure in _of(symbol, step, desk)
    ]


def _of(symbol: str, step: Step, desk: Desk) -> list[Figure]:
    where = f"{name_of(symbol)} ({symbol}) against {desk.benchmark_leg}, {step}"

    def trail(snapshot: Snapshot) -> Trail | None:
        trails = getattr(snapshot.graph, step) if snapshot.graph else {}
        made: Trail | None = trails.get(symbol)
        return made

    def figure(
        name: str,
        unit: str,
        definition: str,
        read: Callable[[Trail], Value],
        *,
        kind: FigureKind = "number",
        words: tuple[str, ...] = (),
    ) -> Figure:
        def value(snapshot: Snapshot) -> Value:
            made = trail(snapshot)
            return read(made) if made else None

        def status(snapshot: Snapshot) -> Status:
            made = trail(snapshot)
            return made.status if made else None

        return Figure(
            id=f"graph.{prefix(symbol)}.{'daily.' if step == 'daily' else ''}{name}",
            unit=unit,
            definition=f"{definition} {where}.",
            formula=RS,
            read=value,
            status=status,
            kind=kind,
            symbols=(symbol, desk.benchmark_leg),
            words=words,
            wants=wants(Part.GRAPH),
        )

    return [
        figure(
            "quadrant",
            "",
            "Quadrant of the rotation graph that the head is in.",
            lambda trail: trail.quadrant.value if trail.quadrant else None,
            kind="word",
            words=QUADRANTS,
        ),
        figure(
            "ratio",
            "index",
            "RS-Ratio of the head; above 100 the leg is ahead of its own average against the benchmark.",
            lambda trail: trail.head.ratio if trail.head else None,
        ),
        figure(
            "momentum",
            "index",
            "RS-Momentum of the head; above 100 its RS-Ratio is rising faster than usual.",
            lambda trail: trail.head.momentum if trail.head else None,
        ),
        figure(
            "heading",
            "degrees",
            "Compass direction from the last settled point to the head: 0 momentum rises, 90 ratio rises.",
            lambda trail: trail.heading_deg,
        ),
        figure(
            "speed",
            "index",
            "Distance of the head from the last settled point.",
            lambda trail: trail.speed,
        ),
    ]
