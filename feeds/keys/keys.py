"""API keys: from the environment, else the system's keyring, else a file only its owner can read.

Whatever is found is also remembered as unspeakable: ``redact`` takes it out of any text that is about to be
logged or shown, should a library have put it there.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import InputError
from feeds.files.names import shown, shown_path
from feeds.keys.file import KeyFile
from feeds.keys.keyring import NoRingError, Ring, RingError, ring

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

PARTS = {
    "alpaca": ("key ID", "secret key"),
    "finnhub": ("API key",),
    "massive": ("API key",),
    "stooq": ("API key",),
    "tiingo": ("API key",),
    "databento": ("API key",),
}
"""Feeds and sources that need a key, and what it consists of."""
VARIABLES = {
    "alpaca": (
        ("ROTATION_TUI_ALPACA_KEY", "ROTATION_TUI_ALPACA_SECRET"),
        ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
    ),
    "databento": (("ROTATION_TUI_DATABENTO_KEY",), ("DATABENTO_API_KEY",)),
    "finnhub": (("ROTATION_TUI_FINNHUB_KEY",), ("FINNHUB_API_KEY",)),
    "massive": (("ROTATION_TUI_MASSIVE_KEY",), ("MASSIVE_API_KEY",), ("POLYGON_API_KEY",)),
    "stooq": (("ROTATION_TUI_STOOQ_KEY",), ("STOOQ_API_KEY",)),
    "tiingo": (("ROTATION_TUI_TIINGO_KEY",), ("TIINGO_API_KEY",)),
}
"""Environment variables, a name a part: our own first, then the vendors'."""

TARGET = "target."
"""Before the name of a target of alerts: its secret is kept like a feed's key."""
_TARGET_PARTS = ("token or address",)

_PART = re.compile(r"[!-~]{1,512}")
"""Anything else would break a header, and the library's error would quote it."""
_TELLING = 16
"""A shorter key is not identified by its last characters: four characters would be too much of it."""
_REDACTED = "•••"
_VEILED = 6
"""A shorter text stands in too many innocent words; no vendor's key is that short."""
_unspeakable: set[str] = set()


class Keys(msgspec.Struct, frozen=True):
    """The key of one feed. Neither its repr nor a debugger's pretty print shows it."""

    feed: str
    key: str
    """Alpaca's key ID, the others' API key."""
    secret: str
    """Alpaca's secret key; empty for the others."""
    source: str
    """Where it was found, in words."""

    def __repr__(self) -> str:
        return f"Keys({self.feed}, from {self.source})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("feed", self.feed), ("source", self.source)]

    @property
    def tail(self) -> str:
        """The last four characters of the first part, to tell keys apart; "" for a short one."""
        return self.key[-4:] if len(self.key) >= _TELLING else ""


def find(
    feed: str,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    keyring: Ring | None = None,
) -> Keys | None:
    """The key of a feed, or None; blocking, up to three seconds where a keyring does not answer.

    Raises InputError for a key that is only half there or cannot be one, and a file that others can read.
    """
    keys = _from_environment(feed, os.environ if environ is None else environ)
    if keys is None:
        keys = _from_ring(feed, keyring or ring())
    if keys is None:
        file = key_file(folder)
        parts = file.get(feed)
        keys = None if parts is None else keys_of(feed, parts, f"file {shown_path(file.path)}")
    return keys


def keys_of(feed: str, parts: tuple[str, ...], source: str) -> Keys:
    """The parts as Keys. Raises InputError, which quotes none of them, if they cannot be a key."""
    names = parts_of(feed)
    if len(parts) != len(names) or not all(parts):
        raise InputError(f"{source}: a key of {feed} needs its {' and its '.join(names)} — set it again")
    for name, part in zip(names, parts, strict=True):
        if not _PART.fullmatch(part):
            raise InputError(
                f"{source}: the {name} of {feed} contains spaces or invalid characters"
                " — copy it again from the vendor's page"
            )
    _unspeakable.update(part for part in parts if len(part) >= _VEILED)
    return Keys(feed, parts[0], parts[1] if len(parts) > 1 else "", source)


def remember(secret: str) -> str:
    """The same text, which ``redact`` takes out from now on: a key that ``find`` does not know of."""
    if len(secret) >= _VEILED:
        _unspeakable.add(secret)
    return secret


def secrets() -> frozenset[str]:
    """All keys that this process has seen, for who must find them in other forms too."""
    return frozenset(_unspeakable)


def redact(text: str) -> str:
    """The text without any key that this process has seen."""
    for part in sorted(_unspeakable, key=len, reverse=True):
        text = text.replace(part, _REDACTED)
    return text


def parts_of(feed: str) -> tuple[str, ...]:
    """What the key of a feed, or the secret of a target, consists of."""
    return _TARGET_PARTS if feed.startswith(TARGET) else PARTS[feed]


def variables_of(feed: str) -> tuple[tuple[str, ...], ...]:
    """The environment variables that may hold it: of target.phone ROTATION_TUI_TARGET_PHONE_SECRET."""
    if not feed.startswith(TARGET):
        return VARIABLES[feed]
    name = feed.removeprefix(TARGET).upper().replace("-", "_")
    return ((f"ROTATION_TUI_TARGET_{name}_SECRET",),)


def check_feed(feed: str) -> str:
    """The name of a feed that takes a key, or of a target of alerts. Raises InputError for another."""
    if re.fullmatch(rf"{re.escape(TARGET)}[a-z0-9_-]{{1,30}}", feed):
        return feed
    if feed.lower() not in PARTS:
        raise InputError(f"{shown(feed)!r} does not take a key — choose one of {', '.join(PARTS)}")
    return feed.lower()


def key_file(folder: Path | None = None) -> KeyFile:
    """The file of keys, in the user's config folder unless another is given."""
    if folder is None:
        from platformdirs import user_config_path  # noqa: PLC0415 - 20 ms that the first paint does not pay

        folder = user_config_path("rotation-tui")
    return KeyFile(folder)


def set_in(feed: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The environment variables that give this feed's key; empty where none is set."""
    for names in variables_of(feed):
        if any(environ.get(name, "").strip() for name in names):
            return names
    return ()


def _from_environment(feed: str, environ: Mapping[str, str]) -> Keys | None:
    names = set_in(feed, environ)
    if not names:
        return None
    parts = tuple(environ.get(name, "").strip() for name in names)
    return keys_of(feed, parts, f"environment {' and '.join(names)}")


def _from_ring(feed: str, keyring: Ring) -> Keys | None:
    try:
        text = keyring.get(feed)
    except RingError as error:
        # A server has none as a rule: a line for each key of each feed said nothing.
        level = logging.DEBUG if isinstance(error, NoRingError) else logging.INFO
        log.log(level, "keys of %s: %s; trying the next place", feed, error)
        return None
    return None if text is None else keys_of(feed, tuple(text.split("\n")), "keyring")
