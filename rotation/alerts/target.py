"""Where calls go, and what a receiver gets. Values only: ``feeds/alerts`` does the sending."""

from __future__ import annotations

from typing import Literal

import msgspec

from rotation.alerts.rule import Fired, Rule

SIGNALS = ("bell", "osc9", "osc777")
"""What the terminal that shows the desk can do by itself."""
DESKTOP = "desktop"
"""The notification of this machine's desktop; it needs no definition."""
TargetKind = Literal["json", "ntfy", "slack", "discord", "command", "desktop"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver of calls."""

    name: str
    kind: TargetKind
    url: str = ""
    """Address of a webhook; empty if the whole address is the secret."""
    command: tuple[str, ...] = ()
    """Argument vector of a command; no shell reads it."""
    timeout_s: float = 10.0
    """For one try of a webhook, or for a command from start to end."""


class AlertSettings(msgspec.Struct, frozen=True):
    """All that a person asks of alerts."""

    rules: tuple[Rule, ...] = ()
    """In the order of the file."""
    targets: tuple[Target, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    """Alerts on a symbol that the file does not name, and the message; history may have it."""
    places: dict[str, str] = {}
    """By the name of an alert where its condition stands: file, line and key."""


def call_id(fired: Fired) -> str:
    """``wide#3``: the same call has the same id however often it is sent."""
    return f"{fired.id}#{fired.n}"


def payload(fired: Fired, text: str) -> bytes:
    """What a command reads on stdin, and a generic webhook gets: one JSON object."""
    return msgspec.json.encode(
        {
            "id": call_id(fired),
            "name": fired.id,
            "condition": fired.condition,
            "session": fired.session,
            "at": fired.at,
            "values": fired.values,
            "n": fired.n,
            "text": text,
        }
    )
