"""What a person asked for on the command line and in the configuration file: which desk to open."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from rotation.alerts.target import AlertSettings
from rotation.desk import STALE_AFTER_S, LegList, PairOptions, Universe


class Wanted(msgspec.Struct, frozen=True):
    """What a person asked for on the command line."""

    history: Path | None = None
    """A folder (or file) of daily closes; None means the stored history."""
    tapes: tuple[Path, ...] = ()
    demo: bool = False
    at: str | None = None
    """An instant or a session, as typed; None means now."""
    at_option: str = "--at"
    """The option by which it was given, for errors."""
    speed: float = 1.0
    pair: tuple[str, str] = ("IWM", "QQQ")
    pairs: tuple[tuple[str, str], ...] = ()
    """More pairs, which can be shown in its place."""
    pair_options: tuple[PairOptions, ...] = ()
    """What some of them have of their own."""
    universes: tuple[Universe, ...] = ()
    """Lists of shares of the person's own, of which breadth is counted."""
    lists: tuple[LegList, ...] = ()
    """Groups and watch lists, whose symbols are legs too."""
    legs: tuple[str, ...] = ()
    """The legs beside the pair; none: the usual ones, and what else history holds."""
    value_growth: tuple[str, str] = ("IWN", "IVW")
    benchmark: str | None = None
    """What the rotation graph compares with, a leg then; None: the usual one where it is a leg."""
    returns: str = "price"
    leg_gap_s: float = 60.0
    """Seconds by which the prices of the pair may differ in time."""
    stale_s: float = STALE_AFTER_S
    """Seconds without a print after which a live price is STALE."""
    windows: tuple[int, ...] = ()
    """Return windows in sessions that are shown; none: the usual ones."""
    leg_returns: tuple[int, ...] = ()
    """Those of them that legs have a column of; none: all."""
    stays: bool = True
    """Whether to wait for a seek at the end of a tape instead of ending."""
    unasked_demo: bool = True
    """Whether the demo may stand in when there is nothing else to show; never for a host of viewers."""
    offline: bool = False
    """Use no source on the network."""
    feed: str = "auto"
    """The source of the quotes; "auto" chooses one. Several with commas between: in order of preference."""
    nats: str = ""
    """With the feed "nats": where the NATS server of a hub is."""
    nats_creds: Path | None = None
    nats_nkey: Path | None = None
    nats_ca: Path | None = None
    nats_cert: Path | None = None
    nats_key: Path | None = None
    hub_tape: bool = False
    """Whether to play the tape that a hub has written to its NATS server."""
    hub_day: date | None = None
    """Of which day; None means the newest."""
    from_start: bool = False
    """Whether to record a hub's tape from the oldest that its server has."""
    story: bool = False
    """Whether one snapshot is to have levels and episodes, of every pair."""
    lines: bool = False
    """Whether it is to have every spread over the years, and a year of every leg."""
    ask_members: bool = False
    """Whether prices of the funds' members are asked for too, for breadth of today."""
    alerts: AlertSettings = AlertSettings()
    """The alerts and their targets; a host has none."""
    closures: tuple[date, ...] | None = None
    """Days on which the exchange is closed beside those that the calendar knows, for ``reopen``; None: those
    of now."""

    def named(self) -> set[str]:
        """The symbols of figures that a person has named, beside those that are usual."""
        growth = () if self.value_growth == Wanted().value_growth else self.value_growth
        listed = (symbol for each in self.lists for symbol in each.symbols)
        paired = (symbol for pair in self.pairs for symbol in pair)
        benchmark = () if self.benchmark is None else (self.benchmark,)
        return {*self.pair, *self.legs, *growth, *listed, *paired, *benchmark}
