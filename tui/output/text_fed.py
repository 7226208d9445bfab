"""The rate-cut part of the text snapshot, from the panel's own figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.panels.fed.figures import ENGINES, MEETINGS, details, share, stop
from tui.panels.fed.next import head, past
from tui.view.draw import clean, wrap
from tui.view.marks import unmarked
from tui.view.table import lines

if TYPE_CHECKING:
    from datetime import datetime

    from rotation.fed.figures import Fed
    from tui.view.draw import Row

WIDTH = 100
LABEL = "Fed decision "


def text(fed: Fed | None, as_of: datetime) -> list[str]:
    """Lines of at most 100 columns; none where there is no source."""
    if fed is None:
        return []
    odds = "   ".join(
        f"{way} {share(p)} %" for way, p in (("cut", fed.cut), ("hold", fed.hold), ("hike", fed.hike))
    )
    first, second = map(_plain, head(fed, as_of, WIDTH - len(LABEL)))
    warnings = (f"! {warning}" for warning in fed.warnings)
    output = ["", *(line for warning in warnings for line in wrap(clean(warning), WIDTH, 5))]
    output += [LABEL + first, second]
    output += [odds, _plain(past(fed, WIDTH, unmarked))]
    output += map(_plain, lines(MEETINGS, (m for m in fed.meetings if m.state != "unsolved"), WIDTH))
    output += [_plain(stop(fed, WIDTH))] if fed.stopped_at else []
    output += map(_plain, lines(ENGINES, fed.engines.items(), WIDTH))
    notes = (clean(details(engine)) for engine in fed.engines.items())
    return [*output, *(f"  {line}" for note in notes if note for line in wrap(note, WIDTH - 2, 3))]


def _plain(row: Row) -> str:
    return "".join(text for text, _ in row)
