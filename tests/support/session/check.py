"""Is each figure on each surface the oracle's, or marked? One check after every step of a session.

A leg that is not LIVE, CLOSED or PROVISIONAL is marked; so is a figure that rests on one. A figure that is
unknown (None, —) is not claimed. Nothing else may differ from the oracle but for the allowances named here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rotation.market.auction import AUCTION_NS
from rotation.quote import MINUTE_NS, NS
from rotation.sessions import last_closed, phase_at
from rotation.status import BAD, Kind
from tests.support.core_oracle import difference
from tests.support.core_worlds import plain
from tests.support.session import surfaces
from tests.support.session.desk import DESK, LEGS
from tests.support.session.oracle import Settled
from tests.support.session.tape import REGULAR

if TYPE_CHECKING:
    from datetime import date

    from rotation.snapshot import Leg
    from tests.support.session.world import World

OLD_S, THIN_S = 31, 901
"""While a vendor is silent a price is LIVE for as long as any may be old: 30 s in the session, 15 minutes
before and after it; and a tick."""
OPENING_S = 31
"""After the opening bell yesterday's close is CLOSED until a first print must have come."""
LISTED_S = 2
"""From a history that comes to the snapshot that rests on it."""
SPLIT_S = 960
"""A split that is still listed when history has been restated is looked at again every 15 minutes."""
RECOVERS_S = 240
"""After a fault everything is as good as before: a back-off ends within a minute, bars come at their ends."""
AHEAD_S = 2
"""A print that was sent ahead of its time is let in with the first tick after it."""
APART_S = 60
SAMPLE = 25
"""One step in so many is also read from the surfaces, and each one in which something is marked anew."""


