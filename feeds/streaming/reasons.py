"""Why a stream is in its state: kinds and numbers, never sentences. ``wording`` puts them in English."""

from __future__ import annotations

from enum import Enum, auto

import msgspec


class Why(Enum):
    """What happened, or is happening, to a connection."""

    CONNECTING = auto()
    AUTHENTICATING = auto()
    CLOSED = auto()
    """By the vendor; ``code`` is the websocket close code, None where the connection was cut."""
    HOST_NOT_FOUND = auto()
    NO_TLS = auto()
    REFUSED = auto()
    """Nothing listens at the address."""
    NO_ANSWER = auto()
    NOT_A_WEBSOCKET = auto()
    NO_SOCKS = auto()
    """A SOCKS proxy is configured and the package for it is missing."""
    UNREACHABLE = auto()
    """Any other failure to connect."""
    HTTP = auto()
    """The upgrade was answered with the HTTP status ``code``."""
    REDIRECT = auto()
    """The upgrade was answered with a redirect, the HTTP status ``code``; it is not followed."""
    BAD_ADDRESS = auto()
    """Its host or port cannot be used."""
    INTERNAL = auto()
    """An error of our own ended it."""
    VENDOR = auto()
    """The vendor sent an error; ``message`` is the vendor module's wording of it."""
    NO_PONG = auto()
    NO_AUTHENTICATION = auto()
    SEND_BLOCKED = auto()
    """The peer does not read: a message could not be handed over."""
    NOTHING_RECEIVED = auto()
    """No frame at all from a vendor that promises to send some at every hour."""
    NO_DATA = auto()
    NO_PRINT = auto()
    """No print of ``symbol``, which trades all the time."""
    PLANNED = auto()
    """Replaced in good order, before the opening bell."""


class Reason(msgspec.Struct, frozen=True):
    """Why there is no subscription, or why a connection was left."""

    why: Why
    seconds: float | None = None
    """How long it had been so."""
    code: int | None = None
    symbol: str = ""
    message: str = ""


class Jump(msgspec.Struct, frozen=True):
    """A price further than ``limit`` from the one before, held back until a second print confirms it.

    ``needs_snapshot``: until a snapshot by REST does, since two prints are not enough for so wide a jump.
    """

    price: float
    limit: float
    """A share of the price before: 0.1 for 10 %."""
    needs_snapshot: bool = False


class CorrectionsWait(msgspec.Struct, frozen=True):
    """The vendor's bars could not be fetched; the corrected symbols stay GAPPED."""

    error: str


class NoBars(msgspec.Struct, frozen=True):
    """The vendor has no bars to correct these symbols with: their prints stay as they are."""

    symbols: tuple[str, ...]
