"""The parts of a Snapshot that are made on demand: from a want to the part, and into the Snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.context.explanation import Explained, Explanation
from rotation.context.figures import HistoryLine, Story
from rotation.context.wants import Part, Want
from rotation.desk import pair_prefix
from rotation.figures.explain import explain, for_a_screen
from rotation.figures.more_pairs import basis_of
from rotation.figures.registry import figures
from rotation.story.lines import leg_lines
from rotation.story.now import StoryNow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rotation.figures.basis import Basis
    from rotation.figures.figure import Figure
    from rotation.snapshot import Snapshot

Made = Story | Explained | dict[str, HistoryLine]
"""A line's part is by the id of its figure, ``spread.5.pp``; that of the legs by symbol."""


class Parts:
    """Makes the parts of one desk's Snapshots, one after the other, and keeps what history gives."""

    def __init__(self) -> None:
        self._stories: dict[str, StoryNow] = {}
        """By pair; "" is the first."""
        self._legs: tuple[tuple[object, ...], dict[str, HistoryLine]] | None = None
        """What they were made of, and the lines."""

    def make(self, want: Want, basis: Basis) -> Made | None:
        """The part that is wanted; None where there is nothing that it could be of. Raises InputError."""
        if want.part is Part.STORY:
            return self._story(want.of, basis)
        if want.part is Part.LINE:
            return self._line(want.of, basis)
        if want.part is Part.LEGS:
            return self._leg_lines(basis)
        return for_a_screen(explain(want.of, basis)) if want.part is Part.FIGURE else None

    def _story(self, pair: str, basis: Basis) -> Story | None:
        own = basis_of(basis, pair) if pair else basis
        if own is None:
            return None
        story = self._now(pair).of(own)
        return _named(story, pair_prefix(pair)) if pair else story

    def _line(self, name: str, basis: Basis) -> dict[str, HistoryLine] | None:
        figure = figures(basis.desk).get(name)
        window = _window(figure) if figure else 0
        if figure is None or not window:
            return None
        own = basis_of(basis, figure.pair) if figure.pair else basis
        line = self._now(figure.pair).line(own, window) if own else None
        return None if line is None else {name: line}

    def _leg_lines(self, basis: Basis) -> dict[str, HistoryLine]:
        shown, symbols = basis.snapshot.session, tuple(basis.snapshot.legs)
        if shown is None:
            return {}
        made_of = (basis.history, shown, symbols)
        if self._legs is None or self._legs[0][0] is not basis.history or self._legs[0][1:] != made_of[1:]:
            self._legs = made_of, leg_lines(basis.history, symbols, shown)
        return self._legs[1]

    def _now(self, pair: str) -> StoryNow:
        return self._stories.setdefault(pair, StoryNow())


def _window(figure: Figure) -> int:
    """The window of a spread in pp, in sessions; 0 of any other figure."""
    name = figure.id.removeprefix(pair_prefix(figure.pair))
    pieces = name.split(".")
    is_spread = len(pieces) == 3 and pieces[0] == "spread" and pieces[2] == "pp"
    return int(pieces[1]) if is_spread else 0


def _named(story: Story, prefix: str) -> Story:
    """The same with the ids that the figures of one of the more pairs have; a leg's and the Fed's stay."""

    def named(figure: str) -> str:
        return f"{prefix}{figure}" if figure.partition(".")[0] in ("spread", "relative_streak") else figure

    return Story(
        tuple(replace(level, figure=named(level.figure)) for level in story.levels),
        {key: replace(each, figure=named(each.figure)) for key, each in story.episodes.items()},
    )


def with_parts(snapshot: Snapshot, made: Mapping[Want, Made]) -> Snapshot:
    """The Snapshot with these parts, by what was wanted, each in its place."""
    story, pairs = snapshot.story, dict(snapshot.pairs)
    lines, explained = dict(snapshot.lines), dict(snapshot.explained)
    for want, part in made.items():
        if isinstance(part, Explanation):
            explained[want.of] = part
        elif isinstance(part, dict):
            lines |= part
        elif not want.of:
            story = part
        elif (view := pairs.get(want.of)) is not None:
            pairs[want.of] = replace(view, story=part)
    return replace(snapshot, story=story, pairs=pairs, lines=lines, explained=explained)


def all_of(parts: Iterable[Part], snapshot: Snapshot) -> list[Want]:
    """The wants of every one of these parts, of the pairs that the Snapshot has: a script asks for them."""
    shown = [pair for pair, view in snapshot.pairs.items() if view is not None]
    spreads = {"": snapshot.spread}
    spreads |= {pair_prefix(pair): view.spread for pair, view in snapshot.pairs.items() if view is not None}
    by_part = {
        Part.STORY: [Want(Part.STORY, pair) for pair in ("", *shown)],
        Part.LINE: [
            Want(Part.LINE, f"{prefix}spread.{k}.pp")
            for prefix, spread in spreads.items()
            for k in spread.windows
        ],
        Part.LEGS: [Want(Part.LEGS)],
    }
    return [want for part in parts for want in by_part[part]]