class Check:
    """Given to ``World.on_step``."""

    def __init__(self) -> None:
        self._settled: dict[tuple[int, date], Settled] = {}
        self._rows: list[Any] = []
        self.counts: Counter[str] = Counter()
        """Of legs and steps: how many were claimed, marked and unknown."""
        self._kinds: tuple[Kind, ...] = ()

    def __call__(self, world: World) -> None:
        self.world = world
        self.now_ns = world.now_ns
        self.snapshot = world.desk.snapshot
        session = self.snapshot.session
        if session is None:
            raise self.failed("no session is shown")
        oracle = self._oracle(session)
        for symbol in LEGS:
            leg = self.snapshot.legs.get(symbol)
            if leg is not None:
                self._leg(symbol, leg, oracle)
        self._pair(oracle)
        self._recovered()
        kinds = tuple(leg.status.kind for leg in self.snapshot.legs.values())
        if kinds != self._kinds or world.steps % SAMPLE == 0:
            self._kinds = kinds
            if wrong := surfaces.wrong(self.snapshot, world.desk.watch.line):
                raise self.failed(wrong)

    def failed(self, what: str) -> AssertionError:
        """Seed, moment and what happened before it."""
        world = self.world
        log = "\n  ".join([str(world.desk.stream.state.report.stats(world.desk.time.now())), *world.log])
        moment = self.snapshot.as_of.astimezone(surfaces.NEW_YORK)
        legs = {s: (leg.state, leg.last) for s, leg in self.snapshot.legs.items()}
        return AssertionError(
            f"seed {world.seed}, {world.session} {moment:%H:%M:%S}, in {world.fault or 'nothing'}: {what}\n"
            f"  {legs}\n  {self.snapshot.headline}\n  {log}"
        )

    # What is true

    def _oracle(self, session: date) -> Settled:
        """Of the closes that the desk has been given, before the session that it shows."""
        key = sum(c.at_ns <= self.now_ns for c in self.world.story.script), session
        if key not in self._settled:
            rows = self.world.settled_by(self.now_ns)
            self._settled[key] = Settled(rows, DESK, session, self.now_ns)
        return self._settled[key]

    def _just_listed(self) -> bool:
        """History has come within the last seconds."""
        return any(0 <= self.now_ns - c.at_ns <= LISTED_S * NS for c in self.world.story.script)

    def _just_arrived(self) -> bool:
        """The time of a print that was ahead has just come."""
        return self.now_ns - self.world.arrived_ns <= AHEAD_S * NS

    def _true_prices(self, symbol: str) -> set[float | None]:
        tape = self.world.tape
        old_s = OLD_S if phase_at(self.now_ns - OLD_S * NS) == "REGULAR" else THIN_S
        since_ns = self.now_ns - old_s * NS if self.world.is_silent else self.now_ns
        since_ns = self.now_ns - AHEAD_S * NS if self._just_arrived() else since_ns
        return tape.recent(symbol, since_ns)

    # Legs

    def _leg(self, symbol: str, leg: Leg, oracle: Settled) -> None:
        kind = leg.status.kind
        self._never_invented(symbol, leg, oracle)
        self._scale(symbol, kind)
        if kind in BAD:
            self.counts["marked"] += 1
            return
        if kind is Kind.CLOSED:
            self._closed(symbol, leg, oracle)
        else:
            self._print(symbol, leg)
        self.counts["claimed"] += 1
        if self._just_listed():
            return
        value = leg.last if leg.session == self.snapshot.session else None
        is_official = kind is Kind.CLOSED and value is not None
        wanted = oracle.leg(symbol, value, is_official)
        shown = {name: plain(getattr(leg, name)) for name in ("return_pct", "streak", "since")}
        for name, figures in shown.items():
            if wrong := difference(figures, wanted[name], f"{symbol}.{name}"):
                raise self.failed(wrong)

    def _never_invented(self, symbol: str, leg: Leg, oracle: Settled) -> None:
        """Marked or not: no price that nobody has ever sent, and none that never was."""
        closes = {oracle.last[symbol][1], oracle.official.get(symbol)}
        if leg.last is not None and leg.last not in self.world.tape.ever.get(symbol, set()) | closes:
            raise self.failed(f"{symbol} {leg.last} never was")

    def _scale(self, symbol: str, kind: Kind) -> None:
        """A leg whose history is on another scale is marked from the moment when that can be known."""
        first_ns, last_ns = self.world.story.scale_unknown.get(symbol, (0, 0))
        if self.world.is_unlisted and kind is Kind.CLOSED:
            return  # yesterday's close, before a print is believed that shows the split
        is_today = self.snapshot.session == self.world.session
        if is_today and first_ns + LISTED_S * NS < self.now_ns < last_ns and kind not in BAD:
            raise self.failed(f"{symbol} is {kind} on the scale of before its split")

    def _closed(self, symbol: str, leg: Leg, oracle: Settled) -> None:
        """The official close of the latest session, and none is open."""
        opening = phase_at(self.now_ns) == "REGULAR" and self.now_ns - self.world.opens_ns <= OPENING_S * NS
        if phase_at(self.now_ns) == "REGULAR" and not opening:
            raise self.failed(f"{symbol} is CLOSED in an open session")
        latest = last_closed(self.now_ns) if not opening else leg.session
        if leg.session != latest:
            raise self.failed(f"{symbol} is CLOSED with the close of {leg.session}")
        official = oracle.official.get(symbol)
        close = official if leg.session == self.snapshot.session else oracle.last[symbol][1]
        if leg.last != close and not self._just_listed():
            raise self.failed(f"{symbol} {leg.last} is CLOSED, the official close is {close}")

    def _print(self, symbol: str, leg: Leg) -> None:
        """LIVE or PROVISIONAL: the tape's last, and the tape's range."""
        world, kind = self.world, leg.status.kind
        if leg.status.auction_missing:
            self._auction_missing(symbol, kind)
        elif leg.last not in self._true_prices(symbol):
            raise self.failed(
                f"{symbol} {leg.last} is {kind}, the tape's last is {self._true_prices(symbol)}"
            )
        ours_ns = self.now_ns + world.desk.time.skew_ns
        if (kind is Kind.PROVISIONAL) != (ours_ns > world.closes_ns) and ours_ns != world.closes_ns:
            raise self.failed(f"{symbol} is {kind}")
        age_s = leg.age_s or 0.0
        most_s = OLD_S if phase_at(ours_ns - OLD_S * NS) == phase_at(ours_ns) == "REGULAR" else THIN_S
        if kind is Kind.LIVE and age_s > most_s:
            raise self.failed(f"{symbol} is LIVE and {age_s:.0f} s old")
        is_late = world.is_silent or self._just_arrived()
        if not is_late and (leg.status.auction_missing or not leg.status.range_incomplete):
            self._late(symbol, leg)
        if leg.status.range_incomplete:
            self.counts["range marked"] += 1
            return
        if is_late:
            return
        day = world.tape.day(symbol, REGULAR)
        volume = (day.volume or None) if world.story.feed == "sip" else None
        wanted = {"high": day.high, "low": day.low, "volume": volume}
        shown = {name: getattr(leg, name) for name in wanted}
        if wrong := difference(shown, wanted, symbol):
            raise self.failed(wrong)

    def _auction_missing(self, symbol: str, kind: Kind) -> None:
        """Only after the bell, and never of an auction that was handed over as such."""
        if kind is not Kind.PROVISIONAL or symbol in self.world.auctions_sent:
            raise self.failed(f"{symbol} is {kind} and said to lack its closing auction")
        self.counts["without auction"] += 1

    def _late(self, symbol: str, leg: Leg) -> None:
        """The last trade after hours; it may be unknown while a bar mixes it with the closing auction."""
        post = self.world.tape.day(symbol, "POST").last
        may_be_mixed = post is None or post.ts_ns < self.world.closes_ns + AUCTION_NS
        if leg.extended is None and may_be_mixed:
            return
        if wrong := difference(leg.extended, post.price if post else None, f"{symbol}.extended"):
            raise self.failed(wrong)

    # The pair

    def _pair(self, oracle: Settled) -> None:
        legs = [self.snapshot.legs.get(symbol) for symbol in (DESK.base, DESK.against)]
        base, against = legs
        spread, ratio = self.snapshot.spread, self.snapshot.ratio
        if base is None or against is None:
            return
        worst = max((leg.status.kind for leg in (base, against)), key=lambda kind: kind.severity)
        for name, status in (("spread", spread.windows["5"].status), ("ratio", ratio.status)):
            if status is None or status.kind is not worst:
                raise self.failed(f"the {name} is {status}, its worse leg {worst}")
        if worst in BAD:
            return
        ages = [leg.status.as_of for leg in (base, against)]
        assert ages[0] is not None
        assert ages[1] is not None
        gap_s = abs((ages[0] - ages[1]).total_seconds())
        status = ratio.status
        if phase_at(self.now_ns) == "REGULAR" and gap_s > APART_S and not (status and status.apart):
            raise self.failed(f"prices {gap_s} s apart give a spread without ≈")
        if self._just_listed():
            return
        values = [leg.last if leg.session == self.snapshot.session else None for leg in (base, against)]
        is_official = all(
            leg.status.kind is Kind.CLOSED and leg.session == self.snapshot.session for leg in (base, against)
        )
        wanted = oracle.spread(*values, is_official)
        windows = {
            k: {name: plain(getattr(w, name)) for name in wanted["windows"][k]}
            for k, w in spread.windows.items()
        }
        shown = {"relative_streak": plain(spread.relative_streak), "windows": windows}
        if wrong := difference(shown, wanted, "spread"):
            raise self.failed(wrong)
        if wrong := difference(ratio.value, oracle.ratio(*values), "ratio.value"):
            raise self.failed(wrong)
        if self.world.steps % SAMPLE == 0 and not any(leg.status.range_incomplete for leg in (base, against)):
            self._path(oracle)

    def _path(self, oracle: Settled) -> None:
        """The line of the day, minute by minute."""
        if self.world.is_silent or self.snapshot.session != self.world.session:
            return
        upper, lower = (self.world.tape.path(symbol) for symbol in (DESK.base, DESK.against))
        b = a = None
        wanted = []
        for minute in sorted({*upper, *lower}):
            b, a = upper.get(minute, b), lower.get(minute, a)
            if b and a:
                wanted.append((minute, oracle.ratio(b, a)))
        shown = self.snapshot.ratio.intraday
        if not {DESK.base, DESK.against} <= self.world.auctions_sent:
            # A lost auction is no point of the line, though the official close says later what it was.
            bell = (self.world.closes_ns - self.world.opens_ns) // MINUTE_NS
            shown = tuple(point for point in shown if point[0] <= bell)
            wanted = [point for point in wanted if point[0] <= bell]
        if wrong := difference(shown, tuple(wanted), "ratio.intraday"):
            raise self.failed(wrong)

    def _recovered(self) -> None:
        """A mark that never goes away would make all of this true."""
        world = self.world
        calm = not world.fault and self.now_ns - world.quiet_since_ns > RECOVERS_S * NS
        in_session = world.opens_ns + OPENING_S * NS < self.now_ns < world.closes_ns
        if not calm or not in_session:
            return
        for symbol in (DESK.base, DESK.against):
            leg = self.snapshot.legs.get(symbol)
            first_ns, last_ns = world.story.scale_unknown.get(symbol, (0, 0))
            last = world.tape.current(symbol)
            is_old = last is None or self.now_ns - last.ts_ns > (OLD_S - 1) * NS
            if is_old or first_ns <= self.now_ns <= last_ns + SPLIT_S * NS:
                continue
            if leg is None or leg.status.kind is not Kind.LIVE or leg.status.range_incomplete:
                raise self.failed(f"{symbol} is still marked, {leg.status if leg else None}")
