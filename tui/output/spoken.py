"""What has changed on the desk, a sentence a change: for screen readers, and for whoever reads a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.market.headline import RECENT_DAYS
from rotation.status import BAD, Kind
from rotation.text import counted, day
from rotation.wording import connection_words, word
from tui.view.ascii import plain
from tui.view.draw import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from rotation.snapshot import Leg, SincePct, SincePp, Snapshot, Spread

WINDOW = "5"
DAY_STEP, STEP = 0.1, 0.25
"""Percent or points that a figure has to move before it is spoken again: of the day, and over sessions."""
FED_STEP = 1.0
"""In percent."""
GOOD = frozenset({Kind.LIVE, Kind.DEMO, Kind.REPLAY})
"""Kinds of the odds that need no word: nothing is wrong, or the first sentence names it."""
PHASES = {
    "PRE": "Pre-market trading.",
    "REGULAR": "The exchange is open.",
    "POST": "The exchange has closed; after-hours trading.",
    "CLOSED": "The exchange is closed.",
}


class _Topic(NamedTuple):
    """Something of which one sentence can be said."""

    subject: str
    sentence: str
    state: object = None
    """What has to differ for another sentence; None: the sentence itself."""
    value: float = 0.0
    step: float = 0.0
    """Or by how much the value has to."""
    is_first_news: bool = True
    """Whether it is said when it is met for the first time."""


class Speaker:
    """Remembers what it last spoke of each subject; what moves by less than a step is not repeated."""

    def __init__(self) -> None:
        """Nothing has been spoken yet."""
        self._spoken: dict[str, tuple[object, float]] = {}
        self._newest_event = 0

    def sentences(self, snapshot: Snapshot) -> list[str]:
        """The new sentences, in ASCII; at first all there are."""
        new = [topic.sentence for topic in _topics(snapshot) if self._is_news(topic)]
        for event in snapshot.events:
            if event.seq > self._newest_event:
                self._newest_event = event.seq
                new.append(f"{event.kind.value.capitalize()}: {event.text.rstrip('.')}.")
        return [plain(clean(" ".join(sentence.split()))) for sentence in new if sentence]

    def _is_news(self, topic: _Topic) -> bool:
        state = topic.sentence if topic.state is None else topic.state
        before = self._spoken.get(topic.subject)
        if before is not None and before[0] == state and not (0 < topic.step <= abs(topic.value - before[1])):
            return False
        self._spoken[topic.subject] = (state, topic.value)
        return before is not None or topic.is_first_news


def _topics(snapshot: Snapshot) -> Iterator[_Topic]:
    if snapshot.mode:
        yield _Topic("mode", f"This is a {snapshot.mode.lower()}, not the market now.")
    connection = snapshot.connection
    words = connection_words(connection, snapshot.as_of)
    state = (connection.kind, connection.settled, connection.symbols, connection.source) if connection else ()
    yield _Topic("connection", f"Prices: {words}." if words else "", state)
    yield _Topic("phase", PHASES[snapshot.phase])
    if snapshot.session:
        yield _Topic("session", f"Session of {day(snapshot.session)}.")
    for symbol, leg in snapshot.legs.items():
        yield from _leg(symbol, leg, snapshot.session)
    yield from _spread(snapshot.spread, snapshot.session)
    fed = snapshot.fed
    if fed is not None and fed.cut is not None and fed.meetings:
        percent = 100 * fed.cut
        kind = fed.status.kind if fed.status else Kind.OFFLINE
        worth = "" if kind in GOOD else f" ({word(fed.status) if fed.status else kind.value})"
        sentence = f"A Fed cut on {day(fed.meetings[0].date)} is priced at {percent:.0f} percent{worth}."
        yield _Topic("fed", sentence, (fed.meetings[0].date, kind), percent, FED_STEP)


def _leg(symbol: str, leg: Leg, session: date | None) -> Iterator[_Topic]:
    is_bad = leg.status.kind in BAD
    bad, good = f"{symbol}: the price is {word(leg.status)}.", f"{symbol} has good prices again."
    state = leg.status.kind if is_bad else "good"
    yield _Topic(f"{symbol} status", bad if is_bad else good, state, is_first_news=is_bad)
    pct, over = leg.return_pct["1"], leg.return_pct[WINDOW]
    if leg.last is not None and pct is not None:
        sentence = f"{symbol} {leg.last:.2f}, {_way(pct)} percent on the day."
        yield _Topic(f"{symbol} day", sentence, leg.session, pct, DAY_STEP)
    run = leg.streak.with_today
    if run:
        way = "risen" if run > 0 else "fallen"
        today = ", today included" if leg.streak.provisional else ""
        yield _Topic(f"{symbol} run", f"{symbol} has {way} for {counted(abs(run), 'session')}{today}.")
    if over is not None:
        rarity = _since(leg.since[WINDOW], session)
        sentence = f"{symbol} is {_way(over)} percent over {WINDOW} sessions{rarity}."
        yield _Topic(f"{symbol} {WINDOW}", sentence, rarity, over, STEP)


def _spread(spread: Spread, session: date | None) -> Iterator[_Topic]:
    for k, over, step in (("1", "today", DAY_STEP), (WINDOW, f"over {WINDOW} sessions", STEP)):
        window = spread.windows[k]
        if window.pp is None:
            continue
        is_apart = window.status is not None and window.status.apart
        rarity = "" if is_apart or k != WINDOW else _since(window.since, session)
        side = "ahead of" if window.pp >= 0 else "behind"
        gap = f"{'about ' if is_apart else ''}{abs(window.pp):.1f} points {side} {spread.against}"
        sentence = f"{spread.base} is {gap} {over}{rarity}."
        yield _Topic(f"spread {k}", sentence, (is_apart, rarity), window.pp, step)
    run = spread.relative_streak.with_today
    if run:
        first, second = (spread.base, spread.against) if run > 0 else (spread.against, spread.base)
        yield _Topic("relative run", f"{first} has beaten {second} for {counted(abs(run), 'session')}.")


def _way(value: float) -> str:
    return f"{'down' if value < 0 else 'up'} {abs(value):.1f}"


def _since(since: SincePct | SincePp | None, session: date | None) -> str:
    if since is None or session is None:
        return ""
    if since.date is None:
        return f", a record since {day(since.first_date)}" if since.first_date else ""
    return f", the most since {day(since.date)}" if (session - since.date).days > RECENT_DAYS else ""
