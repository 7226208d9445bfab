"""The commands that have a module of their own, and what ``--help`` says of each without importing it."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a command is, and what it does."""

    module: str
    says: str
    """The first sentence of its help; a test holds it against the command's own."""


_FIGURES = "tui.cli.figures"
COMMANDS = {
    "alerts": Place("tui.cli.alerts", "Set, list, test and watch alerts on figures."),
    "config": Place("tui.cli.config", "The configuration file, vendor keys, and where everything is stored."),
    "contributions": Place(
        "tui.cli.contributions", "Print which members and sectors make the move of FUND and of the spread."
    ),
    "doctor": Place("tui.cli.doctor", "Check this installation and say what to do about problems."),
    "episodes": Place(
        _FIGURES, "Print what followed when a series was as extreme as now: history, not a forecast."
    ),
    "explain": Place(
        _FIGURES, "Print what a figure rests on: definition, formula, and inputs with dates and sources."
    ),
    "fed": Place(
        "tui.cli.fed", "Probabilities of rate cuts, holds and hikes from 30-Day Fed Funds futures (ZQ)."
    ),
    "figures": Place(_FIGURES, "List every figure by its id, with unit and definition."),
    "history": Place("tui.cli.history", "Daily closes, on which all settled figures rest."),
    "host": Place(
        "tui.ssh.command", "Serve the desk over SSH: one process and one set of feeds for many viewers."
    ),
    "hub": Place(
        "tui.cli.hub.command",
        "Read the vendors and publish to the NATS server named by --nats, until Ctrl+C.",
    ),
    "levels": Place(_FIGURES, "Print the prices of the base leg at which a statement changes."),
    "lists": Place(
        "tui.cli.lists.command", "Groups of legs, and watch lists: w on the screen goes through these."
    ),
    "macro": Place(
        "tui.cli.fed",
        "Treasury yields, inflation, jobs, what is published next, and the banks, now or as of an instant.",
    ),
    "members": Place("tui.cli.members", "Members of the indices, on which breadth and contributions rest."),
    "record": Place("tui.cli.record", "Record the feeds to a tape until Ctrl+C."),
    "snapshot": Place("tui.cli.root.snapshot", "Print every figure as of one instant."),
    "watch": Place(
        "tui.cli.root.snapshot",
        "Stream one JSON line per change, for scripts; or one sentence, for screen readers.",
    ),
}
