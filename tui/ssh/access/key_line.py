"""One line of authorized_keys, as sshd reads it. What is not understood refuses the line. Pure."""

from __future__ import annotations

import re
import time
from calendar import timegm
from typing import NamedTuple

import asyncssh
import msgspec

from tui.ssh.access import sources

COMMANDS = ("status", "status --json", "snapshot", "headline")
"""The commands that ``command="…"`` may name."""
_OPTION = re.compile(r'(?P<name>[A-Za-z0-9-]+)(?:="(?P<value>(?:\\"|[^"])*)")?(?P<end>,|[ \t]+)')
_FLAGS = {"cert-authority", "restrict", "pty", "no-pty"}
_VALUES = {"command", "from", "principals", "expiry-time"}
_GRANTS_NOTHING = {
    "agent-forwarding", "environment", "no-agent-forwarding", "no-port-forwarding", "no-touch-required",
    "no-user-rc", "no-x11-forwarding", "permitlisten", "permitopen", "port-forwarding", "tunnel", "user-rc",
    "x11-forwarding",
}  # fmt: skip
"""Options of sshd that neither limit nor grant anything here."""
_TIMES = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Digits of an ``expiry-time`` → its form."""


class KeyLineError(ValueError):
    """A line that lets nobody in; the message says why."""


class KeyOptions(msgspec.Struct, frozen=True):
    """What a line allows, and what it demands."""

    allows_terminal: bool = True
    command: str | None = None
    """The only command of the key; None for no limit."""
    sources: tuple[str, ...] | None = None
    """Where the client must be (``tui.ssh.access.sources``); None for anywhere."""
    expires_at: float | None = None
    """When the key stops being valid, UTC seconds since 1970; None for never."""
    is_authority: bool = False
    """Whether the line is about certificates that this key has signed, not about the key itself."""
    principals: tuple[str, ...] | None = None
    """Names of which a certificate must have one; None: it must have the user name of the client."""


class KeyLine(NamedTuple):
    """A line that was understood."""

    key: asyncssh.SSHKey
    options: KeyOptions
    comment: str


def parse(line: str) -> KeyLine:
    """Return what a line says; it is neither blank nor a comment. Raises KeyLineError."""
    key = _key(line)
    if key is not None:
        return KeyLine(key, KeyOptions(), _comment(key))
    options, rest = _options(line)
    key = _key(rest)
    if key is None:
        raise KeyLineError("no valid public key; expected options, key type, key and comment")
    return KeyLine(key, _understood(options), _comment(key))


def _key(text: str) -> asyncssh.SSHKey | None:
    try:
        return asyncssh.import_public_key(text)
    except (asyncssh.KeyImportError, ValueError):
        return None


def _comment(key: asyncssh.SSHKey) -> str:
    return key.get_comment(errors="replace") or ""


def _options(line: str) -> tuple[list[tuple[str, str | None]], str]:
    """Return the options at the head of a line, names in lower case, and what follows them."""
    options: list[tuple[str, str | None]] = []
    at = 0
    while match := _OPTION.match(line, at):
        value = match["value"]
        options.append((match["name"].lower(), None if value is None else value.replace('\\"', '"')))
        at = match.end()
        if match["end"] != ",":
            return options, line[at:]
    raise KeyLineError("neither a public key nor options that are followed by one")


def _understood(options: list[tuple[str, str | None]]) -> KeyOptions:
    understood = KeyOptions()
    names = set()
    for name, value in options:
        if name in names:
            raise KeyLineError(f"option {name} is given twice")
        names.add(name)
        if name in _VALUES:
            if not value:
                raise KeyLineError(f'option {name} needs a value: {name}="…"')
            understood = msgspec.structs.replace(understood, **_limit(name, value))
        elif name not in _FLAGS | _GRANTS_NOTHING:
            raise KeyLineError(f"unknown option {name}")
        elif name in _FLAGS and value is not None:
            raise KeyLineError(f"option {name} takes no value")
    if "principals" in names and "cert-authority" not in names:
        raise KeyLineError("option principals needs cert-authority")
    return msgspec.structs.replace(
        understood,
        # As in sshd: ``pty`` takes back what ``restrict`` forbids; ``no-pty`` is final.
        allows_terminal="no-pty" not in names and ("restrict" not in names or "pty" in names),
        is_authority="cert-authority" in names,
    )


def _limit(name: str, value: str) -> dict[str, object]:
    """Return the fields of KeyOptions that an option with a value sets. Raises KeyLineError."""
    if name == "expiry-time":
        return {"expires_at": _time(value)}
    if name == "command":
        if value not in COMMANDS:
            raise KeyLineError(f"unknown command {value!r}; available: {', '.join(COMMANDS)}")
        return {"command": value}
    parts = tuple(part.strip() for part in value.split(","))
    if "" in parts:
        raise KeyLineError(f"option {name} has an empty entry")
    if name == "principals":
        return {"principals": parts}
    try:
        sources.check(parts)
    except ValueError as error:
        raise KeyLineError(f"option from: {error}") from error
    return {"sources": parts}


def _time(text: str) -> float:
    """Return UTC seconds: YYYYMMDD[HHMM[SS]], in UTC if a Z follows, else in the machine's time zone."""
    digits = text.removesuffix("Z")
    try:
        parts = time.strptime(digits, _TIMES[len(digits)])
    except (KeyError, ValueError):
        raise KeyLineError(f"expiry-time {text!r} is not YYYYMMDD[HHMM[SS]][Z]") from None
    return float(timegm(parts)) if text.endswith("Z") else time.mktime(parts)
